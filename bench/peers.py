"""The same work done by other libraries: one function per peer, nothing shared, each as quick as the peer's interface
allows.

A peer takes a task and returns `Prepared`: a function that does the work for all its items and says how many were
right. Anything that a peer needs in another form (DER instead of r || s, objects instead of bytes) is
prepared before the clock starts, so a peer is never slowed by conversions of ours. Where keys can be loaded
beforehand there are two entries, since this library always parses them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pycore.cli._environment import version_of
from pycore.signatures.batch import DEFAULT_USER_ID
from pycore.testing._sign import der_signature


@dataclass(frozen=True, slots=True)
class SignatureTask:
    """Signatures to verify; all are valid."""

    scheme: str
    keys: Sequence[bytes]
    signatures: Sequence[bytes]  # compact; low s for ECDSA, which libsecp256k1 insists on
    messages: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class HashTask:
    """Messages to hash."""

    algorithm: str
    messages: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.messages)


@dataclass(frozen=True, slots=True)
class Prepared:
    """`run()` does the work once and returns the number of valid items (signatures) or the digests (hashes, roots)."""

    run: Callable[[], object]
    version: str


class PeerMissingError(Exception):
    """The peer is not installed, or cannot do this work here; says why."""


SignaturePeer = Callable[[SignatureTask], Prepared]
HashPeer = Callable[[HashTask], Prepared]


def peer_version(distribution: str) -> str:
    """Name and version of an installed distribution; PeerMissingError when there is none."""
    found = version_of(distribution)
    if found is None:
        raise PeerMissingError(f"{distribution} is not installed")
    return f"{distribution} {found}"


# ---- signatures ------------------------------------------------------------------------------------------------------


def pynacl(task: SignatureTask) -> Prepared:
    """libsodium's crypto_sign_open through PyNaCl's bindings, without the object layer."""
    version = peer_version("PyNaCl")
    from nacl.bindings import crypto_sign_open

    items = [(sig + text, key) for key, sig, text in zip(task.keys, task.signatures, task.messages, strict=True)]

    def run() -> int:
        return sum(len(crypto_sign_open(signed, key)) >= 0 for signed, key in items)

    return Prepared(run, version)


def coincurve(task: SignatureTask) -> Prepared:
    """libsecp256k1 through coincurve; keys from bytes each time, as ours."""
    version = peer_version("coincurve")
    from coincurve import PublicKey

    items = _der_items(task)
    return Prepared(lambda: sum(PublicKey(key).verify(sig, text) for key, sig, text in items), version)


def coincurve_loaded(task: SignatureTask) -> Prepared:
    """The same with keys parsed beforehand."""
    version = peer_version("coincurve")
    from coincurve import PublicKey

    items = [(PublicKey(key), sig, text) for key, sig, text in _der_items(task)]
    return Prepared(lambda: sum(key.verify(sig, text) for key, sig, text in items), version)


def coincurve_schnorr(task: SignatureTask) -> Prepared:
    """BIP-340 by libsecp256k1 through coincurve."""
    version = peer_version("coincurve")
    from coincurve import PublicKeyXOnly

    items = list(zip(task.keys, task.signatures, task.messages, strict=True))
    return Prepared(lambda: sum(PublicKeyXOnly(key).verify(sig, text) for key, sig, text in items), version)


def cryptography_p256(task: SignatureTask) -> Prepared:
    """OpenSSL's P-256 through cryptography; keys from bytes each time, as ours."""
    version = peer_version("cryptography")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    curve, algorithm, items = ec.SECP256R1(), ec.ECDSA(SHA256()), _der_items(task)
    load = ec.EllipticCurvePublicKey.from_encoded_point

    def run() -> int:
        return sum(load(curve, key).verify(sig, text, algorithm) is None for key, sig, text in items)

    return Prepared(run, version)


