"""The exception tree, verdicts, and forcing a backend."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pycore
from pycore import Verdict, Verdicts, bundle, errors, ledgers
from pycore.collectibles import Rules
from pycore.evidence import LogEvidence, TrustedLog
from pycore.evidence.subject import Subject

# ---- the tree -------------------------------------------------------------------------------------------------------


def _drawn() -> dict[str, str]:
    """Child -> parent, out of the drawing in the module's docstring."""
    parents, path = {}, {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^ {4}([ │├└─]*)(\w+)", line)
        if not found:
            continue
        depth = len(found[1]) // 4
        path[depth] = found[2]
        if depth:
            parents[found[2]] = path[depth - 1]
    return parents


def test_the_drawing_is_the_tree() -> None:
    drawn = _drawn()
    assert drawn.pop("ServiceError") == "PycoreError"  # the client's, which needs gRPC: looked at in its own tests
    assert set(drawn) == set(errors.__all__)
    for child, parent in drawn.items():
        base = Exception if parent == "Exception" else getattr(errors, parent)
        assert getattr(errors, child).__bases__[0] is base, child
    assert issubclass(pycore.InputError, ValueError)


@pytest.mark.parametrize(
    ("error", "text", "attributes"),
    [
        (pycore.InputError("f", "g", "w"), "f: got g, wanted w", {"field": "f", "got": "g", "wanted": "w"}),
        (pycore.ShapeError("f", "g", "w"), "f: got g, wanted w", {"field": "f"}),
        (pycore.QuorumNotReached(5, 7), "quorum not reached: got 5, needed 7", {"got": 5, "needed": 7}),
        (
            pycore.BackendUnavailable("avx9", "no", ["portable"]),
            "backend 'avx9' is not available: no; usable here: portable",
            {"name": "avx9", "usable": ("portable",), "reason": "no"},
        ),
        (
            pycore.InvalidSignature(Verdict.HIGH_S, 4),
            "signature 4: HIGH_S: " + Verdict.HIGH_S.meaning,
            {"verdict": Verdict.HIGH_S, "index": 4},
        ),
        (pycore.ProofError(Verdict.BAD_PROOF), "proof: BAD_PROOF: " + Verdict.BAD_PROOF.meaning, {"index": None}),
    ],
)
def test_attributes_texts_and_pickles(error: Exception, text: str, attributes: dict[str, Any]) -> None:
    for one in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(one) is type(error)
        assert str(one) == text
        for name, value in attributes.items():
            assert getattr(one, name) == value


# ---- verdicts -------------------------------------------------------------------------------------------------------


def test_the_codes_are_those_of_status_def() -> None:
    from pathlib import Path

    text = (Path(__file__).parent.parent / "csrc" / "status.def").read_text()
    rows = re.findall(r'PC_STATUS\(\s*(\d+),\s*(\w+),\s*"([^"]*)"\)', text)
    assert {(int(code), name, meaning) for code, name, meaning in rows} == {
        (v.value, v.name, v.meaning) for v in Verdict
    }
    assert Verdict.VALID == 1
    assert Verdict(0) is not Verdict.VALID


def test_verdict_pickles_and_converts() -> None:
    assert pickle.loads(pickle.dumps(Verdict.HIGH_S)) is Verdict.HIGH_S
    assert Verdict["SMALL_ORDER"] is Verdict(7)
    assert int(Verdict.BAD_PROOF) == 9
    with pytest.raises(ValueError, match="200"):
        Verdict(200)


def test_verdicts() -> None:
    verdicts = Verdicts(np.array([1, 2, 1, 1, 9, 1, 1, 1, 1, 3], np.uint8))
    assert len(verdicts) == 10
    assert verdicts.valid.tolist() == [True, False, True, True, False, True, True, True, True, False]
    assert verdicts.valid.dtype == np.bool_
    assert verdicts.all_valid is False
    assert verdicts.first_invalid() == 1
    assert verdicts.bitmap() == bytes([0b11101101, 0b01])
    assert list(verdicts)[4] is Verdict.BAD_PROOF
    assert verdicts[-1] is Verdict.MALFORMED_SIGNATURE
    assert verdicts[1:3] == Verdicts(b"\x02\x01")
    assert verdicts != Verdicts(b"\x01")
    assert verdicts != [1]
    assert verdicts.counts() == {
        Verdict.VALID: 7,
        Verdict.BAD_SIGNATURE: 1,
        Verdict.MALFORMED_SIGNATURE: 1,
        Verdict.BAD_PROOF: 1,
    }
    assert repr(verdicts) == "Verdicts(n=10, valid=7, BAD_SIGNATURE=1, MALFORMED_SIGNATURE=1, BAD_PROOF=1)"
    assert np.asarray(verdicts).dtype == np.uint8
    assert np.array(verdicts, copy=True).flags.writeable
    assert pickle.loads(pickle.dumps(verdicts)) == verdicts
    with pytest.raises(IndexError):
        verdicts[10]


def test_verdicts_have_no_truth_value() -> None:
    for verdicts in (Verdicts(b""), Verdicts(b"\x01"), Verdicts(b"\x02")):
        with pytest.raises(TypeError, match="no truth value"):
            bool(verdicts)
        with pytest.raises(TypeError, match="unhashable"):
            hash(verdicts)


@pytest.mark.parametrize("n", range(20))
def test_bitmap_bits(n: int) -> None:
    for code, bit in [(1, "1"), (2, "0"), (0, "0")]:
        bits = "".join(f"{byte:08b}"[::-1] for byte in Verdicts(bytes([code] * n)).bitmap())
        assert bits == bit * n + "0" * (-n % 8)


def test_unchecked_is_invalid() -> None:
    assert Verdicts(bytes(3)).first_invalid() == 0
    assert not Verdicts(bytes(3)).all_valid


def test_raise_if_invalid() -> None:
    Verdicts(b"").raise_if_invalid()
    Verdicts(b"\x01\x01").raise_if_invalid()
    with pytest.raises(pycore.InvalidSignature) as signature:
        Verdicts(b"\x01\x02\x04").raise_if_invalid()
    assert (signature.value.verdict, signature.value.index) == (Verdict.BAD_SIGNATURE, 1)
    with pytest.raises(pycore.ProofError) as proof:
        Verdicts(b"\x0a").raise_if_invalid()
    assert (proof.value.verdict, proof.value.index) == (Verdict.MALFORMED_PROOF, 0)


def test_codes_are_read_only() -> None:
    verdicts = pycore.verify_batch("ecdsa-p256", [b""], [b""], [b""])
    with pytest.raises(ValueError, match="read-only"):
        verdicts.codes[0] = 1


@pytest.mark.parametrize("codes", [np.zeros(2), np.zeros((1, 2), np.uint8), [1, 2], b"\xff", np.array([99], np.uint8)])
def test_malformed_verdicts(codes: Any) -> None:
    with pytest.raises(pycore.InputError) as caught:
        Verdicts(codes)
    assert caught.value.field == "codes"


# ---- backends -------------------------------------------------------------------------------------------------------


def test_use_backend() -> None:
    with pycore.use_backend("portable") as nothing:
        assert nothing is None
        assert set(pycore.capabilities().active.values()) == {"portable"}
        with pycore.use_backend("auto"):
            assert pycore.hash("sha256", b"") == pycore.hash("sha256", b"")
        assert set(pycore.capabilities().active_single.values()) == {"portable"}


def test_use_backend_ends_with_the_block() -> None:
    before = pycore.capabilities().active
    with pytest.raises(KeyError), pycore.use_backend("portable"):
        raise KeyError
    assert pycore.capabilities().active == before


def test_unknown_backend_names_the_usable_ones() -> None:
    with pytest.raises(pycore.BackendUnavailable) as caught:
        pycore.use_backend("mmx")
    assert caught.value.name == "mmx"
    assert "portable" in caught.value.usable
    with pytest.raises(pycore.InputError):
        pycore.use_backend(3)  # type: ignore[arg-type]


def test_unusable_backends_say_why() -> None:
    for row in pycore.capabilities().backends:
        assert (row.reason == "") == row.usable
        if not row.usable:
            with pytest.raises(pycore.BackendUnavailable) as caught:
                pycore.use_backend(row.name)
            assert caught.value.reason == row.reason


def test_the_choice_belongs_to_the_context() -> None:
    from pycore.base import ffi

    seen: list[int] = []
    with pycore.use_backend("portable"):
        mine = ffi.current_backend()
        thread = threading.Thread(target=lambda: seen.append(ffi.current_backend()))
        thread.start()
        thread.join()
    assert mine != ffi.AUTO
    assert seen == [ffi.AUTO]

    async def task() -> int:
        return ffi.current_backend()

    async def main() -> tuple[int, int, int]:
        outside = asyncio.create_task(task())
        with pycore.use_backend("portable"):
            inside = asyncio.create_task(task())
            there = await asyncio.to_thread(ffi.current_backend)
        return await outside, await inside, there

    assert asyncio.run(main()) == (ffi.AUTO, mine, mine)


def _python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_environment_forces_a_backend() -> None:
    program = "import pycore; print(set(pycore.capabilities().active.values()))"
    assert _python(program, PYCORE_BACKEND="portable").stdout == "{'portable'}\n"
    assert _python(program, PYCORE_BACKEND="auto").returncode == 0


@pytest.mark.parametrize(
    "call", ["pycore.hash('sha256', b'')", "pycore.capabilities()", "pycore.use_backend('portable')"]
)
def test_environment_with_an_unknown_backend(call: str) -> None:
    program = (
        f"import pycore\ntry:\n {call}\nexcept pycore.BackendUnavailable as e:\n print(e.name, e.usable, e.reason)"
    )
    done = _python(program, PYCORE_BACKEND="mmx")
    assert done.stdout.startswith("mmx ("), done.stderr
    assert "'portable'" in done.stdout
    assert "PYCORE_BACKEND" in done.stdout


def test_a_device_leaves_the_choice_among_cpu_backends_alone() -> None:
    program = (
        "import os, pycore.base.ffi as ffi; ffi.init()\n"
        "print(os.environ['PYCORE_BACKEND'], ffi.backend_why(ffi.KIND_HASH, 0, 1))"
    )
    named, _, why = _python(program, PYCORE_BACKEND="cuda").stdout.strip().partition(" ")
    assert named == "cuda"
    assert why not in ("", "PYCORE_BACKEND")


def test_capabilities_are_plain_data() -> None:
    import json

    found = pycore.capabilities()
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["version"] == found.version == pycore.__version__
    assert {row["name"] for row in plain["schemes"]} | {row["name"] for row in plain["hashes"]} == set(found.algorithms)
    assert [row["name"] for row in plain["trees"]] == list(pycore.TREES)
    assert plain["backends"][-1]["name"] == "portable"
    assert set(found.active) == set(found.active_single) == set(found.algorithms)
    reasons = {"PYCORE_BACKEND", "use_backend", "measured best at this size", "by rule", "first usable"}
    assert set(found.why) == set(found.why_single) == set(found.algorithms)
    assert {*found.why.values(), *found.why_single.values()} <= reasons
    with pycore.use_backend("portable"):
        assert set(pycore.capabilities().why.values()) == {"use_backend"}
    for row in found.backends:
        if row.compiled and not row.usable and "lacks" in row.reason:
            missing = row.reason.partition("lacks ")[2].split(", ")
            assert missing
            assert not any(found.cpu_features[name] for name in missing)
    with pytest.raises(AttributeError):
        found.version = "2"  # type: ignore[misc]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
@pytest.mark.parametrize(
    ("read", "field"),
    [
        (ledgers.get("chainmaker").context, "context"),
        (Rules.load, "rules"),
        (LogEvidence.load, "evidence"),
        (TrustedLog.load, "trusted"),
        (Subject.of, "file"),
        (lambda text: bundle.read_trusted(Path(text)), "trusted"),
    ],
)
def test_text_that_is_neither_a_document_nor_a_path(read: Callable[[str], object], field: str, text: str) -> None:
    with pytest.raises(errors.InputError) as caught:
        read(text)
    assert caught.value.field == field
    str(caught.value).encode()  # the message can be printed
