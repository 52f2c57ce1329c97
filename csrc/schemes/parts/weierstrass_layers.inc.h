/* parts/weierstrass_layers.inc.h - the layers between a curve's parameters and its schemes, in order;
 * template. Once per curve; the prefix of every name is the curve's cv: k256_, p256_ or sm2c_. */
#include "../../group/weierstrass.inc.h"
#include "../../mult/fixed_base.inc.h"
#include "../../mult/double_base.inc.h"
#include "../../mult/known_base.inc.h"
#include "keys.inc.h"
#include "signatures.inc.h"
#if PC_SIGNS
#    include "signing.inc.h"
#endif