def cryptography_p256_loaded(task: SignatureTask) -> Prepared:
    """The same with keys parsed beforehand."""
    version = peer_version("cryptography")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    algorithm, curve = ec.ECDSA(SHA256()), ec.SECP256R1()
    load = ec.EllipticCurvePublicKey.from_encoded_point
    items = [(load(curve, key), sig, text) for key, sig, text in _der_items(task)]
    return Prepared(lambda: sum(key.verify(sig, text, algorithm) is None for key, sig, text in items), version)


def cryptography_ed25519(task: SignatureTask) -> Prepared:
    """OpenSSL's Ed25519 through cryptography."""
    version = peer_version("cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    load = Ed25519PublicKey.from_public_bytes
    items = list(zip(task.keys, task.signatures, task.messages, strict=True))
    return Prepared(lambda: sum(load(key).verify(sig, text) is None for key, sig, text in items), version)


def openssl_sm2(task: SignatureTask) -> Prepared:
    """OpenSSL 3's SM2 (EVP_DigestVerify) with keys loaded beforehand; EVP computes Z_A every time."""
    from .openssl import OpenSSL

    try:
        library = OpenSSL()
        keys = library.load_keys(task.keys)
    except OSError as error:
        raise PeerMissingError(str(error)) from error
    signatures = [der_signature(sig) for sig in task.signatures]
    items = list(zip(keys.handles, signatures, task.messages, strict=True))
    verify = library.verify_sm2

    def run(_keep: object = keys) -> int:
        return sum(verify(key, sig, text, DEFAULT_USER_ID) for key, sig, text in items)

    return Prepared(run, " ".join(library.version.split()[:2]))


def gmssl_python(task: SignatureTask) -> Prepared:
    """The pure-Python gmssl package."""
    version = peer_version("gmssl")
    from gmssl.sm2 import CryptSM2

    items = [
        (CryptSM2(private_key="", public_key=key[1:].hex()), sig.hex(), text)
        for key, sig, text in zip(task.keys, task.signatures, task.messages, strict=True)
    ]
    return Prepared(lambda: sum(bool(one.verify_with_sm3(sig, text)) for one, sig, text in items), version)


def gmssl_pyx(task: SignatureTask) -> Prepared:
    """GmSSL's C library through gmssl-pyx."""
    version = peer_version("gmssl-pyx")
    from gmssl_pyx import sm2_verify

    items = [
        (key[1:], text, der_signature(sig))
        for key, sig, text in zip(task.keys, task.signatures, task.messages, strict=True)
    ]
    return Prepared(lambda: sum(bool(sm2_verify(key, text, sig)) for key, text, sig in items), version)


SIGNATURE_PEERS: dict[str, dict[str, SignaturePeer]] = {
    "ed25519": {"PyNaCl": pynacl, "cryptography": cryptography_ed25519},
    "ecdsa-secp256k1": {"coincurve": coincurve, "coincurve, keys loaded": coincurve_loaded},
    "schnorr-secp256k1": {"coincurve": coincurve_schnorr},
    "ecdsa-p256": {"cryptography": cryptography_p256, "cryptography, keys loaded": cryptography_p256_loaded},
    "sm2": {"OpenSSL": openssl_sm2, "gmssl-pyx": gmssl_pyx, "gmssl (Python)": gmssl_python},
}


def _der_items(task: SignatureTask) -> list[tuple[bytes, bytes, bytes]]:
    rows = zip(task.keys, task.signatures, task.messages, strict=True)
    return [(key, der_signature(sig), text) for key, sig, text in rows]


_ORDERS = {
    "ecdsa-secp256k1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "ecdsa-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}


def low_s(scheme: str, signature: bytes) -> bytes:
    """An ECDSA signature with s replaced by n - s where that is smaller: both are valid, libsecp256k1 takes only this
    one."""
    order = _ORDERS[scheme]
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + min(s, order - s).to_bytes(32, "big")


# ---- hashes ----------------------------------------------------------------------------------------------------------

_HASHLIB = {"sha256": "sha256", "sha512": "sha512", "sha3-256": "sha3_256", "sm3": "sm3"}


def hashlib_function(algorithm: str) -> Callable[[bytes], bytes]:
    """One digest by hashlib (OpenSSL's code, called as quickly as Python can)."""
    if algorithm == "sha256d":
        sha256 = hashlib.sha256
        return lambda data: sha256(sha256(data).digest()).digest()
    if algorithm.startswith("blake2b-"):
        blake2b, size = hashlib.blake2b, int(algorithm.partition("-")[2]) // 8
        return lambda data: blake2b(data, digest_size=size).digest()
    if algorithm in ("ripemd160", "hash160"):
        new, sha256 = hashlib.new, hashlib.sha256
        try:
            new("ripemd160")
        except ValueError as error:  # listed, but in a provider of OpenSSL that is not loaded
            raise PeerMissingError("hashlib has no ripemd160 here") from error
        if algorithm == "hash160":
            return lambda data: new("ripemd160", sha256(data).digest()).digest()
        return lambda data: new("ripemd160", data).digest()
    name = _HASHLIB.get(algorithm)
    if name is None or name not in hashlib.algorithms_available:
        raise PeerMissingError(f"hashlib has no {algorithm} here")
    direct = getattr(hashlib, name, None)
    if direct is not None:
        return lambda data: direct(data).digest()
    return lambda data: hashlib.new(name, data).digest()


def hashlib_loop(task: HashTask) -> Prepared:
    """A loop over hashlib."""
    digest, messages = hashlib_function(task.algorithm), task.messages
    return Prepared(lambda: [digest(text) for text in messages], f"hashlib ({openssl_of_hashlib()})")


def pycryptodome(task: HashTask) -> Prepared:
    """A loop over pycryptodome."""
    version = peer_version("pycryptodome")
    from Crypto.Hash import RIPEMD160, SHA3_256, SHA256, SHA512, keccak

    modules = {"sha256": SHA256, "sha512": SHA512, "sha3-256": SHA3_256, "ripemd160": RIPEMD160}
    messages = task.messages
    if task.algorithm == "keccak256":
        new = keccak.new
        return Prepared(lambda: [new(digest_bits=256, data=text).digest() for text in messages], version)
    if task.algorithm not in modules:
        raise PeerMissingError(f"pycryptodome has no {task.algorithm}")
    make = modules[task.algorithm].new
    return Prepared(lambda: [make(text).digest() for text in messages], version)


def gmssl_pyx_sm3(task: HashTask) -> Prepared:
    """A loop over GmSSL's SM3 through gmssl-pyx."""
    version = peer_version("gmssl-pyx")
    from gmssl_pyx import sm3_hash

    messages = task.messages
    return Prepared(lambda: [bytes(sm3_hash(text)) for text in messages], version)


def blake3_package(task: HashTask) -> Prepared:
    """A loop over the blake3 package (the reference implementation, one thread)."""
    version = peer_version("blake3")
    from blake3 import blake3

    messages = task.messages
    return Prepared(lambda: [blake3(text).digest() for text in messages], version)


HASH_PEERS: dict[str, dict[str, HashPeer]] = {
    "sha256": {"hashlib": hashlib_loop, "pycryptodome": pycryptodome},
    "sha256d": {"hashlib": hashlib_loop},
    "sha512": {"hashlib": hashlib_loop, "pycryptodome": pycryptodome},
    "sha3-256": {"hashlib": hashlib_loop, "pycryptodome": pycryptodome},
    "keccak256": {"pycryptodome": pycryptodome},
    "sm3": {"hashlib": hashlib_loop, "gmssl-pyx": gmssl_pyx_sm3},
    "ripemd160": {"hashlib": hashlib_loop, "pycryptodome": pycryptodome},
    "hash160": {"hashlib": hashlib_loop},
    "blake2b-256": {"hashlib": hashlib_loop},
    "blake2b-512": {"hashlib": hashlib_loop},
    "blake3": {"blake3": blake3_package},
}


def openssl_of_hashlib() -> str:
    """Whose code hashlib runs."""
    import ssl

    return " ".join(ssl.OPENSSL_VERSION.split()[:2])
