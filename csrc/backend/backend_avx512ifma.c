/* backend_avx512ifma.c - AVX-512 with 52-bit multiplication: eight items at a time for the curves, sixteen or eight for the hashes. */
#define PC_ISA avx512ifma
#include "../vec/vec_avx512ifma.h"
#include "../hash/lanes_avx512.h"
#define PC_BACKEND_LANES VL
#include "all.inc.h"
