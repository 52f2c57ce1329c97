"""Path validation: is there a chain of certificates from a signer up to a trust root of its organisation?

"strict" follows RFC 5280, section 6, and where ChainMaker's own rules refuse more, those; "compatible" follows
ChainMaker's, a variant of the verifier of Go 1.14. ``docs/guides/certificates.md`` lists every rule of both. What
`strict` does not evaluate it refuses, never ignores: certificate policies that somebody insists on, critical
extensions without a meaning here, name constraints on directory names.

Cost: a search is linear in the certificates and in the links between them that are tried, at most 16 for each
certificate, whatever the authorities sign for each other. Paths are not enumerated: whether an authority can be at a
given height of a path, and how far the next trust root is from there, does not depend on how the path came up to it.
So each pair of authority and height is settled once (:class:`_Search`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pycore.base.verdicts import Verdict
from pycore.identities.collector import RareSignatures, SignatureBatch
from pycore.identities.sm2_identifiers import made_with
from pycore.identities.x509 import Certificate, is_strict
from pycore.identities.x509_names import MAX_COMPARISONS, AlternativeNames, looks_like_host, refused_name

MAX_CHAIN = 8
"""Authorities above a certificate, its trust root included."""
MAX_ISSUERS = 16
"""Authorities that are tried as the issuer of one certificate."""
MAX_AUTHORITIES = 4096
"""Authorities that are looked at; more are refused by name."""
_HINTS = 4  # certificates of a call that are tried with other SM2 identifiers

Blocked = Callable[[Certificate, int], bool]
"""Whether a certificate at that height of a path, 0 for the signer's own, is revoked or frozen."""

_EVALUATED = frozenset(f"2.5.29.{number}" for number in (14, 15, 17, 19, 30, 35, 37))
# ChainMaker's verifier also takes critical CRL distribution points, certificate policies and authority information,
# and ignores all of them.
_HANDLED = {"strict": _EVALUATED, "compatible": _EVALUATED | {"2.5.29.31", "2.5.29.32", "1.3.6.1.5.5.7.1.1"}}
_POLICY = {"2.5.29.33": "policyMappings", "2.5.29.36": "policyConstraints", "2.5.29.54": "inhibitAnyPolicy"}
_ALTERNATIVE_NAME = "2.5.29.17"
_EMPTY_NAME = b"\x30\x00"


@dataclass(frozen=True, slots=True)
class Path:
    """A verified path: the signer's certificate first, the trust root last. `window`: from when to when all of it is
    valid, in Unix seconds, both ends included."""

    certificates: tuple[Certificate, ...]
    window: tuple[float, float]


@dataclass(frozen=True, slots=True)
class NoPath:
    """There is no path; `reason` names the certificate and the rule."""

    reason: str


def describe(certificate: Certificate) -> str:
    """How messages name a certificate."""
    name = certificate.common_name or next(iter(certificate.organisations), "")
    return repr(name[:64]) if name else "without a name"


def own_problem(certificate: Certificate, rules: str) -> str:
    """Why no path may hold the certificate, wherever it stands; "" when it may."""
    for oid in certificate.critical:
        if oid not in _HANDLED[rules]:
            return f"the critical extension {oid} is not evaluated"
    if certificate.key.kind not in ("rsa", "ed25519") and certificate.key.data[:1] != b"\x04":
        return "its key is not in the uncompressed form"
    if certificate.unsupported or rules != "strict":
        return certificate.unsupported
    for oid, name in _POLICY.items():
        if oid in certificate.extensions:
            return f"{name} is not evaluated"
    constraints = certificate.name_constraints
    if constraints is not None and constraints.unsupported:
        return f"name constraints on {', '.join(constraints.unsupported)} are not evaluated"
    if constraints is not None and not certificate.is_ca:
        return "it has name constraints and is no authority"
    if certificate.issuer == _EMPTY_NAME:
        return "its issuer has no name"
    if certificate.subject == _EMPTY_NAME and (certificate.is_ca or _ALTERNATIVE_NAME not in certificate.critical):
        return "its subject has no name"
    return ""


