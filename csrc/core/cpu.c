/* cpu.c - CPU and operating system detection. The only file that knows feature bits, each with its source:
 *
 *   [SDM]  Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID (leaf, register, bit);
 *          volume 1, 13.2 - 13.3 and 14.3, 15.2-15.3: XGETBV and the XCR0 state bits that AVX and AVX-512 need
 *   [ARM]  Linux Documentation/arch/arm64/elf_hwcaps.rst and uapi/asm/hwcap.h (getauxval(AT_HWCAP)): a bit says that the
 *          instructions may be used at EL0, and a kernel without the registers' state sets none of them
 *   [MAC]  Apple Developer Documentation, Kernel, "Determining Instruction Set Characteristics" (sysctlbyname); the names before
 *          macOS 12 come second
 *   [AMD]  AMD64 Architecture Programmer's Manual, volume 3, appendix E.3.2: family and model of CPUID function 1; which
 *          models are which generation: Linux arch/x86/kernel/cpu/amd.c, bsp_init_amd
 */
#include "cpu.h"
#include "../pycore.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#    include <cpuid.h>

/* XCR0 by the instruction itself: the intrinsic would need -mxsave for this whole file. */
static uint64_t xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

#    define BIT(word, n) (((word) >> (n)) & 1u)

uint32_t pc_cpu_mask(void) {
    uint32_t a, b, c, d, mask = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    if (BIT(c, 9)) mask |= PC_CPU_SSSE3;  /* [SDM] leaf 1, ECX bit 9 */
    if (BIT(c, 19)) mask |= PC_CPU_SSE41; /* [SDM] leaf 1, ECX bit 19 */

    /* [SDM] leaf 1, ECX bit 27 (OSXSAVE): XGETBV may be used. XCR0 bits 1, 2: XMM, YMM; bits 5, 6, 7: opmask, ZMM. */
    uint64_t states = BIT(c, 27) ? xcr0() : 0;
    int ymm = (states & 0x06) == 0x06;
    int zmm = (states & 0xe6) == 0xe6;
    if (ymm && BIT(c, 28)) mask |= PC_CPU_AVX; /* [SDM] leaf 1, ECX bit 28 */
    if (ymm && BIT(c, 12)) mask |= PC_CPU_FMA; /* [SDM] leaf 1, ECX bit 12 */

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return mask;
    uint32_t subleaves = a;
    if (ymm && BIT(b, 5)) mask |= PC_CPU_AVX2;        /* [SDM] leaf 7.0, EBX bit 5 */
    if (BIT(b, 8)) mask |= PC_CPU_BMI2;               /* [SDM] leaf 7.0, EBX bit 8 */
    if (BIT(b, 19)) mask |= PC_CPU_ADX;               /* [SDM] leaf 7.0, EBX bit 19 */
    if (BIT(b, 29)) mask |= PC_CPU_SHA;               /* [SDM] leaf 7.0, EBX bit 29 */
    if (zmm && BIT(b, 16)) mask |= PC_CPU_AVX512F;    /* [SDM] leaf 7.0, EBX bit 16 */
    if (zmm && BIT(b, 17)) mask |= PC_CPU_AVX512DQ;   /* [SDM] leaf 7.0, EBX bit 17 */
    if (zmm && BIT(b, 21)) mask |= PC_CPU_AVX512IFMA; /* [SDM] leaf 7.0, EBX bit 21 */
    if (zmm && BIT(b, 30)) mask |= PC_CPU_AVX512BW;   /* [SDM] leaf 7.0, EBX bit 30 */
    if (zmm && BIT(b, 31)) mask |= PC_CPU_AVX512VL;   /* [SDM] leaf 7.0, EBX bit 31 */
    if (zmm && BIT(c, 1)) mask |= PC_CPU_AVX512VBMI;  /* [SDM] leaf 7.0, ECX bit 1 */
    if (BIT(c, 8)) mask |= PC_CPU_GFNI;               /* [SDM] leaf 7.0, ECX bit 8 */
    if (ymm && BIT(c, 9)) mask |= PC_CPU_VAES;        /* [SDM] leaf 7.0, ECX bit 9 */
    if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
        if (ymm && BIT(a, 0)) mask |= PC_CPU_SHA512; /* [SDM] leaf 7.1, EAX bit 0 */
        if (ymm && BIT(a, 1)) mask |= PC_CPU_SM3;    /* [SDM] leaf 7.1, EAX bit 1 */
    }
    return mask;
}

/* Whether leaf 0 gives this vendor: its first, second and third four characters are in EBX, EDX and ECX. */
static int vendor_is(const char *name) {
    uint32_t a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && memcmp(&b, name, 4) == 0 && memcmp(&d, name + 4, 4) == 0 &&
           memcmp(&c, name + 8, 4) == 0;
}

/* [AMD] family and model, each with its extension. Intel's by a feature, since hypervisors change models and not these: [SDM] leaf
 * 7.0, EDX bit 24, AMX-TILE, which no core before Golden Cove has, and of that kind only servers. */
