#!/bin/sh
# chainmaker 3.0.7, ChainMaker's Python SDK: three surprises for who signs transactions with it.
# In the key modes the configured hash is not used: P-256 keys always sign over SHA-256, so a chain whose hash is SM3 or SHA3_256
# refuses the transaction. A payer cannot be given: the SDK assigns to a message field, which protobuf does not allow. And
# SM2PublicKey.verify answers no to a signature that SM2PrivateKey.sign has just made; verify_with_sm3 answers yes.
# Touches pycore's users who build transactions with the SDK: pycore verifies with the chain's hash, as the chain does.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# The SDK asks for pysha3, which does not compile for Python 3.11 and newer; safe-pysha3 is the same module kept up.
"$work/venv/bin/pip" install --disable-pip-version-check -q --no-deps chainmaker==3.0.7
"$work/venv/bin/pip" install --disable-pip-version-check -q asn1==3.3.0 cryptography==50.0.2 eth-abi==6.0.0 grpcio==1.85.3 \
    protobuf==7.36.2 pyasn1==0.6.5 pyasn1-modules==0.4.2 PyMySQL==1.2.4 PyYAML==6.0.4 requests==2.34.2 safe-pysha3==1.0.7 \
    2>"$work/errors" || { cat "$work/errors"; exit 1; }
cd "$work"
"$work/venv/bin/python" - <<'PY'
from chainmaker.chain_client import ChainClient
from chainmaker.keys import AuthType, HashType
from chainmaker.node import Node
from chainmaker.payload import PayloadBuilder
from chainmaker.user import User
from chainmaker.utils.gm.sm2 import SM2PrivateKey, SM2Signature
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

key = ec.generate_private_key(ec.SECP256R1())
pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
payload = PayloadBuilder("chain1").create_invoke_payload("fact", "save", {"file_hash": "ab12"})
message = payload.SerializeToString()


def holds(signature, algorithm):
    try:
        key.public_key().verify(signature, message, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


for configured in (HashType.SHA256, HashType.SHA3_256, HashType.SM3):
    user = User(sign_key_bytes=pem, auth_type=AuthType.Public, hash_type=configured)
    signature = user.sign(message).signature
    seen = [name for name, one in (("SHA-256", hashes.SHA256()), ("SHA3-256", hashes.SHA3_256()), ("SM3", hashes.SM3())) if holds(signature, one)]
    print(f"hash_type {configured.name}: the signature holds over {seen}")
    if seen != ["SHA-256"]:
        raise SystemExit("changed: the configured hash is used")

client = ChainClient("chain1", user, [Node("127.0.0.1:1")])
try:
    client._generate_tx_request(payload, signer=user, payer=user)
except AttributeError as error:
    print("payer:", error)
else:
    raise SystemExit("changed: a payer can be given")

private = SM2PrivateKey("39" * 32)
public = private.public_key()
signature = private.sign(b"a message")
answers = [bool(public.verify(signature, b"a message")), bool(public.verify_with_sm3(SM2Signature.load(signature), b"a message"))]
print("SM2, a fresh signature: verify, verify_with_sm3 =", answers)
if answers != [False, True]:
    raise SystemExit("changed: see above")
PY
