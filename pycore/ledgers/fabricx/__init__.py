"""The verifier of Fabric-X: what a coordinator's transactions sign, and whether their namespaces' policies hold.

    state = Verifier()
    for piece in state.take([batch_bytes, ...]):         # VerifierBatch messages of one stream, in order
        piece.status                                      # uint8: 1 committed, 2 signature invalid
        piece.answers()                                   # fields of a TxStatusBatch, as bytes and offsets

The answers are those of the verifier of hyperledger/fabric-x-committer 1.0.3 and 1.0.4, quirks included, because a
verdict that differs from the other organisations' verifiers forks the ledger: there is one rule set only. The
modules say the rules:

    columns     batches as rows, the bytes that are signed, the answers (``csrc/wire/fabricx.c``)
    messages    the few messages that are read one by one: updates, identities
    schemes     threshold rules: ECDSA, EDDSA, BLS, NONE
    bls         BN254 as gnark encodes it, over pairing
    policies    what a stream holds: policies by namespace, MSPs; updates
    verify      verdicts

Sources: ``service/verifier``, ``utils/signature`` of the committer, ``api/applicationpb/asn1.go``, ``msp`` and
``common`` of fabric-x-common, as read in public copies; checked against the statuses of the real verifier.
"""

from pycore.ledgers.fabricx.messages import MalformedError
from pycore.ledgers.fabricx.policies import PolicyUpdateError, UnsupportedError
from pycore.ledgers.fabricx.verify import COMMITTED, SIGNATURE_INVALID, Piece, Verifier

__all__ = [
    "COMMITTED",
    "SIGNATURE_INVALID",
    "MalformedError",
    "Piece",
    "PolicyUpdateError",
    "UnsupportedError",
    "Verifier",
]
