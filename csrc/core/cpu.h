/* cpu.h - what this CPU and operating system can run. */
#ifndef PC_CPU_H
#define PC_CPU_H
#include <stddef.h>
#include <stdint.h>

/* One bit per feature; a bit is set only when the operating system also saves the registers that the feature uses. */
enum {
    PC_CPU_SSSE3 = 1 << 0,
    PC_CPU_SSE41 = 1 << 1,
    PC_CPU_AVX = 1 << 2,
    PC_CPU_AVX2 = 1 << 3,
    PC_CPU_FMA = 1 << 4,
    PC_CPU_BMI2 = 1 << 5,
    PC_CPU_ADX = 1 << 6,
    PC_CPU_SHA = 1 << 7,
    PC_CPU_AVX512F = 1 << 8,
    PC_CPU_AVX512BW = 1 << 9,
    PC_CPU_AVX512DQ = 1 << 10,
    PC_CPU_AVX512VL = 1 << 11,
    PC_CPU_AVX512IFMA = 1 << 12,
    PC_CPU_AVX512VBMI = 1 << 13,
    PC_CPU_VAES = 1 << 14,
    PC_CPU_GFNI = 1 << 15,
    PC_CPU_SHA512 = 1 << 16,
    PC_CPU_SM3 = 1 << 17,
    PC_CPU_NEON = 1 << 18,
    PC_CPU_ARM_SHA2 = 1 << 19,
    PC_CPU_ARM_SHA512 = 1 << 20,
    PC_CPU_ARM_SHA3 = 1 << 21,
    PC_CPU_ARM_SM3 = 1 << 22,
    PC_CPU_SVE = 1 << 23
};

/* The mask of this machine. Pure: the same answer every time, no state. */
uint32_t pc_cpu_mask(void);

/* CPUs that rows of backend/preferences.def were measured on. OTHER is any other CPU, and NONE is no CPU at all. */
typedef enum pc_cpu_model {
    PC_CPU_MODEL_NONE,
    PC_CPU_MODEL_OTHER,
    PC_CPU_MODEL_ZEN3,
    PC_CPU_MODEL_ZEN5,
    PC_CPU_MODEL_GOLDEN /* Intel servers from Sapphire Rapids on, whose cores are Golden Cove and its successors */
} pc_cpu_model;
pc_cpu_model pc_cpu_model_here(void);

/* Writes the names of the features in mask, "avx2, fma"; what does not fit is cut off. */
void pc_cpu_names(uint32_t mask, char *text, size_t size);
#endif
