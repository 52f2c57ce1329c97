"""Turns a Member of a block into a key, a hash, an organisation and a role - once, and remembers it.

A block of a consortium chain names the same few dozen members thousands of times, so a resolved member is kept under
its
(type, organisation, member info) in a bounded, thread-safe cache that outlives the block. Certificates that are new in
a block are
verified together in one batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from pycore._deadline import checkpoint
from pycore.hashing import hash_batch
from pycore.ledgers._chainmaker.context import ChainContext
from pycore.ledgers.signing import SignatureBatch
from pycore.ledgers.x509 import (
    Certificate,
    CertificateError,
    PublicKey,
    parse_certificate,
    parse_public_key,
    public_key_of,
)
from pycore.verdict import Verdict

CERT, CERT_HASH, PUBLIC_KEY, DID, ALIAS, ADDR = range(6)
MemberKey = tuple[int, str, bytes]
"""(member_type, org_id, member_info)"""

_MAX_CHAIN = 8  # certificates between a member and its root
_FOREVER = float("inf")

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A thread-safe map that forgets what was used longest ago when it is full."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value, now the most recently used, or None."""
        with self._lock:
            value = self._entries.get(key)
            if value is None:
                self.misses += 1
            else:
                self.hits += 1
                self._entries.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Remembers the value and forgets the oldest beyond the capacity."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value, made when absent. Two threads may both make it; they agree on one."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value


@dataclass(frozen=True, slots=True)
class Signer:
    """A resolved member.

    verdict     VALID, or why its signatures can not count
    key, hash   what its signatures are verified with; hash None: an algorithm that the chain does not support
    org, role   organisation, and role in upper case; "" when it can not be known
    trusted     True: by a chain to a root, as a trusted member, or because the chain takes any key. None: no roots were
                given to check with
    window      the certificate path is valid from, to (Unix seconds)
    """

    verdict: int
    detail: str
    org: str
    role: str = ""
    key: PublicKey | None = None
    hash: str | None = None
    trusted: bool | None = True
    window: tuple[float, float] = (-_FOREVER, _FOREVER)

    def at(self, time: float) -> tuple[int, str]:
        """Verdict and reason at a time."""
        if self.verdict == Verdict.VALID and not self.window[0] <= time <= self.window[1]:
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
class _Path:
    """A verified way from a certification authority up to a root."""

    root: bytes
    window: tuple[float, float]
    certificates: tuple[Certificate, ...]


