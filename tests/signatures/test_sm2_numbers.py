"""SM2 with hash="none": the message's bytes are the number e, of any length."""

from __future__ import annotations

import numpy as np
import pytest

import pycore
from pycore.testing import generate_signatures

ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


def _signed(numbers: list[int]) -> tuple[list[bytes], list[bytes]]:
    """Keys, and signatures of these numbers modulo the order."""
    from pycore.testing._sign import public_keys, sign

    secrets = np.frombuffer(b"".join(bytes([0] * 31 + [7 + i]) for i in range(len(numbers))), np.uint8).reshape(-1, 32)
    digests = [(number % ORDER).to_bytes(32, "big") for number in numbers]
    signatures = sign("sm2", secrets, digests, prehashed=True, user_id=None)
    return [bytes(key) for key in public_keys("sm2", secrets)], [bytes(one) for one in signatures]


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


NUMBERS = [0, 1, 0x48656C6C6F, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1, 2**256, 2**257 + 5, ORDER * 2**4000 + 12345]


def test_numbers_of_any_length(backend: str) -> None:
    keys, signatures = _signed(NUMBERS)
    messages = [_bytes(number) for number in NUMBERS]
    messages += [b"\x00" * 5 + messages[2], _bytes(NUMBERS[2] + ORDER), _bytes(NUMBERS[2] + ORDER * 2**600000)]
    keys, signatures = keys + [keys[2]] * 3, signatures + [signatures[2]] * 3
    assert pycore.verify_batch("sm2", keys, signatures, messages, hash="none").all_valid, backend
    assert pycore.verify_batch("sm2", keys * 20, signatures * 20, messages * 20, hash="none").all_valid
    keyset = pycore.KeySet("sm2", keys)
    assert keyset.verify_batch(range(len(keys)), signatures, messages, hash="none").all_valid
    others = [_bytes(number + 1) for number in NUMBERS] + [b"\x01" + one for one in messages[-3:]]
    found = pycore.verify_batch("sm2", keys, signatures, others, hash="none")
    assert {one.name for one in found} == {"BAD_SIGNATURE"}


def test_forms_and_single() -> None:
    keys, signatures = _signed([5, 6])
    assert pycore.verify_batch("sm2", keys, signatures, np.array([[0, 5], [0, 6]], np.uint8), hash="none").all_valid
    assert pycore.verify_batch("sm2", keys, signatures, b"\x05\x06", width=1, hash="none").all_valid
    mixed = [bytearray(b"\x05"), b"\x06"]
    assert pycore.verify_batch("sm2", keys, signatures, mixed, hash="none", user_id=None).all_valid
    assert len(pycore.verify_batch("sm2", [], [], [], hash="none")) == 0
    pycore.verify("sm2", keys[0], signatures[0], b"\x05", hash="none")
    with pytest.raises(pycore.InvalidSignature):
        pycore.verify("sm2", keys[0], signatures[0], b"\x05")


def test_it_is_prehashed_without_a_width() -> None:
    keys, signatures, messages = generate_signatures("sm2", 40, seed=4, user_id=None)
    digests = pycore.hash_batch("sm3", list(messages))
    assert pycore.verify_batch("sm2", keys, signatures, digests, prehashed=True).all_valid
    assert pycore.verify_batch("sm2", keys, signatures, digests, hash="none").all_valid


@pytest.mark.parametrize(
    ("scheme", "options", "field"),
    [
        ("sm2", {"hash": "none", "prehashed": True}, "hash"),
        ("sm2", {"hash": "none", "user_id": b""}, "user_id"),
        ("sm2", {"hash": "None"}, "hash"),
        ("ecdsa-p256", {"hash": "none"}, "hash"),
        ("ed25519", {"hash": "none"}, "hash"),
    ],
)
def test_malformed_calls(scheme: str, options: dict[str, object], field: str) -> None:
    with pytest.raises(pycore.InputError) as caught:
        pycore.verify_batch(scheme, [bytes(32)], [bytes(64)], [b""], **options)  # type: ignore[arg-type]
    assert caught.value.field == field
