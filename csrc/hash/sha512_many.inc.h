/* sha512_many.inc.h - sha512_many and its Merkle levels over one build of the compression function: the includer defines
 * MANY_LANES, MANY_INDEX, MANY_BLOCKS, MANY_ROWS and MANY_EXPANDED as many.inc.h describes them. */
#include "padding.inc.h"
#include "sha512_constants.h"
#include "many_shared.h"

#define MANY          sha512
#define MANY_WORD     uint64_t
#define MANY_WORDS    8
#define MANY_BLOCK    128
#define MANY_DIGEST   64
#define MANY_INITIAL  sha512_initial
#define MANY_PAD      hash_pad_128
#define MANY_ROW      64
#define MANY_SCHEDULE 80
#define MANY_EXPAND   sha512_expand
#include "many.inc.h"
