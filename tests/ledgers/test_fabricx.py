"""The verdicts of Fabric-X's verifier: recorded ones of the real verifier, and each rule by itself."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pycore._pb.ledgers.fabric.v1 import block_pb2, configuration_pb2, membership_pb2
from pycore.ledgers.fabricx import (
    COMMITTED,
    SIGNATURE_INVALID,
    MalformedError,
    PolicyUpdateError,
    UnsupportedError,
    Verifier,
    bls,
    columns,
    pairing,
)
from pycore.testing import fabricx as made
from pycore.testing.fabric import role_principal, signature_policy
from pycore.testing.fabricx import KINDS, FabricXNetwork, batch, field

NETWORK = FabricXNetwork()


def statuses(verifier: Verifier, data: bytes) -> list[int]:
    """By request, in the order of the batch; small batches come in one part."""
    found: dict[int, int] = {}
    for piece in verifier.take(data):
        found |= dict(zip(piece.which.tolist(), piece.status.tolist(), strict=True))
    return [found[i] for i in range(len(found))]


def verified(requests: Sequence[bytes], **update: Any) -> list[int]:
    return statuses(Verifier(), batch(requests, NETWORK.update(**update)))


def fields_of(data: bytes) -> list[tuple[int, bytes]]:
    """The fields of bytes of a message, in order."""
    found, at = [], 0
    while at < len(data):
        tag, at = columns_number(data, at)
        value, at = columns_number(data, at)
        if tag & 7 == 2:
            found.append((tag >> 3, data[at : at + value]))
            at += value
    return found


def columns_number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def changed(request: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """A request whose first namespace has other endorsements."""
    (_, ref), (_, content) = fields_of(request)
    (_, namespace), (_, held) = fields_of(content)
    entries = b"".join(field(1, one) for one in change([one for _, one in fields_of(held)]))
    return field(1, ref) + field(2, field(1, namespace) + field(2, entries))


def entry(signature: bytes, identity: bytes | None = None) -> bytes:
    return field(1, signature) + (field(2, identity) if identity is not None else b"")


# ---- recorded verdicts -----------------------------------------------------------------------------------------------


@pytest.mark.vectors
@pytest.mark.parametrize(("name", "count"), [("plain", 82), ("nodeous", 80), ("nodeous_v3", 80)])
def test_recorded_verdicts(
    name: str, count: int, require_vectors: Callable[[str], Path], record_property: Callable[[str, object], None]
) -> None:
    document = json.loads(gzip.decompress(require_vectors(f"fabric-x/verifier_{name}.json.gz").read_bytes()))
    requests = [bytes.fromhex(one["tx_with_ref"]) for one in document["requests"]]
    data = batch(requests, bytes.fromhex(document["update"]))
    found = statuses(Verifier(), data)
    wrong = [one["name"] for one, got in zip(document["requests"], found, strict=True) if got != one["expected_status"]]
    assert not wrong
    assert len(found) == count
    wanted = [bytes.fromhex(one) for row in document["requests"] for one in row.get("signed_bytes") or []]
    if wanted:
        rows, _ = columns.scan(data, 0, columns.sizes(data))
        chosen = np.arange(len(rows.namespaces), dtype=np.uint32)
        assert list(rows.signed(chosen, 1 << 22)) == wanted
    record_property("compared", f"{len(found)} statuses, {len(wanted)} signed bytes")


# ---- threshold rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_sound_ones_are_committed(kind: str) -> None:
    assert verified(NETWORK.requests(kind, 40)) == [COMMITTED] * 40


@pytest.mark.parametrize("kind", ["ecdsa", "eddsa", "certs", "ids"])
def test_every_bit_of_a_signature_counts(kind: str) -> None:
    request = NETWORK.requests(kind, 1)[0]

    def flip(bit: int) -> Callable[[list[bytes]], list[bytes]]:
        def change(entries: list[bytes]) -> list[bytes]:
            (_, signature), *rest = fields_of(entries[0])
            flipped = bytearray(signature)
            flipped[bit // 8] ^= 1 << bit % 8
            return [field(1, bytes(flipped)) + b"".join(field(n, v) for n, v in rest), *entries[1:]]

        return change

    bits = range(0, 8 * 64, 7)
    assert verified([changed(request, flip(bit)) for bit in bits]) == [SIGNATURE_INVALID] * len(bits)


def test_the_first_endorsement_of_a_threshold_rule_counts() -> None:
    request = NETWORK.requests("ecdsa", 1)[0]
    junk = entry(b"junk")
    assert verified([changed(request, lambda held: [*held, junk]), changed(request, lambda held: [junk, *held])]) == [
        1,
        2,
    ]
    assert verified([changed(request, lambda _: [])]) == [2]


def test_none_needs_a_place_for_endorsements() -> None:
    request = NETWORK.requests("free", 1)[0]
    (_, ref), (_, content) = fields_of(request)
    bare = field(1, ref) + field(2, field(1, fields_of(content)[0][1]))
    assert verified([request, changed(request, lambda _: []), bare]) == [1, 1, 2]


def test_a_key_of_another_length_refuses_every_signature() -> None:
    policy = field(1, field(1, b"eddsa") + field(2, made.threshold("EdDSA", bytes(31))))
    update = NETWORK.update(policies=()) + field(2, policy)
    assert statuses(Verifier(), batch(NETWORK.requests("eddsa", 2), update)) == [2, 2]


def test_ed25519ctx_is_not_ed25519(backend: str) -> None:
    """The same key and digest under another rule set, in both directions."""
    import pycore
    from pycore.testing._sign import public_keys, sign

    secrets = np.arange(64, dtype=np.uint8).reshape(2, 32)
    keys, digests = public_keys("ed25519", secrets), [bytes(32), bytes(range(32))]
    for signed in ("fabric-x", "ref10"):
        signatures = sign("ed25519", secrets, digests, rules=signed)
        for rules in ("fabric-x", "ref10"):
            found = pycore.verify_batch("ed25519", keys, signatures, digests, rules=rules)
            assert found.valid.tolist() == [signed == rules] * 2


# ---- BLS on BN254 ----------------------------------------------------------------------------------------------------


def compressed(point: tuple[int, int]) -> bytes:
    data = bytearray(point[0].to_bytes(32, "big"))
    data[0] |= 0xC0 if point[1] > pairing.P // 2 else 0x80
    return bytes(data)


def test_bls_signatures() -> None:
    digest, secret = b"\x07" * 32, 0x1234567
    point = bls.hash_to_point(digest)
    signature: pairing.Point = None
    for bit in bin(secret)[2:]:
        signature = pairing.add(signature, signature)
        signature = pairing.add(signature, point) if bit == "1" else signature
    assert signature is not None
    key = pairing.multiply2(secret, pairing.GENERATOR)
    assert key is not None
    raw = b"".join(part.to_bytes(32, "big") for pair in key for part in reversed(pair))
    assert bls.read_key(raw) == key
    plain = signature[0].to_bytes(32, "big") + signature[1].to_bytes(32, "big")
    for good in (compressed(signature), compressed(signature) + b"more", plain, plain + b"\0"):
        assert bls.verify(key, digest, good)
    for bad in (plain[:63], compressed(signature)[:31], b"", bytes([0x40]) + bytes(31), bytes([0x40]) + b"\1" * 31):
        assert not bls.verify(key, digest, bad)
    assert not bls.verify(key, bytes(32), plain)
    assert bls.verify(None, digest, bytes([0x40]) + bytes(31)), "infinity on both sides, as gnark has it"


def test_bls_keys_that_are_none() -> None:
    x, y = 1, 0  # on no curve
    outside = b"".join(value.to_bytes(32, "big") for value in (0, x, 0, y))
    for data in (bytes(63), outside, b"\xff" * 64, (pairing.P).to_bytes(32, "big") + bytes(96)):
        with pytest.raises(bls.EncodingError):
            bls.read_key(data)
    for number in (2, 3, 5):  # points of the twist, which is larger than the subgroup
        with pytest.raises(bls.EncodingError, match=r"subgroup|no point"):
            bls.read_key(bytes([0x80]) + bytes(31) + number.to_bytes(32, "big"))


# ---- rules about members ---------------------------------------------------------------------------------------------


def test_members_in_any_order_and_once() -> None:
    request = NETWORK.requests("certs", 1)[0]
    cases = {
        "reversed": (lambda held: held[::-1], 1),
        "one": (lambda held: held[:1], 2),
        "one twice": (lambda held: [held[0], held[0]], 2),
        "bad, then good": (lambda held: [field(1, b"x") + held[0][held[0].index(b"\x12") :], *held], 2),
        "junk behind": (lambda held: [*held, entry(b"x", field(1, b"nobody"))], 1),
        "an empty identity": (lambda held: [*held, entry(b"x", b"")], 1),
        "no identity": (lambda held: [*held, entry(b"x")], 2),
        "none": (lambda held: [], 2),
    }
    cases["bad, then good"] = (lambda held: [entry(b"x", fields_of(held[0])[1][1]), *held], 1)
    found = verified([changed(request, change) for change, _ in cases.values()])
    assert dict(zip(cases, found, strict=True)) == {name: wanted for name, (_, wanted) in cases.items()}


def test_identities_in_pieces_are_merged() -> None:
    """proto3: an identity message that comes twice is one."""

    def split(held: list[bytes]) -> list[bytes]:
        (_, signature), (_, identity) = fields_of(held[0])
        parts = [field(2, field(number, value)) for number, value in fields_of(identity)]
        return [field(1, signature) + b"".join(parts), *held[1:]]

    for kind in ("certs", "ids"):
        assert verified([changed(NETWORK.requests(kind, 1)[0], split)]) == [1]


def test_a_text_before_the_pem_does_not_matter_however_long() -> None:
    def after(size: int) -> Callable[[list[bytes]], list[bytes]]:
        def change(held: list[bytes]) -> list[bytes]:
            (_, signature), (_, identity) = fields_of(held[0])
            (_, msp), (_, certificate) = fields_of(identity)
            return [entry(signature, field(1, msp) + field(2, b"x" * size + b"\n" + certificate)), *held[1:]]

        return change

    request = NETWORK.requests("certs", 1)[0]
    assert verified([changed(request, after(size)) for size in (1, 1000, 100_000)]) == [1, 1, 1]


def test_certificates_are_in_pem_as_go_reads_it() -> None:
    def written(change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
        def changes(held: list[bytes]) -> list[bytes]:
            (_, signature), (_, identity) = fields_of(held[0])
            (_, msp), (_, certificate) = fields_of(identity)
            return [entry(signature, field(1, msp) + field(2, change(certificate))), *held[1:]]

        return changes

    request = NETWORK.requests("certs", 1)[0]
    spaced = changed(request, written(lambda text: text.replace(b"\nMII", b"\nM I\tI")))
    twice = changed(request, written(lambda text: b"-----BEGIN CERTIFICATE-----\ntext\n" + text))
    inside = changed(request, written(lambda text: pem_of(text)))
    assert verified([spaced, twice, inside]) == [1, 1, 2]


def pem_of(data: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(data)


# ---- namespaces, updates ---------------------------------------------------------------------------------------------


def test_namespaces() -> None:
    ref = field(1, b"\x08\x01")
    config, unknown = field(1, field(1, b"_config")), field(1, field(1, b"nowhere"))
    cases = [b"", config, unknown, config + unknown]
    assert verified([ref + field(2, one) for one in cases]) == [1, 1, 2, 2]
    assert verified([ref, field(2, b""), b""]) == [2, 2, 2], "no coordinator sends these"


def test_every_namespace_must_hold() -> None:
    many = 700  # far beyond the first eight
    for last, wanted in (("free", 1), ("nowhere", 2)):
        names = ["free"] * many + [last]
        content = b"".join(field(1, field(1, name.encode())) for name in names) + field(2, b"") * (many + 1)
        assert verified([field(1, b"") + field(2, content)]) == [wanted]


def test_updates_merge() -> None:
    verifier = Verifier()
    assert statuses(verifier, batch(NETWORK.requests("ecdsa", 1))) == [2]
    verifier.update(NETWORK.update(config=False, policies=("ecdsa",)))
    assert statuses(verifier, batch(NETWORK.requests("ecdsa", 1) + NETWORK.requests("certs", 1))) == [1, 2]
    verifier.update(NETWORK.update(config=False, policies=("certs",)))
    assert statuses(verifier, batch(NETWORK.requests("ecdsa", 1) + NETWORK.requests("certs", 1))) == [1, 2]
    verifier.update(NETWORK.update(policies=()))
    assert statuses(verifier, batch(NETWORK.requests("ecdsa", 1) + NETWORK.requests("certs", 1))) == [1, 1]


def test_members_are_resolved_again_on_a_configuration() -> None:
    other = FabricXNetwork(seed=2)
    verifier = Verifier()
    verifier.update(NETWORK.update())
    assert statuses(verifier, batch(NETWORK.requests("certs", 2))) == [1, 1]
    verifier.update(other.update(policies=()))
    assert statuses(verifier, batch(NETWORK.requests("certs", 2) + NETWORK.requests("ecdsa", 1))) == [2, 2, 1]
    assert statuses(verifier, batch(other.requests("certs", 2))) == [1, 1]


def item(name: str, policy: bytes) -> bytes:
    return field(2, field(1, field(1, name.encode()) + field(2, policy)))


@pytest.mark.parametrize(
    "update",
    [
        field(1, field(1, b"junk")),
        field(1, b""),
        item("a", made.threshold("RSA", b"")),
        item("a", b""),
        item("", made.threshold("NONE", b"")),
        item("A", made.threshold("NONE", b"")),
        item("a" * 61, made.threshold("NONE", b"")),
        item("a\n", made.threshold("NONE", b"")),
        item("_meta", made.threshold("NONE", b"")),
        item("_config", made.threshold("NONE", b"")),
        item("a", made.threshold("ECDSA", b"no PEM")),
        item("a", made.threshold("ECDSA", made.pem(b"no key"))),
        item("a", made.threshold("BLS", bytes(64))[:-1]),
        item("a", made.threshold("BLS", b"\xff" * 64)),
        item("a", field(2, b"\x08\x01")),
        item("a", field(2, b"")),
    ],
)
def test_updates_that_upstream_refuses(update: bytes) -> None:
    verifier = Verifier()
    verifier.update(NETWORK.update())
    before = verifier.policies
    with pytest.raises(PolicyUpdateError):
        verifier.update(item("good", made.threshold("NONE", b"")) + update)
    assert verifier.policies is before, "an update is applied whole or not at all"


def test_members_that_cannot_be_read_are_no_strangers() -> None:
    """Upstream would know members of an Idemix MSP; to take them for strangers would fork the ledger."""
    envelope = block_pb2.Envelope.FromString(NETWORK.config)
    payload = block_pb2.Payload.FromString(envelope.payload)
    config = configuration_pb2.ConfigEnvelope.FromString(payload.data)
    value = membership_pb2.MSPConfig(type=1, config=membership_pb2.FabricMSPConfig(name="I").SerializeToString())
    added = config.config.channel_group.groups["Application"].groups["I"]
    added.values["MSP"].value = value.SerializeToString()
    payload.data = config.SerializeToString()
    envelope.payload = payload.SerializeToString()
    verifier = Verifier()
    with pytest.raises(UnsupportedError, match="'I' cannot be read"):
        verifier.update(field(1, field(1, envelope.SerializeToString())))
    assert not verifier.policies.rules


def test_system_namespaces_by_release() -> None:
    assert Verifier().update(NETWORK.update()) is None
    with pytest.raises(PolicyUpdateError, match="SnapshotEndorsement"):
        Verifier(release="main").update(NETWORK.update())
    rule = item("_snapshot", made.threshold("NONE", b""))
    Verifier().update(rule)
    with pytest.raises(PolicyUpdateError, match="_snapshot"):
        Verifier(release="main").update(rule)


def test_a_lifecycle_transaction_needs_most_organisations() -> None:
    assert b"_meta" not in Verifier().policies.rules
    verifier = Verifier()
    verifier.update(NETWORK.update())
    people = NETWORK.endorsers
    content = field(1, field(1, b"_meta"))
    data = batch([field(1, b"") + field(2, content)])
    rows, _ = columns.scan(data, 0, columns.sizes(data))
    signed = rows.signed(np.zeros(1, np.uint32), 1 << 10)[0]
    held = [
        entry(
            NETWORK.channel.sign([who], [signed])[0],
            field(1, who.organisation.encode()) + field(2, who.certificate_pem),
        )
        for who in people
    ]
    for count, wanted in ((2, 1), (1, 2)):
        entries = b"".join(field(1, one) for one in held[:count])
        assert statuses(verifier, batch([field(1, b"") + field(2, content + field(2, entries))])) == [wanted]


def test_order_of_signers_decides() -> None:
    """No backtracking: a leaf keeps the first signer that fits, though another leaf needs it."""
    first = NETWORK.endorsers[0]
    wide = role_principal(first.organisation, "MEMBER")
    policy = signature_policy([wide, wide], 1)
    policy.rule.n_out_of.n = 2
    verifier = Verifier()
    verifier.update(NETWORK.update() + item("certs", field(2, policy.SerializeToString())))
    assert statuses(verifier, batch(NETWORK.requests("certs", 1))) == [2], "one of two organisations fits neither leaf"


# ---- batches ---------------------------------------------------------------------------------------------------------


def test_malformed_batches_apply_nothing() -> None:
    verifier = Verifier()
    good = batch(NETWORK.requests("ecdsa", 3), NETWORK.update())
    for bad in (good[:-1], good + b"\x12", good + b"\x12\x02\x0a\x05", b"\x0b"):
        with pytest.raises(MalformedError):
            list(verifier.take(bad))
        assert not verifier.policies.rules
    with pytest.raises(MalformedError):
        list(verifier.take(batch([], b"\x0a\x05")))


def test_updates_in_pieces_are_sound_by_themselves() -> None:
    """Go merges updates that are messages, not pieces that become one when they are put together."""
    update = NETWORK.update()
    for cut in (1, 3, len(update) // 2, len(update) - 1):
        with pytest.raises(MalformedError):
            list(Verifier().take(field(1, update[:cut]) + field(1, update[cut:])))
    halves = field(1, NETWORK.update(policies=())) + field(1, NETWORK.update(config=False))
    data = halves + batch(NETWORK.requests("certs", 2))
    assert [piece.status.tolist() for piece in Verifier().take(data)] == [[1, 1]]


def test_batches_are_taken_together_between_updates() -> None:
    verifier = Verifier()
    requests = NETWORK.requests("ecdsa", 6)
    batches = [batch(requests[:2]), batch(requests[2:4], NETWORK.update()), batch(requests[4:])]
    counts, found = [], []
    for count, pieces in verifier.take_all(batches):
        counts.append(count)
        for piece in pieces:
            found += piece.status.tolist()
    assert counts == [2, 4]
    assert found == [2, 2, 1, 1, 1, 1]
    with pytest.raises(MalformedError):
        counts = [count for count, pieces in verifier.take_all([batches[0], b"\x12"]) if list(pieces)]
    assert counts == [2, 4]


def test_large_batches_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from pycore.ledgers.fabricx import verify

    monkeypatch.setattr(verify, "REQUESTS_AT_ONCE", 7)
    many = NETWORK.requests("free", 20)
    big = field(1, b"") + field(2, b"".join(field(1, field(1, b"free")) + field(2, b"") for _ in range(500)))
    data = batch([*many, big, *NETWORK.requests("ecdsa", 20)], NETWORK.update())
    pieces = list(Verifier().take(data))
    assert len(pieces) > 3
    assert sum(len(piece.which) for piece in pieces) == 41
    assert all((piece.status == COMMITTED).all() for piece in pieces)
