/* backend_avx2.c - AVX2 with FMA: four items at a time for the curves, eight or four for the hashes. */
#define PC_ISA avx2
#include "../vec/vec_avx2.h"
#include "../hash/lanes_avx2.h"
#define PC_BACKEND_LANES VL
#include "all.inc.h"
