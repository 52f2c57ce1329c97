/* backend_neonsha3.c - the lanes of Advanced SIMD with the three-input logic and the rotation of FEAT_SHA3 (lanes_neon.h). */
#define PC_ISA         neonsha3
#define PC_HASHES_ONLY 1
#include "../hash/lanes_neon.h"
#define PC_BACKEND_LANES LANES_MAX
#include "all.inc.h"
