"""Keys in forms that no node reads: a single transaction is judged as in a block, whatever the library would take."""

from __future__ import annotations

from typing import Any

import pytest
from asn1crypto import keys, pem, x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pycore import InvalidSignature, Verdict, ledgers
from pycore._pb.ledgers.fabric.v1 import block_pb2, membership_pb2
from pycore.identities.collector import SignatureBatch
from pycore.identities.x509 import PublicKey
from pycore.ledgers.chainmaker.messages import Block
from pycore.testing import generate_ledger
from pycore.testing.fabric import FabricChannel

CURVES: dict[str, Any] = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1()}


def info_of(curve: str, bits: bytes) -> keys.PublicKeyInfo:
    """A SubjectPublicKeyInfo with these bits for a point."""
    algorithm = {"algorithm": "ec", "parameters": keys.ECDomainParameters("named", curve)}
    return keys.PublicKeyInfo({"algorithm": algorithm, "public_key": keys.ECPointBitString(bits)})


def points(curve: str) -> tuple[Any, dict[str, bytes]]:
    """A key, and its point in several forms."""
    key = ec.generate_private_key(CURVES[curve])
    public = key.public_key()
    encoding, form = serialization.Encoding, serialization.PublicFormat
    return key, {
        "uncompressed": public.public_bytes(encoding.X962, form.UncompressedPoint),
        "compressed": public.public_bytes(encoding.X962, form.CompressedPoint),
        "PEM": public.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo),
        "another curve": ec.generate_private_key(ec.SECP256K1())
        .public_key()
        .public_bytes(encoding.PEM, form.SubjectPublicKeyInfo),
    }


def signed(key: Any, message: bytes) -> bytes:
    """A signature with the lower of both s, which Fabric wants."""
    while True:
        signature: bytes = key.sign(message, ec.ECDSA(hashes.SHA256()))
        if signature[-32] < 0x40 and len(signature) in range(68, 73):
            return signature


@pytest.mark.parametrize("curve", CURVES)
def test_chainmaker(curve: str) -> None:
    ledger = ledgers.get("chainmaker")
    made = generate_ledger(blocks=1, txs_per_block=1, suite="p256", authentication="key", seed=1)
    context = made.context_for(0).replace(auth_type="Public")
    tx = Block.FromString(made.blocks[0]).txs[0]
    key, forms = points(curve)
    signature = key.sign(tx.payload.SerializeToString(deterministic=True), ec.ECDSA(hashes.SHA256()))
    for form, bits in forms.items():
        tx.sender.signer.member_info = pem.armor("PUBLIC KEY", info_of(curve, bits).dump())
        tx.sender.signature = signature
        raw = tx.SerializeToString()
        if form == "uncompressed":
            assert ledger.transaction_sender(raw, hash="SHA256")
        else:
            with pytest.raises(InvalidSignature) as caught:
                ledger.transaction_sender(raw, hash="SHA256")
            assert caught.value.verdict is Verdict.MALFORMED_KEY
            assert ledger.validate_transactions([raw], context)[0] is Verdict.MALFORMED_KEY


@pytest.mark.parametrize("curve", ["secp256r1"])
def test_fabric(curve: str) -> None:
    ledger, channel = ledgers.get("fabric"), FabricChannel(seed=8, organisations=1, peers=1)
    envelope = block_pb2.Envelope.FromString(channel.transactions(1, 1)[0])
    payload = block_pb2.Payload.FromString(envelope.payload)
    header = block_pb2.SignatureHeader.FromString(payload.header.signature_header)
    creator = membership_pb2.SerializedIdentity.FromString(header.creator)
    certificate = x509.Certificate.load(pem.unarmor(creator.id_bytes)[2])
    key, forms = points(curve)
    for form, bits in forms.items():
        certificate["tbs_certificate"]["subject_public_key_info"] = info_of(curve, bits)
        creator.id_bytes = pem.armor("CERTIFICATE", certificate.dump(force=True))
        header.creator = creator.SerializeToString()
        payload.header.signature_header = header.SerializeToString()
        envelope.payload = payload.SerializeToString()
        envelope.signature = signed(key, envelope.payload)
        if form == "uncompressed":
            assert ledger.transaction_sender(envelope.SerializeToString()).startswith("Org1MSP:")
        else:
            with pytest.raises(InvalidSignature) as caught:
                ledger.transaction_sender(envelope.SerializeToString())
            assert caught.value.verdict is Verdict.MALFORMED_KEY


@pytest.mark.parametrize(("kind", "curve"), [("ecdsa-p384", ec.SECP384R1()), ("ecdsa-p521", ec.SECP521R1())])
def test_the_large_curves_take_uncompressed_points_alone(kind: str, curve: Any) -> None:
    key = ec.generate_private_key(curve)
    signature = key.sign(b"m", ec.ECDSA(hashes.SHA256()))
    public, encoding, form = key.public_key(), serialization.Encoding, serialization.PublicFormat
    batch = SignatureBatch(threads=1)
    for bits in (
        public.public_bytes(encoding.X962, form.UncompressedPoint),
        public.public_bytes(encoding.X962, form.CompressedPoint),
        public.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo),
        public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
    ):
        batch.add(PublicKey(kind, bits), "sha256", b"m", signature)
    assert [Verdict(int(code)) for code in batch.run()] == [Verdict.VALID, *[Verdict.MALFORMED_KEY] * 3]
