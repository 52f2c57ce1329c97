/* backend_neon.c - Advanced SIMD of ARMv8-A: four or two messages at a time for the hashes. The curves stay with plain C: two
 * 32-bit products per instruction are less than one 64-bit multiplier gives. */
#define PC_ISA         neon
#define PC_HASHES_ONLY 1
#include "../hash/lanes_neon.h"
#define PC_BACKEND_LANES LANES_MAX
#include "all.inc.h"
