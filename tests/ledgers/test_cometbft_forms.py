"""CometBFT's messages in both forms: what is read, what is refused and how it is named, traps of real packages."""

from __future__ import annotations

import base64
import contextlib
import copy
import datetime
import hashlib
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from pycore.consensus import Validator, ValidatorSet
from pycore.errors import InputError
from pycore.ledgers.cometbft import encoding, fields, hashes, rpc, schemes, signbytes, structure, versions, wire
from pycore.ledgers.cometbft import messages as m
from pycore.ledgers.cometbft.consensus import RULES
from pycore.ledgers.cometbft.evidence import duplicate_vote
from pycore.testing import cometbft_json as answers
from pycore.testing.cometbft import Chain, make_signers, make_vote

CHAIN = Chain(
    blocks=3, validators=5, seed=5, absent=(3,), nil=(4,), powers=[50, 40, 30, 5, 4], schemes=tuple(schemes.SCHEMES)[:2]
)
BLOCK, SIGNED, LIGHT = CHAIN.blocks[1], CHAIN.signed_header(1), CHAIN.light_block(1)
VOTE = make_vote(CHAIN.signers[0][0], height=2, block_id=CHAIN.block_ids[1], extension=b"ext")
PROPOSAL = m.Proposal(2, 1, -1, CHAIN.block_ids[1], SIGNED.header.time_ns, b"s" * 64)
DUPLICATE = duplicate_vote(
    make_vote(CHAIN.signers[0][0], height=2, block_id=CHAIN.block_ids[0]),
    make_vote(CHAIN.signers[0][0], height=2, block_id=CHAIN.block_ids[1]),
    CHAIN.validators(0),
    SIGNED.header.time_ns,
)
ATTACK = m.LightClientAttack(LIGHT, 1, tuple(CHAIN.validators(1)[:2]), 129, SIGNED.header.time_ns)
FULL = replace(BLOCK, evidence=(DUPLICATE, ATTACK))

FORMS = {
    "header": (SIGNED.header, encoding.header, wire.header),
    "commit": (SIGNED.commit, encoding.commit, wire.commit),
    "signed_header": (SIGNED, encoding.signed_header, wire.signed_header),
    "validators": (LIGHT.validators, encoding.validators, wire.validators),
    "light_block": (LIGHT, encoding.light_block, wire.light_block),
    "vote": (VOTE, encoding.vote, wire.vote),
    "proposal": (PROPOSAL, encoding.proposal, wire.proposal),
    "duplicate_vote": (DUPLICATE, encoding.evidence_union, wire.evidence),
    "attack": (ATTACK, encoding.evidence_union, wire.evidence),
    "block": (FULL, encoding.block, wire.block),
    "tx_proof": (CHAIN.tx_proof(0, 2), encoding.tx_proof, wire.tx_proof),
}


@pytest.mark.parametrize("name", FORMS)
def test_protobuf_there_and_back(name: str) -> None:
    value, write, read = FORMS[name]
    data = write(value)
    assert read(data) == value
    assert read(bytearray(data)) == read(memoryview(data)) == value


@pytest.mark.parametrize("name", FORMS)
def test_every_changed_bit_is_refused_or_told(name: str) -> None:
    """No two byte strings have one meaning: what is read from a changed one is another message."""
    value, write, read = FORMS[name]
    data, rng = write(value), random.Random(name)
    places = range(8 * len(data)) if len(data) < 400 else sorted(rng.sample(range(8 * len(data)), 700))
    for bit in places:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        found = None
        with contextlib.suppress(InputError):
            found = read(bytes(changed))
        assert found != value
        assert found is None or write(found) == bytes(changed)


