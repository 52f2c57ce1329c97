"""What one claim's verdict is, alone and by the reference implementation."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from mutations import Claim

from bench.chain_programs import ics23_go
from bench.peers import PeerMissingError
from pycore import Verdict, ics23
from pycore.errors import ProofError

HERE = Path(__file__).resolve().parent


def alone(claim: Claim, rules: str) -> Verdict:
    """The verdict of the single form."""
    try:
        if claim.value is None:
            ics23.verify_non_membership(claim.kind, claim.root, claim.proof, claim.key, rules=rules)
        else:
            ics23.verify_membership(claim.kind, claim.root, claim.proof, claim.key, claim.value, rules=rules)
    except ProofError as error:
        return error.verdict if error.reason else Verdict.UNCHECKED
    return Verdict.VALID


def _word(data: bytes) -> str:
    return data.hex() or "-"


def by_reference(claims: Iterable[Claim]) -> list[str]:
    """ "1", "0" or "panic" of each; skips the test where the program cannot be built."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    try:
        command = ics23_go()
    except PeerMissingError as error:
        pytest.skip(str(error))
    lines = [
        " ".join(
            [
                "absent" if one.value is None else "exist",
                one.kind,
                _word(one.root),
                _word(one.proof),
                _word(one.key),
                *([] if one.value is None else [_word(one.value)]),
            ]
        )
        for one in claims
    ]
    done = subprocess.run(command, input="\n".join([*lines, ""]), capture_output=True, text=True, check=True)
    return done.stdout.split()
