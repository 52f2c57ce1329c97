/* sha256_shani.inc.h - SHA-256 with the SHA extensions of x86 (Intel SDM, volume 2: SHA256RNDS2, SHA256MSG1, SHA256MSG2), two
 * messages at a time (sha256_pair.inc.h).
 *
 * The instructions want the state as ABEF and CDGH (A and C in the high words) and four message words at a time. */
#include <immintrin.h>
#include <stdint.h>

typedef __m128i sha256_quad;
typedef struct sha256_state {
    __m128i abef, cdgh;
} sha256_state;

static inline sha256_state sha256_get(const uint32_t *words) {
    __m128i dcba = _mm_loadu_si128((const __m128i *)words), hgfe = _mm_loadu_si128((const __m128i *)(words + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return (sha256_state){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

static inline void sha256_put(uint32_t *words, sha256_state s) {
    __m128i feba = _mm_shuffle_epi32(s.abef, 0x1b), dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)words, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(words + 4), _mm_alignr_epi8(dchg, feba, 8));
}

static inline sha256_state sha256_sum(sha256_state s, sha256_state t) {
    return (sha256_state){_mm_add_epi32(s.abef, t.abef), _mm_add_epi32(s.cdgh, t.cdgh)};
}

static inline sha256_state sha256_rounds(sha256_state s, sha256_quad wk) {
    s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, wk);
    s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(wk, 0x0e));
    return s;
}

static inline sha256_quad sha256_extend(sha256_quad w0, sha256_quad w1, sha256_quad w2, sha256_quad w3) {
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3);
}

static inline sha256_quad sha256_take(const uint32_t *words) { return _mm_loadu_si128((const __m128i *)words); }
static inline sha256_quad sha256_plus(sha256_quad w, const uint32_t *words) { return _mm_add_epi32(w, sha256_take(words)); }

static inline sha256_quad sha256_swap(sha256_quad w) {
    return _mm_shuffle_epi8(w, _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}
static inline sha256_quad sha256_read(const uint8_t *p) { return sha256_swap(_mm_loadu_si128((const __m128i *)p)); }
static inline void sha256_write(uint8_t *p, sha256_quad w) { _mm_storeu_si128((__m128i *)p, sha256_swap(w)); }

#include "sha256_pair.inc.h"
