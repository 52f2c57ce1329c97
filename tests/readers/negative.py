"""This project's own SM2 set, tests/vectors/sm2_negative.json (written by tools/make_sm2_vectors.py)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import SignatureBatch, SignatureCase

PATH = Path(__file__).resolve().parent.parent / "vectors" / "sm2_negative.json"


@dataclass(frozen=True)
class Expected:
    case: SignatureCase
    verdict: str
    flag: str
    options: dict[str, Any]


def expected() -> list[Expected]:
    """Every case, with the options of its group."""
    data = json.loads(PATH.read_text())
    rows = []
    for group in data["testGroups"]:
        options = {name: group[name] for name in ("prehashed", "encoding")}
        if group["encoding"] == "der":
            options["der_rules"] = group["der_rules"]
        if not group["prehashed"]:
            options["user_id"] = None if group["userId"] is None else bytes.fromhex(group["userId"])
        key = bytes.fromhex(group["publicKey"])
        for test in group["tests"]:
            signature, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
            label = f"tcId {test['tcId']} ({test['comment']})"
            case = SignatureCase(label, key, signature, message, test["result"] == "valid")
            rows.append(Expected(case, test["verdict"], test["flags"][0], options))
    assert len(rows) == data["numberOfTests"]
    return rows


def batches() -> list[tuple[SignatureBatch, list[str]]]:
    """One batch per set of options, every key in it, and the verdict names expected of its cases."""
    found: dict[str, tuple[SignatureBatch, list[str]]] = {}
    for row in expected():
        batch, verdicts = found.setdefault(
            repr(row.options), (SignatureBatch("tests/vectors/sm2_negative.json", "sm2", options=row.options), [])
        )
        batch.cases.append(row.case)
        verdicts.append(row.verdict)
    return list(found.values())
