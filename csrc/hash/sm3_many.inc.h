/* sm3_many.inc.h - sm3_many and its Merkle levels over one build of the compression function: the includer defines MANY_LANES,
 * MANY_INDEX, MANY_BLOCKS, MANY_ROWS and MANY_EXPANDED as many.inc.h describes them. */
#include "padding.inc.h"
#include "many_shared.h"
#include "sm3_constants.h"

#define MANY          sm3
#define MANY_WORD     uint32_t
#define MANY_WORDS    8
#define MANY_BLOCK    64
#define MANY_DIGEST   32
#define MANY_INITIAL  sm3_initial
#define MANY_PAD      hash_pad_64
#define MANY_ROW      32
#define MANY_SCHEDULE 128
#define MANY_EXPAND   sm3_expand
#include "many.inc.h"
