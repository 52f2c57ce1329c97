/* backend_portable.c - plain C, one item at a time: every machine, and the reference that the others must equal. */
#define PC_ISA portable
#include "../vec/vec_portable.h"
#include "../hash/lanes_portable.h"
#define PC_BACKEND_LANES VL
#include "all.inc.h"