@pytest.mark.parametrize("name", FORMS)
def test_cut_and_longer_bytes_are_refused(name: str) -> None:
    value, write, read = FORMS[name]
    data = write(value)
    for wrong in (data + b"\0", data + data[:2], b"\xff" * 9, data + b"\xf8\x07\x01"):
        with pytest.raises(InputError):
            read(wrong)
    for end in range(0, len(data), max(1, len(data) // 40)):
        with contextlib.suppress(InputError):
            assert read(data[:end]) != value
    with pytest.raises(InputError):
        read("text")


def json_forms() -> dict[str, tuple[Any, Any, Any]]:
    return {
        "header": (SIGNED.header, answers.header_answer(SIGNED.header), rpc.header),
        "header of a block": (BLOCK.header, answers.block_answer(BLOCK, CHAIN.block_ids[1]), rpc.header),
        "commit": (SIGNED.commit, answers.commit_answer(SIGNED), rpc.commit),
        "signed_header": (SIGNED, answers.commit_answer(SIGNED), rpc.signed_header),
        "light_block": (LIGHT, answers.reply(answers.light_block(LIGHT)), rpc.light_block),
        "vote": (VOTE, answers.reply(answers.vote(VOTE)), rpc.vote),
        "duplicate_vote": (DUPLICATE, answers.reply(answers.evidence(DUPLICATE)), rpc.evidence),
        "attack": (ATTACK, answers.reply(answers.evidence(ATTACK)), rpc.evidence),
        "attack 1.0": (ATTACK, answers.reply(answers.evidence(ATTACK, since_1_0=True)), rpc.evidence),
        "block": (FULL, answers.block_answer(FULL, CHAIN.block_ids[1]), rpc.block),
        "tx_proof": (CHAIN.tx_proof(0, 2), answers.tx_answer(CHAIN.tx_proof(0, 2), 1), rpc.tx_proof),
    }


@pytest.mark.parametrize("name", json_forms())
def test_answers_as_text_bytes_and_dict_with_and_without_the_reply(name: str) -> None:
    value, text, read = json_forms()[name]
    whole = json.loads(text)
    for form in (text, text.encode(), whole, whole["result"], json.dumps(whole["result"])):
        assert read(form) == value


def test_proposals_in_json() -> None:
    made = answers.vote(VOTE) | {"type": 32, "pol_round": -1, "height": "2", "round": 1}
    made["timestamp"] = fields.text_of_time(PROPOSAL.time_ns)
    made["signature"] = base64.b64encode(b"s" * 64).decode()
    assert rpc.proposal(made) == PROPOSAL


# ---- errors name the path --------------------------------------------------------------------------------------------


def changed(path: str, value: Any) -> dict[str, Any]:
    made = json.loads(answers.reply(answers.light_block(LIGHT)))["result"]
    at: Any = made
    *parts, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parts:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("signed_header/header/height", "7.0", "signed_header.header.height"),
        ("signed_header/header/height", 7.0, "signed_header.header.height"),
        ("signed_header/header/height", True, "signed_header.header.height"),
        ("signed_header/header/height", str(2**63), "signed_header.header.height"),
        ("signed_header/header/height", "007", "signed_header.header.height"),
        ("signed_header/header/height", ..., "signed_header.header.height"),
        ("signed_header/header/chain_id", 7, "signed_header.header.chain_id"),
        ("signed_header/header/chain_id", "\ud800", "signed_header.header.chain_id"),
        ("signed_header/header/version", "11", "signed_header.header.version"),
        ("signed_header/header/version/block", "-1", "signed_header.header.version.block"),
        ("signed_header/header/time", 1_700_000_000, "signed_header.header.time"),
        ("signed_header/header/data_hash", "AB", "signed_header.header.data_hash"),
        ("signed_header/header/data_hash", "zz" * 32, "signed_header.header.data_hash"),
        ("signed_header/header/last_block_id/parts/total", 2**32, "signed_header.header.last_block_id.parts.total"),
        ("signed_header/commit/round", 2**31, "signed_header.commit.round"),
        ("signed_header/commit/signatures", {}, "signed_header.commit.signatures"),
        ("signed_header/commit/signatures/1", 7, "signed_header.commit.signatures[1]"),
        ("signed_header/commit/signatures/1/signature", "AAA", "signed_header.commit.signatures[1].signature"),
        ("signed_header/commit/signatures/1/signature", "QQ=", "signed_header.commit.signatures[1].signature"),
        ("signed_header/commit/signatures/1/signature", "QR==", "signed_header.commit.signatures[1].signature"),
        ("signed_header/commit/signatures/0/block_id_flag", "NO", "signed_header.commit.signatures[0].block_id_flag"),
        ("signed_header/commit/signatures/0/timestamp", None, "signed_header.commit.signatures[0].timestamp"),
        ("validator_set/validators/2/pub_key/type", "tendermint/PubKeyRsa", "validator_set.validators[2].pub_key.type"),
        ("validator_set/validators/2/pub_key/value", "AAAA", "validator_set.validators[2].pub_key.value"),
        ("validator_set/validators/2/voting_power", "many", "validator_set.validators[2].voting_power"),
        ("validator_set/validators/2/pub_key", ..., "validator_set.validators[2].pub_key"),
        ("validator_set", ..., "validators"),
    ],
)  # fmt: skip
def test_errors_name_the_field(path: str, value: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        rpc.light_block(changed(path, value))
    assert caught.value.field == f"light_block.{field}"


def test_errors_of_protobuf_name_the_field() -> None:
    slots = list(SIGNED.commit.signatures)
    row = encoding.commit_sig(slots[1])
    nanos = encoding.message(3, encoding.number(2, 10**9))
    wrong = encoding.number(1, 2) + encoding.message(
        4, row.replace(encoding.message(3, encoding.timestamp(slots[1].time_ns)), nanos)
    )
    with pytest.raises(InputError) as caught:
        wire.commit(wrong)
    assert caught.value.field == "commit.signatures[0].timestamp.nanos"
    for seconds in (-62135596801, 253402300800):
        data = encoding.header(SIGNED.header)
        time = encoding.message(4, encoding.timestamp(SIGNED.header.time_ns))
        assert time in data
        with pytest.raises(InputError) as caught:
            wire.header(data.replace(time, encoding.message(4, encoding.number(1, seconds))))
        assert caught.value.field == "header.time.seconds"
    with pytest.raises(InputError) as caught:
        wire.signed_header(encoding.message(1, encoding.header(SIGNED.header)))
    assert caught.value.field == "signed_header.commit"
    with pytest.raises(InputError) as caught:
        wire.validators(encoding.message(1, encoding.number(3, 7)))
    assert caught.value.field == "validators.validators[0].pub_key"


def test_names_twice_are_refused() -> None:
    text = answers.commit_answer(SIGNED)
    with pytest.raises(InputError, match="twice"):
        rpc.signed_header(text.replace('"round":', '"round": 0, "round":', 1))


# ---- bounds ----------------------------------------------------------------------------------------------------------


def test_small_records_are_counted_before_they_are_built() -> None:
    slots = b"\x22\x00" * (wire.MAX_ROWS + 1)
    with pytest.raises(InputError, match="entries of lists"):
        wire.commit(slots)
    with pytest.raises(InputError, match="entries of lists"):
        wire.block(encoding.message(2, b"\x0a\x00" * (wire.MAX_ROWS + 1)))
    attack = encoding.message(1, encoding.message(1, encoding.message(2, slots)))
    with pytest.raises(InputError, match="entries of lists"):
        wire.evidence(encoding.message(2, attack))


def test_large_answers_are_bounded() -> None:
    with pytest.raises(InputError, match="pages"):
        rpc.validators([{}] * (rpc.MAX_PAGES + 1))
    with pytest.raises(InputError, match="values and names"):
        rpc.block('{"a":[' + "0," * (rpc.MAX_VALUES + 1) + "0]}")
    with pytest.raises(InputError, match="levels"):
        rpc.block("[" * 99 + "]" * 99)


# ---- traps -----------------------------------------------------------------------------------------------------------


def test_trap_times_keep_nine_digits() -> None:
    """A codec that cuts times to milliseconds makes signatures that do not hold, and another header's hash."""
    whole = "2023-09-06T14:17:25.977731473Z"
    assert fields.of_time(whole, "time") == 1694009845_977731473
    cut = [fields.of_time(f"2023-09-06T14:17:25.{'977731473'[:digits]}Z", "time") for digits in range(1, 10)]
    assert len(set(cut)) == 9
    header = replace(SIGNED.header, time_ns=SIGNED.header.time_ns // 10**6 * 10**6)
    assert hashes.header_hash(header) != hashes.header_hash(SIGNED.header)
    slots = tuple(replace(one, time_ns=one.time_ns // 10**6 * 10**6) for one in SIGNED.commit.signatures)
    before = signbytes.commit("c", SIGNED.commit)
    after = signbytes.commit("c", replace(SIGNED.commit, signatures=slots))
    assert all(one != two for one, two, slot in zip(before, after, slots, strict=True) if slot.flag != m.ABSENT)


@pytest.mark.parametrize(
    "text",
    [
        "2023-09-06T14:17:25.9777314731Z", "2023-09-06T14:17:25+02:00", "2023-09-06T14:17:25", "2023-09-06 14:17:25Z",
        "2023-02-30T14:17:25Z", "2023-09-06T24:00:00Z", "2023-09-06T14:17:60Z", "2023-09-06T14:17:25.Z",
        "0000-01-01T00:00:00Z", "2023-09-06t14:17:25z", "2023-09-06T14:17:25,5Z", "1694009845", "",
        "\uff12023-09-06T14:17:25Z", "2023-09-06T14:17:25.97Z\n",
    ],
)  # fmt: skip
def test_times_that_nodes_do_not_write(text: str) -> None:
    with pytest.raises(InputError, match=r"a time such as 2023-09-06T14:17:25\.977731473Z"):
        fields.of_time(text, "time")


def test_trap_rpc_wrappers_give_dates() -> None:
    """A datetime has no nanoseconds, so it is refused with the reason, never rounded."""
    made = changed("signed_header/header/time", datetime.datetime(2023, 9, 6, 14, 17, 25, 977731))
    with pytest.raises(InputError, match="as text, since a datetime holds no nanoseconds"):
        rpc.light_block(made)


def test_trap_absent_votes_have_the_time_of_year_1() -> None:
    """It is hashed: an absent slot with another time, such as that of 1970, makes another hash of the commit."""
    absent = m.CommitSig(m.ABSENT)
    assert absent.time_ns == m.YEAR_1 == fields.of_time("0001-01-01T00:00:00Z", "time")
    assert encoding.commit_sig(absent).hex() == "08011a0b088092b8c398feffffff01"
    assert wire.commit(encoding.commit(SIGNED.commit)).signatures[3] == absent
    for lost in (None, ...):  # what a codec drops is that time again
        assert rpc.light_block(changed("signed_header/commit/signatures/3/timestamp", lost)) == LIGHT
    epoch = rpc.light_block(changed("signed_header/commit/signatures/3/timestamp", "1970-01-01T00:00:00Z"))
    commit = epoch.signed_header.commit
    assert hashes.commit_hash(commit) != hashes.commit_hash(SIGNED.commit)
    assert any("some software writes 1970" in fault for fault in structure.commit_faults(commit))


def bech32(prefix: str, data: bytes) -> str:
    values, bits = [], "".join(f"{octet:08b}" for octet in data)
    values = [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    head = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    check = fields._polymod(head + values + [0] * 6) ^ 1
    values += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(fields._CHARSET[value] for value in values)


def test_trap_addresses_come_in_hexadecimal_base64_or_bech32() -> None:
    own = LIGHT.validators.validators[2].address
    path = "validator_set/validators/2/address"
    for form in (own.hex(), own.hex().upper(), base64.b64encode(own).decode(), bech32("cosmosvalcons", own)):
        assert rpc.light_block(changed(path, form)) == LIGHT
    hash_path = "signed_header/header/data_hash"
    assert rpc.light_block(changed(hash_path, base64.b64encode(SIGNED.header.data_hash).decode())) == LIGHT
    for wrong, hint in (
        ("0x" + own.hex(), "CometBFT writes no 0x"),
        (bech32("cosmosvaloper", own), "an address of another kind"),
        (bech32("cosmos", own), "an address of another kind"),
        (bech32("cosmosvalcons", own)[:-1] + "q", "whose checksum is wrong"),
        (bech32("cosmosvalcons", own[:19]), "19 bytes"),
        (own, "these are bytes"),
        (own.hex()[:-1], "20 bytes in hexadecimal or base64"),
    ):
        with pytest.raises(InputError) as caught:
            rpc.light_block(changed(path, wrong))
        assert hint in str(caught.value)
        assert caught.value.field == "light_block.validator_set.validators[2].address"


def test_bech32_of_bip_173() -> None:
    """The checksum of published texts."""
    for text in (
        "a12uel5l",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    ):
        prefix, _, rest = text.rpartition("1")
        head = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
        assert fields._polymod(head + [fields._CHARSET.index(letter) for letter in rest]) == 1


def test_trap_addresses_and_hashes_of_before_0_34() -> None:
    """Amino put a type's prefix before a key: addresses and hashes made of that are other ones, and are refused."""
    key = make_signers(1, seed=1)[0].validator.public_key
    amino = hashlib.sha256(bytes.fromhex("1624de6420") + key).digest()[:20]
    with pytest.raises(InputError, match="the key's"):
        ValidatorSet([Validator(key, 1, "ed25519", amino)])
    old_leaf = bytes.fromhex("1624de6420") + key
    now = hashes.validators_hash([Validator(key, 1)])
    assert now != hashes.tree([encoding.message(1, old_leaf) + encoding.number(2, 1)])


def test_trap_a_page_is_not_a_set() -> None:
    rows = CHAIN.validators(0)
    pages = answers.validators_answers(rows, 1, per_page=2)
    assert len(pages) == 3
    assert list(rpc.validators(pages).validators) == rows
    assert list(rpc.validators([json.loads(page)["result"] for page in pages]).validators) == rows
    assert list(rpc.validators("[" + ",".join(pages) + "]").validators) == rows
    for some in (pages[0], pages[:2], [pages[0], pages[0], pages[1], pages[2]]):
        with pytest.raises(InputError, match="/validators has pages"):
            rpc.validators(some)
    other = answers.validators_answers(rows, 2, per_page=2)
    with pytest.raises(InputError, match="as the first"):
        rpc.validators([pages[0], other[1], pages[2]])


def test_answers_of_the_cosmos_sdk() -> None:
    """Its gateway writes hashes in base64, flags by name, and another name for the parts."""
    made = json.loads(answers.commit_answer(SIGNED))["result"]["signed_header"]

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {"part_set_header" if key == "parts" else key: convert(one) for key, one in value.items()}
        for key, one in found.items():
            if key == "block_id_flag":
                found[key] = {1: "BLOCK_ID_FLAG_ABSENT", 2: "BLOCK_ID_FLAG_COMMIT", 3: "BLOCK_ID_FLAG_NIL"}[one]
            elif (key.endswith("hash") and key != "app_hash") or key.endswith("_address"):
                found[key] = base64.b64encode(bytes.fromhex(one)).decode()
        return found

    assert rpc.signed_header(convert(copy.deepcopy(made))) == SIGNED


# ---- keys ------------------------------------------------------------------------------------------------------------

ANY_KEYS = {
    "ed25519": bytes(range(32)),
    "ecdsa-secp256k1": bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
    "secp256k1eth": bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
    "bls12-381": bytes(range(96)),
    "ml-dsa-65": bytes(1952),
}


def test_keys_of_every_scheme_are_read_and_hashed() -> None:
    rows = tuple(Validator(key, 5, name, schemes.address(name, key), 3) for name, key in ANY_KEYS.items())
    for typed in (False, True):
        given = m.Validators(rows, rows[0], typed)
        assert wire.validators(encoding.validators(given)) == given
    assert rpc.validators(answers.validators_answers(rows, 1)).validators == rows
    assert len({schemes.SCHEMES[one.scheme].field for one in rows}) == 5
    assert len(hashes.validators_hash(rows)) == 32


def test_addresses_of_known_keys() -> None:
    """The generator point of secp256k1, whose Bitcoin and Ethereum addresses are well known."""
    key = ANY_KEYS["ecdsa-secp256k1"]
    assert schemes.address("ecdsa-secp256k1", key).hex() == "751e76e8199196d454941c45d1b3a323f1433bd6"
    assert schemes.address("secp256k1eth", key).hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    odd = b"\x03" + key[1:]
    assert schemes.address("secp256k1eth", odd) != schemes.address("secp256k1eth", key)
    for wrong in (b"\x04" + key[1:], b"\x02" + b"\xff" * 32, b"\x02" + bytes(31) + b"\x05"):
        with pytest.raises(InputError):
            schemes.address("secp256k1eth", wrong)
    assert schemes.address("ed25519", bytes(32)) == hashlib.sha256(bytes(32)).digest()[:20]


def test_sr25519_is_read_and_refused_by_name() -> None:
    """Its keys can be listed, but no set's hash has a form for them; nor do signatures of schemes not built hold."""
    one = Validator(bytes(32), 5, "sr25519", schemes.address("sr25519", bytes(32)))
    assert rpc.validators(answers.validators_answers([one], 1)).validators == (one,)
    with pytest.raises(InputError, match="sr25519"):
        hashes.validators_hash([one])
    listed = m.Validators((one,), one)
    with pytest.raises(InputError, match="sr25519"):
        encoding.validators(listed)
    block = replace(LIGHT, validators=replace(listed, typed=True))
    assert wire.light_block(encoding.light_block(block)) == block
    assert any("sr25519" in fault for fault in structure.light_block_faults(block))
    for name, key in ANY_KEYS.items():
        held = ValidatorSet([Validator(key, 5, name)])
        assert held.unbuilt == (() if name in RULES.options else (name,))
        if held.unbuilt:
            verdicts = held.verify([0], [bytes(64)], [b"m"])
            assert [one.name for one in verdicts] == ["UNSUPPORTED_ALGORITHM"]


@pytest.mark.parametrize("name", schemes.SCHEMES)
def test_keys_of_another_length_are_refused(name: str) -> None:
    size = schemes.SCHEMES[name].size
    for wrong in (0, size - 1, size + 1):
        with pytest.raises(InputError, match=f"the {size} bytes of a key of {name}"):
            schemes.check_key(name, bytes(wrong))


# ---- releases --------------------------------------------------------------------------------------------------------


def test_releases() -> None:
    """Each line by itself; keys are fields of the union, which only grew."""
    for name in ("0.34", "0.37", "0.38", "0.39", "0.40", "1.0"):
        found = versions.release(name)
        assert found is versions.RELEASES[name] is versions.release(f"v{found.seen}")
        assert set(found.schemes) <= set(schemes.SCHEMES)
        assert found.max_signature <= structure.MAX_SIGNATURE
    assert {name for name, one in versions.RELEASES.items() if not one.extensions} == {"0.34", "0.37"}
    assert {name for name, one in versions.RELEASES.items() if one.typed_keys} == {"1.0"}
    for wrong in ("0.33", "", "0.38.x/", "2", None, "v"):
        with pytest.raises(InputError):
            versions.release(wrong)  # type: ignore[arg-type]


def test_vote_extensions_of_0_38() -> None:
    """Signed apart from the vote, by the same validator; before 0.38 there are none."""
    found = RULES.read_vote(encoding.vote(VOTE), "wire", chain_id="pycore-test", extensions=True)
    assert (len(found.extensions), found.kind) == (1, "precommit")
    assert found.claim == encoding.block_id(VOTE.block_id)
    with pytest.raises(InputError, match="which this height has not"):
        RULES.read_vote(encoding.vote(VOTE), "wire", chain_id="pycore-test", extensions=False)
    bare = replace(VOTE, extension=b"", extension_signature=b"")
    assert RULES.read_vote(encoding.vote(bare), "wire", chain_id="pycore-test").extensions == ()
    with pytest.raises(InputError, match="no signature for a vote extension"):
        RULES.read_vote(encoding.vote(bare), "wire", chain_id="pycore-test", extensions=True)
    empty = make_vote(CHAIN.signers[0][0], height=2, block_id=CHAIN.block_ids[1], extension=b"")
    assert len(RULES.read_vote(encoding.vote(empty), "wire", chain_id="pycore-test", extensions=True).extensions) == 1
    for wrong in (
        replace(VOTE, type=m.PREVOTE), replace(VOTE, block_id=m.BlockId()), replace(VOTE, extension_signature=b"")
    ):  # fmt: skip
        with pytest.raises(InputError, match="extension"):
            RULES.read_vote(encoding.vote(wrong), "wire", chain_id="pycore-test")


def test_votes_for_no_block_sign_no_block_id() -> None:
    vote = make_vote(CHAIN.signers[0][0], height=2)
    found = RULES.read_vote(encoding.vote(vote), "wire", chain_id="pycore-test")
    assert found.claim is None
    assert signbytes.vote("pycore-test", vote) == found.message
    named = signbytes.vote("pycore-test", replace(vote, block_id=CHAIN.block_ids[0]))
    assert encoding.message(4, encoding.block_id(CHAIN.block_ids[0])) in named
    assert encoding.message(4, encoding.block_id(m.BlockId())) not in found.message


def test_signed_bytes_leave_out_round_0() -> None:
    """Fixed numbers of eight bytes, and nothing at all for 0."""
    vote = replace(VOTE, round=0, height=1)
    text = signbytes.vote("c", vote)
    assert text[1:12].hex() == "0802" + "11" + "0100000000000000"
    assert text[0] == len(text) - 1
    assert b"\x19" + (7).to_bytes(8, "little") in signbytes.vote("c", replace(vote, round=7))


def test_structure_of_headers_commits_and_votes() -> None:
    """One change each, and it is told."""
    header, commit = SIGNED.header, SIGNED.commit
    for name, value in (
        ("block_version", 10), ("height", 0), ("height", -1), ("chain_id", "x" * 51), ("chain_id", "ä" * 26),
        ("data_hash", b"1" * 31), ("validators_hash", b"1" * 33), ("proposer_address", b"1" * 19),
        ("last_block_id", m.BlockId(b"1" * 31)),
    ):  # fmt: skip
        assert structure.header_faults(replace(header, **{name: value})), name
    slots = commit.signatures
    wrong = [
        replace(slots[0], flag=4), replace(slots[0], flag=0), replace(slots[0], address=b"1" * 19),
        replace(slots[0], signature=b""), replace(slots[0], signature=bytes(structure.MAX_SIGNATURE + 1)),
        replace(slots[3], address=b"1" * 20), replace(slots[3], signature=b"1"), replace(slots[3], time_ns=5),
    ]  # fmt: skip
    for slot in wrong:
        assert structure.commit_faults(replace(commit, signatures=(slot,)))
        assert RULES.read_signed_header(
            encoding.signed_header(m.SignedHeader(header, replace(commit, signatures=(slot,)))), "wire"
        ).faults
    for change in ({"height": -1}, {"round": -1}, {"block_id": m.BlockId()}, {"signatures": ()}):
        assert structure.commit_faults(replace(commit, **change)), change
    for change in (
        {"type": 3}, {"height": 0}, {"round": -1}, {"position": -1}, {"address": b""}, {"signature": b""},
        {"block_id": m.BlockId(b"1" * 32)}, {"block_id": m.BlockId(b"1" * 32, 0, b"2" * 32)},
    ):  # fmt: skip
        assert structure.vote_faults(replace(VOTE, **change)), change
    for change in ({"type": 2}, {"height": 0}, {"round": -1}, {"pol_round": 1}, {"pol_round": -2}, {"signature": b""}):
        assert structure.proposal_faults(replace(PROPOSAL, **change)), change
    assert not structure.proposal_faults(PROPOSAL)
    assert not structure.header_faults(header) + structure.commit_faults(commit) + structure.vote_faults(VOTE)


def test_headers_without_validators_have_no_hash() -> None:
    assert hashes.header_hash(replace(SIGNED.header, validators_hash=b"")) == b""


def test_every_field_of_a_header_is_hashed() -> None:
    seen = {hashes.header_hash(SIGNED.header)}
    for name in SIGNED.header.__slots__:
        value = getattr(SIGNED.header, name)
        if isinstance(value, int):
            other: Any = value + 1
        elif isinstance(value, (str, bytes)):
            other = value + (b"\1" if isinstance(value, bytes) else "x")
        else:
            other = replace(value, parts_total=value.parts_total + 1)
        seen.add(hashes.header_hash(replace(SIGNED.header, **{name: other})))
    assert len(seen) == 1 + len(SIGNED.header.__slots__)


def test_priority_is_not_hashed_and_power_is() -> None:
    rows = CHAIN.validators(0)
    moved = [replace(one, priority=one.priority + 7) for one in rows]
    assert hashes.validators_hash(rows) == hashes.validators_hash(moved)
    assert ValidatorSet(rows) == ValidatorSet(moved)
    assert hashes.validators_hash(rows) != hashes.validators_hash([replace(rows[0], power=51), *rows[1:]])


def test_results_and_parameters_are_hashed_as_defined() -> None:
    """Nothing of logs or events: code, data, gas."""
    assert hashes.results_hash([]) == hashes.EMPTY
    leaf = bytes.fromhex("0801" + "120161" + "2802" + "3003")
    assert hashes.results_hash([hashes.Result(1, b"a", 2, 3)]) == hashes.tree([leaf])
    assert hashes.results_hash([hashes.Result()]) == hashes.tree([b""])
    assert hashes.params_hash(22020096, -1).hex() == (
        "048091bc7ddc283f77bfbf91d73c44da58c3df8a9cbc867405d8b7f3daada22f"
    )


def test_evidence_by_its_hash() -> None:
    """Of two votes SHA-256 of the bytes; of an attack that of the conflicting block's hash without its last byte."""
    assert hashes.evidence_id(DUPLICATE) == hashlib.sha256(encoding.evidence(DUPLICATE)).digest()
    block = hashes.header_hash(SIGNED.header)
    assert hashes.evidence_id(ATTACK) == hashlib.sha256(block[:31] + b"\0" + b"\2").digest()
    assert hashes.evidence_hash([DUPLICATE, ATTACK]) == hashes.tree(
        [encoding.evidence(DUPLICATE), encoding.evidence(ATTACK)]
    )
