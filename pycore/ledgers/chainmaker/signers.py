"""Turns a Member of a block into a key, a hash, an organisation and a role - once, and remembers it.

A block of a consortium chain names the same few dozen members thousands of times, so a resolved member is kept under
its (type, organisation, member info) in a bounded, thread-safe cache that outlives the block. Certificates that are new
in a block are verified together in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pycore.base.deadline import checkpoint
from pycore.base.verdicts import Verdict
from pycore.hashing.batch import hash_batch
from pycore.identities.collector import RareSignatures
from pycore.identities.x509 import (
    Certificate,
    CertificateError,
    PublicKey,
    parse_certificate,
    parse_certificates,
    parse_public_key,
    public_key_of,
)
from pycore.identities.x509_path import Authorities, Blocked, NoPath
from pycore.ledgers.chainmaker.cache import BoundedCache
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.messages import shorten
from pycore.ledgers.chainmaker.node_id import node_id
from pycore.ledgers.chainmaker.policy import Voter
from pycore.ledgers.chainmaker.revocation import Revoked
from pycore.ledgers.chainmaker.rows import between

CERT, CERT_HASH, PUBLIC_KEY, DID, ALIAS, ADDR = range(6)
MemberKey = tuple[int, str, bytes]
"""(member_type, org_id, member_info)"""

_FOREVER = float("inf")
_ALWAYS = (-_FOREVER, _FOREVER)
_MEMBERS, _MEMBER_BYTES = 4096, 32 << 20
_STORE_COUNT, _STORE_BYTES = 8, 64 << 20
_CHUNK = 4096  # new members that are resolved together: bounds what is held of their certificates
_VALID = Verdict.VALID
_RECORD = 2048  # bytes that a resolved member takes in addition to its member info, about

V = TypeVar("V")
_Opened = tuple[bytes, Certificate]


@dataclass(frozen=True, slots=True)
class Signer:
    """A resolved member.

    verdict     VALID, or why its signatures cannot count
    org         the organisation that it claims
    own_org     the organisation that it belongs to; None: not known
    role        in upper case; "" is a member without one, None: not known
    key, hash   what its signatures are verified with; hash None: an algorithm that the chain does not support
    text        the member information that references resolve to: what the chain compares signers by
    trusted     True: by a chain to a root, as a trusted member, as a registered key, or because the chain takes any
                key. None: the context does not tell
    window      the certificate path is valid from, to (Unix seconds)
    """

    verdict: int
    detail: str
    org: str
    own_org: str | None = None
    role: str | None = None
    key: PublicKey | None = None
    hash: str | None = None
    text: bytes = b""
    trusted: bool | None = True
    window: tuple[float, float] = _ALWAYS

    def at(self, time: float | None) -> tuple[int, str]:
        """Verdict and reason at a time; None: dates are ignored. Nobody without a key is VALID."""
        if self.verdict == Verdict.VALID and (self.key is None or self.hash is None):
            return Verdict.UNSUPPORTED_ALGORITHM, "no key that signatures could be verified with"
        if self.verdict == Verdict.VALID and time is not None and not self.window[0] <= time <= self.window[1]:
            return Verdict.BAD_CERTIFICATE, "the certificate or one above it is not valid at the verification time"
        return self.verdict, self.detail


def signing_hash(key: PublicKey, hash: str | None) -> str | None:
    """The hash that a key signs with where `hash` is configured: RSA takes SHA-256 for SM3 and has no SHA3-256."""
    if hash not in ("sha256", "sha3-256", "sm3"):
        return None
    if key.kind == "rsa":
        return None if hash == "sha3-256" else "sha256"
    return hash


@dataclass(frozen=True, slots=True)
class _Claim:
    """The entry of a key in a key chain's register."""

    org: str | None
    role: str | None


