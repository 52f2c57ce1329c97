"""ECDSA, BIP-340 and Ed25519 signatures of Python packages; the argument is the package. One JSON object a line."""

import hashlib
import json
import sys

SECRET = "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014"
MESSAGE = b"a message"
DIGEST = hashlib.sha256(MESSAGE).digest()
POINT = bytes.fromhex("02d5fc3a194d5520c1638e655f4dd09e307df6bfbbaaeafecf346e5d028e96be1a")


def put(what: str, call: str, key: bytes, signature: bytes, message: bytes = MESSAGE, **others: bytes) -> None:
    """Print one row."""
    parts = {"public_key": key, "signature": signature, "message": message, **others}
    print(json.dumps({"what": what, "call": call, **{name: bytes(part).hex() for name, part in parts.items()}}))


def pycryptodome() -> None:
    """NIST's curves and, from version 4, secp256k1."""
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import ECC
    from Crypto.Signature import DSS, eddsa

    for curve in ("P-256", "secp256k1"):
        try:
            key = ECC.construct(curve=curve, d=int(SECRET, 16))
        except ValueError as error:
            print(f"{curve}: {error}", file=sys.stderr)
            continue
        public = key.public_key().export_key(format="SEC1", compress=True)
        for encoding in ("binary", "der"):
            signer = DSS.new(key, "deterministic-rfc6979", encoding=encoding)
            put(
                f"{curve.lower()}-{encoding}",
                f"DSS.new({curve} key, 'deterministic-rfc6979', encoding={encoding!r}).sign(SHA256)",
                public,
                signer.sign(SHA256.new(MESSAGE)),
            )
    key = ECC.construct(curve="Ed25519", seed=bytes.fromhex(SECRET))
    public = key.public_key().export_key(format="raw")
    put("ed25519", "eddsa.new(key, 'rfc8032').sign(message)", public, eddsa.new(key, "rfc8032").sign(MESSAGE))


def starkbank_ecdsa() -> None:
    """secp256k1 by default."""
    from ellipticcurve.ecdsa import Ecdsa
    from ellipticcurve.privateKey import PrivateKey

    key = PrivateKey.fromString(SECRET)
    public = bytes.fromhex(key.publicKey().toString())
    signature = Ecdsa.sign(MESSAGE.decode(), key)
    put("der", "Ecdsa.sign(text, key).toDer()", public, signature.toDer())
    put("recovered", "Ecdsa.sign(text, key).toDer(withRecoveryId=True)", public, signature.toDer(withRecoveryId=True))


def fastecdsa() -> None:
    """P-256 by default; answers two integers."""
    from fastecdsa import curve, ecdsa, keys

    for name, one in (("P256", curve.P256), ("secp256k1", curve.secp256k1)):
        r, s = ecdsa.sign(MESSAGE, int(SECRET, 16), curve=one)
        public = keys.get_public_key(int(SECRET, 16), one)
        put(
            name.lower(),
            f"r, s = ecdsa.sign(message, key, curve=curve.{name})",
            b"\4" + public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big"),
            r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        )


def ecdsa() -> None:
    """Hashes with SHA-1 unless told otherwise."""
    from ecdsa import NIST256p, SECP256k1, SigningKey
    from ecdsa.util import sigencode_der

    key = SigningKey.from_string(bytes.fromhex(SECRET), curve=SECP256k1)
    raw, compressed = key.verifying_key.to_string(), key.verifying_key.to_string("compressed")
    put(
        "default",
        "SigningKey.sign_deterministic(message)",
        raw,
        key.sign_deterministic(MESSAGE),
        digest=hashlib.sha1(MESSAGE).digest().rjust(32, b"\0"),
    )
    put(
        "sha256",
        "SigningKey.sign_deterministic(message, hashfunc=sha256)",
        compressed,
        key.sign_deterministic(MESSAGE, hashfunc=hashlib.sha256),
    )
    put(
        "der",
        "SigningKey.sign_deterministic(message, hashfunc=sha256, sigencode=sigencode_der)",
        compressed,
        key.sign_deterministic(MESSAGE, hashfunc=hashlib.sha256, sigencode=sigencode_der),
    )
    other = SigningKey.from_string(bytes.fromhex(SECRET), curve=NIST256p)
    put(
        "p256-sha256",
        "SigningKey(NIST256p).sign_deterministic(message, hashfunc=sha256)",
        other.verifying_key.to_string("uncompressed"),
        other.sign_deterministic(MESSAGE, hashfunc=hashlib.sha256),
    )


