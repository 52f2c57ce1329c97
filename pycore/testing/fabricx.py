"""Made-up Fabric-X networks: what a coordinator sends to a verifier, signed by keys that follow from a seed.

Test data only. A network has a channel of :class:`pycore.testing.fabric.FabricChannel` and a namespace for each kind:

    ecdsa, eddsa, free       threshold rules with one key, and none
    certs, ids               two peers of different organisations sign, named by certificate or by its id
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from pycore._pb.ledgers.fabric.v1 import block_pb2, configuration_pb2, membership_pb2
from pycore.hashing.batch import hash_batch
from pycore.ledgers.fabricx import columns
from pycore.testing import _deterministic
from pycore.testing._sign import der_signature, public_keys, sign
from pycore.testing.certificates import Identity
from pycore.testing.fabric import FabricChannel, certificate_id, role_principal, signature_policy

__all__ = ["KINDS", "FabricXNetwork", "batch", "field", "varint"]

KINDS = ("ecdsa", "eddsa", "free", "certs", "ids")
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")  # SubjectPublicKeyInfo up to the point


def varint(value: int) -> bytes:
    """A number as protobuf writes it."""
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, or of a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(place: int, value: int) -> bytes:
    """A field of a number; nothing for zero."""
    return varint(place << 3) + varint(value) if value else b""


def batch(requests: Sequence[bytes], update: bytes | None = None) -> bytes:
    """A VerifierBatch of TxWithRef messages."""
    first = field(1, update) if update is not None else b""
    return first + b"".join(field(2, one) for one in requests)


class _Channel(FabricChannel):
    """The channel's configuration knows its peers' certificates."""

    def msp_config(self, name: str) -> bytes:
        made = membership_pb2.FabricMSPConfig.FromString(super().msp_config(name))
        made.known_certs.extend(
            one.certificate_pem for key, one in self.people.items() if key.endswith(f".{name}") and "peer" in key
        )
        return made.SerializeToString()

    def config(self, *given: Any, **changes: Any) -> configuration_pb2.ConfigEnvelope:
        made = super().config(*given, **changes)
        group = made.config.channel_group
        ordering = group.groups["Orderer"]
        ordering.values["Capabilities"].CopyFrom(group.values["Capabilities"])
        # What committers demand of a configuration besides, so that both verifiers take it.
        group.values["HashingAlgorithm"].value = field(1, b"SHA256")
        group.values["BlockDataHashingStructure"].value = number(1, 2**32 - 1)
        group.values["OrdererAddresses"].value = field(1, b"orderer:7050")
        ordering.values["BatchSize"].value = number(1, 500) + number(2, 1 << 20) + number(3, 1 << 20)
        ordering.values["BatchTimeout"].value = field(1, b"1s")
        return made


class FabricXNetwork:
    """One network.

    Args:
        seed: of everything.
        organisations: that endorse, two or more.

    Attributes:
        config: the Envelope of its configuration.
        policies: namespace -> NamespacePolicy, serialised.
    """

    def __init__(self, *, seed: int = 1, organisations: int = 2) -> None:
        self.seed = seed
        self.channel = _Channel(seed=seed, organisations=organisations, peers=1, form="fabric-x")
        self.config = block_pb2.Block.FromString(self.channel.genesis).data.data[0]
        self.endorsers: list[Identity] = self.channel.peers[:2]
        secrets = _deterministic.rows(seed, "threshold", count=2, width=32)
        self._secrets = {"ecdsa": secrets[0], "eddsa": secrets[1]}
        self._keys = {
            "ecdsa": public_keys("ecdsa-p256", secrets[:1])[0].tobytes(),
            "eddsa": public_keys("ed25519", secrets[1:])[0].tobytes(),
        }
        both = signature_policy([role_principal(one.organisation, "MEMBER") for one in self.endorsers], 2)
        rule = field(2, both.SerializeToString())
        self.policies = {
            "ecdsa": threshold("ECDSA", pem(_P256 + self._keys["ecdsa"])),
            "eddsa": threshold("EDDSA", self._keys["eddsa"]),
            "free": threshold("NONE", b""),
            "certs": rule,
            "ids": rule,
        }

    def update(self, *, config: bool = True, policies: Sequence[str] = KINDS) -> bytes:
        """A VerifierUpdates message."""
        made = field(1, field(1, self.config)) if config else b""
        items = [field(1, field(1, name.encode()) + field(2, self.policies[name])) for name in policies]
        return made + (field(2, b"".join(items)) if items else b"")

    def requests(self, kind: str, count: int, *, block: int = 1, size: int = 32) -> list[bytes]:
        """TxWithRef messages of one namespace, soundly signed; `size`: bytes of the value that each writes."""
        values = _deterministic.rows(self.seed, "value", kind, block, count=max(1, count), width=size)
        contents, refs = [], []
        for i in range(count):
            write = field(1, f"key-{block}-{i}".encode()) + field(2, values[i].tobytes())
            contents.append(field(1, kind.encode()) + field(5, write))
            refs.append(number(1, block) + number(2, i) + field(3, f"tx-{block}-{i}".encode()))
        signed = _signed([field(1, ref) + field(2, field(1, one)) for ref, one in zip(refs, contents, strict=True)])
        lists = self._endorsed(kind, signed)
        return [
            field(1, ref) + field(2, field(1, content) + field(2, found))
            for ref, content, found in zip(refs, contents, lists, strict=True)
        ]

    def endorse(self, ref: bytes, kinds: Sequence[str], namespaces: Sequence[bytes]) -> bytes:
        """A TxWithRef with these TxNamespace messages, each signed as its kind demands."""
        content = b"".join(field(1, one) for one in namespaces)
        signed = _signed([field(1, ref) + field(2, content)])
        lists = [self._endorsed(kind, [one])[0] for kind, one in zip(kinds, signed, strict=True)]
        return field(1, ref) + field(2, content + b"".join(field(2, one) for one in lists))

    def _endorsed(self, kind: str, signed: Sequence[bytes]) -> list[bytes]:
        """The Endorsements message of each of these DERs."""
        if kind == "free" or not signed:
            return [field(1, b"") for _ in signed]
        if kind in self._secrets:
            scheme, rules = ("ed25519", "fabric-x") if kind == "eddsa" else ("ecdsa-p256", None)
            secrets = np.repeat(self._secrets[kind][None, :], len(signed), axis=0)
            messages: list[bytes] = list(signed)
            if kind == "eddsa":
                messages = [row.tobytes() for row in np.asarray(hash_batch("sha256", messages))]
            found = [row.tobytes() for row in sign(scheme, secrets, messages, rules=rules)]
            return [field(1, field(1, one if kind == "eddsa" else der_signature(one))) for one in found]
        made = [b""] * len(signed)
        for who in self.endorsers:
            creator = field(3, certificate_id(who).encode()) if kind == "ids" else field(2, who.certificate_pem)
            identity = field(2, field(1, who.organisation.encode()) + creator)
            for i, one in enumerate(self.channel.sign([who] * len(signed), signed)):
                made[i] += field(1, field(1, one) + identity)
        return made


def _signed(requests: Sequence[bytes]) -> list[bytes]:
    """The bytes that the one namespace of each request signs."""
    whole = batch(requests)
    rows, _ = columns.scan(whole, 0, columns.sizes(whole))
    made: list[bytes] = []
    while len(made) < len(rows.namespaces):
        made += rows.signed(np.arange(len(made), len(rows.namespaces), dtype=np.uint32), 1 << 22)
    return made


def threshold(scheme: str, key: bytes) -> bytes:
    """A NamespacePolicy with a ThresholdRule."""
    return field(1, field(1, scheme.encode()) + field(2, key))


def pem(der: bytes) -> bytes:
    """A PEM block PUBLIC KEY."""
    text = base64.b64encode(der)
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN PUBLIC KEY-----\n" + lines + b"\n-----END PUBLIC KEY-----\n"
