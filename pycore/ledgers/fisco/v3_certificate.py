"""The PBFT certificate in a header of FISCO BCOS 3.x: who signed its hash, and with which weight.

Each signature is over the 32-byte hash of the header by the key that is the node id of `sealers[index]`: secp256k1,
65 bytes r || s || v; or SM2, 64 bytes r || s, without the key that transactions have behind it.

The list of sealers must be the trusted one: same order, same weights. A header with another list is taken if those
of its signers who are in the trusted list have a quorum of that one, and all of its signers a quorum of the new one:
the old nodes then vouch for the new list, which is part of the hash that they sign. This rule is ours; a node knows the
list from its own state.

As read, a node that syncs takes a block without transactions before it looks at any signature, and counts an index
twice that is there twice. `strict` does neither.

Source: bcos-pbft/pbft/engine/BlockValidator.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.consensus.quorum import Decision, Electorate, Repeat, Rule, decide, tally
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v3_header import Header, structure
from pycore.signatures.batch import recover_batch, verify_batch

QUORUM = Rule.more_than(2, 3)
"""The same as the chain's total - (total - 1) / 3, for every total."""
SM2_SIZE, SM2_WITH_KEY, SECP_SIZE = 64, 128, 65
_VALID = int(Verdict.VALID)


@dataclass(frozen=True)
class Certificate:
    """The outcome.

    Attributes:
        checks: `sealer_list`, `certificate`, `quorum`.
        signers: node ids of those whose votes count, in hexadecimal; () where there is no quorum.
        changed: whether the header's list is another one than the trusted one, and vouched for.
    """

    checks: tuple[Check, ...]
    signers: tuple[str, ...]
    changed: bool


def certify(header: Header, hash: str, block_hash: bytes, context: FiscoContext, *, empty: bool = False) -> Certificate:
    """Checks a header's certificate; `empty`: its block has no transactions."""
    if header.number == 0:
        detail = "block 0 has no certificate: compare its hash with one that you trust"
        return Certificate(tuple(Check(name, None, detail=detail) for name in _NAMES), (), False)
    sealers = [sealer.hex() for sealer in header.sealers]
    codes = signature_codes(header, hash, block_hash, strict=context.strict)
    certificate = _signatures(header, codes)
    against = () if certificate.ok else (str(certificate.got),)
    voters: list[int] = [index for index, _ in header.signatures]
    repeats = Repeat.REFUSED if context.strict else Repeat.COUNTED
    fits = len(sealers) == len(header.weights) and min(header.weights, default=1) > 0
    powers = header.weights if fits else ()
    decision = decide(
        tally([(voter, block_hash, "") for voter in voters], _electorate(powers), repeats=repeats),
        Rule.at_least(1) if context.single_sealer else QUORUM,
        block_hash,
        objections=against,
    )
    quorum = _shown(decision)
    listed, changed = _sealer_list(header, sealers, context, decision, block_hash)
    checks: tuple[Check, ...] = (listed, certificate, quorum)
    if empty and not context.strict:
        detail = "a node takes a block without transactions before it looks at its certificate"
        checks = tuple(c if c.ok else Check(c.name, None, c.got, c.wanted, detail) for c in checks)
    signers = tuple(sealers[int(voter)] for voter in dict.fromkeys(decision.counted)) if decision.reached else ()  # type: ignore[call-overload]
    return Certificate(checks, signers, changed)


_NAMES = ("sealer_list", "certificate", "quorum")


def _electorate(weights: Sequence[int]) -> Electorate:
    """Who may vote, by position; nobody where the weights together are no 64-bit number."""
    return Electorate(dict(enumerate(weights)) if sum(weights) < 1 << 63 else {})


