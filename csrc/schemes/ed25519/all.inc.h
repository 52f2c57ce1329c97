/* ed25519/all.inc.h - all of Ed25519 for the including backend: verification, key sets, and in the portable
 * one signing of test data.
 *
 * Requires the vec header, field/fields.inc.h and hash/hash.inc.h; the layers below come along. Gives
 * ed25519_verify, ed25519_keyset_put, ed25519_public_keys, ed25519_sign, and ED25519_* for backend/all.inc.h.
 */
#ifndef PC_SCHEMES_ED25519_ALL_INC_H
#define PC_SCHEMES_ED25519_ALL_INC_H
#include "verify.inc.h"
#if PC_SIGNS
#    include "sign.inc.h"
#endif
#include "../../curves/undef.inc.h"

#define ED25519_VERIFY_SCRATCH sizeof(ed25519_work)
#define ED25519_KEYSET_RECORD  sizeof(ed25519_key_record)
#define ED25519_KEYSET_TABLE   ed25519_keyset_table
#endif
