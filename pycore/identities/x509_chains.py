"""All chains of a certificate, as Go's `crypto/x509` builds them: Fabric asks for exactly one.

The path rules of the chains next to each other; ChainMaker's are in :mod:`pycore.identities.x509_path`.

    rule                  ChainMaker                              Fabric
    which path            the shortest one up to a root           exactly one chain may exist at all
    moment                the block's time, or none               one second after the certificate's notBefore
    an authority signs    basicConstraints with cA, keyCertSign   the same; a trust root without basicConstraints only
                          where there is a key usage              if it is of version 1 or 2
    path length           checked                                 checked
    extended key usage    ignored                                 any certificate that has one, the authorities
                                                                  included, must have serverAuth or any
    name constraints      of all authorities, on the leaf         the same
    critical extensions   those without a meaning here refused    the same
    revocation            lists of the authorities                list whose key identifier is the issuer's, and which
                                                                  the issuer signed; its dates are ignored
    names                 issuer and subject byte by byte         the same; key identifiers only order the search

Sources: Go's `crypto/x509`, ``verify.go``; ``msp/mspimpl.go`` and ``msp/mspimplvalidate.go`` of Fabric, as read in
public copies.
"""

from __future__ import annotations

from collections.abc import Iterable

from pycore.base.verdicts import Verdict
from pycore.identities.collector import ED25519 as ED25519_KEY
from pycore.identities.collector import NO_HASH, SignatureBatch
from pycore.identities.der import OCTET_STRING, OID, SEQUENCE, Cursor, DerError
from pycore.identities.x509 import ED25519, Certificate
from pycore.identities.x509_names import MAX_COMPARISONS, AlternativeNames, looks_like_host, refused_name
from pycore.identities.x509_path import MAX_AUTHORITIES, describe, issuing_problem, own_problem

MAX_SIGNATURES = 100
"""Signatures that building the chains of one certificate may cost: Go's limit."""
MAX_LINKS = 1 << 16
"""Verified links that are remembered."""

_EXTENDED_KEY_USAGE = "2.5.29.37"
_SERVER_USAGES = frozenset({"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"})


class ChainError(ValueError):
    """A certificate has no chain, or more than one."""


def extension(certificate: Certificate, wanted: str) -> bytes | None:
    """The value of an extension, or None where the certificate has none of that identifier."""
    if wanted not in certificate.extensions:
        return None
    body = Cursor(certificate.tbs, strict=False).enter(SEQUENCE, "tbsCertificate")
    while body.more:
        if body.peek() != 0xA3:
            body.any()
            continue
        items = body.enter(0xA3, "extensions").enter(SEQUENCE, "extensions")
        while items.more:
            item = items.enter(SEQUENCE, "an extension")
            if item.oid("the id of an extension") == wanted:
                while item.peek() != OCTET_STRING:
                    item.any()
                return item.take(OCTET_STRING, "the value of an extension")
    return None


def extended_usages(certificate: Certificate) -> frozenset[str]:
    """The identifiers of extendedKeyUsage (RFC 5280, section 4.2.1.12); none without the extension. Raises DerError."""
    value = extension(certificate, _EXTENDED_KEY_USAGE)
    if value is None:
        return frozenset()
    items = Cursor(value, strict=False).enter(SEQUENCE, "extendedKeyUsage")
    found = set()
    while items.more:
        if items.peek() != OID:
            raise DerError("an extendedKeyUsage that is no list of identifiers")
        found.add(items.oid("a usage"))
    return frozenset(found)