def _sealer_list(
    header: Header, sealers: list[str], context: FiscoContext, decision: Decision, block_hash: bytes
) -> tuple[Check, bool]:
    """Whether the header's list is the trusted one, or the trusted nodes vouch for it."""
    got = _listed(sealers, header.weights)
    if not context.sealers:
        return Check("sealer_list", None, got=got, detail="context.sealers is not known"), False
    trusted = context.weights or (1,) * len(context.sealers)
    wanted = _listed(context.sealers, trusted)
    if sealers == list(context.sealers) and header.weights == trusted:
        return Check("sealer_list", True, got=got, wanted=wanted), False
    if not decision.reached:
        return Check("sealer_list", False, got=got, wanted=wanted), False
    if not structure(header, present=True, strict=True).ok:
        return Check("sealer_list", False, got=got, wanted=wanted, detail="another list, in another form"), False
    if header.extra_data:
        # Nothing in the hash says where the list ends and extraData begins: the same signatures would hold for
        # another cut.
        detail = "another list, next to extra data from which no length parts it"
        return Check("sealer_list", False, got=got, wanted=wanted, detail=detail), False
    ballots = [(sealers[int(voter)], block_hash, "") for voter in decision.counted]  # type: ignore[call-overload]
    count = tally(ballots, Electorate(dict(zip(context.sealers, trusted, strict=True))))
    old = decide(count, Rule.at_least(1) if context.single_sealer else QUORUM, block_hash)
    detail = f"another list, signed with {old.got} of {old.total} by the trusted nodes, who need {old.needed}"
    check = Check("sealer_list", old.reached, got=got, wanted=wanted, detail=detail, certainty="read")
    return check, old.reached


def _listed(sealers: Sequence[str], weights: Sequence[int]) -> str:
    """A list in short: digits of every node id, and the weights."""
    names = " ".join(f"{sealer[:8]}" for sealer in sealers[:16])
    more = " ..." if len(sealers) > 16 else ""
    return f"{len(sealers)} sealers {names}{more}, weights {' '.join(map(str, weights[:16]))}{more}"


def _signatures(header: Header, codes: NDArray[np.uint8]) -> Check:
    """One signature that does not hold refuses the certificate, as a node does."""
    bad = [i for i, code in enumerate(codes.tolist()) if code != _VALID]
    got = None
    if bad:
        first = bad[0]
        reason = Verdict(int(codes[first])).name
        got = f"signature {first}, of sealer {header.signatures[first][0]}: {reason}"
    return Check("certificate", not bad, got=got, wanted=f"{len(codes)} signatures that hold")


def _shown(decision: Decision) -> Check:
    detail = "; ".join([*decision.objections, *(f"vote {v.position}: {v.reason}" for v in decision.ignored[:4])])
    wanted = f"{decision.needed} of {decision.total}"
    return Check("quorum", decision.reached, got=decision.got, wanted=wanted, detail=detail)


def signature_codes(header: Header, hash: str, block_hash: bytes, *, strict: bool) -> NDArray[np.uint8]:
    """uint8 (signatures,): the verdict of each, by the key of the sealer that it names.

    `strict`: SM2 signatures of exactly 64 bytes, and a recovery id that is right. Else 128 bytes are taken as well, of
    which the first 64 count, and the recovery id only has to be one.
    """
    codes = np.full(len(header.signatures), int(Verdict.UNKNOWN_SIGNER), np.uint8)
    known = [i for i, (at, _) in enumerate(header.signatures) if 0 <= at < len(header.sealers)]
    sizes = {SECP_SIZE} if hash == "keccak256" else {SM2_SIZE} if strict else {SM2_SIZE, SM2_WITH_KEY}
    rows, keys, signatures = [], [], []
    for i in known:
        at, signature = header.signatures[i]
        if len(header.sealers[at]) != 64:
            codes[i] = Verdict.MALFORMED_KEY
        elif len(signature) not in sizes or (hash == "keccak256" and signature[64] > 3):
            codes[i] = Verdict.MALFORMED_SIGNATURE
        else:
            rows.append(i)
            keys.append(header.sealers[at])
            signatures.append(signature)
    if not rows:
        return codes
    messages = [block_hash] * len(rows)
    if hash == "sm3":
        codes[rows] = verify_batch("sm2", keys, [signature[:64] for signature in signatures], messages).codes
        return codes
    if strict:
        recovered, verdicts = recover_batch("ecdsa-secp256k1", signatures, messages)
        same = np.array([recovered[i].tobytes() == key for i, key in enumerate(keys)])
        codes[rows] = np.where(verdicts.valid & ~same, np.uint8(Verdict.BAD_SIGNATURE), verdicts.codes)
    else:
        points, compact = [b"\x04" + key for key in keys], [signature[:64] for signature in signatures]
        codes[rows] = verify_batch("ecdsa-secp256k1", points, compact, messages, prehashed=True).codes
    return codes
