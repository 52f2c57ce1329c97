"""Evidence of logs: both profiles, every scheme, every bit, and documents that do not fit."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json

import numpy as np
import pytest

import pycore
from pycore import evidence, testing
from pycore.evidence import LogEvidence, TrustedLog
from pycore.evidence.log import PROFILES, SCHEMES, TreeHead, checks, signed_bytes
from pycore.testing.certificates import SUITES, Wanted, make_identities

FILE = b"An entry of a log.\n"
ALL = [(scheme, profile) for scheme in SCHEMES for profile in PROFILES]


def log(scheme="ecdsa-p256", profile="rfc9162", leaf=None, **options):
    hash_name = options.get("hash") or SCHEMES[scheme][1]
    digest = pycore.hash(hash_name, FILE)
    leaves = [b"first", b"second", digest if leaf is None else leaf, b"", b"fifth"]
    return testing.generate_log(leaves, 2, scheme=scheme, profile=profile, **options)


def failed(report):
    assert not (report.valid and report.complete)
    return [check.name for check in report.checks if check.ok is not True]


# ---- what is found ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "profile"), ALL)
def test_a_digest_in_a_log(scheme, profile):
    found, trusted = log(scheme, profile)
    report = evidence.check(FILE, found, trusted, name="entry.txt")
    assert report.valid
    assert report.complete
    assert (report.source, report.kind, report.height) == ("log", "entry", 2)
    assert report.algorithm == SCHEMES[scheme][1]
    assert report.form == "plain digest, bytes"
    assert report.time == 1767225600.25
    assert report.certified_by == (trusted.log_id.hex(),)
    assert report.block_hash == found.tree_head.root_hash


@pytest.mark.parametrize(
    ("leaf", "form"),
    [
        (FILE, "the file itself"),
        (hashlib.sha256(FILE).hexdigest().encode(), "plain digest, hexadecimal"),
        (json.dumps({"id": "9", "hash": pycore.hash("sm3", FILE).hex()}).encode(), "CMEVI, hexadecimal"),
    ],
)
def test_forms_of_an_entry(leaf, form):
    report = evidence.check(FILE, *log(leaf=leaf))
    assert report.valid
    assert report.form == form


def test_a_digest_of_an_entry_that_is_a_file():
    digest = hashlib.sha512(FILE).hexdigest()
    assert evidence.check(f"sha512:{digest}", *log(leaf=FILE)).form == "the file itself"
    assert failed(evidence.check(f"sha512:{digest}", *log(leaf=b"?"))) == ["file_digest"]


def test_a_log_of_another_hash():
    for name in ("sha512", "sm3", "blake3"):
        assert evidence.check(FILE, *log(hash=name)).valid


def test_logs_of_every_size():
    for count in range(1, 18):
        leaves = [bytes([i]) for i in range(count)]
        for index in range(count):
            found, trusted = testing.generate_log(leaves, index, seed=count)
            assert all(one.ok for one in checks(found, trusted))


def test_signed_bytes_by_hand():
    """RFC 9162, sections 4.9 and 4.10, and RFC 6962, section 3.5, written out."""
    root = bytes(range(32))
    head = TreeHead(0x0102030405060708, 0x1112131415161718, root, b"\x00\x05\x00\x01z")
    numbers = bytes.fromhex("01020304050607081112131415161718")
    assert signed_bytes("rfc9162", head) == numbers + b"\x20" + root + b"\x00\x05" + b"\x00\x05\x00\x01z"
    assert signed_bytes("rfc6962", head) == b"\x00\x01" + numbers + root


def test_a_signature_of_cryptography_verifies():
    """The same structures signed by another library."""
    ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
    found, _ = log(leaf=FILE)
    message = signed_bytes("rfc9162", found.tree_head)
    for key, scheme, arguments in (
        (ec.generate_private_key(ec.SECP256R1()), "ecdsa-p256", (ec.ECDSA(hashes.SHA256()),)),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519", ()),
    ):
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        trusted = TrustedLog.load(document(scheme=scheme, public_key=pem.decode(), log_id=found.log_id.hex()))
        signed = dataclasses.replace(found, signature=key.sign(message, *arguments))
        assert evidence.check(FILE, signed, trusted).valid
        info = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        old = TrustedLog.load(document(scheme=scheme, public_key=pem.decode(), profile="rfc6962"))
        assert old.log_id == hashlib.sha256(info).digest()


# ---- nothing can be changed ------------------------------------------------------------------------------------------


def flipped(data):
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def variants(found):
    """Every bit of every string of bytes, and every number next to the right one."""
    for data in flipped(found.log_id):
        yield "log_id", dataclasses.replace(found, log_id=data)
    for data in flipped(found.tree_head.root_hash):
        yield "root", dataclasses.replace(found, tree_head=dataclasses.replace(found.tree_head, root_hash=data))
    for data in flipped(found.tree_head.extensions):
        yield "extensions", dataclasses.replace(found, tree_head=dataclasses.replace(found.tree_head, extensions=data))
    for data in flipped(found.signature):
        yield "signature", dataclasses.replace(found, signature=data)
    for data in flipped(found.leaf):
        yield "leaf", dataclasses.replace(found, leaf=data)
    for i, node in enumerate(found.path):
        for data in flipped(node):
            yield f"path[{i}]", dataclasses.replace(found, path=(*found.path[:i], data, *found.path[i + 1 :]))
    for bit in range(64):
        yield "index", dataclasses.replace(found, index=found.index ^ 1 << bit)
        for name in ("timestamp", "tree_size"):
            head = dataclasses.replace(found.tree_head, **{name: getattr(found.tree_head, name) ^ 1 << bit})
            yield name, dataclasses.replace(found, tree_head=head)


@pytest.mark.parametrize(("scheme", "profile"), ALL)
def test_every_bit_counts(scheme, profile, record_property):
    extensions = b"\x00\x01\x00\x01x\x00\x02\x00\x00" if profile == "rfc9162" else b""
    found, trusted = log(scheme, profile, extensions=extensions)
    assert all(one.ok for one in checks(found, trusted))
    count = 0
    for name, changed in variants(found):
        assert any(one.ok is False for one in checks(changed, trusted)), name
        count += 1
    record_property("refused", count)
    assert count > 1500


@pytest.mark.parametrize(("scheme", "profile"), ALL)
def test_lengths_off_by_one(scheme, profile):
    found, trusted = log(scheme, profile)
    head = found.tree_head
    for data in (found.signature[:-1], found.signature + b"\0", b""):
        assert failed(evidence.check(FILE, dataclasses.replace(found, signature=data), trusted))
    for data in (head.root_hash[:-1], head.root_hash + b"\0", b""):
        changed = dataclasses.replace(found, tree_head=dataclasses.replace(head, root_hash=data))
        assert "root_size" in failed(evidence.check(FILE, changed, trusted))
    for path in (found.path[:-1], (*found.path, bytes(32)), (), (found.path[0][:-1], *found.path[1:])):
        assert "inclusion" in failed(evidence.check(FILE, dataclasses.replace(found, path=path), trusted))
    for index in (head.tree_size, 1 << 63, (1 << 64) - 1):
        assert "index" in failed(evidence.check(FILE, dataclasses.replace(found, index=index), trusted))


def test_each_condition_by_itself():
    found, trusted = log()
    assert failed(evidence.check(FILE + b"?", found, trusted)) == ["file_digest"]
    other = dataclasses.replace(trusted, log_id=b"other")
    assert failed(evidence.check(FILE, found, other))[:1] == ["log_id"]
    assert "signature" in failed(evidence.check(FILE, found, log(seed=9)[1]))
    assert "profile" in failed(evidence.check(FILE, found, log(profile="rfc6962")[1]))
    late = dataclasses.replace(found, tree_head=dataclasses.replace(found.tree_head, timestamp=1))
    assert failed(evidence.check(FILE, late, trusted)) == ["signature", "file_digest"]
    moved = dataclasses.replace(found, index=1)
    assert failed(evidence.check(FILE, moved, trusted)) == ["inclusion", "file_digest"]
    assert failed(evidence.check(FILE, moved, trusted, name="x"))[-1] == "file_digest"


@pytest.mark.parametrize(
    "extensions",
    [b"\x00", b"\x00\x01\x00\x05x", b"\x00\x02\x00\x00\x00\x01\x00\x00", b"\x00\x01\x00\x00\x00\x01\x00\x00"],
)
def test_extensions_are_a_list_in_order(extensions):
    found, trusted = log(extensions=extensions)
    assert failed(evidence.check(FILE, found, trusted)) == ["extensions", "file_digest"]


def test_rfc_6962_has_no_extensions():
    found, trusted = log(profile="rfc6962")
    changed = dataclasses.replace(found, tree_head=dataclasses.replace(found.tree_head, extensions=b"\0\1\0\0"))
    assert failed(evidence.check(FILE, changed, trusted)) == ["extensions", "file_digest"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_keys_of_other_schemes_do_not_verify(scheme):
    found, trusted = log(scheme)
    for other in set(SCHEMES) - {scheme}:
        key = log(other)[1].public_key
        assert "signature" in failed(
            evidence.check(FILE, found, dataclasses.replace(trusted, public_key=key, scheme=other))
        )


def test_sm2_goes_by_the_logs_identifier():
    found, trusted = log("sm2")
    other = dataclasses.replace(trusted, user_id=b"another")
    assert failed(evidence.check(FILE, found, other))[0] == "signature"


def test_a_log_has_no_contract():
    with pytest.raises(pycore.InputError, match="contract"):
        evidence.check(FILE, *log(), contract="c")


# ---- documents -------------------------------------------------------------------------------------------------------

KEY = make_identities(SUITES["p256"], [Wanted("log", "log", "client", "log")], 1)["log"]


def document(**changes):
    whole = {
        "pycore": "trusted-log", "format": 1, "profile": "rfc9162", "log_id": "2b06", "scheme": "ecdsa-p256",
        "public_key": KEY.public_key_pem.decode(), "hash": "sha256",
    }  # fmt: skip
    if changes.get("profile") == "rfc6962" and "log_id" not in changes:
        del whole["log_id"]
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def test_documents_in_every_form(tmp_path):
    found, _ = log()
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(found.to_dict()))
    for source in (found, found.to_dict(), path, str(path), path.read_text(), path.read_bytes()):
        assert LogEvidence.load(source) == found
    trusted = TrustedLog.load(document())
    assert trusted.public_key == KEY.public_key
    assert TrustedLog.load(document(public_key=KEY.public_key.hex())) == trusted
    assert TrustedLog.load(trusted) is trusted
    assert TrustedLog.load(document(scheme="sm2", public_key=log("sm2")[1].public_key.hex(), hash=None)).hash == "sm3"
    info = hashlib.sha256(_info()).digest()
    assert TrustedLog.load(document(profile="rfc6962")).log_id == info
    assert TrustedLog.load(document(profile="rfc6962", log_id=info.hex())).log_id == info


def _info():
    from pycore.identities.x509 import unarmor_all

    ((_, info),) = unarmor_all(KEY.public_key_pem, ("PUBLIC KEY",), strict=True)
    return info


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pycore": "log-evidence"}, "trusted.pycore"),
        ({"format": 2}, "trusted.pycore"),
        ({"format": True}, "trusted.pycore"),
        ({"more": 1}, "trusted.more"),
        ({"profile": "rfc1"}, "trusted.profile"),
        ({"profile": None}, "trusted.profile"),
        ({"scheme": "rsa"}, "trusted.scheme"),
        ({"scheme": "ed25519"}, "trusted.public_key"),
        ({"scheme": "sm2"}, "trusted.public_key"),
        ({"public_key": "00"}, "trusted.public_key"),
        ({"public_key": 5}, "trusted.public_key"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----\n?\n-----END PUBLIC KEY-----"}, "trusted.public_key"),
        ({"public_key": KEY.certificate_pem.decode()}, "trusted.public_key"),
        ({"public_key": 2 * KEY.public_key_pem.decode()}, "trusted.public_key"),
        ({"hash": "md5"}, "trusted.hash"),
        ({"hash": "ripemd160"}, "trusted.hash"),
        ({"hash": ["sha256"]}, "trusted.hash"),
        ({"log_id": None}, "trusted.log_id"),
        ({"log_id": "xx"}, "trusted.log_id"),
        ({"log_id": "AB"}, "trusted.log_id"),
        ({"log_id": "00" * 128}, "trusted.log_id"),
        ({"profile": "rfc6962", "log_id": "00" * 32}, "trusted.log_id"),
        ({"user_id": "00"}, "trusted.user_id"),
    ],
)
def test_trusted_logs_that_do_not_fit(changes, field):
    given = document(**changes)
    if "log_id" in changes and changes["log_id"] is None:
        given["public_key"], given["profile"] = KEY.public_key.hex(), "rfc9162"
    with pytest.raises(pycore.InputError) as caught:
        TrustedLog.load(given)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["pycore"], "trusted-log", "evidence.pycore"),
        (["profile"], 1, "evidence.profile"),
        (["tree_head"], [], "evidence.tree_head"),
        (["tree_head", "timestamp"], -1, "evidence.tree_head.timestamp"),
        (["tree_head", "timestamp"], 1.0, "evidence.tree_head.timestamp"),
        (["tree_head", "tree_size"], 1 << 64, "evidence.tree_head.tree_size"),
        (["tree_head", "root_hash"], "0", "evidence.tree_head.root_hash"),
        (["tree_head", "extensions"], None, "evidence.tree_head.extensions"),
        (["tree_head", "other"], 1, "evidence.tree_head.other"),
        (["signature"], "00 ", "evidence.signature"),
        (["signature"], 7, "evidence.signature"),
        (["index"], True, "evidence.index"),
        (["index"], "1", "evidence.index"),
        (["path"], "00", "evidence.path"),
        (["path"], ["00"] * 65, "evidence.path"),
        (["path"], [1], "evidence.path[0]"),
        (["leaf"], "00" * ((1 << 20) + 1), "evidence.leaf"),
        (["leaf"], None, "evidence.leaf"),
    ],
)
def test_evidence_that_does_not_fit(path, value, field):
    whole = copy.deepcopy(log()[0].to_dict())
    *way, last = path
    inside = whole
    for step in way:
        inside = inside[step]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    with pytest.raises(pycore.InputError) as caught:
        LogEvidence.load(whole)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pycore": 1, "pycore": 2}', " " * ((4 << 20) + 1)])
def test_text_that_is_no_document(text, tmp_path):
    path = tmp_path / "log.json"
    path.write_text(text)
    with pytest.raises(pycore.InputError):
        LogEvidence.load(path)


def test_numbers_of_numpy_are_no_numbers_of_a_document():
    whole = log()[0].to_dict()
    whole["index"] = np.int64(2)
    with pytest.raises(pycore.InputError):
        LogEvidence.load(whole)
