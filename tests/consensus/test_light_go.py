"""CometBFT's own light client, from its published Go module, next to ours; and what it says about our evidence.

The program under tests/go/cometbft-light is built on first use. Where the toolchain or the module cannot be had, the
tests are skipped under its name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import light_differential
import pytest

from pycore.consensus.light import AttackDetected, LightClient, LightOptions, MappingProvider
from pycore.testing.cometbft_light import LightChain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SOURCES = Path(__file__).resolve().parent.parent / "go" / "cometbft-light"
BUILT = SOURCES.parents[2] / "build" / "go" / "cometbft-light"
CASES = int(os.environ.get("PYCORE_GO_LIGHT_BLOCKS", "800"))


@pytest.fixture(scope="module")
def program() -> str:
    """The program's path."""
    compiler = shutil.which("go")
    if compiler is None:
        pytest.skip("the Go toolchain is not installed")
    BUILT.mkdir(parents=True, exist_ok=True)
    for name in ("main.go", "go.mod", "go.sum"):
        shutil.copy(SOURCES / name, BUILT)
    command = [compiler, "build", "-mod=readonly", "-buildvcs=false", "-o", "answers", "."]
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            command, cwd=BUILT, env=environment, capture_output=True, text=True, timeout=500, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("github.com/cometbft/cometbft: not built in 500 s")
    if done.returncode:
        pytest.skip(f"github.com/cometbft/cometbft: {(done.stderr.strip().splitlines() or ['no reason'])[-1][:200]}")
    return str(BUILT / "answers")


@pytest.fixture
def ask(program: str) -> Iterator[Any]:
    """A question as a line; the word and the text of the answer."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def question(line: str) -> tuple[str, str]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(line + "\n")
            process.stdin.flush()
            word, _, text = process.stdout.readline().rstrip("\n").partition("\t")
            return word, text

        yield question
        assert process.stdin is not None
        process.stdin.close()


def test_changed_light_blocks(program: str, seed: int) -> None:
    found, contradictions = light_differential.judge(program, light_differential.cases(seed, CASES))
    assert not contradictions, "\n".join(contradictions)
    assert found.total() == CASES
    assert all(found[f"both: {word}"] > CASES // 100 for word in ("ok", "trust", "invalid", "expired", "unreadable"))
    print(dict(found))


@pytest.mark.parametrize("kind", ["equivocation", "amnesia", "lunatic"])
@pytest.mark.parametrize("replaced", [0, 2])
def test_nodes_accept_the_evidence(kind: str, replaced: int, ask: Any) -> None:
    """Evidence that the detector made is what a node accepts, with either side as the one that is right, from the
    common block and for the height that it names."""
    # Of an amnesia attack nobody is named. A list of nobody is not nil in Go once it was sent, and a node refuses it.
    nobody = "expected nil validators from an amnesia light client attack but got 0"
    wanted = ("refused", nobody) if kind == "amnesia" else ("ok", "")
    chain = LightChain(heights=12, validators=5, seed=41, replaced=replaced)
    fork = chain.forked(8, kind)
    for ours, theirs in ((chain, fork), (fork, chain)):
        client = LightClient(
            chain.chain_id, primary=MappingProvider(ours.mapping()), witnesses=[MappingProvider(theirs.mapping())],
            options=LightOptions(10**15), timeout=None,
        )  # fmt: skip
        client.initialize(6, chain.hash(6), chain.now_ns)
        with pytest.raises(AttackDetected) as error:
            client.verify(12, chain.now_ns)
        for accused, right in (("primary", theirs), ("witness 0", ours)):
            data = error.value.evidence[accused]
            answers = {
                ask(f"attack {right.wire(common).hex()} {right.wire(height).hex()} {data.hex()}")
                for common in right.heights
                for height in range(common, 13)
            }
            assert not any(word == "unreadable" for word, _ in answers)
            assert wanted in answers