class TrustStore:
    """The members, roots and cached results that one chain configuration stands for."""

    def __init__(
        self, context: ChainContext, hash: str, *, capacity: int = _MEMBERS, max_bytes: int = _MEMBER_BYTES
    ) -> None:
        self.context = context
        self._hash = hash
        self._rules = context.rules
        self._strict = context.rules == "strict"
        self._public = context.auth_type == "Public"
        # As read, some releases took any authority's certificate of an organisation that they do not know.
        lax = between(context.release, "2.3.0", "2.3.6") or between(context.release, "2.4.0_alpha", "3.0.0")
        self._takes_foreign = lax and not self._strict
        self._cache: BoundedCache[MemberKey, Signer] = BoundedCache(capacity, max_bytes=max_bytes, size=_weight)
        # Bytes of the longest hash or alias: no longer one is looked up, whatever a block holds.
        self._longest_name = 4 * max(map(len, (*context.certificates, *context.aliases)), default=0)
        self.problems: list[str] = []
        self.node_keys: dict[str, PublicKey] = {}
        self.found = ""
        self._read_nodes()
        self._authorities: Authorities | None = None
        self._trusted_members: dict[bytes, tuple[str, str]] = {}
        self._anchors: dict[str, frozenset[bytes]] = {}
        self._register: dict[PublicKey, _Claim] = {}
        self.admins = 0
        if context.by_certificate:
            pool = self._read_roots()
            self._read_trust_members()
            self._revoked = Revoked(context, hash, pool, self.problems)
        else:
            self._read_register()

    @property
    def cached(self) -> int:
        """Members held in the cache."""
        return len(self._cache)

    def problems_at(self, time: float | None) -> list[str]:
        """The configuration's own faults at a time: unreadable roots, revocation lists out of date."""
        dated = self._revoked.problems_at(time) if self.context.by_certificate else []
        return [*self.problems, *dated]

    def voter(self, signer: Signer) -> Voter:
        """A signer as policies see it. `strict` tells signers apart by their keys, the chain by their text."""
        confirmed = self._public or signer.own_org is None or signer.org == signer.own_org
        who = (signer.key.kind, signer.key.data) if self._strict and signer.key else signer.text
        return Voter(signer.org, signer.role, confirmed, who)

    # ---- configuration -----------------------------------------------------------------------------------------------

    def _configured(self, what: str, read: Callable[[bytes], V], pem: str) -> V | None:
        """Reads one item of the configuration; what cannot be read becomes a failed check of every report."""
        try:
            return read(pem.encode())
        except CertificateError as error:
            self.problems.append(f"{what}: {error}")
            return None

    def _key(self, what: str, pem: str) -> PublicKey | None:
        return self._configured(what, lambda data: public_key_of(_key_bytes(data)), pem)

    def _read_nodes(self) -> None:
        given = [(node, pem) for node, pem in self.context.nodes.items()]
        given += [(member.node_id, member.pem) for member in self.context.trust_members if member.node_id]
        for node, pem in given:
            key = self._key(f"node {node}", pem)
            if key is not None:
                self.node_keys.setdefault(node, key)

    def _read_roots(self) -> list[Certificate]:
        """Every authority of the trust roots, and for each organisation those that may end a path.

        `compatible`: each of them, as in a node once its configuration has changed. `strict`: those whose issuer is not
        given as well, self-signed or not, so that a root's limits and revocation apply to what is below it.
        """
        pool: dict[bytes, Certificate] = {}
        for org, pems in self.context.trust_roots.items():
            own: list[Certificate] = []
            for pem in pems:
                found = self._configured(
                    f"trust root of {org}", lambda data: parse_certificates(data, rules=self._rules), pem
                )
                for certificate in found or ():
                    if certificate.is_ca:
                        own.append(certificate)
                        pool.setdefault(certificate.der, certificate)
                    elif self._strict:
                        self.problems.append(f"trust root of {org}: {_called(certificate)} is no authority")
            subjects = {certificate.subject for certificate in own}
            anchors = {
                one.der for one in own if not self._strict or one.subject == one.issuer or one.issuer not in subjects
            }
            if not anchors:
                self.problems.append(f"trust root of {org}: no certificate of an authority, so no member can be judged")
            self._anchors[org] = frozenset(anchors)
        authorities = list(pool.values())
        self._authorities = Authorities(
            authorities, self._anchors, rules=self._rules, der_rules="strict" if self._strict else "go"
        )
        self.problems += self._authorities.problems
        self.found = f"{len(authorities)} authorities of {len(self._anchors)} organisations"
        return authorities

    def _read_trust_members(self) -> None:
        for member in self.context.trust_members:
            what = f"trust member of {member.org_id}"
            certificate = self._configured(what, lambda data: parse_certificate(data, rules=self._rules), member.pem)
            if isinstance(certificate, Certificate):
                by_text = not self._strict and self.context.release != "2.0.0"
                name = member.pem.encode() if by_text else certificate.der
                self._trusted_members.setdefault(name, (member.org_id, member.role.upper()))

    def _read_register(self) -> None:
        """Keys that the configuration knows, the first entry first: administrators, nodes, registered keys."""
        context, register = self.context, self._register
        for org, pems in context.trust_roots.items():
            for pem in pems:
                key = self._key(f"administrator key of {org}", pem)
                if key is not None:
                    register.setdefault(key, _Claim("" if self._public else org, "ADMIN"))
        for pem in context.admin_keys:
            key = self._key("administrator key", pem)
            if key is not None:
                register.setdefault(key, _Claim("", "ADMIN"))
        self.admins = len(register)
        self._node_orgs: dict[str, str] = {}
        for org, nodes in context.consensus_nodes.items():
            for node in nodes:
                self._node_orgs.setdefault(node, org)
        for node, key in self.node_keys.items():
            node_org = "" if self._public else self._node_orgs.get(node)
            if node in self._node_orgs or not context.consensus_nodes:
                register.setdefault(key, _Claim(node_org, "CONSENSUS"))
        for entry in context.public_keys or ():
            key = self._key(f"registered key of {entry.org_id}", entry.key)
            if key is not None and node_id(key) not in self._node_orgs:
                register.setdefault(key, _Claim("" if self._public else entry.org_id, entry.role))
        self.found = f"{len(register)} keys"

    # ---- members -----------------------------------------------------------------------------------------------------

    def resolve(self, members: Iterable[MemberKey], time: float | None) -> dict[MemberKey, Signer]:
        """Every distinct member of a block, from the cache or resolved now; new certificates are verified in batches.
        Of several paths to a root, one that is valid at `time` is found."""
        found: dict[MemberKey, Signer] = {}
        fresh: list[MemberKey] = []
        for member, known in self._cache.get_all(members).items():
            # Only VALID members are kept, so nothing but the dates can speak against one.
            if known is not None and (time is None or known.window[0] <= time <= known.window[1]):
                found[member] = known
            else:
                fresh.append(member)
        rare = RareSignatures()
        for first in range(0, len(fresh), _CHUNK):
            for member, signer in self._resolve(fresh[first : first + _CHUNK], time, rare).items():
                # A failure is not worth a place in the cache: it would let a hostile block push the real members out.
                if signer.verdict == _VALID:
                    self._cache.put(member, signer)
                found[member] = signer
        return found

    def _resolve(
        self, members: Sequence[MemberKey], time: float | None, rare: RareSignatures
    ) -> dict[MemberKey, Signer]:
        """Members that no cache knows."""
        answers: dict[MemberKey, Signer] = {}
        opened: dict[MemberKey, _Opened] = {}
        read: dict[bytes, Certificate | str] = {}
        for member in members:
            checkpoint()
            outcome = self._open(member, read)
            if isinstance(outcome, Signer):
                answers[member] = outcome
            else:
                opened[member] = outcome
        if not opened:
            return answers
        hashes = self._hashes(opened)
        blocked = partial(self._revoked, hashes=hashes)
        pending: dict[MemberKey, _Opened] = {}
        for member, (text, certificate) in opened.items():
            early = self._by_configuration(member, text, certificate, hashes, blocked)
            early = early or self._before_path(member[1], text, certificate, blocked)
            if early is not None:
                answers[member] = early
            else:
                pending[member] = text, certificate
        if not pending:
            return answers
        assert self._authorities is not None
        leaves = [(certificate, certificate.organisations[0]) for _, certificate in pending.values()]
        paths = self._authorities.find(leaves, time=time, blocked=blocked, rare=rare)
        for (member, (text, certificate)), path in zip(pending.items(), paths, strict=True):
            if isinstance(path, NoPath):
                answers[member] = Signer(Verdict.BAD_CERTIFICATE, shorten(path.reason, 512), member[1])
            else:
                # Kept even without a clock: the cache is shared with calls that check dates.
                answers[member] = self._of(certificate, member[1], text, True, path.window)
        return answers

    def _open(self, member: MemberKey, read: dict[bytes, Certificate | str]) -> Signer | _Opened:
        """The signer where that needs no certificate; else the resolved text and the certificate in it. `read`: texts
        that were read before, each a certificate or an error; several members may stand for one."""
        kind, org, info = member
        if not self.context.by_certificate:
            return self._open_key(kind, org, info)
        text = self._text(kind, info)
        if text is None:
            return Signer(Verdict.UNKNOWN_SIGNER, self._unknown(kind, info), org)
        certificate = read.get(text)
        if certificate is None:
            try:
                certificate = parse_certificate(text, rules=self._rules)
            except CertificateError as error:
                certificate = str(error)
            read[text] = certificate
        if isinstance(certificate, str):
            return Signer(Verdict.BAD_CERTIFICATE, certificate, org)
        return text, certificate

    def _hashes(self, opened: Mapping[MemberKey, _Opened]) -> dict[bytes, bytes]:
        """The hashes of certificates, by their DER, where anything is decided by them."""
        wanted = [
            certificate.der
            for (kind, _, _), (_, certificate) in opened.items()
            if self._revoked.by_hash or (self._strict and kind == CERT_HASH)
        ]
        if not wanted:
            return {}
        digests = hash_batch(self._hash, wanted)
        width, joined = digests.shape[1], digests.tobytes()
        return {der: joined[width * i : width * (i + 1)] for i, der in enumerate(wanted)}

    def _by_configuration(
        self, member: MemberKey, text: bytes, certificate: Certificate, hashes: Mapping[bytes, bytes], blocked: Blocked
    ) -> Signer | None:
        """The answer where the configuration names this very certificate, or another one than the member; else None."""
        kind, org, info = member
        trusted = None if self._strict else self._trusted_members.get(text)
        if trusted is None and self._trusted_members:
            trusted = self._trusted_members.get(certificate.der)
            if self._strict and trusted is not None and trusted[0] != org:
                trusted = None
        if kind == CERT_HASH and self._strict and hashes[certificate.der] != info:
            why = f"the certificate that the context has for this hash has the hash {hashes[certificate.der].hex()}"
            return Signer(Verdict.BAD_CERTIFICATE, why, org)
        if trusted is None:
            return None
        if self._strict and blocked(certificate, 0):
            return Signer(Verdict.BAD_CERTIFICATE, "the certificate is revoked or frozen", org)
        # No path, no dates: the configuration names this very certificate.
        return self._signer(certificate.key, certificate.hash, org, trusted[0], trusted[1], text)

    def _text(self, kind: int, info: bytes) -> bytes | None:
        """The certificate that a member stands for. Hashes and aliases share the chain's name space."""
        if kind == CERT:
            return info
        if kind not in (CERT_HASH, ALIAS) or (kind == ALIAS and between(self.context.release, "2.0.0", "2.1.0")):
            return None
        if len(info) > self._longest_name:
            return None
        found = None
        if kind == CERT_HASH or not self._strict:
            found = self.context.certificates.get(info.hex())
        if found is None and (kind == ALIAS or not self._strict):
            found = self.context.aliases.get(info.decode("utf-8", "replace"))
        return None if found is None else found.encode()

    def _unknown(self, kind: int, info: bytes) -> str:
        if kind not in (CERT_HASH, ALIAS):
            return f"member type {kind} is none of a chain with certificates"
        if kind == CERT_HASH:
            return f"the context holds no certificate for the certificate hash {info[:64].hex()}"
        return f"the context holds no certificate for the alias {info[:64].decode('utf-8', 'replace')!r}"

    def _signer(
        self, key: PublicKey, hash: str | None, org: str, own_org: str | None, role: str | None, text: bytes,
        trusted: bool | None = True, window: tuple[float, float] = _ALWAYS,
    ) -> Signer:  # fmt: skip
        if key.kind != "rsa" and key.data[:1] != b"\x04":
            # The chain's code reads no compressed points; two encodings of one key would also pass for two keys.
            return Signer(Verdict.MALFORMED_KEY, "a point that is not in the uncompressed form", org, own_org, role)
        chosen = signing_hash(key, hash)
        if chosen is None:
            detail = f"a {key.kind} key with {hash or 'an unknown hash'}"
            return Signer(Verdict.UNSUPPORTED_ALGORITHM, detail, org, own_org, role, key, None, text, trusted, window)
        return Signer(_VALID, "", org, own_org, role, key, chosen, text, trusted, window)

    # ---- public keys -------------------------------------------------------------------------------------------------

    def _open_key(self, kind: int, org: str, info: bytes) -> Signer:
        if kind != PUBLIC_KEY:
            return Signer(Verdict.UNKNOWN_SIGNER, f"member type {kind} is none of a chain with public keys", org)
        try:
            key = parse_public_key(_key_bytes(info))
        except CertificateError as error:
            return Signer(Verdict.MALFORMED_KEY, str(error), org)
        claim = self._claim(key)
        if self._public:
            return self._signer(key, self._hash, org, "", claim.role, info)
        why = self._claim_fault(claim, org)
        if why:
            return Signer(Verdict.UNKNOWN_SIGNER, why, org)
        trusted = True if claim.org is not None else None
        return self._signer(key, self._hash, org, claim.org, claim.role, info, trusted)

    def _claim(self, key: PublicKey) -> _Claim:
        known = self._register.get(key)
        if known is not None and known.role == "ADMIN":
            return known
        org = self._node_orgs.get(node_id(key)) if self._node_orgs and _is_usable(key) else None
        if org is not None:
            return _Claim("" if self._public else org, "CONSENSUS")
        if known is not None:
            return known
        if self._public:  # anybody may be a member of a public chain, if the context tells who the nodes are
            return _Claim("", "" if self._node_orgs or self.node_keys else None)
        return _Claim(None, None)

    def _claim_fault(self, claim: _Claim, org: str) -> str:
        """Why a key may not sign for an organisation (PermissionedWithKey)."""
        context = self.context
        if claim.org is None:
            if claim.role is None and context.public_keys is not None and context.consensus_nodes:
                return "a key that neither the chain's configuration nor its register knows"
            known = context.trust_roots.keys() | context.consensus_nodes.keys()
            if known and org not in known:
                return f"the chain has no organisation {shorten(org or 'without a name')}"
            return ""
        if org == claim.org or (not self._strict and not org):
            return ""
        return f"the key belongs to {shorten(claim.org)}, not to {shorten(org or 'nobody')}"

    # ---- certificates ------------------------------------------------------------------------------------------------

    def _of(
        self, certificate: Certificate, org: str, text: bytes, trusted: bool | None, window: tuple[float, float]
    ) -> Signer:
        named = certificate.organisations[0] if certificate.organisations else ""
        role = certificate.units[0].upper() if certificate.units else ""
        return self._signer(certificate.key, certificate.hash, org, named, role, text, trusted, window)

    def _before_path(self, org: str, text: bytes, certificate: Certificate, blocked: Blocked) -> Signer | None:
        """The answer of a certificate's organisation and revocation where the path is not needed, else None."""
        named = certificate.organisations[0] if certificate.organisations else ""
        own_window = (certificate.not_before, certificate.not_after)
        revoked = blocked(certificate, 0)
        if self._takes_foreign and certificate.is_ca and named and named not in self._anchors and not revoked:
            return self._of(certificate, org, text, True, own_window)
        if not named:
            return Signer(Verdict.UNKNOWN_SIGNER, "the certificate names no organisation", org)
        if named != org and (self._strict or org):
            return Signer(
                Verdict.UNKNOWN_SIGNER,
                f"the certificate belongs to {shorten(named)}, not to {shorten(org or 'nobody')}",
                org,
            )
        if revoked:
            return Signer(Verdict.BAD_CERTIFICATE, "the certificate is revoked or frozen", org)
        if not self.context.trust_roots:
            # Without roots a path cannot be judged; the report says so once, in its check trust_roots.
            return self._of(certificate, org, text, None, own_window)
        if named not in self._anchors:
            return Signer(Verdict.UNKNOWN_SIGNER, f"the organisation {shorten(named)} has no trust root", org)
        return None