class Chains:
    """Trust roots and intermediate authorities.

    roots, intermediates   certificates; equal ones count once
    der_rules              how signatures on certificates are read, see :func:`pycore.verify_batch`

    Threads may share it: the links that it remembers are the same whoever verifies them first.
    """

    def __init__(
        self, roots: Iterable[Certificate], intermediates: Iterable[Certificate], *, der_rules: str = "strict"
    ) -> None:
        self.roots = {certificate.der: certificate for certificate in roots}
        self.intermediates = {certificate.der: certificate for certificate in intermediates}
        if len(self.roots) + len(self.intermediates) > MAX_AUTHORITIES:
            raise ChainError(f"more than {MAX_AUTHORITIES} authorities")
        self._by_name: list[dict[bytes, list[Certificate]]] = []
        for group in (self.roots, self.intermediates):
            named: dict[bytes, list[Certificate]] = {}
            for certificate in group.values():
                named.setdefault(certificate.subject, []).append(certificate)
            self._by_name.append(named)
        self._der_rules = der_rules
        self._links: dict[tuple[bytes, bytes], bool] = {}

    def only(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """The one chain of a certificate, itself first, judged one second after its notBefore. Raises ChainError."""
        time = certificate.not_before + 1
        why = self._problem(certificate, (), certificate, time, root=False)
        if why:
            raise ChainError(f"the certificate {describe(certificate)} {why}")
        if certificate.der in self.roots:
            found: list[tuple[Certificate, ...]] = [(certificate,)]
        else:
            search = _Search(self, certificate, time)
            found = search.chains((certificate,))
        usable = [chain for chain in found if all(map(_may_serve, chain))]
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise ChainError(f"{describe(certificate)} has {len(usable)} chains, and only one may exist")
        if found:
            raise ChainError(f"the chain of {describe(certificate)} is for other uses (extendedKeyUsage)")
        raise ChainError(f"no chain leads from {describe(certificate)} to a trust root")

    def signed(self, child: Certificate, parent: Certificate) -> bool:
        """Whether the signature on `child` is that of `parent`, who may sign certificates."""
        if issuing_problem(parent, "compatible"):
            return False
        link = child.der, parent.der
        if link not in self._links:
            if len(self._links) >= MAX_LINKS:
                self._links.clear()
            self._links[link] = verifies(parent, child, der_rules=self._der_rules)
        return self._links[link]

    def _candidates(self, certificate: Certificate) -> list[tuple[Certificate, bool]]:
        """Authorities with the issuer's name, and whether each is a trust root."""
        roots, others = (named.get(certificate.issuer, []) for named in self._by_name)
        return [(one, True) for one in roots] + [(one, False) for one in others]

    def _problem(
        self, certificate: Certificate, below: tuple[Certificate, ...], leaf: Certificate, time: float, *, root: bool
    ) -> str:
        """What stands against a certificate above those below it, after its name; "" for nothing."""
        why = own_problem(certificate, "compatible")
        if why:
            return f"can be in no chain: {why}"
        if not certificate.not_before <= time <= certificate.not_after:
            return "is not valid at that moment"
        if below and not root and not certificate.is_ca:
            return "is no authority"
        limit = certificate.path_length
        if below and limit is not None and len(below) - 1 > limit:
            return f"allows {limit} authorities below itself, and there are {len(below) - 1}"
        if below and certificate.name_constraints is not None:
            names = leaf.alternative_names
            if names is None and looks_like_host(leaf.common_name):
                return "has name constraints, and the certificate a common name like that of a host"
            names = names or AlternativeNames()
            if max(1, names.known) * max(1, certificate.name_constraints.size) > MAX_COMPARISONS:
                return "has too many name constraints"
            refused = refused_name(certificate.name_constraints, names, rules="compatible")
            if refused:
                return f"has name constraints that refuse {refused}"
        return ""


class _Search:
    """The chains of one certificate."""

    def __init__(self, known: Chains, leaf: Certificate, time: float) -> None:
        self._known, self._leaf, self._time = known, leaf, time
        self._left = MAX_SIGNATURES

    def chains(self, below: tuple[Certificate, ...]) -> list[tuple[Certificate, ...]]:
        """Every chain that goes on from these. Raises ChainError where that costs too many signatures."""
        found: list[tuple[Certificate, ...]] = []
        last = below[-1]
        for parent, is_root in self._known._candidates(last):
            if any(_same(parent, one) for one in below):
                continue
            self._left -= 1
            if self._left < 0:
                raise ChainError(f"building chains takes more than {MAX_SIGNATURES} signatures")
            if not self._known.signed(last, parent):
                continue
            if self._known._problem(parent, below, self._leaf, self._time, root=is_root):
                continue
            found += [(*below, parent)] if is_root else self.chains((*below, parent))
        return found


def verifies(parent: Certificate, child: Certificate, *, der_rules: str, signature: bytes | None = None) -> bool:
    """Whether `parent`'s key made the signature on `child`."""
    batch = SignatureBatch(der_rules=der_rules, ed25519="ref10")
    made = child.signature if signature is None else signature
    if child.signature_oid == ED25519:
        if parent.key.kind != ED25519_KEY:
            return False
        batch.add(parent.key, NO_HASH, child.tbs, made)
    elif child.hash is None or not child.signed_with(parent.key):
        return False
    else:
        batch.add(parent.key, child.hash, child.tbs, made)
    return bool(batch.run()[0] == Verdict.VALID)


def _same(one: Certificate, other: Certificate) -> bool:
    """Whether Go takes two certificates of a chain for one: equal subjects, keys and alternative names."""
    return (
        one.subject == other.subject
        and one.key == other.key
        and extension(one, "2.5.29.17") == extension(other, "2.5.29.17")
    )


def _may_serve(certificate: Certificate) -> bool:
    """Whether its extendedKeyUsage, if any, allows the use that Go asks for where nobody says which."""
    try:
        usages = extended_usages(certificate)
    except DerError:
        return False
    return not usages or bool(usages & _SERVER_USAGES)
