/* tiny_undef.inc.h - forgets a tiny curve. */
#include "../curves/undef.inc.h"
#undef TINY_A
#undef TINY_B
#undef TINY_FIELD
#undef TINY_ORDER