def _weight(member: MemberKey, signer: Signer) -> int:
    """Bytes that a resolved member takes, about; a character takes up to four."""
    return _RECORD + 4 * len(member[1]) + 2 * len(member[2]) + len(signer.text)


def _called(certificate: Certificate) -> str:
    return shorten(certificate.common_name) or f"the certificate {certificate.serial:x}"


def _is_usable(key: PublicKey) -> bool:
    return key.kind == "rsa" or (key.data[:1] == b"\x04" and len(key.data) % 2 == 1)


def _key_bytes(info: bytes) -> bytes:
    """A key's text as the chain reads it: PEM, or hexadecimal digits of the DER."""
    if b"-----BEGIN" in info:
        return info
    try:
        return bytes.fromhex(info.decode("ascii"))
    except ValueError:
        raise CertificateError("neither PEM nor hexadecimal digits of a public key") from None


_STORES: BoundedCache[tuple[str, bytes], TrustStore] = BoundedCache(
    _STORE_COUNT, max_bytes=_STORE_BYTES, size=lambda _, store: store.context.trust_size
)


def trust_store(context: ChainContext, hash: str) -> TrustStore:
    """The trust store of a configuration: contexts that differ only in things like height and previous hash
    share one."""
    return _STORES.get_or_make((hash, context.trust_key), lambda: TrustStore(context, hash))
