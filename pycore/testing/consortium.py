"""The members of a made-up ChainMaker consortium, and the knowledge of its nodes. Test data only."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pycore
from pycore._pb.ledgers.chainmaker.v1 import transaction_pb2

from .certificates import Identity, Suite, Wanted, make_identities

if TYPE_CHECKING:
    from pycore.ledgers.chainmaker.ledger import ChainContext

CHAIN_ID = "pycore-test-chain"
FIRST_TIMESTAMP = 1_767_225_600  # 2026-01-01T00:00:00Z, in seconds
AUTHENTICATION = {"certificate": "PermissionedWithCert", "key": "PermissionedWithKey"}


class Consortium:
    """The members of the test chain: per organisation one authority, one consensus node, one administrator, and its
    clients.

    `stranger` is a certificate of an organisation's name from an authority that the chain does not know.
    """

    def __init__(self, suite: Suite, *, authentication: str, organisations: int, signers: int, seed: int) -> None:
        self.authentication = authentication
        names = [f"org{i + 1}.pycore-test.invalid" for i in range(organisations)]
        wanted = [Wanted(f"ca.{org}", org, "root-cert", f"ca.{org}") for org in names]
        wanted += [Wanted(f"consensus1.{org}", org, "consensus", f"ca.{org}") for org in names]
        wanted += [Wanted(f"admin1.{org}", org, "admin", f"ca.{org}") for org in names]
        clients = [(f"client{i + 1}.{names[i % organisations]}", names[i % organisations]) for i in range(signers)]
        wanted += [Wanted(name, org, "client", f"ca.{org}") for name, org in clients]
        wanted.append(Wanted("ca.stranger.invalid", names[0], "root-cert", "ca.stranger.invalid"))
        wanted.append(Wanted(f"stranger.{names[0]}", names[0], "client", "ca.stranger.invalid"))
        made = make_identities(suite, wanted, seed)
        self.suite = suite
        self.organisations = tuple(names)
        self.authorities = tuple(made[f"ca.{org}"] for org in names)
        self.validators = tuple(made[f"consensus1.{org}"] for org in names)
        self.admins = tuple(made[f"admin1.{org}"] for org in names)
        self.clients = tuple(made[name] for name, _ in clients)
        self.stranger = made[f"stranger.{names[0]}"]
        known = (*self.validators, *self.admins, *self.clients)
        hashes = pycore.hash_batch(suite.hash, [who.certificate for who in known])
        self.certificate_hashes = {who.name: row.tobytes() for who, row in zip(known, hashes, strict=True)}
        self.certificates = {self.certificate_hashes[who.name]: who.certificate_pem for who in known}
        self.node_ids = {who.name: _node_id(who, authentication) for who in self.validators}
        self.turns = tuple(sorted(self.validators, key=lambda who: self.node_ids[who.name]))

    def proposer(self, height: int) -> Identity:
        """Whose turn round 0 of a height is: the validators in the order of their node ids, each for one block."""
        return self.turns[height % len(self.turns)]

    def member(self, who: Identity, *, by_hash: bool = False) -> transaction_pb2.Member:
        """`who` as a message names it: by certificate, by the chain's hash of it, or, in key mode, by public key."""
        if self.authentication == "key":
            return transaction_pb2.Member(
                org_id=who.organisation,
                member_type=transaction_pb2.MEMBER_TYPE_PUBLIC_KEY,
                member_info=who.public_key_pem,
            )
        if by_hash:
            return transaction_pb2.Member(
                org_id=who.organisation,
                member_type=transaction_pb2.MEMBER_TYPE_CERT_HASH,
                member_info=self.certificate_hashes[who.name],
            )
        return transaction_pb2.Member(
            org_id=who.organisation, member_type=transaction_pb2.MEMBER_TYPE_CERT, member_info=who.certificate_pem
        )

    def context(self, consensus: str) -> ChainContext:
        """The part of a node's knowledge that holds for every block: authorities, certificates by hash,
        validators."""
        from pycore.ledgers.chainmaker.ledger import ChainContext, RegisteredKey

        common: dict[str, Any] = {
            "chain_id": CHAIN_ID,
            "hash": self.suite.chain_hash,
            "auth_type": AUTHENTICATION[self.authentication],
            "consensus": consensus,
            "validators": tuple(sorted(self.node_ids.values())),
            "blocks_per_proposer": 1,
            "time": FIRST_TIMESTAMP,  # certificates are checked as of the chain's first day, whenever the test runs
        }
        nodes = {who.organisation: (self.node_ids[who.name],) for who in self.validators}
        if self.authentication == "key":
            return ChainContext(
                **common,
                trust_roots={who.organisation: (who.public_key_pem.decode(),) for who in self.admins},
                consensus_nodes=nodes,
                nodes={self.node_ids[who.name]: who.public_key_pem.decode() for who in self.validators},
                public_keys=tuple(
                    RegisteredKey(who.public_key_pem.decode(), who.organisation, "CLIENT") for who in self.clients
                ),
            )
        return ChainContext(
            **common,
            trust_roots={who.organisation: (who.certificate_pem.decode(),) for who in self.authorities},
            certificates={digest.hex(): armoured.decode() for digest, armoured in self.certificates.items()},
            consensus_nodes=nodes,
            nodes={self.node_ids[who.name]: who.certificate_pem.decode() for who in self.validators},
        )


def _node_id(who: Identity, authentication: str) -> str:
    """The node's name: in key mode the id that a node makes from its key, else one of the same form."""
    from pycore.identities.x509 import parse_public_key
    from pycore.ledgers.chainmaker.node_id import base58, node_id

    if authentication == "key":
        return node_id(parse_public_key(who.public_key_pem))
    return base58(b"\x12\x20" + hashlib.sha256(who.public_key).digest())