def coincurve() -> None:
    """libsecp256k1."""
    from coincurve import PrivateKey

    key = PrivateKey(bytes.fromhex(SECRET))
    put("der", "PrivateKey.sign(message)", key.public_key.format(), key.sign(MESSAGE))
    put("recoverable", "PrivateKey.sign_recoverable(message)", key.public_key.format(), key.sign_recoverable(MESSAGE))
    put(
        "schnorr",
        "PrivateKey.sign_schnorr(digest)",
        key.public_key_xonly.format(),
        key.sign_schnorr(DIGEST, bytes(32)),
        digest=DIGEST,
    )


def btclib() -> None:
    """Hashes before BIP-340."""
    from ecc.ecc import dsa, ssa  # btclib's package of curves, which it imports from

    secret = int(SECRET, 16)
    put("ssa", "ssa.sign(message, key).serialize()", POINT[1:], ssa.sign(MESSAGE, secret).serialize())
    put("dsa", "dsa.sign(message, key).serialize()", POINT, dsa.sign(MESSAGE, secret).serialize())


def embit() -> None:
    """Bitcoin for microcontrollers."""
    from embit import ec

    key = ec.PrivateKey(bytes.fromhex(SECRET))
    put(
        "ecdsa",
        "PrivateKey.sign(digest).serialize()",
        key.get_public_key().sec(),
        key.sign(DIGEST).serialize(),
        digest=DIGEST,
    )
    put(
        "schnorr",
        "PrivateKey.schnorr_sign(digest).serialize()",
        key.get_public_key().xonly(),
        key.schnorr_sign(DIGEST).serialize(),
        digest=DIGEST,
    )


def pynacl() -> None:
    """libsodium."""
    from nacl.signing import SigningKey

    key = SigningKey(bytes.fromhex(SECRET))
    put("attached", "SigningKey.sign(message)", bytes(key.verify_key), bytes(key.sign(MESSAGE)))
    put("signature", "SigningKey.sign(message).signature", bytes(key.verify_key), key.sign(MESSAGE).signature)


def cryptography() -> None:
    """OpenSSL by way of Python."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    for curve in (ec.SECP256K1(), ec.SECP256R1()):
        key = ec.derive_private_key(int(SECRET, 16), curve)
        public = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
        name = "secp256k1" if curve.name == "secp256k1" else "p256"
        put(
            name,
            f"key.sign(message, ec.ECDSA(hashes.SHA256())), {curve.name}",
            public,
            key.sign(MESSAGE, ec.ECDSA(hashes.SHA256())),
        )
        prehashed = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        put(
            f"{name}-prehashed",
            "key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))",
            public,
            key.sign(DIGEST, prehashed),
            digest=DIGEST,
        )


def ecpy() -> None:
    """Pure Python; signs digests."""
    from ecpy.curves import Curve
    from ecpy.ecdsa import ECDSA
    from ecpy.keys import ECPrivateKey

    key = ECPrivateKey(int(SECRET, 16), Curve.get_curve("secp256k1"))
    put(
        "rfc6979",
        "ECDSA().sign_rfc6979(digest, key, hashlib.sha256)",
        POINT,
        ECDSA().sign_rfc6979(DIGEST, key, hashlib.sha256),
        digest=DIGEST,
    )


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")]()
