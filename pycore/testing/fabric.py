"""Made-up channels of Hyperledger Fabric: organisations, configuration blocks, endorsed transactions, orderers.

Test data only: keys come from a seed that anybody can read. Blocks of one orderer have the form of published ones;
those of BFT orderers (several signatures, by identifier) and of Fabric-GM are made by the rules as read, which no
published data has confirmed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pycore._pb.ledgers.fabric.v1 import block_pb2, configuration_pb2, membership_pb2, transaction_pb2
from pycore.hashing.batch import hash as hash_one
from pycore.ledgers.fabric.block import Header, octets, open_block, sequence
from pycore.ledgers.fabric.context import FabricContext
from pycore.ledgers.fabric.orderers import bft_quorum
from pycore.testing import _deterministic
from pycore.testing._sign import der_signature, sign
from pycore.testing.certificates import SUITES, Identity, Wanted, make_identities

CHAINCODE = "ledger"
_UNITS = ("client", "peer", "admin", "orderer")
_SIGNATURE, _IMPLICIT = 1, 3


@dataclass(slots=True)
class Draft:
    """A transaction before it is signed: everything may be changed. Signing fills in the rest.

    creator      who signs the envelope
    endorsers    who endorse, in order
    writes       namespace -> keys that are written
    """

    creator: Identity
    endorsers: Sequence[Identity]
    nonce: bytes
    chaincode: str = CHAINCODE
    writes: Mapping[str, Sequence[str]] = field(default_factory=lambda: {CHAINCODE: ("key",)})
    event: str = ""
    channel_id: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)


class FabricChannel:
    """One channel.

    Args:
        seed: of everything.
        organisations, peers: how many organisations endorse, and how many peers each has.
        orderers: how many orderers there are; more than one sign each block only with `bft`.
        bft: orderers of the BFT kind.
        suite: "p256", or "sm2" for Fabric-GM.
        node_units: whether units of certificates make roles.
        capability: of the channel; None: none.
        form: "fabric" | "fabric-x".

    Attributes:
        genesis: block 0, serialised.
        genesis_hash: its hash.
    """

    def __init__(
        self, *, seed: int = 1, organisations: int = 2, peers: int = 5, orderers: int = 1, bft: bool = False,
        suite: str = "p256", node_units: bool = True, capability: str | None = None, form: str = "fabric",
        channel_id: str = "channel",
    ) -> None:  # fmt: skip
        self.seed, self.bft, self.form, self.channel_id = seed, bft, form, channel_id
        self.suite, self.node_units = SUITES[suite], node_units
        self.hash = "sm3" if suite == "sm2" else "sha256"
        self.capability = capability if capability is not None else ("V3_0" if bft else "V2_0")
        self.organisations = [f"Org{i}MSP" for i in range(1, organisations + 1)]
        self.people = make_identities(self.suite, self._wanted(peers, orderers), seed)
        self.peers = [self.people[f"peer{j}.{name}"] for j in range(peers) for name in self.organisations]
        self.clients = [self.people[f"client.{name}"] for name in self.organisations]
        self.orderers = [self.people[f"orderer{i}.OrdererMSP"] for i in range(orderers)]
        self.genesis = self._genesis()
        self.genesis_hash = self.block_hash(self.genesis)

    # ---- what readers know -------------------------------------------------------------------------------------------

    def context(self, height: int | None = None, previous: bytes | None = None, **changes: Any) -> FabricContext:
        """The context of a block under the first configuration."""
        values: dict[str, Any] = {
            "config_block": self.genesis,
            "height": height,
            "previous_block_hash": previous,
            "form": self.form,
            "hash": self.hash,
            "scheme": "sm2" if self.hash == "sm3" else "ecdsa",
        }
        return FabricContext(**(values | changes))

    def block_hash(self, block: bytes) -> bytes:
        """The hash of a serialised block."""
        header = open_block(block).header
        assert header is not None
        return header.hash(self.hash)

    def serialized(self, who: Identity) -> bytes:
        """The SerializedIdentity of somebody."""
        message = membership_pb2.SerializedIdentity(mspid=who.organisation, id_bytes=who.certificate_pem)
        return message.SerializeToString()

    # ---- transactions ------------------------------------------------------------------------------------------------

    def drafts(self, number: int, count: int, *, endorsements: int = 2) -> list[Draft]:
        """Transactions of a block, by one client after another, endorsed by neighbouring peers."""
        nonces = _deterministic.rows(self.seed, "nonce", number, count=count, width=24)
        made = []
        for i in range(count):
            endorsers = [self.peers[(i + j) % len(self.peers)] for j in range(endorsements)]
            draft = Draft(self.clients[i % len(self.clients)], endorsers, nonces[i].tobytes())
            draft.writes = {CHAINCODE: (f"key-{number}-{i}",)}
            made.append(draft)
        return made

    def envelopes(self, drafts: Sequence[Draft]) -> list[bytes]:
        """The serialised envelopes of drafts, signed in two batches."""
        parts = [self._proposal(draft) for draft in drafts]
        endorsers = [who for draft in drafts for who in draft.endorsers]
        messages = [
            response + self.serialized(who)
            for draft, (_, _, response) in zip(drafts, parts, strict=True)
            for who in draft.endorsers
        ]
        signatures = iter(self.sign(endorsers, messages))
        payloads = []
        for draft, (header, proposal, response) in zip(drafts, parts, strict=True):
            action = transaction_pb2.ChaincodeActionPayload(chaincode_proposal_payload=proposal)
            action.action.proposal_response_payload = response
            for who in draft.endorsers:
                action.action.endorsements.add(endorser=self.serialized(who), signature=next(signatures))
            body = transaction_pb2.Transaction()
            body.actions.add(header=header.signature_header, payload=action.SerializeToString())
            payloads.append(block_pb2.Payload(header=header, data=body.SerializeToString()).SerializeToString())
        signed = self.sign([draft.creator for draft in drafts], payloads)
        return [
            block_pb2.Envelope(payload=payload, signature=signature).SerializeToString()
            for payload, signature in zip(payloads, signed, strict=True)
        ]

    def transactions(self, number: int, count: int, *, endorsements: int = 2) -> list[bytes]:
        """Envelopes of a block."""
        return self.envelopes(self.drafts(number, count, endorsements=endorsements))

    def sign(self, signers: Sequence[Identity], messages: Sequence[bytes]) -> list[bytes]:
        """DER signatures with low s."""
        if not signers:
            return []
        secrets = np.array([np.frombuffer(who.secret, np.uint8) for who in signers])
        if self.hash == "sm3":
            messages = [hash_one("sm3", message) for message in messages]
        found = sign(self.suite.scheme, secrets, messages, hash="sha256")
        return [der_signature(self._low(row.tobytes())) for row in found]

    def _low(self, compact: bytes) -> bytes:
        order, s = self.suite.order, int.from_bytes(compact[32:], "big")
        if self.hash == "sm3" or s <= order // 2:
            return compact
        return compact[:32] + (order - s).to_bytes(32, "big")

    def _proposal(self, draft: Draft) -> tuple[block_pb2.Header, bytes, bytes]:
        """Header, chaincode proposal payload, proposal response payload."""
        creator = self.serialized(draft.creator)
        extension = transaction_pb2.ChaincodeHeaderExtension()
        extension.chaincode_id.name = draft.chaincode
        channel = block_pb2.ChannelHeader(
            type=3,
            channel_id=draft.channel_id or self.channel_id,
            tx_id=hash_one(self.hash, draft.nonce + creator).hex(),
            extension=extension.SerializeToString(),
        )
        for name, value in draft.header.items():
            setattr(channel, name, value)
        signer = block_pb2.SignatureHeader(creator=creator, nonce=draft.nonce)
        header = block_pb2.Header(
            channel_header=channel.SerializeToString(), signature_header=signer.SerializeToString()
        )
        proposal = b"\x0a\x08" + draft.nonce[:8]  # an input that nobody here reads
        covered = header.channel_header + header.signature_header + proposal
        response = transaction_pb2.ProposalResponsePayload(
            proposal_hash=hash_one(self.hash, covered), extension=self._action(draft, channel.tx_id)
        )
        return header, proposal, response.SerializeToString()

    @staticmethod
    def _action(draft: Draft, tx_id: str) -> bytes:
        sets = transaction_pb2.TxReadWriteSet()
        for namespace, names in draft.writes.items():
            inner = transaction_pb2.KVRWSet()
            for name in names:
                inner.writes.add(key=name, value=name.encode())
            sets.ns_rwset.add(namespace=namespace, rwset=inner.SerializeToString())
        action = transaction_pb2.ChaincodeAction(results=sets.SerializeToString())
        action.response.status = 200
        action.chaincode_id.name, action.chaincode_id.version = draft.chaincode, "1.0"
        if draft.event:
            event = transaction_pb2.ChaincodeEvent(
                chaincode_id=draft.chaincode, tx_id=tx_id, event_name=draft.event, payload=b"payload"
            )
            action.events = event.SerializeToString()
        return action.SerializeToString()

    # ---- blocks ------------------------------------------------------------------------------------------------------

    def block(
        self, number: int, previous: bytes, entries: Sequence[bytes], *, last_config: int = 0,
        signers: Sequence[int] | None = None, codes: bytes | None = None, by_number: bool | None = None,
    ) -> bytes:  # fmt: skip
        """A block with its orderers' signatures.

        signers     positions of the orderers that sign; None: the first one, or a quorum of the BFT kind
        codes       of a peer; None: all valid; b"": as orderers send it
        by_number   whether orderers name themselves by identifier; None: where they are of the BFT kind
        """
        made = block_pb2.Block()
        made.data.data.extend(entries)
        made.header.number, made.header.previous_hash = number, previous
        made.header.data_hash = hash_one(self.hash, b"".join(entries))
        if signers is None:
            signers = range(bft_quorum(len(self.orderers)) if self.bft else 1)
        metadata = self.metadata(made, last_config, list(signers), self.bft if by_number is None else by_number)
        written = bytes(len(entries)) if codes is None else codes
        made.metadata.metadata.extend([metadata.SerializeToString(), b"", written, b"", b""])
        return made.SerializeToString()

    def metadata(
        self, block: block_pb2.Block, last_config: int, signers: Sequence[int], by_number: bool
    ) -> block_pb2.Metadata:
        """The metadata of signatures."""
        value = block_pb2.OrdererBlockMetadata()
        value.last_config.index = last_config
        made = block_pb2.Metadata(value=value.SerializeToString())
        header = Header(block.header.number, block.header.previous_hash, block.header.data_hash).der()
        messages = []
        for place in signers:
            nonce = _deterministic.stream(self.seed, "orderer", block.header.number, place, size=24)
            if by_number:
                head = block_pb2.IdentifierHeader(identifier=place + 1, nonce=nonce).SerializeToString()
                made.signatures.add(identifier_header=head)
            else:
                creator = self.serialized(self.orderers[place])
                head = block_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString()
                made.signatures.add(signature_header=head)
            whole = made.value + head + header
            x_form = sequence(octets(head), octets(header), octets(made.value))
            messages.append(x_form if self.form == "fabric-x" else whole)
        signed = self.sign([self.orderers[place] for place in signers], messages)
        for one, signature in zip(made.signatures, signed, strict=True):
            one.signature = signature
        return made

    def config_block(self, number: int, previous: bytes, *, sequence_number: int = 1, **changes: Any) -> bytes:
        """A block with the next configuration; `changes` as of :meth:`config`."""
        entry = self._config_entry(self.config(sequence_number, **changes), self.orderers[0], number)
        return self.block(number, previous, [entry], last_config=number)

    # ---- configuration -----------------------------------------------------------------------------------------------

    def config(self, number: int = 0, *, orderers: Sequence[int] | None = None) -> configuration_pb2.ConfigEnvelope:
        """A configuration; `orderers`: positions of those that may sign, None for all."""
        made = configuration_pb2.ConfigEnvelope()
        made.config.sequence = number
        group = made.config.channel_group
        self._implicit(group, {"Readers": "Readers", "Writers": "Writers", "Admins": "Admins"})
        if self.capability:
            value = configuration_pb2.Capabilities()
            value.capabilities[self.capability].SetInParent()
            group.values["Capabilities"].value = value.SerializeToString()
        application = group.groups["Application"]
        self._implicit(application, {"Readers": "Readers", "Writers": "Writers", "Admins": "Admins"})
        for name in ("Endorsement", "LifecycleEndorsement"):
            self._implicit(application, {name: "Endorsement"}, rule=2)
        for name in self.organisations:
            self._organisation(application.groups[name], name)
        ordering = group.groups["Orderer"]
        self._organisation(ordering.groups["OrdererMSP"], "OrdererMSP")
        self._implicit(ordering, {"BlockValidation": "Writers", "Writers": "Writers"})
        kind = configuration_pb2.ConsensusType(type="BFT" if self.bft else "etcdraft")
        ordering.values["ConsensusType"].value = kind.SerializeToString()
        if self.bft:
            self._bft(ordering, range(len(self.orderers)) if orderers is None else orderers)
        return made

    def msp_config(self, name: str) -> bytes:
        """The FabricMSPConfig of an organisation."""
        root = self.people[f"ca.{name}"].certificate_pem
        made = membership_pb2.FabricMSPConfig(name=name, root_certs=[root])
        if self.node_units:
            units = made.fabric_node_ous
            units.enable = True
            for role in _UNITS:
                getattr(units, f"{role}_ou_identifier").organizational_unit_identifier = role
        else:
            made.admins.append(self.people[f"admin.{name}"].certificate_pem)
        if self.hash == "sm3":
            made.crypto_config.signature_hash_family = "SM3"
        return made.SerializeToString()

    def _wanted(self, peers: int, orderers: int) -> list[Wanted]:
        found = []
        for name in [*self.organisations, "OrdererMSP"]:
            ca = f"ca.{name}"
            found.append(Wanted(ca, name, "root-cert", ca))
            found.append(Wanted(f"admin.{name}", name, "admin", ca))
            found.append(Wanted(f"client.{name}", name, "client", ca))
            found += [Wanted(f"peer{j}.{name}", name, "peer", ca) for j in range(peers)]
        ca = "ca.OrdererMSP"
        return found + [Wanted(f"orderer{i}.OrdererMSP", "OrdererMSP", "orderer", ca) for i in range(orderers)]

    def _organisation(self, group: configuration_pb2.ConfigGroup, name: str) -> None:
        config = membership_pb2.MSPConfig(config=self.msp_config(name))
        group.values["MSP"].value = config.SerializeToString()
        roles = {"Readers": "MEMBER", "Writers": "MEMBER", "Admins": "ADMIN", "Endorsement": "PEER"}
        for policy, role in roles.items():
            wanted = "MEMBER" if role == "PEER" and not self.node_units else role
            made = signature_policy([role_principal(name, wanted)], 1)
            group.policies[policy].policy.type = _SIGNATURE
            group.policies[policy].policy.value = made.SerializeToString()

    @staticmethod
    def _implicit(group: configuration_pb2.ConfigGroup, names: Mapping[str, str], *, rule: int = 0) -> None:
        for name, below in names.items():
            made = membership_pb2.ImplicitMetaPolicy(sub_policy=below)
            made.rule = rule  # type: ignore[assignment]
            group.policies[name].policy.type = _IMPLICIT
            group.policies[name].policy.value = made.SerializeToString()

    def _bft(self, group: configuration_pb2.ConfigGroup, places: Sequence[int]) -> None:
        mapping, principals = configuration_pb2.Orderers(), []
        for place in places:
            who = self.orderers[place]
            mapping.consenter_mapping.add(id=place + 1, msp_id=who.organisation, identity=who.certificate_pem)
            principals.append(
                membership_pb2.MSPPrincipal(
                    principal_classification=membership_pb2.MSPPrincipal.IDENTITY, principal=self.serialized(who)
                )
            )
        group.values["Orderers"].value = mapping.SerializeToString()
        made = signature_policy(principals, bft_quorum(len(principals)))
        group.policies["BlockValidation"].policy.type = _SIGNATURE
        group.policies["BlockValidation"].policy.value = made.SerializeToString()

    def _config_entry(self, config: configuration_pb2.ConfigEnvelope, signer: Identity | None, number: int) -> bytes:
        channel = block_pb2.ChannelHeader(type=1, channel_id=self.channel_id)
        nonce = _deterministic.stream(self.seed, "config", number, size=24)
        creator = self.serialized(signer) if signer is not None else b""
        header = block_pb2.Header(
            channel_header=channel.SerializeToString(),
            signature_header=block_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString(),
        )
        # Maps have no order; here it is the same every time.
        data = config.SerializeToString(deterministic=True)
        payload = block_pb2.Payload(header=header, data=data).SerializeToString()
        signature = self.sign([signer], [payload])[0] if signer is not None else b""
        return block_pb2.Envelope(payload=payload, signature=signature).SerializeToString()

    def _genesis(self) -> bytes:
        entry = self._config_entry(self.config(), None, 0)
        made = block_pb2.Block()
        made.data.data.append(entry)
        made.header.data_hash = hash_one(self.hash, entry)
        made.metadata.metadata.extend([b""] * 5)
        return made.SerializeToString()


def role_principal(msp_id: str, role: str) -> membership_pb2.MSPPrincipal:
    """A principal of kind ROLE; `role` by its name in capitals."""
    value = membership_pb2.MSPRole(msp_identifier=msp_id, role=role)
    return membership_pb2.MSPPrincipal(principal=value.SerializeToString())


def signature_policy(
    principals: Sequence[membership_pb2.MSPPrincipal], needed: int
) -> membership_pb2.SignaturePolicyEnvelope:
    """So many of these principals."""
    made = membership_pb2.SignaturePolicyEnvelope(identities=principals)
    made.rule.n_out_of.n = needed
    for place in range(len(principals)):
        made.rule.n_out_of.rules.add().signed_by = place
    return made


def certificate_id(who: Identity) -> str:
    """SHA-256 of a certificate's DER in lower-case hexadecimal."""
    return hashlib.sha256(who.certificate).hexdigest()
