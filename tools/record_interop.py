"""Runs signers and proof libraries of this field on throwaway keys, and records what they produce.

    python tools/record_interop.py              every group, with the pinned versions
    python tools/record_interop.py GROUP ...    some
    python tools/record_interop.py --list       their names and packages
    python tools/record_interop.py --dry        say what would change; write nothing

Each group of packages is installed in a temporary folder by its usual client, its script in tools/interop is run
twice, and every line that it prints becomes a row of tests/vectors/interop/GROUP.json. `repeats` says whether both runs
gave the same bytes. Rows that are not as recorded are named. docs/guides/interop.md says how pycore verifies each row,
and tests/test_interop.py runs that page on the records.

The tools that a group needs (npm, a Java development kit, ...) must be there; a group that cannot be made is named, and
the rest is made all the same.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "tools" / "interop"
RECORDS = ROOT / "tests" / "vectors" / "interop"


def _run(folder: Path, *command: str) -> str:
    """Standard output of a command; CalledProcessError has the end of its errors."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:120]}: {(done.stderr or done.stdout)[-600:]}")
    return done.stdout


@dataclass(frozen=True)
class Group:
    """Packages that are installed together, and how each is run.

    make        installs the packages into a folder
    run         the command that prints a package's rows
    packages    package -> version; "" where the system has it, and `version` asks
    """

    packages: dict[str, str]
    script: str
    make: Callable[[Path, dict[str, str]], None]
    run: Callable[[Path, str], list[str]]
    version: Callable[[Path, str], str] | None = None
    shared: bool = False  # one run prints the rows of all packages, which name theirs
    inputs: dict[str, Callable[[], str]] = field(default_factory=dict)


def _npm(folder: Path, packages: dict[str, str]) -> None:
    _run(folder, "npm", "init", "-y")
    _run(
        folder, "npm", "install", "--no-audit", "--no-fund", "--silent", *(f"{one}@{v}" for one, v in packages.items())
    )


