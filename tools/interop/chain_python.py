"""Signatures of chains' Python SDKs; the argument is the package. One JSON object a line.

``signed`` are the bytes that the signature is over, in the form that pycore.verify takes.
"""

import hashlib
import json
import sys

SECRET = bytes.fromhex("1b4f0e9851971998e732078544c96b36c3d01cedf7caa332359d6f1d83567014")
POINT = bytes.fromhex("02d5fc3a194d5520c1638e655f4dd09e307df6bfbbaaeafecf346e5d028e96be1a")
MESSAGE = b"a message"


def put(what: str, call: str, key: bytes, signature: bytes, message: bytes = MESSAGE, **others: bytes) -> None:
    """Print one row."""
    parts = {"public_key": key, "signature": signature, "message": message, **others}
    print(json.dumps({"what": what, "call": call, **{name: bytes(part).hex() for name, part in parts.items()}}))


def solders() -> None:
    """Solana: transactions with versioned and legacy messages, and messages alone."""
    from solders.hash import Hash
    from solders.instruction import AccountMeta, Instruction
    from solders.keypair import Keypair
    from solders.message import Message, MessageV0, to_bytes_versioned
    from solders.pubkey import Pubkey
    from solders.transaction import Transaction, VersionedTransaction

    key = Keypair.from_seed(SECRET)
    program = Pubkey.from_bytes(bytes(31) + b"\7")
    call = Instruction(program, b"\1\2", [AccountMeta(key.pubkey(), True, True)])
    block = Hash(hashlib.sha256(b"a block").digest())
    message = MessageV0.try_compile(key.pubkey(), [call], [], block)
    signed = VersionedTransaction(message, [key])
    put(
        "v0",
        "VersionedTransaction(MessageV0, [key])",
        bytes(key.pubkey()),
        bytes(signed.signatures[0]),
        bytes(message),
        signed=to_bytes_versioned(message),
        transaction=bytes(signed),
    )
    old = Message.new_with_blockhash([call], key.pubkey(), block)
    legacy = Transaction([key], old, block)
    put(
        "legacy",
        "Transaction([key], Message, blockhash)",
        bytes(key.pubkey()),
        bytes(legacy.signatures[0]),
        bytes(old),
        signed=to_bytes_versioned(old),
        transaction=bytes(legacy),
    )
    put("message", "Keypair.sign_message(message)", bytes(key.pubkey()), bytes(key.sign_message(MESSAGE)))


def aptos_sdk() -> None:
    """Aptos: keys and signatures are BCS with a length in front."""
    from aptos_sdk.account import Account
    from aptos_sdk.bcs import Serializer

    account = Account.load_key("0x" + SECRET.hex())
    signature = account.sign(MESSAGE)
    out = Serializer()
    signature.serialize(out)
    put("sign", "Account.sign(message)", account.public_key().key.encode(), signature.data())
    put(
        "bcs",
        "Account.sign(message), serialized as BCS",
        account.public_key().to_bytes()
        if hasattr(account.public_key(), "to_bytes")
        else account.public_key().key.encode(),
        out.output(),
    )


def stellar_sdk() -> None:
    """Stellar: transactions are signed as SHA-256 of network, type and body."""
    from stellar_sdk import Account, Keypair, Network, TransactionBuilder

    key = Keypair.from_raw_ed25519_seed(SECRET)
    network = Network.TESTNET_NETWORK_PASSPHRASE
    built = (
        TransactionBuilder(Account(key.public_key, 1), network, base_fee=100)
        .append_bump_sequence_op(7)
        .add_time_bounds(0, 0)
        .build()
    )
    built.sign(key)
    put(
        "transaction",
        "TransactionEnvelope.sign(key)",
        key.raw_public_key(),
        built.signatures[0].signature,
        built.transaction.to_xdr_object().to_xdr_bytes(),
        signed=built.hash(),
        base=built.signature_base(),
    )
    put("sign", "Keypair.sign(data)", key.raw_public_key(), key.sign(MESSAGE))
    if hasattr(key, "sign_message"):
        put(
            "message",
            "Keypair.sign_message(message)",
            key.raw_public_key(),
            key.sign_message(MESSAGE),
            signed=hashlib.sha256(b"Stellar Signed Message:\n" + MESSAGE).digest(),
        )


def xrpl_py() -> None:
    """XRP Ledger: ECDSA over the first half of SHA-512."""
    from xrpl import CryptoAlgorithm
    from xrpl.core import keypairs

    for what, algorithm in (("secp256k1", CryptoAlgorithm.SECP256K1), ("ed25519", CryptoAlgorithm.ED25519)):
        seed = keypairs.generate_seed(SECRET[:16].hex(), algorithm)
        public, private = keypairs.derive_keypair(seed)
        signature = bytes.fromhex(keypairs.sign(MESSAGE, private))
        put(
            what,
            f"keypairs.sign(message, key), {algorithm.name}",
            bytes.fromhex(public),
            signature,
            digest=hashlib.sha512(MESSAGE).digest()[:32],
        )


def eth_account() -> None:
    """Ethereum: personal messages, hashes, transactions."""
    from eth_account import Account
    from eth_account.messages import encode_defunct

    signed = Account.sign_message(encode_defunct(MESSAGE), SECRET)
    put("personal", "Account.sign_message(encode_defunct(message), key)", POINT, signed.signature)
    digest = hashlib.sha256(MESSAGE).digest()
    one = Account.unsafe_sign_hash(digest, SECRET)
    put("hash", "Account.unsafe_sign_hash(digest, key)", POINT, one.signature, digest=digest)


def py_algorand_sdk() -> None:
    """Algorand: a domain prefix in front of the message."""
    import base64

    from algosdk import util
    from nacl.signing import SigningKey

    key = SigningKey(SECRET)
    private = base64.b64encode(SECRET + bytes(key.verify_key)).decode()
    put(
        "bytes",
        "util.sign_bytes(message, key)",
        bytes(key.verify_key),
        base64.b64decode(util.sign_bytes(MESSAGE, private)),
    )


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")]()
