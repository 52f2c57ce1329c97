"""Runs in the environment of ChainMaker's SDK, apart from pycore: builds, signs and verifies with the SDK's own code.

Reads a JSON document from one file and writes one to another: the SDK prints to standard output as it goes. Byte
strings are hexadecimal.

    users    [{org_id, key, certificate, auth_type, member_type, alias}]: PEM, certificate null in the key modes
    make     [{chain_id, contract, method, params, tx_id, sender, endorsers, payer}]: users by index, payer may be null
             -> {payload, transaction}, a serialised common.Payload and common.Transaction
    verify   [{user, message, signature}] -> true, false, or the name of the exception that the SDK ends in
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from chainmaker.chain_client import ChainClient
from chainmaker.keys import AuthType, MemberType
from chainmaker.node import Node
from chainmaker.payload import PayloadBuilder
from chainmaker.protos.common.transaction_pb2 import Transaction
from chainmaker.user import User
from chainmaker.utils.gm.sm2 import SM2PublicKey, SM2Signature
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


def user_of(row: dict[str, Any]) -> User:
    user = User(
        row["org_id"],
        sign_key_bytes=row["key"].encode(),
        sign_cert_bytes=row["certificate"].encode() if row["certificate"] else None,
        auth_type=AuthType[row["auth_type"]],
        alias=row["alias"],
    )
    user.enabled_alias = row["member_type"] == "ALIAS"
    user.enabled_cert_hash = row["member_type"] == "CERT_HASH"
    if user.member_type != MemberType[row["member_type"]]:
        raise SystemExit(f"the SDK signs as {user.member_type}, not as {row['member_type']}")
    return user


def make(row: dict[str, Any], users: list[User]) -> dict[str, str]:
    """What ChainClient.send_request would send, as the transaction that a block has of it."""
    sender = users[row["sender"]]
    client = ChainClient(row["chain_id"], sender, [Node("127.0.0.1:1")])  # connects at its first request: never
    payload = PayloadBuilder(row["chain_id"]).create_invoke_payload(
        row["contract"], row["method"], row["params"], tx_id=row["tx_id"]
    )
    endorsers = client._create_endorsers(payload, [users[i] for i in row["endorsers"]])
    request = client._generate_tx_request(payload, endorsers, signer=sender)
    made = Transaction(payload=request.payload, sender=request.sender, endorsers=request.endorsers)
    if row["payer"] is not None:  # _generate_tx_request assigns the payer to a message field, which protobuf refuses
        made.payer.CopyFrom(users[row["payer"]].sign(payload.SerializeToString()))
    return {"payload": payload.SerializeToString().hex(), "transaction": made.SerializeToString().hex()}


def holds(user: User, message: bytes, signature: bytes) -> bool | str:
    key = user.private_key.public_key()
    try:
        if isinstance(key, SM2PublicKey):
            return bool(key.verify_with_sm3(SM2Signature.load(signature), message))
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            algorithm = user.cert.signature_hash_algorithm if user.cert else hashes.SHA256()
            key.verify(signature, message, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    except Exception as error:  # the SDK's own parsers end in many kinds
        return type(error).__name__
    return True


def main(given: str, answers: str) -> None:
    document = json.loads(Path(given).read_text(encoding="utf-8"))
    users = [user_of(row) for row in document["users"]]
    found = {
        "made": [make(row, users) for row in document["make"]],
        "verified": [
            holds(users[row["user"]], bytes.fromhex(row["message"]), bytes.fromhex(row["signature"]))
            for row in document["verify"]
        ],
    }
    Path(answers).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