def _pip(*others: str, dependencies: bool = True) -> Callable[[Path, dict[str, str]], None]:
    def make(folder: Path, packages: dict[str, str]) -> None:
        _run(folder, sys.executable, "-m", "venv", "venv")
        pip = [str(folder / "venv" / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
        pins = [f"{one}=={v}" for one, v in packages.items()]
        _run(folder, *pip, *([] if dependencies else ["--no-deps"]), *pins)
        if others:
            _run(folder, *pip, *others)

    return make


def _venv(script: str) -> Callable[[Path, str], list[str]]:
    return lambda folder, package: [str(folder / "venv" / "bin" / "python"), script, package]


def _node(script: str, *more: str) -> Callable[[Path, str], list[str]]:
    return lambda folder, package: ["node", script, package, *more]


def _own_node(folder: Path, package: str) -> list[str]:
    return [str(folder / "node_modules" / "node" / "bin" / "node"), "node_crypto.cjs"]


def _go(folder: Path, packages: dict[str, str]) -> None:
    (folder / "sm2_go.go").rename(folder / "main.go")
    _run(folder, "go", "mod", "init", "record")
    _run(folder, "go", "get", *(f"{one}@v{v}" for one, v in packages.items()))
    _run(folder, "go", "mod", "tidy")


def _cargo(folder: Path, packages: dict[str, str]) -> None:
    (folder / "src").mkdir()
    (folder / "sm2_rust.rs").rename(folder / "src" / "main.rs")
    pins = "".join(f'{one} = "={v}"\n' for one, v in packages.items())
    text = f'[package]\nname = "record"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n{pins}'
    (folder / "Cargo.toml").write_text(text, encoding="utf-8")
    _run(folder, "cargo", "build", "-q")


def _maven(folder: Path, packages: dict[str, str]) -> None:
    groups = {"bcprov-jdk18on": "org.bouncycastle"}
    wanted = {**packages, "hutool-core": packages["hutool-crypto"]}
    for one, version in wanted.items():
        artifact = f"-Dartifact={groups.get(one, 'cn.hutool')}:{one}:{version}"
        _run(folder, "mvn", "-q", "dependency:copy", artifact, f"-DoutputDirectory={folder}")


def _nothing(folder: Path, packages: dict[str, str]) -> None:
    """The system has the package already."""


def _commit() -> str:
    """A Commit of CometBFT in protobuf, hexadecimal, that the generator of tests signed."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from interop_rows import signed_commit  # type: ignore[import-not-found]

    return str(signed_commit().commit.hex())


GROUPS = {
    "openssl": Group(
        {"openssl": ""},
        "sm2_openssl.sh",
        _nothing,
        lambda folder, package: ["sh", "sm2_openssl.sh"],
        lambda folder, package: _run(folder, "openssl", "version").split()[1],
    ),
    "botan": Group(
        {"botan": ""},
        "sm2_python.py",
        _nothing,
        lambda folder, package: ["/usr/bin/python3", "sm2_python.py", "botan"],
        lambda folder, package: _run(folder, "dpkg-query", "-W", "-f", "${Version}", "python3-botan").split("+")[0],
    ),
    **{
        f"node-{version.split('.')[0]}": Group({"node": version}, "node_crypto.cjs", _npm, _own_node)
        for version in ("20.20.2", "22.23.3", "24.21.0", "26.10.0")
    },
    **{
        f"{name}-{version}": Group({name: version}, "sm2_sm_crypto.cjs", _npm, _node("sm2_sm_crypto.cjs"))
        for name, version in (
            ("sm-crypto", "0.3.8"),
            ("sm-crypto", "0.5.8"),
            ("sm-crypto-v2", "1.15.1"),
            ("miniprogram-sm-crypto", "0.3.13"),
        )
    },
    "sm2-python": Group(
        {
            "gmssl": "3.2.2",
            "gmssl-pyx": "2.1.0",
            "easy-gmssl": "2.0.1",
            "snowland-smx": "1.1.0",
            "sm-crypto": "0.1.1",
            "gmalg": "1.1.2",
            "tongsuopy": "1.0.1",
        },
        "sm2_python.py",
        _pip(),
        _venv("sm2_python.py"),
    ),
    # The SDK asks for a package that does not compile for new Pythons; safe-pysha3 is the same module.
    "chainmaker-python": Group(
        {"chainmaker": "3.0.7"},
        "sm2_python.py",
        _pip(
            "asn1==3.3.0",
            "cryptography==50.0.2",
            "eth-abi==6.0.0",
            "grpcio==1.85.3",
            "protobuf==7.36.2",
            "pyasn1==0.6.5",
            "pyasn1-modules==0.4.2",
            "PyMySQL==1.2.4",
            "PyYAML==6.0.4",
            "requests==2.34.2",
            "safe-pysha3==1.0.7",
            dependencies=False,
        ),
        _venv("sm2_python.py"),
    ),
    "sm2-go": Group(
        {"github.com/tjfoc/gmsm": "1.4.1", "github.com/emmansun/gmsm": "0.15.5"},
        "sm2_go.go",
        _go,
        lambda folder, package: ["go", "run", "."],
        shared=True,
    ),
    "sm2-rust": Group(
        {"sm2": "0.13.3", "libsm": "0.6.1"},
        "sm2_rust.rs",
        _cargo,
        lambda folder, package: ["cargo", "run", "-q"],
        shared=True,
    ),
    "sm2-java": Group(
        {"bcprov-jdk18on": "1.82", "hutool-crypto": "5.8.40"},
        "Sm2Java.java",
        _maven,
        lambda folder, package: ["java", "-cp", "*", "Sm2Java.java"],
        shared=True,
    ),
    "ec-node": Group(
        {
            "@noble/curves": "2.4.0",
            "@noble/secp256k1": "3.2.0",
            "elliptic": "6.6.1",
            "secp256k1": "5.0.2",
            "tiny-secp256k1": "2.2.4",
            "ecpair": "3.0.2",
            "ethers": "6.17.0",
            "viem": "2.57.20",
            "jsrsasign": "11.1.5",
            "tweetnacl": "1.0.3",
        },
        "ec_node.mjs",
        _npm,
        _node("ec_node.mjs"),
    ),
    "ec-python": Group(
        {
            "pycryptodome": "4.4.0",
            "starkbank-ecdsa": "2.3.1",
            "fastecdsa": "4.0.0",
            "ecdsa": "0.19.2",
            "coincurve": "21.0.0",
            "btclib": "2026.10.24",
            "embit": "0.8.0",
            "pynacl": "1.6.2",
            "cryptography": "50.0.2",
            "ecpy": "1.2.5",
        },
        "ec_python.py",
        _pip(),
        _venv("ec_python.py"),
    ),
    "chain-python": Group(
        {
            "solders": "0.29.0",
            "aptos-sdk": "0.11.0",
            "stellar-sdk": "16.1.1",
            "xrpl-py": "5.2.0",
            "eth-account": "0.14.0",
            "py-algorand-sdk": "2.12.0",
        },
        "chain_python.py",
        _pip(),
        _venv("chain_python.py"),
    ),
    "chain-node": Group(
        {
            "@solana/kit": "8.4.0",
            "@aptos-labs/ts-sdk": "7.3.0",
            "@stellar/stellar-sdk": "17.2.0",
            "xrpl": "5.3.0",
            "@cosmjs/crypto": "0.39.0",
        },
        "chain_node.mjs",
        _npm,
        _node("chain_node.mjs"),
    ),
    "trees-python": Group(
        {"pymerkle": "7.0.0", "trie": "4.0.0"}, "trees_python.py", _pip("pycryptodome==4.4.0"), _venv("trees_python.py")
    ),
    "trees-node": Group(
        {"@ethereumjs/mpt": "10.1.3", "merkletreejs": "0.6.0"},
        "trees_node.mjs",
        _npm,
        _node("trees_node.mjs"),
    ),
    "cosmjs-types": Group(
        {"cosmjs-types": "0.11.0"},
        "trees_node.mjs",
        _npm,
        _node("trees_node.mjs", "commit"),
        inputs={"commit": _commit},
    ),
}


def identifier(package: str, version: str, what: str) -> str:
    """A row's name: letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", f"{package} {version} {what}".lower()).strip("-")


def _rows(group: Group, folder: Path) -> list[dict[str, Any]]:
    """The rows of one run, by the packages in order."""
    found = []
    for package in list(group.packages)[: 1 if group.shared else None]:
        lines = _run(folder, *group.run(folder, package)).splitlines()
        for line in (one for one in lines if one.startswith("{")):
            row = json.loads(line)
            name = row.pop("package", package)
            version = group.version(folder, name) if group.version else group.packages[name]
            head = {"id": identifier(name, version, row.pop("what")), "package": name, "version": version}
            found.append({**head, **row})
    return found


def record(group: Group) -> list[dict[str, Any]]:
    """The rows of a group, made in a temporary folder, each with whether two runs gave the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(SCRIPTS / group.script, folder)
        for file, text in group.inputs.items():
            (folder / file).write_text(text(), encoding="utf-8")
        group.make(folder, group.packages)
        rows, again = _rows(group, folder), _rows(group, folder)
    for row, other in zip(rows, again, strict=True):
        row["repeats"] = row == other
    return rows


def changes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[str]:
    """The differences: rows that came or went, and rows whose bytes or lengths differ where they should not."""
    before, after = ({row["id"]: row for row in rows} for rows in (old, new))
    found = [f"gone: {name}" for name in before.keys() - after.keys()]
    found += [f"new: {name}" for name in after.keys() - before.keys()]
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        if one["repeats"] and one != other:
            found.append(f"changed: {name}: {', '.join(key for key in one if one[key] != other.get(key))}")
        elif not one["repeats"]:
            fixed = [
                key for key in one if isinstance(one[key], str) and key not in _RANDOM and one[key] != other.get(key)
            ]
            found += [f"changed: {name}: {key}" for key in fixed]
    return sorted(found)


# Of keys and nonces that a package chooses itself.
_RANDOM = {"public_key", "signature", "message", "digest", "certificate", "r", "s"}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--list", action="store_true", help="names and packages")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    if options.list:
        for name, group in GROUPS.items():
            print(f"{name:24} {', '.join(f'{one} {version}'.strip() for one, version in group.packages.items())}")
        return
    failed = []
    RECORDS.mkdir(parents=True, exist_ok=True)
    for name in options.groups or GROUPS:
        path = RECORDS / f"{name}.json"
        old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
        try:
            rows = record(GROUPS[name])
        except (RuntimeError, OSError, ValueError) as error:
            print(f"{name}: not made: {error}", file=sys.stderr)
            failed.append(name)
            continue
        found = changes(old, rows)
        print(f"{name}: {len(rows)} rows, {len(found)} changes", *found, sep="\n  ")
        if not options.dry:
            document = {"script": f"tools/interop/{GROUPS[name].script}", "rows": rows}
            path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
