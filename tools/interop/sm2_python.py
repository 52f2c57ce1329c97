"""SM2 signatures of Python packages; the argument is the package. One JSON object a line."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

SECRET = "1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014"
NONCE = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21"
MESSAGE = b"a message"


def put(what: str, call: str, key: bytes, signature: bytes, **others: bytes) -> None:
    """Print one row."""
    parts = {"public_key": key, "signature": signature, "message": MESSAGE, **others}
    print(json.dumps({"what": what, "call": call, **{name: bytes(part).hex() for name, part in parts.items()}}))


def gmssl() -> None:
    """The pure Python package of that name."""
    from gmssl import sm2

    public = sm2.CryptSM2(private_key=SECRET, public_key="")._kg(int(SECRET, 16), sm2.default_ecc_table["g"])
    signer = sm2.CryptSM2(private_key=SECRET, public_key=public)
    der = sm2.CryptSM2(private_key=SECRET, public_key=public, asn1=True)
    key = bytes.fromhex(public)
    put("sign", "CryptSM2.sign(message, nonce)", key, bytes.fromhex(signer.sign(MESSAGE, NONCE)))
    put("sign_with_sm3", "CryptSM2.sign_with_sm3(message)", key, bytes.fromhex(signer.sign_with_sm3(MESSAGE, NONCE)))
    put("asn1", "CryptSM2(asn1=True).sign_with_sm3(message)", key, bytes.fromhex(der.sign_with_sm3(MESSAGE, NONCE)))


def gmssl_pyx() -> None:
    """The binding of GmSSL."""
    import gmssl_pyx as gm

    public, secret = gm.sm2_key_generate()
    put("sign", "sm2_sign(private, public, message)", public, gm.sm2_sign(secret, public, MESSAGE))
    signed = gm.sm2_sign(secret, public, MESSAGE, b"ALICE123@YAHOO.COM")
    put("id", "sm2_sign(private, public, message, b'ALICE123@YAHOO.COM')", public, signed)
    digest = gm.sm3_hash(MESSAGE)
    put(
        "digest",
        "sm2_sign_sm3_digest(private, sm3_hash(message))",
        public,
        gm.sm2_sign_sm3_digest(secret, digest),
        digest=digest,
    )


def easy_gmssl() -> None:
    """The wrapper of GmSSL that ships its own library."""
    from easy_gmssl import EasySm2Key, EasySM2SignKey
    from easy_gmssl.easy_sm2_sign_key import SignatureMode

    with tempfile.TemporaryDirectory() as folder:
        made = EasySm2Key()
        made.NewKey()
        made.ExportToPemFile(str(Path(folder) / "key"), "password")
        private = next(str(name) for name in Path(folder).iterdir() if "pri" in name.name)
        key = bytes.fromhex(made.GetSm2PublicKeyInHex())
        for what, mode in (("rs-asn1", SignatureMode.RS_ASN1), ("rs", SignatureMode.RS)):
            signer = EasySM2SignKey(pem_private_key_file=private, password="password")
            signer.UpdateData(MESSAGE)
            put(what, f"EasySM2SignKey.GetSignValue({mode})", key, signer.GetSignValue(mode))
        digest = hashlib.sha256(MESSAGE).digest()
        put("digest", "EasySm2Key.SignDigest(digest)", key, made.SignDigest(digest), digest=digest)


def snowland_smx() -> None:
    """The package that is imported as pysmx."""
    from pysmx.SM2 import Sign, generate_keypair  # noqa: F401
    from pysmx.SM2._SM2 import kG, sm2_G

    public = bytes.fromhex(kG(int(SECRET, 16), sm2_G, 64))
    put("sign", "Sign(message, key, nonce, 64)", public, Sign(MESSAGE, SECRET, NONCE, 64))
    standard = Sign(MESSAGE, SECRET, NONCE, 64, uid="1234567812345678")
    put("uid", "Sign(message, key, nonce, 64, uid='1234567812345678')", public, standard)


def sm_crypto() -> None:
    """Python's package of that name, not the JavaScript one."""
    from sm_crypto import sm2

    secret = sm2.SM2PrivateKey(SECRET)
    public = secret.public_key()
    key = bytes.fromhex(public.x + public.y) if isinstance(public.x, str) else b"%064x" % public.x
    put("sign", "SM2PrivateKey.sign(data)", key, secret.sign(MESSAGE, NONCE))


def gmalg() -> None:
    """Pure Python."""
    import gmalg as gm

    secret = bytes.fromhex(SECRET)
    public = gm.SM2(pc_mode=gm.PC_MODE.COMPRESS).generate_pk(secret)
    signer = gm.SM2(secret, b"1234567812345678", public, rnd_fn=lambda _: int(NONCE, 16))
    r, s = signer.sign(MESSAGE)
    put("sign", "r, s = SM2(key, uid).sign(message)", public, r.rjust(32, b"\0") + s.rjust(32, b"\0"), r=r, s=s)


def tongsuopy() -> None:
    """The binding of Tongsuo."""
    from tongsuopy.crypto import hashes, serialization
    from tongsuopy.crypto.asymciphers import ec

    secret = ec.generate_private_key(ec.SM2())
    public = secret.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    put("sign", "key.sign(message, ec.ECDSA(hashes.SM3()))", public[-65:], secret.sign(MESSAGE, ec.ECDSA(hashes.SM3())))


def chainmaker() -> None:
    """ChainMaker's SDK: its SM2 class, which it also uses for transactions."""
    from chainmaker.utils.gm.sm2 import SM2PrivateKey

    secret = SM2PrivateKey(SECRET)
    public = secret.public_key()
    key = bytes.fromhex(public.x + public.y)
    put("sm2", "SM2PrivateKey(key).sign(message)", key, secret.sign(MESSAGE))

    from chainmaker.keys import AuthType, HashType
    from chainmaker.user import User
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec

    p256 = ec.derive_private_key(int(SECRET, 16), ec.SECP256R1())
    pem = p256.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    point = p256.public_key().public_bytes(forms.Encoding.X962, forms.PublicFormat.UncompressedPoint)
    user = User(sign_key_bytes=pem, auth_type=AuthType.Public, hash_type=HashType.SM3)
    put(
        "p256-user",
        "User(P-256 key, hash_type=HashType.SM3).sign(message).signature",
        point,
        user.sign(MESSAGE).signature,
    )
    sm2_user = User(sign_key_bytes=secret.to_pem(), auth_type=AuthType.Public, hash_type=HashType.SM3)
    put(
        "sm2-user",
        "User(SM2 key, hash_type=HashType.SM3).sign(message).signature",
        key,
        sm2_user.sign(MESSAGE).signature,
    )


def botan() -> None:
    """Debian's package, which is imported as botan2 or botan3."""
    import botan2 as botan

    generator = botan.RandomNumberGenerator()
    secret = botan.PrivateKey.create("SM2", "sm2p256v1", generator)
    public = secret.get_public_key()
    x, y = (int(public.get_field(name)).to_bytes(32, "big") for name in ("public_x", "public_y"))
    for what, padding in (("default", "SM3"), ("id", "ALICE123@YAHOO.COM,SM3"), ("raw", "1234567812345678,Raw")):
        signer = botan.PKSign(secret, padding)
        signer.update((MESSAGE if what != "raw" else bytes(32)).decode())
        extra = {"digest": bytes(32)} if what == "raw" else {}
        put(what, f"PKSign(key, {padding!r})", x + y, signer.finish(generator), **extra)


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")]()
