/* list_isas.c - the rows of backends.def that this CPU and operating system can run, for the Makefile. */
#include "../core/cpu.h"
#include <stdio.h>

int main(void) {
    const uint32_t mask = pc_cpu_mask();
#define PC_BACKEND(name, machines, flags, needs, kernels)                                                                   \
    if ((mask & (uint32_t)(needs)) == (uint32_t)(needs)) puts(#name);
#include "../backend/backends.def"
    return 0;
}
