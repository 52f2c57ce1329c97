"""Why a signature on an SM2 certificate does not verify: it may have been made with another signer identifier.

An SM2 signature covers the signer's identifier. The chains verify with the standard one of GM/T 0009; OpenSSL signs
with an empty one unless it is told otherwise. The finding is for people, and changes no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable

from pycore.base.verdicts import Verdict
from pycore.identities.collector import SM2_USER_ID
from pycore.identities.x509 import Certificate
from pycore.signatures.batch import verify_batch

__all__ = ["made_with"]

_OTHERS = ((b"", "an empty signer identifier"), (None, "no signer identifier at all, without Z_A"))
_MOST = 4  # keys that are tried


def made_with(signed: bytes, signature: bytes, keys: Iterable[Certificate], *, der_rules: str) -> str:
    """How a signature verifies that does not verify with the standard identifier; "" where it does not either.

    Args:
        signed: the bytes that the signature is on.
        signature: ASN.1 DER, of SM2 over SM3.
        keys: the certificates whose keys may have made it; four are tried.
    """
    points = [one.key.data for one in keys if one.key.kind == "sm2"][:_MOST]
    if not points:
        return ""
    for user_id, words in _OTHERS:
        codes = verify_batch(
            "sm2",
            points,
            [signature] * len(points),
            [signed] * len(points),
            user_id=user_id,
            encoding="der",
            der_rules=der_rules,
        ).codes
        if (codes == Verdict.VALID).any():
            wanted = f"{SM2_USER_ID.decode()} is the one that counts (OpenSSL: -sigopt distid:{SM2_USER_ID.decode()})"
            return f"; it verifies with {words}, and {wanted}"
    return ""
