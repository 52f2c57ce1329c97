"""Fuzzes the members of Fabric: certificates, authorities, revocation lists with changed bytes, signed again.

    python tests/fuzz/fuzz_fabric_certificates.py --seconds 10 --seed 1

Whatever the bytes, an MSP is made or refused by name, and so is an identity. Whom the strict rules take, the compatible
ones take with the same id, and as valid. `tests/identities/test_msp_go.py` holds the same inputs to Fabric's own code.
A finding is printed with its seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "identities"))

import x509_make as make
from asn1crypto import pem
from cryptography.hazmat.primitives.asymmetric import ec

from pycore._pb.ledgers.fabric.v1 import membership_pb2
from pycore.identities.msp import LEVELS, Identity, Msp, MspError, UnknownIdentityError

UNITS = ("client", "peer", "admin", "orderer")
TAGS = (0x30, 0x31, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x18, 0x80, 0x81, 0xA0, 0xA3, 0xFF, 0x00)


def shaken(data: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, seldom put in or left out."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(len(made))
        kind = rng.randrange(10)
        if kind < 4:
            made[at] ^= 1 << rng.randrange(8)
        elif kind < 8:
            made[at] = rng.choice((*TAGS, rng.randrange(256)))
        elif kind == 8:
            made[at:at] = rng.choice((b"\x00", b"\x05\x00", b"\x30\x00"))
        else:
            del made[at]
    return bytes(made)


def again(one: Any, signer: Any, rng: random.Random) -> Any:
    """The certificate with changed bytes, signed by its authority."""
    return make.signed(shaken(one.tbs, rng), signer, one.name, one.key, one.key_id)


class Case:
    """A configuration of an MSP and certificates, in some of which bytes are changed.

    Attributes:
        config: FabricMSPConfig, serialised.
        texts: certificates in PEM.
        part: what is changed.
    """

    def __init__(self, rng: random.Random) -> None:
        self.part = rng.choice(("person", "person", "person", "root", "middle", "list", "admin", "raw"))
        root = make.make("root", ca=True, path=rng.choice((None, 1)))
        if self.part == "root":
            root = again(root, root.key, rng)
        middle = make.make("middle", root, ca=True)
        if self.part == "middle":
            middle = again(middle, root.key, rng)
        made = membership_pb2.FabricMSPConfig(name="Org", root_certs=[root.pem], intermediate_certs=[middle.pem])
        admin = make.make(make.name("admin", "org", "admin"), middle)
        made.admins.append((again(admin, middle.key, rng) if self.part == "admin" else admin).pem)
        if rng.random() < 0.5:
            made.fabric_node_ous.enable = True
            for role in UNITS:
                getattr(made.fabric_node_ous, f"{role}_ou_identifier").organizational_unit_identifier = role
        if self.part == "list" or rng.random() < 0.2:
            listed = make.make_crl(middle, [7, 100, 101], signer=middle.key)
            if self.part == "list":
                listed = shaken_list(listed, middle.key, rng) if rng.random() < 0.7 else shaken(listed, rng)
            made.revocation_list.append(pem.armor("X509 CRL", listed) if rng.random() < 0.3 else listed)
        self.config = made.SerializeToString()
        self.texts = [self._person(rng.choice((root, middle, middle, middle)), rng) for _ in range(6)]

    def _person(self, issuer: Any, rng: random.Random) -> bytes:
        extra = [make.alternatives(make.dns("a.example"), make.email("a@b.c"))] * (rng.random() < 0.3)
        extra += [make.ext(37, make.seq(make.oid("1.3.6.1.5.5.7.3.1")))] * (rng.random() < 0.2)
        options: dict[str, Any] = {"key": ec.generate_private_key(ec.SECP384R1())} if rng.random() < 0.1 else {}
        one = make.make(
            make.name("somebody", "org", rng.choice(UNITS)), issuer, more=extra,
            serial=make.integer(rng.randrange(97, 103)), **options,
        )  # fmt: skip
        if self.part == "person":
            one = again(one, issuer.key, rng)
        text: bytes = one.pem
        return pem.armor("CERTIFICATE", shaken(one.der, rng)) if self.part == "raw" else text


def shaken_list(listed: bytes, key: Any, rng: random.Random) -> bytes:
    """A revocation list with changed bytes, signed again."""
    from asn1crypto.crl import CertificateList

    tbs = shaken(CertificateList.load(listed)["tbs_cert_list"].dump(), rng)
    oid, null = make.algorithm_of(key)
    return make.seq(tbs, make.seq(make.oid(oid) + null), make.bits(make.sign(key, tbs, oid)))


def members(case: Case, level: str, rules: str) -> tuple[Msp | None, list[Identity | None]]:
    """The MSP and the identities; None for those that are refused."""
    try:
        made = Msp(case.config, level=level, rules=rules)
    except MspError:
        return None, []
    return made, [known(made, text) for text in case.texts]


def known(made: Msp, text: bytes) -> Identity | None:
    try:
        return made.identity(text)
    except UnknownIdentityError:
        return None


def check(case: Case, level: str) -> Counter[str]:
    """Reads it by both rules."""
    lax, people = members(case, level, "compatible")
    strict, few = members(case, level, "strict")
    assert strict is None or lax is not None, "the strict rules make an MSP where the others do not"
    if lax is None:
        return Counter(refused=1)
    found: Counter[str] = Counter()
    for one, other in zip(people, few or [None] * len(people), strict=True):
        assert other is None or (one is not None and one.id == other.id), "another identity by the strict rules"
        assert other is None or other.problem or (one is not None and not one.problem), "valid by the strict rules only"
        found["unknown" if one is None else "invalid" if one.problem else "valid"] += 1
    return found


def run(*, seconds: float, seed: int, limit: int = sys.maxsize) -> Counter[str]:
    """Fuzzes for so long or so many inputs; how many came out in which way."""
    counts: Counter[str] = Counter()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end and number < limit:
        rng = random.Random(f"{seed}:{number}")
        case = Case(rng)
        try:
            counts += check(case, rng.choice(LEVELS))
        except BaseException:
            print(f"finding {seed}:{number} ({case.part}): {case.config.hex()} {[text.hex() for text in case.texts]}")
            raise
        number += 1
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(dict(run(seconds=given.seconds, seed=given.seed)))
