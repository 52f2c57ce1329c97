"""The light client on the model-based test data of tendermint-rs: every verdict, and every bisection file."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pycore.consensus import chains
from pycore.consensus.light import (
    LightClient,
    LightClientError,
    LightOptions,
    LightVerdict,
    MappingProvider,
    TrustedState,
    verify_light,
)
from pycore.consensus.light_providers import Source
from pycore.consensus.light_walk import Allowance, walk
from pycore.consensus.validators import ValidatorSet
from pycore.consensus.votes import LightBlock, SignedHeader
from pycore.errors import InputError
from pycore.ledgers.cometbft.fields import of_time
from pycore.testing.cometbft_light import LightChain

sys.path.insert(0, str(Path(__file__).parent))
import tendermint33

pytestmark = pytest.mark.vectors

ROOT = "cometbft/mbt_tendermint_rs"
WORDS = {LightVerdict.SUCCESS: "SUCCESS", LightVerdict.NOT_ENOUGH_TRUST: "NOT_ENOUGH_TRUST"}
SECOND = 10**9


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


# ---- single steps ----------------------------------------------------------------------------------------------------


def with_year_1(block: dict[str, Any]) -> dict[str, Any]:
    """A signed header whose absent votes have the time that CometBFT requires. These files have 1970 there, which
    tendermint-rs does not read and CometBFT refuses."""
    for slot in block["commit"]["signatures"] or ():
        if slot["block_id_flag"] == 1:
            assert slot["timestamp"] == "1970-01-01T00:00:00Z"
            slot["timestamp"] = "0001-01-01T00:00:00Z"
    return block


def step(trusted: TrustedState, case: dict[str, Any], period: int) -> tuple[str, str, LightBlock | None]:
    """Verdict, the condition that failed, and the block. What cannot be read is INVALID."""
    given = case["block"]
    try:
        block = LightBlock.read(
            {"signed_header": with_year_1(given["signed_header"]), "validator_set": given["validator_set"]}, form="rpc"
        )
    except InputError as error:
        return "INVALID", f"cannot be read: {error.field}", None
    report = verify_light(trusted, block, LightOptions(period, max_clock_drift_ns=0), of_time(case["now"], "now"))
    return WORDS.get(report.verdict, "INVALID"), report.failed[0].name if report.failed else "", block


def test_single_step_verdicts(require_vectors: Any, count_cases: Any, record_property: Any) -> None:
    """99 verdicts: the trusted header is followed by its next validators, and moves with every success."""
    verdicts, reasons = Counter[str](), Counter[str]()
    for path in files(require_vectors(f"{ROOT}/model_based/single_step")):
        document = json.loads(path.read_text(encoding="utf-8"))
        initial = document["initial"]
        trusted = TrustedState(
            SignedHeader.read(with_year_1(initial["signed_header"])), ValidatorSet.read(initial["next_validator_set"])
        )
        for i, case in enumerate(document["input"]):
            verdict, reason, block = step(trusted, case, int(initial["trusting_period"]))
            assert verdict == case["verdict"], (path.name, i, reason)
            verdicts[verdict] += 1
            reasons[reason] += verdict == "INVALID"
            if verdict == "SUCCESS":
                assert block is not None
                following = case["block"]["next_validator_set"]
                if i + 1 < len(document["input"]):
                    trusted = TrustedState(block.signed_header, ValidatorSet.read(following))
    assert verdicts == {"SUCCESS": 44, "NOT_ENOUGH_TRUST": 42, "INVALID": 13}
    record_property("verdicts", dict(verdicts))
    count_cases(f"{ROOT}/model_based/single_step", verdicts.total())
    print(f"single-step verdicts: {dict(verdicts)}, invalid for: {dict(+reasons)}")


def test_absent_votes_of_1970_are_refused_by_name(require_vectors: Any) -> None:
    """As the files are: CometBFT's ValidateBasic says "time is present"."""
    path = require_vectors(f"{ROOT}/model_based/single_step/MC50_2_faulty_TestSuccess.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    initial, given = document["initial"], document["input"][0]["block"]
    trusted = TrustedState(
        SignedHeader.read(initial["signed_header"]), ValidatorSet.read(initial["next_validator_set"])
    )
    block = LightBlock.read({name: given[name] for name in ("signed_header", "validator_set")}, form="rpc")
    options = LightOptions(int(initial["trusting_period"]), max_clock_drift_ns=0)
    report = verify_light(trusted, block, options, of_time(document["input"][0]["now"], "now"))
    assert report.verdict is LightVerdict.INVALID
    assert [check.name for check in report.failed] == ["structure"]
    assert "absent" in report.reason


# ---- real chains -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequential", [False, True])
def test_headers_of_lumina(sequential: bool, require_vectors: Any, count_cases: Any) -> None:
    """256 headers of a chain with one validator: one jump or 255 steps up, and all the way down by hashes."""
    rows = json.loads(require_vectors("cometbft/lumina_extended_headers_1_to_256.json").read_text(encoding="utf-8"))
    blocks = {int(row["header"]["height"]): row for row in rows}
    node, other = MappingProvider(blocks, form="rpc"), MappingProvider(blocks, form="rpc")
    first, last = node.light_block(1), node.light_block(256)
    assert first is not None
    assert last is not None
    client = LightClient(
        "private", primary=node, witnesses=[other], timeout=None,
        options=LightOptions(86400 * SECOND, sequential=sequential),
    )  # fmt: skip
    now = last.signed_header.time_ns + SECOND
    client.initialize(1, first.hash, now)
    assert client.verify(256, now).hash == last.hash
    client.reset()
    client.initialize(256, last.hash, now)
    assert client.verify(1, now).hash == first.hash
    count_cases("lumina: headers, up and down", 2 * 255 if sequential else 256)


def test_blocks_of_mocha(require_vectors: Any, count_cases: Any) -> None:
    """Celestia's testnet with up to 100 validators: each block that the next one may follow from, one or many on."""
    root = require_vectors("cometbft/celestia_mocha4")
    found = (LightBlock.read(path.read_text(encoding="utf-8"), form="rpc") for path in root.glob("*/signed_block.json"))
    blocks = sorted(found, key=lambda block: block.height)
    options, verdicts = LightOptions(100_000 * 86400 * SECOND), Counter[str]()
    for before, after in itertools.combinations(blocks, 2):
        report = verify_light(TrustedState.of(before), after, options, after.signed_header.time_ns + SECOND)
        kind = "adjacent" if after.height == before.height + 1 else "skipping"
        verdicts[f"{kind}: {report.verdict.value}"] += 1
        assert report.verdict in (LightVerdict.SUCCESS, LightVerdict.NOT_ENOUGH_TRUST), report.reason
        assert kind == "skipping" or report.valid
    count_cases("celestia mocha-4: steps of a light client", verdicts.total())
    print(f"mocha-4: {dict(verdicts)}")


# ---- bisection -------------------------------------------------------------------------------------------------------


@pytest.fixture
def old_chain(monkeypatch: pytest.MonkeyPatch) -> str:
    """Registers Tendermint 0.33, whose form these files have."""
    monkeypatch.setitem(chains._MODULES, tendermint33.CHAIN, "tendermint33")
    return tendermint33.CHAIN


class Counted(MappingProvider):
    """A provider that notes what it was asked for."""

    def __init__(self, document: dict[str, Any], chain: str) -> None:
        inner = document.get("value", document)
        blocks = {int(one["signed_header"]["header"]["height"]): one for one in inner["lite_blocks"]}
        super().__init__(blocks, chain=chain, form="rpc")
        self.asked: list[int] = []
        self.evidence: list[bytes] = []

    def light_block(self, height: int) -> LightBlock | None:
        self.asked.append(height)
        return super().light_block(height)

    def report_evidence(self, evidence: bytes) -> None:
        self.evidence.append(evidence)


def bisect(document: dict[str, Any], chain: str) -> tuple[Any, LightClient, Counted, list[Counted]]:
    """The outcome of one file: the block, or the error."""
    trust, target = document["trust_options"], int(document["height_to_verify"])
    level = trust["trust_level"]
    options = LightOptions(
        int(trust["period"]), (int(level["numerator"]), int(level["denominator"])), max_clock_drift_ns=SECOND
    )
    primary = Counted(document["primary"], chain)
    witnesses = [Counted(one, chain) for one in document["witnesses"] or ()]
    client = LightClient(
        document["primary"]["chain_id"], primary=primary, witnesses=witnesses, options=options, chain=chain,
        witnesses_needed=min(1, len(witnesses)),
    )  # fmt: skip
    now = of_time(document["now"], "now")
    try:
        client.initialize(int(trust["height"]), bytes.fromhex(trust["hash"]), now)
        primary.asked.clear()
        return client.verify(target, now), client, primary, witnesses
    except LightClientError as error:
        return error, client, primary, witnesses


WANTED = {
    "conflicting_headers": ("attack", [1]),
    "conflicting_valid_commits_from_one_of_the_witnesses": ("attack", [1]),
    "conflicting_valid_commits_from_the_only_witness": ("attack", [1]),
    "malicious_validator_set": ("attack", [1]),
    "_happy_path": ("", [1, 11]),
    "header_out_of_trusting_period": ("expired", []),
    "not_enough_commits": ("provider", [1]),
}
"""File -> reason of the error, "" where there is no error; heights that are trusted afterwards."""


def test_bisection(require_vectors: Any, count_cases: Any, old_chain: str, record_property: Any) -> None:
    """Seven files have the outcome that they name. The eighth is in the next test."""
    root = require_vectors(f"{ROOT}/bisection")
    outcomes: dict[str, str] = {}
    for path in files(root / "single_peer") + files(root / "multi_peer"):
        if path.stem == "_worst_case":
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        found, client, primary, _ = bisect(document, old_chain)
        reason = found.reason if isinstance(found, LightClientError) else ""
        outcomes[path.stem] = reason
        assert (document["expected_output"] == "error") == bool(reason), (path.name, str(found))
        assert (reason, client.heights()) == WANTED[path.stem], (path.name, str(found))
        print(f"{path.stem}: {reason or 'no error'}, asked for {primary.asked}")
    assert set(outcomes) == set(WANTED)
    record_property("bisections", outcomes)
    count_cases(f"{ROOT}/bisection", len(outcomes))
    print(f"bisection files: {outcomes}")


def test_the_file_that_contradicts_itself(require_vectors: Any, count_cases: Any, old_chain: str) -> None:
    """ "_worst_case" says "no error", and no client that hashes can agree.

    Some of its validator sets are hashed as amino writes them and some as protobuf does, block hashes are those of
    other headers, and header 4 names other next validators than header 5 has. It has been so since it was published.
    """
    path = require_vectors(f"{ROOT}/bisection/single_peer/_worst_case.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    headers = [one["signed_header"]["header"] for one in document["primary"]["lite_blocks"]]
    broken = [
        int(one["height"])
        for one, following in itertools.pairwise(headers)
        if one["next_validators_hash"] != following["validators_hash"]
    ]
    assert broken == [4]
    found, client, _, _ = bisect(document, old_chain)
    assert isinstance(found, LightClientError)
    assert (found.reason, client.heights()) == ("provider", [])
    assert "header_hash" in found.detail
    count_cases(f"{ROOT}/bisection/_worst_case", 1)


def test_the_case_that_it_was_meant_to_be() -> None:
    """One validator, another one with every block: ten steps from height 1 to height 11."""
    chain = LightChain(heights=11, validators=1, replaced=1)
    source = Source(
        MappingProvider(chain.mapping()), "primary", chain_id=chain.chain_id, chain="cometbft", timeout=None,
        max_validators=10,
    )  # fmt: skip
    options = LightOptions(10800 * SECOND)
    trace = walk(source, chain.block(1), chain.block(11), options, chain.now_ns, Allowance(100))
    assert [one.height for one in trace] == list(range(1, 12))