def issuing_problem(certificate: Certificate, rules: str) -> str:
    """Why the certificate may not sign others; "" when it may (RFC 5280, section 6.1.4, k and n)."""
    if rules == "strict" or certificate.version == 3 or certificate.has_basic_constraints:
        if not certificate.has_basic_constraints:
            return "it has no basicConstraints"
        if not certificate.is_ca:
            return "its basicConstraints say that it is no authority"
    if rules == "strict" and certificate.version != 3:
        return f"it is of version {certificate.version}"
    if not certificate.may_sign_certificates:
        return "its keyUsage has no keyCertSign"
    return ""


class Authorities:
    """Certification authorities, and which of them may end a path for which organisation.

    certificates   the authorities, intermediate ones and trust roots in any order
    anchors        organisation -> DER of the certificates that may end a path of a member of it
    rules          "strict" | "compatible"
    der_rules      how signatures are read, see :func:`pycore.verify_batch`
    threads        for the kernels, as everywhere

    `problems` tells what was left out and why. `counts` adds up the work done: signatures verified, links tried, steps
    of the searches. Links between authorities are verified when a search first needs them, and remembered. Raises
    InputError for unknown rules.
    """

    def __init__(
        self,
        certificates: Iterable[Certificate],
        anchors: Mapping[str, frozenset[bytes]],
        *,
        rules: str,
        der_rules: str,
        threads: int | None = None,
    ) -> None:
        is_strict(rules)
        self.rules = rules
        self.anchors = anchors
        self.problems: list[str] = []
        self._hints = _HINTS
        self.counts = {"signatures": 0, "links": 0, "steps": 0}
        self._der_rules = der_rules
        self._threads = threads
        self.pool = list({certificate.der: certificate for certificate in certificates}.values())
        if len(self.pool) > MAX_AUTHORITIES:
            self.problems.append(f"{len(self.pool)} authorities: those after the first {MAX_AUTHORITIES} are left out")
            del self.pool[MAX_AUTHORITIES:]
        self.place = {certificate.der: index for index, certificate in enumerate(self.pool)}
        self.constrained = [i for i, certificate in enumerate(self.pool) if certificate.name_constraints is not None]
        self._parents: dict[int, tuple[int, ...]] = {}
        self._index()

    def _index(self) -> None:
        """Sorts the authorities that may sign by name and key, trust roots first."""
        self._by_name: dict[bytes, list[int]] = {}
        self._by_key: dict[tuple[bytes, bytes | None], list[int]] = {}
        self._key_ids = {certificate.key_id for certificate in self.pool}
        self._refused: dict[bytes, str] = {}
        ends = frozenset().union(*self.anchors.values()) if self.anchors else frozenset()
        for index in sorted(range(len(self.pool)), key=lambda i: self.pool[i].der not in ends):
            certificate = self.pool[index]
            why = own_problem(certificate, self.rules) or issuing_problem(certificate, self.rules)
            if why:
                message = f"the authority {describe(certificate)} can sign nothing: {why}"
                self._refused.setdefault(certificate.subject, message)
                if certificate.is_ca:  # bundles may hold other certificates: that is no fault, they just sign nothing
                    self.problems.append(message)
                continue
            self._by_name.setdefault(certificate.subject, []).append(index)
            self._by_key.setdefault((certificate.subject, certificate.key_id), []).append(index)
        for found in self._by_name.values():
            if len(found) > MAX_ISSUERS:
                self.problems.append(
                    f"{len(found)} authorities are named {describe(self.pool[found[0]])}: "
                    f"at most {MAX_ISSUERS} are tried for one certificate"
                )

    def _candidates(self, certificate: Certificate) -> tuple[list[int], bool]:
        """Who may have signed the certificate, and whether there were too many.

        strict       the issuer's name, and no other key identifier than the one wanted, where both are given
        compatible   the key identifier decides where any authority has it, else the name alone; the name is compared
                     in the end in any case
        """
        name, wanted = certificate.issuer, certificate.authority_key_id or None
        if wanted is None or (self.rules != "strict" and wanted not in self._key_ids):
            groups = [self._by_name.get(name, [])]
        else:
            groups = [self._by_key.get((name, wanted), [])]
            if self.rules == "strict":
                groups.append(self._by_key.get((name, None), []))
        found: list[int] = []
        for group in groups:
            found += group[: MAX_ISSUERS + 2 - len(found)]
        found = [index for index in found if self.pool[index].der != certificate.der]
        return found[:MAX_ISSUERS], len(found) > MAX_ISSUERS

    def find(
        self,
        leaves: Sequence[tuple[Certificate, str]],
        *,
        time: float | None,
        blocked: Blocked,
        rare: RareSignatures | None = None,
    ) -> list[Path | NoPath]:
        """For each certificate and organisation the shortest path to a trust root of that organisation, or why there
        is none.

        time      Unix seconds at which all of a path must be valid; None: dates are ignored
        blocked   called with a certificate and its height, 0 for the leaf; for each authority and height once in a call
        rare      where calls share the bound on signatures on P-384 and P-521

        A certificate that is itself a trust root of the organisation is its own path. All signatures that are needed
        are verified together.
        """
        self._hints = _HINTS
        certificates = {certificate.der: certificate for certificate, _ in leaves}
        parents = self._verify(certificates, rare)
        search = _Search(self, time, blocked, parents)
        answers: dict[tuple[bytes, str], Path | NoPath] = {}
        for certificate, org in leaves:
            if (certificate.der, org) not in answers:
                answers[certificate.der, org] = search.answer(certificate, org)
        return [answers[certificate.der, org] for certificate, org in leaves]

    def why_no_issuer(self, certificate: Certificate) -> str:
        """Why nobody has signed the certificate, as far as is known here."""
        found, many = self._candidates(certificate)
        name = describe(certificate)
        if certificate.hash is None:
            return f"{name} is signed with an algorithm that is not supported ({certificate.signature_oid})"
        if not found:
            return self._refused.get(certificate.issuer) or f"no authority is known that may have signed {name}"
        if many:
            return f"more than {MAX_ISSUERS} authorities may have signed {name}, and none of those tried has"
        return f"the signature on {name} is of no authority with its issuer's name{self._made_with(certificate, found)}"

    def _made_with(self, certificate: Certificate, found: list[int]) -> str:
        """That it would verify with another SM2 identifier. For a few certificates of a call: it costs signatures."""
        if certificate.hash != "sm3" or not self._hints:
            return ""
        self._hints -= 1
        signers = (self.pool[index] for index in found)
        return made_with(certificate.tbs, certificate.signature, signers, der_rules=self._der_rules)

    def _verify(self, leaves: Mapping[bytes, Certificate], rare: RareSignatures | None) -> dict[bytes, tuple[int, ...]]:
        """The verified issuers of every leaf; on the way those of every authority that a path may need.

        One batch: links above the leaves are followed before they are verified. Each authority is asked for its issuers
        once in its life, so signatures are at most 16 for each leaf and 16 for each authority.
        """
        batch = SignatureBatch(der_rules=self._der_rules, threads=self._threads, rare=rare)
        links: dict[bytes, list[tuple[int, int]]] = {}
        fresh: list[int] = []
        queue: list[Certificate] = list(leaves.values())
        seen = set(leaves)
        for certificate in queue:  # grows
            place = self.place.get(certificate.der)
            known = None if place is None else self._parents.get(place)
            if known is None:
                found, _ = self._candidates(certificate)
                self.counts["links"] += len(found)
                links[certificate.der] = [
                    (
                        index,
                        batch.add(self.pool[index].key, certificate.hash or "", certificate.tbs, certificate.signature),
                    )
                    for index in found
                    if self._may_match(certificate, self.pool[index])
                ]
                if place is not None:
                    fresh.append(place)
            else:
                found = list(known)
            for index in found:
                authority = self.pool[index]
                if authority.der not in seen:
                    seen.add(authority.der)
                    queue.append(authority)
        valid = (batch.run() == Verdict.VALID).tolist()
        self.counts["signatures"] += len(batch)
        verified = {der: tuple([index for index, ticket in tried if valid[ticket]]) for der, tried in links.items()}
        for place in fresh:
            self._parents[place] = verified[self.pool[place].der]
        return {der: verified[der] if der in verified else self._parents[self.place[der]] for der in leaves}

    def _may_match(self, child: Certificate, parent: Certificate) -> bool:
        """Whether a signature is worth verifying. ChainMaker does not compare the algorithm with the kind of key."""
        return child.hash is not None and (self.rules != "strict" or child.signed_with(parent.key))

    def parents(self, index: int) -> tuple[int, ...]:
        """The verified issuers of an authority that a search came to."""
        return self._parents.get(index, ())