class TrustStore:
    """The members, roots and cached results that one chain configuration stands for."""

    def __init__(self, context: ChainContext, hash: str, *, capacity: int = 4096) -> None:
        self._context = context
        self._hash = hash
        self._compatible = context.rules == "compatible"
        self._der_rules = "go" if self._compatible else "strict"
        self._cache: BoundedCache[MemberKey, Signer] = BoundedCache(capacity)
        self._revoked = frozenset(serial.lstrip("0") for serial in context.revoked)
        self._frozen = frozenset(context.frozen)
        self._roots: dict[str, frozenset[bytes]] = {}
        self._authorities: dict[bytes, list[Certificate]] = {}
        self._paths: dict[bytes, tuple[_Path, ...]] = {}
        self._members: dict[bytes, tuple[str, str]] = {}
        self.problems: list[str] = []
        self.node_keys: dict[str, PublicKey] = {}
        self._admins: frozenset[PublicKey] = frozenset()
        self._read_nodes()
        if context.by_certificate:
            self._read_roots()
            self._verify_authorities()
        else:
            self._read_admins()

    @property
    def cached(self) -> int:
        """Members held in the cache."""
        return len(self._cache)

    # ---- configuration -----------------------------------------------------------------------------------------------

    def _configured(self, what: str, read: Callable[[bytes], V], pem: str) -> V | None:
        """Reads one item of the configuration; what can not be read becomes a failed check of every report."""
        try:
            return read(pem.encode())
        except CertificateError as error:
            self.problems.append(f"{what}: {error}")
            return None

    def _read_nodes(self) -> None:
        given = [(node, pem) for node, pem in self._context.nodes.items()]
        given += [(member.node_id, member.pem) for member in self._context.trust_members if member.node_id]
        for node, pem in given:
            key = self._configured(f"node {node}", public_key_of, pem)
            if key is not None:
                self.node_keys.setdefault(node, key)
        self._consensus_keys = frozenset(self.node_keys.values())

    def _read_admins(self) -> None:
        pems = [pem for group in self._context.trust_roots.values() for pem in group] + list(self._context.admin_keys)
        found = (self._configured("administrator key", public_key_of, pem) for pem in pems)
        self._admins = frozenset(key for key in found if key is not None)

    def _read_roots(self) -> None:
        for org, pems in self._context.trust_roots.items():
            roots = set()
            for pem in pems:
                certificate = self._configured(f"trust root of {org}", parse_certificate, pem)
                if certificate is None:
                    continue
                known = self._authorities.setdefault(certificate.subject, [])
                if all(certificate.der != other.der for other in known):
                    known.append(certificate)
                if certificate.self_issued:
                    roots.add(certificate.der)
            self._roots[org] = frozenset(roots)
        for member in self._context.trust_members:
            certificate = self._configured(f"trust member of {member.org_id}", parse_certificate, member.pem)
            if certificate is not None:
                self._members[certificate.der] = (member.org_id, member.role.upper())

    def _verify_authorities(self) -> None:
        """Fills _paths: every verified way from an authority to a root. Links are verified in one batch."""
        pool = [certificate for group in self._authorities.values() for certificate in group]
        all_roots = frozenset().union(*self._roots.values()) if self._roots else frozenset()
        batch = SignatureBatch(der_rules=self._der_rules)
        links: list[tuple[Certificate, Certificate, int]] = []
        for child in pool:
            if child.der not in all_roots:
                links += [(child, parent, _add_certificate(batch, child, parent)) for parent in self._issuers(child)]
        codes = batch.run()
        parents: dict[bytes, list[Certificate]] = {}
        for child, parent, ticket in links:
            if codes[ticket] == Verdict.VALID:
                parents.setdefault(child.der, []).append(parent)

        def climb(certificate: Certificate, below: tuple[Certificate, ...]) -> Iterable[_Path]:
            path = (*below, certificate)
            if certificate.der in all_roots:
                yield _Path(certificate.der, _window(path), path)
            elif len(path) < _MAX_CHAIN:
                for parent in parents.get(certificate.der, ()):
                    if parent not in path and _allows(parent, len(path)):
                        yield from climb(parent, path)

        for certificate in pool:
            self._paths[certificate.der] = tuple(climb(certificate, ()))

    def _issuers(self, certificate: Certificate) -> list[Certificate]:
        found = self._authorities.get(certificate.issuer, [])
        wanted = certificate.authority_key_id
        return [
            parent
            for parent in found
            if parent.is_ca
            and parent.may_sign_certificates
            and certificate.signed_with(parent.key)
            and (wanted is None or parent.key_id in (None, wanted))
        ]

    # ---- members -----------------------------------------------------------------------------------------------------

    def resolve(self, members: Iterable[MemberKey]) -> dict[MemberKey, Signer]:
        """Every distinct member of a block, from the cache or resolved now; new certificates are verified in one
        batch."""
        found: dict[MemberKey, Signer] = {}
        fresh: list[tuple[MemberKey, Certificate]] = []
        for member in members:
            if member in found:
                continue
            known = self._cache.get(member)
            if known is None:
                checkpoint()
                outcome = self._open(member)
                if isinstance(outcome, Certificate):
                    fresh.append((member, outcome))
                    continue
                known = outcome
                self._remember(member, known)
            found[member] = known
        for member, signer in self._admit(fresh).items():
            self._remember(member, signer)
            found[member] = signer
        return found

    def _remember(self, member: MemberKey, signer: Signer) -> None:
        # A failure is not worth a place in the cache: it would let a hostile block push the real members out.
        if signer.verdict == Verdict.VALID:
            self._cache.put(member, signer)

    def _open(self, member: MemberKey) -> Signer | Certificate:
        kind, org, info = member
        if not self._context.by_certificate:
            return self._open_key(kind, org, info)
        if kind == CERT:
            source: bytes | None = info
        elif kind == CERT_HASH:
            source = _encoded(self._context.certificates.get(info.hex()))
        elif kind == ALIAS:
            source = _encoded(self._context.aliases.get(info.decode("utf-8", "replace")))
        else:
            return Signer(Verdict.UNKNOWN_SIGNER, f"member type {kind} is none of a chain with certificates", org)
        if source is None:
            what = "certificate hash" if kind == CERT_HASH else "alias"
            return Signer(
                Verdict.UNKNOWN_SIGNER, f"the context holds no certificate for the {what} {_name(info, kind)}", org
            )
        try:
            return parse_certificate(source)
        except CertificateError as error:
            return Signer(Verdict.BAD_CERTIFICATE, str(error), org)

    def _open_key(self, kind: int, org: str, info: bytes) -> Signer:
        if kind != PUBLIC_KEY:
            return Signer(Verdict.UNKNOWN_SIGNER, f"member type {kind} is none of a chain with public keys", org)
        try:
            key = parse_public_key(info)
        except CertificateError as error:
            return Signer(Verdict.MALFORMED_KEY, str(error), org)
        role = ""
        if key in self._consensus_keys:
            role = "CONSENSUS"
        elif key in self._admins:
            role = "ADMIN"
        elif self._consensus_keys:
            role = "CLIENT"
        return self._signer(key, self._hash, org, role)

    def _signer(
        self, key: PublicKey, hash: str | None, org: str, role: str, trusted: bool | None = True,
        window: tuple[float, float] = (-_FOREVER, _FOREVER),
    ) -> Signer:  # fmt: skip
        if key.kind != "rsa" and key.data[:1] != b"\x04":
            # The chain's code reads no compressed points; two encodings of one key would also pass for two keys.
            return Signer(Verdict.MALFORMED_KEY, "a point that is not in the uncompressed form", org, role)
        chosen = signing_hash(key, hash)
        if chosen is None:
            detail = f"a {key.kind} key with {hash or 'an unknown hash'}"
            return Signer(Verdict.UNSUPPORTED_ALGORITHM, detail, org, role, key, None, trusted, window)
        return Signer(Verdict.VALID, "", org, role, key, chosen, trusted, window)

    def _admit(self, fresh: list[tuple[MemberKey, Certificate]]) -> Mapping[MemberKey, Signer]:
        """Checks certificates that no cache knows: organisation, revocation, and the chain to a root of that
        organisation."""
        answers: dict[MemberKey, Signer] = {}
        batch = SignatureBatch(der_rules=self._der_rules)
        pending: list[tuple[MemberKey, Certificate, list[tuple[Certificate, int]]]] = []
        for member, certificate in fresh:
            early = self._before_chain(member, certificate)
            if early is not None:
                answers[member] = early
                continue
            links = [(parent, _add_certificate(batch, certificate, parent)) for parent in self._issuers(certificate)]
            pending.append((member, certificate, links))
        codes = batch.run()
        for member, certificate, links in pending:
            above = [parent for parent, ticket in links if codes[ticket] == Verdict.VALID]
            answers[member] = self._after_chain(member, certificate, above)
        return answers

    def _before_chain(self, member: MemberKey, certificate: Certificate) -> Signer | None:
        """The answer where the chain is not needed, else None."""
        org = member[1]
        trusted = self._members.get(certificate.der)
        if trusted is not None and trusted[0] == org:
            window = (certificate.not_before, certificate.not_after)
            return self._signer(certificate.key, certificate.hash, org, trusted[1], True, window)
        named = certificate.organisations[0] if certificate.organisations else ""
        if named != org and not (self._compatible and not org and named):
            return Signer(
                Verdict.UNKNOWN_SIGNER, f"the certificate belongs to {named or 'nobody'}, not to {org or 'nobody'}", org
            )
        if self._blocked(certificate):
            return Signer(Verdict.BAD_CERTIFICATE, "the certificate is revoked or frozen", org)
        role = certificate.units[0].upper() if certificate.units else ""
        if not self._context.trust_roots:
            # Without roots a chain can not be judged; the report says so once, in its "certificates" check.
            window = (certificate.not_before, certificate.not_after)
            return self._signer(certificate.key, certificate.hash, named, role, None, window)
        if named not in self._roots:
            return Signer(Verdict.UNKNOWN_SIGNER, f"the organisation {named} has no trust root", org)
        if certificate.der in self._roots[named]:
            return self._signer(certificate.key, certificate.hash, named, role, True, _window((certificate,)))
        return None

    def _after_chain(self, member: MemberKey, certificate: Certificate, above: list[Certificate]) -> Signer:
        """The first way to a root of the member's organisation decides."""
        named = certificate.organisations[0]
        role = certificate.units[0].upper() if certificate.units else ""
        revoked = False
        for parent in above:
            for path in self._paths.get(parent.der, ()):
                if path.root not in self._roots[named]:
                    continue
                if any(self._blocked(link) for link in path.certificates):
                    revoked = True
                    continue
                window = (max(path.window[0], certificate.not_before), min(path.window[1], certificate.not_after))
                return self._signer(certificate.key, certificate.hash, named, role, True, window)
        why = (
            "a certificate above it is revoked or frozen"
            if revoked
            else f"no verified chain to a trust root of {named}"
        )
        return Signer(Verdict.BAD_CERTIFICATE, why, member[1])

    def _blocked(self, certificate: Certificate) -> bool:
        if self._revoked and f"{certificate.serial:x}" in self._revoked:
            return True
        return bool(self._frozen) and hash_batch(self._hash, [certificate.der])[0].tobytes().hex() in self._frozen


def _add_certificate(batch: SignatureBatch, child: Certificate, parent: Certificate) -> int:
    """Collects the signature of `parent` on `child`."""
    return batch.add(parent.key, child.hash or "", child.tbs, child.signature)


def _allows(authority: Certificate, authorities_below: int) -> bool:
    """The path length limit (RFC 5280, section 4.2.1.9), counting every authority below as Go does."""
    return authority.path_length is None or authorities_below <= authority.path_length


def _window(path: tuple[Certificate, ...]) -> tuple[float, float]:
    return max(link.not_before for link in path), min(link.not_after for link in path)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _name(info: bytes, kind: int) -> str:
    return info.hex() if kind == CERT_HASH else repr(info.decode("utf-8", "replace"))


_STORES: BoundedCache[tuple[str, bytes], TrustStore] = BoundedCache(8)


def trust_store(context: ChainContext, hash: str) -> TrustStore:
    """The trust store of a configuration: contexts that differ only in height, previous hash and the like share one."""
    return _STORES.get_or_make((hash, context.trust_key), lambda: TrustStore(context, hash))
