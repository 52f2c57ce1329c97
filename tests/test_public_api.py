"""The public names, their signatures, and what importing costs."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pycore
from pycore.base.extras import install_command

ROOT = Path(pycore.__file__).parent

SIGNATURES = {
    "hash_batch": ["algorithm", "messages"],
    "hash": ["algorithm", "message"],
    "Hasher": ["algorithm", "data"],
    "verify_batch": ["scheme", "public_keys", "signatures", "messages"],
    "verify": ["scheme", "public_key", "signature", "message"],
    "recover_batch": ["scheme", "signatures65", "digests"],
    "KeySet": ["scheme", "public_keys"],
    "merkle_root": ["leaves"],
    "MerkleTree": ["leaves"],
    "verify_inclusion": ["root", "leaf", "proof"],
    "merkle_stream": ["chunks"],
    "MerkleFrontier": [],
    "verify_multiproof": ["root", "leaves", "proof"],
    "verify_inclusion_batch": ["root", "leaves", "proofs"],
    "SparseMerkleTree": [],
    "verify_sparse": ["root", "key", "value", "proof"],
    "verify_sparse_batch": ["root", "keys", "values", "proofs"],
    "verify_consistency": ["root_m", "root_n", "proof"],
    "capabilities": [],
    "use_backend": ["name"],
    "set_threads": ["n"],
}
MEMBERS = {
    "Hasher": {"update", "digest", "hexdigest", "copy"},
    "KeySet": {"verdicts", "nbytes", "verify_batch"},
    "Verdicts": {"codes", "valid", "all_valid", "bitmap", "first_invalid", "raise_if_invalid"},
    "MerkleTree": {"root", "leaf_count", "proof", "proofs", "multiproof", "consistency_proof", "extended"},
    "SparseMerkleTree": {"update", "delete", "root", "proof", "proofs", "value_hash"},
    "MerkleFrontier": {"append", "root", "leaf_count", "proof", "checkpoint", "consistency_proof", "to_bytes"},
}


def test_all_is_sorted_and_real() -> None:
    """Constants, then classes, then functions, each in order: as the linter keeps it."""
    kinds = [(not n.isupper(), n.islower() or n.startswith("_"), n) for n in pycore.__all__]
    assert kinds == sorted(kinds)
    for name in pycore.__all__:
        assert getattr(pycore, name) is not None
    lazy = {"bundle", "client", "collectibles", "consensus", "evidence", "ics23", "ledgers", "ssz", "testing"}
    assert dir(pycore) == sorted({*pycore.__all__, *lazy})
    assert pycore.ledgers.get("chainmaker") is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        pycore.nothing  # noqa: B018


@pytest.mark.parametrize("name", SIGNATURES)
def test_positional_arguments(name: str) -> None:
    parameters = inspect.signature(getattr(pycore, name)).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == SIGNATURES[name]


@pytest.mark.parametrize("name", ["verify_batch", "verify"])
def test_verification_options(name: str) -> None:
    options = {
        p.name: p.default
        for p in inspect.signature(getattr(pycore, name)).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }
    wanted = {
        "rules": None,
        "prehashed": False,
        "user_id": b"1234567812345678",
        "hash": None,
        "encoding": "compact",
        "der_rules": "strict",
        "threads": None,
    }
    assert {key: options[key] for key in wanted} == wanted
    assert set(options) - set(wanted) <= {"width"}


@pytest.mark.parametrize("name", MEMBERS)
def test_members(name: str) -> None:
    assert MEMBERS[name] <= set(dir(getattr(pycore, name)))


def test_every_public_name_is_documented() -> None:
    for name in pycore.__all__:
        value = getattr(pycore, name, None)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for member, attribute in vars(value).items():
                if not member.startswith("_") and (inspect.isfunction(attribute) or isinstance(attribute, property)):
                    assert inspect.getdoc(attribute), f"{name}.{member}"


def test_typed() -> None:
    assert (ROOT / "py.typed").is_file()


def test_importing_is_light() -> None:
    """Importing pycore loads numpy and the core, and nothing else that was installed."""
    program = (
        "import sys, numpy; before = set(sys.modules); import pycore;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=240)
    assert set(done.stdout.split()) == {"pycore", "_cffi_backend"}


def test_only_native_touches_cffi() -> None:
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name not in {"ffi.py", "_core_build.py"}:
            assert not re.search(
                r"^\s*(from pycore import .*\b_core\b|(from|import) (pycore\._core|cffi)\b)", text, re.M
            ), path


def test_a_missing_extension_says_what_to_do() -> None:
    program = "import sys; sys.modules['pycore._core'] = None; import pycore"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 1
    assert "ImportError: the compiled extension pycore._core is missing or does not load" in done.stderr
    assert "python setup.py build_ext --inplace" in done.stderr


BASE_INSTALL = """
import sys
for name in ("google", "numba", "Crypto", "asn1crypto", "grpc", "pydantic", "typer", "rich", "pyarrow"):
    sys.modules[name] = None  # as if it were not installed
import pycore
from pycore.base.extras import install_command
from pycore.testing import generate_signatures
for scheme in pycore.SCHEMES:
    keys, signatures, messages = generate_signatures(scheme, 40, signers=5, message_size=20, seed=1)
    assert pycore.verify_batch(scheme, keys, signatures, messages).all_valid
    assert pycore.KeySet(scheme, keys).verify_batch(range(40), signatures, messages).all_valid
leaves = [pycore.hash("sha256", bytes([i])) for i in range(37)]
for shape in pycore.TREES:
    tree = pycore.MerkleTree(leaves, tree=shape)
    frontier = pycore.MerkleFrontier(tree=shape)
    for leaf in leaves:
        frontier.append([leaf])
    assert frontier.root == tree.root == pycore.merkle_root(leaves, tree=shape)
    found = pycore.verify_inclusion_batch(
        tree.root, leaves, tree.proofs(range(37)), index=range(37), leaf_count=37, tree=shape
    )
    assert found.all_valid
def refused(call):
    try:
        call()
    except ImportError as error:
        return str(error)
print(refused(lambda: pycore.ledgers.get("chainmaker")))
print(refused(lambda: pycore.client))
print(refused(lambda: pycore.testing.generate_ledger))
print(refused(lambda: pycore.SparseMerkleTree().update([bytes(32)], [b"x"])))
"""


def test_the_base_install_needs_numpy_and_cffi_alone(tmp_path: Path) -> None:
    """What `import pycore` offers works without any extra; what does not says which one to install."""
    done = subprocess.run(
        [sys.executable, "-c", BASE_INSTALL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(pycore.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for line, extra in zip(lines, ("ledgers", "service", "ledgers", "jit"), strict=True):
        assert install_command(extra) in line, lines