_Key = tuple[str, frozenset[int]]


class _Search:
    """One call of :meth:`Authorities.find`.

    Why no path needs to be tried twice. A path is a leaf at height 0 and authorities at heights 1, 2, ... Whether an
    authority may stand at height h depends on the authority, on h (its path length limit counts the h - 1
    authorities below; `blocked`), on the call's time, and on the leaf's names, where it has name constraints: never on
    which authorities stand below. So the shortest way up from (authority, h) is the best of its issuers' ways from
    h + 1, and at most 8 times as many pairs as there are authorities are settled, each with at most 16 issuers. Leaves
    that the same authorities refuse for their names share the results.

    A shortest path holds no certificate twice: cutting out the loop lowers everything above it, which no limit minds.

    The exception is RFC 5280's rule that name constraints bind the authorities below as well: `strict` applies it to
    the path that was found, and does not look for another one.
    """

    def __init__(
        self, authorities: Authorities, time: float | None, blocked: Blocked, parents: Mapping[bytes, tuple[int, ...]]
    ) -> None:
        self._known = authorities
        self._time = time
        self._blocked = blocked
        self._leaf_parents = parents
        self._standing: dict[tuple[int, int], str] = {}
        self._best: dict[_Key, list[dict[int, tuple[int, int] | None]]] = {}
        self._reasons: dict[tuple[_Key, tuple[int, ...]], str] = {}
        self._ways: dict[tuple[int, _Key], Path | str] = {}

    def answer(self, leaf: Certificate, org: str) -> Path | NoPath:
        """The path of one certificate, or why there is none."""
        known = self._known
        anchors = known.anchors.get(org)
        if anchors is None:
            return NoPath(f"the organisation {org[:64]!r} has no trust root")
        why = own_problem(leaf, known.rules)
        if why:
            return NoPath(f"the certificate {describe(leaf)}: {why}")
        why = self._problem(leaf, 0)
        if why:
            return NoPath(why)
        if leaf.der in anchors:
            return _path((leaf,))
        parents = self._leaf_parents[leaf.der]
        if not parents:
            return NoPath(known.why_no_issuer(leaf))
        key = org, self._refusing(leaf)
        _, first = self._nearest(parents, 1, key) or (0, -1)
        if first < 0:
            return NoPath(self._explain(leaf, key, parents))
        way = self._ways.get((first, key))
        if way is None:
            way = self._ways[first, key] = self._way(first, key)
        if isinstance(way, str):
            return NoPath(way)
        window = max(leaf.not_before, way.window[0]), min(leaf.not_after, way.window[1])
        return Path((leaf, *way.certificates), window)

    def _way(self, first: int, key: _Key) -> Path | str:
        """The authorities from an issuer of leaves up to a trust root, or why they do not stand above each other."""
        chain: list[Certificate] = []
        for height in range(1, MAX_CHAIN + 1):
            chain.append(self._known.pool[first])
            step = self._settle(first, height, key)
            if step is None or step[1] < 0:
                break
            first = step[1]
        return self._between(chain) or _path(tuple(chain))

    # ---- ways up ----

    def _nearest(self, parents: tuple[int, ...], height: int, key: _Key) -> tuple[int, int] | None:
        """Among issuers at that height the one nearest to a trust root: how many certificates, and which."""
        best: tuple[int, int] | None = None
        for parent in parents:
            self._known.counts["steps"] += 1
            found = self._settle(parent, height, key)
            if found is not None and (best is None or found[0] < best[0]):
                best = found[0], parent
                if found[0] == 1:
                    break
        return best

    def _settle(self, index: int, height: int, key: _Key) -> tuple[int, int] | None:
        """Certificates from this authority at that height up to a trust root, and the next one (-1: this is the
        root). Calls itself at most 8 deep."""
        layers = self._best.setdefault(key, [{} for _ in range(MAX_CHAIN + 1)])
        layer = layers[height]
        if index not in layer:
            layer[index] = self._climb(index, height, key)
        return layer[index]

    def _climb(self, index: int, height: int, key: _Key) -> tuple[int, int] | None:
        org, refusing = key
        if index in refusing or self._stands(index, height):
            return None
        if self._known.pool[index].der in self._known.anchors[org]:
            return 1, -1
        if height == MAX_CHAIN:
            return None
        above = self._nearest(self._known.parents(index), height + 1, key)
        return None if above is None else (above[0] + 1, above[1])

    def _stands(self, index: int, height: int) -> str:
        """Why the authority may not stand at that height; "" when it may."""
        if (index, height) not in self._standing:
            self._standing[index, height] = self._problem(self._known.pool[index], height)
        return self._standing[index, height]

    def _problem(self, certificate: Certificate, height: int) -> str:
        why = self._misplaced(certificate, height)
        return f"the {'authority' if height else 'certificate'} {describe(certificate)} {why}" if why else ""

    def _misplaced(self, certificate: Certificate, height: int) -> str:
        """What stands against the certificate at that height, after its name; "" for nothing."""
        limit = certificate.path_length
        if height and limit is not None and height - 1 > limit:
            return f"allows {limit} authorities below itself, and there are {height - 1}"
        if self._time is not None and self._time < certificate.not_before:
            return "is not valid yet"
        if self._time is not None and self._time > certificate.not_after:
            return "has expired"
        if self._blocked(certificate, height):
            return "is revoked or frozen"
        return ""

    # ---- names ----

    def _refusing(self, leaf: Certificate) -> frozenset[int]:
        """The authorities whose name constraints refuse the leaf."""
        known = self._known
        if not known.constrained:
            return frozenset()
        if leaf.alternative_names is None and looks_like_host(leaf.common_name):
            # ChainMaker's rule. RFC 5280 says nothing about host names that hide in a common name.
            return frozenset(known.constrained)
        budget = _Budget()
        return frozenset(index for index in known.constrained if budget.refuses(known.pool[index], leaf, known.rules))

    def _between(self, chain: list[Certificate]) -> str:
        """RFC 5280, section 6.1.3, b and c, for the authorities of a path; ChainMaker checks the leaf only."""
        if self._known.rules != "strict":
            return ""
        budget = _Budget()
        for height, authority in enumerate(chain):
            for below in chain[:height] if authority.name_constraints is not None else ():
                why = budget.refuses(authority, below, "strict")
                if why:
                    return (
                        f"the name constraints of {describe(authority)} refuse the authority {describe(below)}: {why}"
                    )
        return ""

    # ---- reasons ----

    def _explain(self, leaf: Certificate, key: _Key, parents: tuple[int, ...]) -> str:
        """The first thing, from the leaf upwards, that stands in the way. Shared by leaves in the same place, so it
        names authorities only."""
        if (key, parents) not in self._reasons:
            self._reasons[key, parents] = self._first_obstacle(key, parents)
        why = self._reasons[key, parents]
        return f"no path from {describe(leaf)} to a trust root of {key[0][:64]!r}: {why}"

    def _first_obstacle(self, key: _Key, parents: tuple[int, ...]) -> str:
        known, seen, level = self._known, set(parents), list(parents)
        dead_end = ""
        for height in range(1, MAX_CHAIN + 1):
            above: list[int] = []
            for index in level:
                known.counts["steps"] += 1
                why = self._stands(index, height)
                if index in key[1]:
                    return f"the name constraints of the authority {describe(known.pool[index])} refuse its names"
                if why:
                    return why
                issuers = known.parents(index)
                if not issuers and not dead_end:
                    dead_end = known.why_no_issuer(known.pool[index])
                fresh = [issuer for issuer in issuers if issuer not in seen]
                seen.update(fresh)
                above += fresh
            level = above
        if level:
            return f"it is longer than {MAX_CHAIN} authorities"
        return dead_end or "the authorities above it lead to none"


class _Budget:
    """Bounds the comparisons of names with constraints."""

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def refuses(self, authority: Certificate, certificate: Certificate, rules: str) -> str:
        """Why the authority's name constraints refuse a certificate below it; "" when they do not."""
        constraints, names = authority.name_constraints, certificate.alternative_names
        if constraints is None:
            return ""
        names = names or AlternativeNames()
        if rules == "strict":  # RFC 5280, section 4.2.1.10: mail addresses in the subject's name count too
            names = replace(names, emails=names.emails + certificate.subject_emails)
        self._left -= max(1, names.known) * max(1, constraints.size)
        if self._left < 0:
            return "too many names and name constraints"
        return refused_name(constraints, names, rules=rules)


def _path(certificates: tuple[Certificate, ...]) -> Path:
    window = max(item.not_before for item in certificates), min(item.not_after for item in certificates)
    return Path(certificates, window)