pc_cpu_model pc_cpu_model_here(void) {
    uint32_t a, b, c, d;
    if (vendor_is("GenuineIntel"))
        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && BIT(d, 24) ? PC_CPU_MODEL_GOLDEN : PC_CPU_MODEL_OTHER;
    if (!vendor_is("AuthenticAMD") || !__get_cpuid(1, &a, &b, &c, &d)) return PC_CPU_MODEL_OTHER;
    const uint32_t base = a >> 8 & 0xf, family = base + (base == 0xf ? a >> 20 & 0xff : 0);
    const uint32_t model = (a >> 4 & 0xf) | (a >> 12 & 0xf0);
    if (family == 0x19 && (model <= 0x0f || (model >= 0x20 && model <= 0x5f))) return PC_CPU_MODEL_ZEN3;
    if (family == 0x1a && (model <= 0x2f || (model >= 0x40 && model <= 0x4f) || (model >= 0x60 && model <= 0x7f)))
        return PC_CPU_MODEL_ZEN5;
    return PC_CPU_MODEL_OTHER;
}

#elif defined(__aarch64__)
#    if defined(__linux__)
#        include <sys/auxv.h>
#    elif defined(__APPLE__)
#        include <sys/sysctl.h>

static int feature(const char *name, const char *old_name) {
    int value = 0;
    size_t size = sizeof value;
    if (sysctlbyname(name, &value, &size, NULL, 0) == 0) return value != 0;
    size = sizeof value;
    return sysctlbyname(old_name, &value, &size, NULL, 0) == 0 && value != 0;
}
#    endif

uint32_t pc_cpu_mask(void) {
    uint32_t mask = 0;
#    if defined(__linux__)
    unsigned long capabilities = getauxval(AT_HWCAP);
    if (capabilities >> 1 & 1) mask |= PC_CPU_NEON;        /* [ARM] HWCAP_ASIMD, bit 1 */
    if (capabilities >> 6 & 1) mask |= PC_CPU_ARM_SHA2;    /* [ARM] HWCAP_SHA2, bit 6 */
    if (capabilities >> 17 & 1) mask |= PC_CPU_ARM_SHA3;   /* [ARM] HWCAP_SHA3, bit 17 */
    if (capabilities >> 18 & 1) mask |= PC_CPU_ARM_SM3;    /* [ARM] HWCAP_SM3, bit 18 */
    if (capabilities >> 21 & 1) mask |= PC_CPU_ARM_SHA512; /* [ARM] HWCAP_SHA512, bit 21 */
    if (capabilities >> 22 & 1) mask |= PC_CPU_SVE;        /* [ARM] HWCAP_SVE, bit 22 */
#    elif defined(__APPLE__)
    /* [MAC] Advanced SIMD and SHA-256 are in every Mac of this architecture; no name is documented for SM3. */
    mask |= PC_CPU_NEON | PC_CPU_ARM_SHA2;
    if (feature("hw.optional.arm.FEAT_SHA512", "hw.optional.armv8_2_sha512")) mask |= PC_CPU_ARM_SHA512;
    if (feature("hw.optional.arm.FEAT_SHA3", "hw.optional.armv8_2_sha3")) mask |= PC_CPU_ARM_SHA3;
#    else
    mask |= PC_CPU_NEON; /* part of what every system for this architecture asks for */
#    endif
    return mask;
}

#else
uint32_t pc_cpu_mask(void) { return 0; }
#endif

#if !defined(__x86_64__) && !defined(__i386__)
pc_cpu_model pc_cpu_model_here(void) { return PC_CPU_MODEL_OTHER; }
#endif

static const struct {
    const char *name;
    uint32_t bit;
} features[] = {
#if defined(__aarch64__)
    {"neon", PC_CPU_NEON},     {"sha2", PC_CPU_ARM_SHA2}, {"sha512", PC_CPU_ARM_SHA512},
    {"sha3", PC_CPU_ARM_SHA3}, {"sm3", PC_CPU_ARM_SM3},   {"sve", PC_CPU_SVE},
#else
    {"ssse3", PC_CPU_SSSE3},
    {"sse4.1", PC_CPU_SSE41},
    {"avx", PC_CPU_AVX},
    {"avx2", PC_CPU_AVX2},
    {"fma", PC_CPU_FMA},
    {"bmi2", PC_CPU_BMI2},
    {"adx", PC_CPU_ADX},
    {"sha", PC_CPU_SHA},
    {"avx512f", PC_CPU_AVX512F},
    {"avx512bw", PC_CPU_AVX512BW},
    {"avx512dq", PC_CPU_AVX512DQ},
    {"avx512vl", PC_CPU_AVX512VL},
    {"avx512ifma", PC_CPU_AVX512IFMA},
    {"avx512vbmi", PC_CPU_AVX512VBMI},
    {"vaes", PC_CPU_VAES},
    {"gfni", PC_CPU_GFNI},
    {"sha512", PC_CPU_SHA512},
    {"sm3", PC_CPU_SM3},
#endif
};

void pc_cpu_names(uint32_t mask, char *text, size_t size) {
    size_t used = 0;
    if (size) text[0] = 0;
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (!(mask & features[i].bit) || used + 1 >= size) continue;
        int wrote = snprintf(text + used, size - used, "%s%s", used ? ", " : "", features[i].name);
        if (wrote > 0) used += (size_t)wrote;
    }
}

const char *pc_cpu_feature_at(int position, int *present) {
    if (position < 0 || (size_t)position >= sizeof features / sizeof features[0]) return NULL;
    if (present) *present = (pc_cpu_mask() & features[position].bit) != 0;
    return features[position].name;
}
