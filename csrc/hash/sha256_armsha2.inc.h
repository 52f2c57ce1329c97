/* sha256_armsha2.inc.h - SHA-256 with FEAT_SHA256 of ARMv8-A (Arm ARM, DDI 0487, C7.2: SHA256H, SHA256H2, SHA256SU0, SHA256SU1), two
 * messages at a time (sha256_pair.inc.h). SHA256H gives the new a .. d, SHA256H2 the new e .. h, both from the old ones. */
#include <arm_neon.h>
#include <stdint.h>

typedef uint32x4_t sha256_quad;
typedef struct sha256_state {
    uint32x4_t abcd, efgh;
} sha256_state;

static inline sha256_state sha256_get(const uint32_t *words) {
    return (sha256_state){vld1q_u32(words), vld1q_u32(words + 4)};
}
static inline void sha256_put(uint32_t *words, sha256_state s) { vst1q_u32(words, s.abcd), vst1q_u32(words + 4, s.efgh); }
static inline sha256_state sha256_sum(sha256_state s, sha256_state t) {
    return (sha256_state){vaddq_u32(s.abcd, t.abcd), vaddq_u32(s.efgh, t.efgh)};
}
static inline sha256_state sha256_rounds(sha256_state s, sha256_quad wk) {
    return (sha256_state){vsha256hq_u32(s.abcd, s.efgh, wk), vsha256h2q_u32(s.efgh, s.abcd, wk)};
}
static inline sha256_quad sha256_extend(sha256_quad w0, sha256_quad w1, sha256_quad w2, sha256_quad w3) {
    return vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3);
}
static inline sha256_quad sha256_take(const uint32_t *words) { return vld1q_u32(words); }
static inline sha256_quad sha256_plus(sha256_quad w, const uint32_t *words) { return vaddq_u32(w, vld1q_u32(words)); }
static inline sha256_quad sha256_read(const uint8_t *p) { return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p))); }
static inline void sha256_write(uint8_t *p, sha256_quad w) { vst1q_u8(p, vrev32q_u8(vreinterpretq_u8_u32(w))); }

#include "sha256_pair.inc.h"
