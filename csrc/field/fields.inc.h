/* fields.inc.h - instantiates every row of fields.def for the vec header included before. Contract: field.h.
 *
 * Makes each field twice: from its template under the prefix ref_ (the oracle of probes and tests), and under its plain name from the
 * body that its row has for this instruction set. PC_FIELDS_TEMPLATE_ONLY takes the template both times (tests). */
#ifndef PC_FIELDS_INC_H
#define PC_FIELDS_INC_H
#include "fields.def"
#include "params.h"
#include "words.inc.h"

/* The column of fields.def that names the body. */
#if defined(PC_FIELDS_TEMPLATE_ONLY)
#    define FE_BODY_COLUMN 3
#elif defined(VEC_PORTABLE)
#    define PC_FIELDS_PORTABLE 1
#    define FE_BODY_COLUMN     4
#elif defined(VEC_AVX2)
#    define PC_FIELDS_AVX2 1
#    define FE_BODY_COLUMN 5
#elif defined(VEC_IFMA)
#    define PC_FIELDS_IFMA 1
#    define FE_BODY_COLUMN 6
#else
#    define FE_BODY_COLUMN 3
#endif

/* Item n of a list; column n of row FE_AT; how many rows there are. */
#define FE_ITEM_0(a, ...)  a
#define FE_ITEM_1(a, ...)  FE_ITEM_0(__VA_ARGS__)
#define FE_ITEM_2(a, ...)  FE_ITEM_1(__VA_ARGS__)
#define FE_ITEM_3(a, ...)  FE_ITEM_2(__VA_ARGS__)
#define FE_ITEM_4(a, ...)  FE_ITEM_3(__VA_ARGS__)
#define FE_ITEM_5(a, ...)  FE_ITEM_4(__VA_ARGS__)
#define FE_ITEM_6(a, ...)  FE_ITEM_5(__VA_ARGS__)
#define FE_ITEM_7(a, ...)  FE_ITEM_6(__VA_ARGS__)
#define FE_ITEM_8(a, ...)  FE_ITEM_7(__VA_ARGS__)
#define FE_ITEM_9(a, ...)  FE_ITEM_8(__VA_ARGS__)
#define FE_ITEM_10(a, ...) FE_ITEM_9(__VA_ARGS__)
#define FE_ITEM_11(a, ...) FE_ITEM_10(__VA_ARGS__)
#define FE_ITEM(n, ...)    PC_CAT(FE_ITEM_, n)(__VA_ARGS__)
#define FE_LISTED(...)     (__VA_ARGS__),
#define FE_UNLISTED(...)   __VA_ARGS__, ~
#define FE_IN(n, row)      FE_ITEM(n, FE_UNLISTED row)
#define FE_COLUMN_OF(n)    FE_IN(n, FE_ITEM(FE_AT, PC_FIELDS(FE_LISTED) ~))
#define FE_COUNTED(...)    +1
#define FE_ROWS            (0 PC_FIELDS(FE_COUNTED))

#define FE_AT 0
#include "fe_instance.inc.h"
#define FE_AT 1
#include "fe_instance.inc.h"
#define FE_AT 2
#include "fe_instance.inc.h"
#define FE_AT 3
#include "fe_instance.inc.h"
#define FE_AT 4
#include "fe_instance.inc.h"
#define FE_AT 5
#include "fe_instance.inc.h"
#define FE_AT 6
#include "fe_instance.inc.h"
#define FE_AT 7
#include "fe_instance.inc.h"
#define FE_AT 8
#include "fe_instance.inc.h"
#define FE_AT 9
#include "fe_instance.inc.h"
#define FE_AT 10
#include "fe_instance.inc.h"
#define FE_AT 11
#include "fe_instance.inc.h"
#if FE_ROWS > 12
#    error "fields.def has more rows than there are steps above: add some, and FE_ITEM_12 and on"
#endif
#endif
