"""Certificates of FISCO BCOS 2.x: PBFT signatures over the header's hash, and their quorum.

n - floor((n - 1) / 3) of n sealers have to sign, each with one vote. The form of the signatures is confirmed by
published data, and the count is read in the code, which also counts a sealer twice who is listed twice.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from pycore.base.report import Check
from pycore.base.verdicts import Verdict
from pycore.consensus.quorum import Decision, Electorate, Repeat, Rule, decide, tally
from pycore.ledgers.fisco.context import FiscoContext
from pycore.ledgers.fisco.v2_records import Header
from pycore.signatures.batch import recover_batch, verify_batch

RULE = Rule.more_than(2, 3)
_SIZES = {"keccak256": 65, "sm3": 128}


def checks(header: Header, hash: str, context: FiscoContext, threads: int | None = None) -> list[Check]:
    """`sealers`, `signatures` and `quorum`."""
    ids = tuple(one.hex() for one in header.sealers)
    made = [_sealers(ids, context), _distinct(header)]
    flaws = _flaws(header, hash, context, threads)
    bad = [f"signature {i}: {why}" for i, why in enumerate(flaws) if why]
    made.append(Check("signatures", not bad, len(flaws) - len(bad), len(flaws), "; ".join(bad[:8])))
    decision = decision_of(header, flaws, context)
    wanted = 1 if context.single_sealer else decision.needed
    reached = bool(decision.got) if context.single_sealer else decision.reached
    why = "; ".join(decision.objections[:8])
    made.append(Check("quorum", reached and bool(ids), decision.got, wanted, why, certainty="read"))
    return made


def decision_of(header: Header, flaws: list[str], context: FiscoContext) -> Decision:
    """The count of the votes, each for this header."""
    ids = [one.hex() for one in header.sealers]
    ballots = [
        (ids[index] if index < len(ids) else f"sealer {index}", "block", flaw)
        for (index, _), flaw in zip(header.signatures, flaws, strict=True)
    ]
    repeats = Repeat.REFUSED if context.strict else Repeat.COUNTED
    objections = [f"signature {i}: {flaw}" for i, flaw in enumerate(flaws) if flaw]
    return decide(tally(ballots, Electorate.equal(ids), repeats=repeats), RULE, "block", objections=objections)


def _sealers(ids: tuple[str, ...], context: FiscoContext) -> Check:
    if not context.sealers:
        return Check(
            "sealers", None, len(ids), detail="context.sealers is not known: the header's own list proves nothing"
        )
    same = ids == context.sealers
    return Check("sealers", same, len(ids), len(context.sealers), "" if same else "another list than context.sealers")


def _distinct(header: Header) -> Check:
    twice = [key.hex()[:16] for key, times in Counter(header.sealers).items() if times > 1]
    return Check("sealer_list", not twice and bool(header.sealers), len(header.sealers), detail=", ".join(twice))


def _flaws(header: Header, hash: str, context: FiscoContext, threads: int | None) -> list[str]:
    """Why each signature does not count, "" where it does."""
    flaws = [""] * len(header.signatures)
    good = []
    for i, (index, signature) in enumerate(header.signatures):
        if index >= len(header.sealers):
            flaws[i] = f"sealer {index} of {len(header.sealers)}"
        elif len(signature) != _SIZES[hash]:
            flaws[i] = f"{len(signature)} bytes, wanted {_SIZES[hash]}"
        elif hash == "sm3" and context.strict and signature[64:] != header.sealers[index]:
            flaws[i] = "another key than the sealer's"
        elif hash == "keccak256" and signature[64] > 1:
            flaws[i] = f"a recovery number of {signature[64]}"
        else:
            good.append(i)
    if not good:
        return flaws
    digest, signatures = header.hash(hash), [header.signatures[i][1] for i in good]
    keys = [header.sealers[header.signatures[i][0]] for i in good]
    if hash == "sm3":
        compact = [one[:64] for one in signatures]
        codes = verify_batch("sm2", keys, compact, [digest] * len(good), threads=threads).codes
        same = np.ones(len(good), np.bool_)
    else:
        found, verdicts = recover_batch("ecdsa-secp256k1", signatures, [digest] * len(good), threads=threads)
        codes = verdicts.codes
        same = np.array([row.tobytes() == key for row, key in zip(found, keys, strict=True)])
    for place, i in enumerate(good):
        if codes[place] != int(Verdict.VALID):
            flaws[i] = Verdict(int(codes[place])).name
        elif not same[place]:
            flaws[i] = "made by another key than the sealer's"
    return flaws
