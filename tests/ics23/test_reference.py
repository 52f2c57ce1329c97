"""Mutated proofs have the verdicts of the reference implementation (the release that tests/go/ics23/go.mod pins).

PYCORE_ICS23_CLAIMS says how many are compared.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

from judge_ics23 import alone, by_reference
from mutations import claim, mutated

from pycore import Verdict

CLAIMS = int(os.environ.get("PYCORE_ICS23_CLAIMS", "2000"))


def test_verdicts_are_those_of_the_reference(seed: int, record_property: Any) -> None:
    rng = random.Random(seed)
    claims = [mutated(rng, claim(rng)) if rng.random() < 0.95 else claim(rng) for _ in range(CLAIMS)]
    answers = by_reference(claims)
    found = Counter(answers)
    record_property("reference", dict(found))
    assert found["1"] > CLAIMS // 20
    assert found["0"] > CLAIMS // 3
    for one, answer in zip(claims, answers, strict=True):
        verdict = alone(one, "compatible")
        assert (verdict is Verdict.VALID) == (answer == "1"), (answer, verdict, one)
        if alone(one, "strict") is Verdict.VALID:
            assert answer == "1", one
