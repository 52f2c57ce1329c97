"""From a file, a bundle and a trusted state to the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pycore.base.report import Check, Report, shown
from pycore.bundle import read, read_trusted, verify
from pycore.errors import InputError
from pycore.evidence import log, notarised
from pycore.evidence.log import LogEvidence, TrustedLog
from pycore.evidence.notarised import WHOLE, Place
from pycore.evidence.subject import TRIED, Subject, hash_name
from pycore.ledgers.proof import Bundle, Trusted

KINDS = ("transaction", "event", "receipt", "state")
"""Statements in which a digest can stand."""


@dataclass(frozen=True, kw_only=True)
class EvidenceReport(Report):
    """The findings about a file. Accept it on ``valid and complete``: then the digest is where the report says.

    Attributes:
        file_name, file_size: of the file; "" and None where they are not known.
        source: "chain" or "log".
        chain_id: the chain's own name; of a log its id in hexadecimal.
        kind: of the statement; of a log "entry".
        algorithm, digest: under which hash the digest was found, and the digest; "" and b"" where it was not.
        form: the contract's kind and how the digest is written, in words; "" where it was not found.
        where: its place in the statement.
        height, block_hash: of the block; of a log the entry's index and the root of the tree head. 0 and b"" where the
            bundle or the log proves nothing, and then nothing else below is known.
        time: the block's time stamp, or the tree head's, in Unix seconds; None where there is none.
        tx_id, contract, method: of the transaction; method is an event's topic.
        serial, metadata: what the evidence says of itself: not proven, but that it was said.
        sender: who sent the transaction, as the chain's facts have it, with "name" and "org_id" where they are known.
        certified_by: whose votes make the block final; of a log its id. Empty for a block that hashes link to the
            trusted one.
        organisations: of those in certified_by, where the trusted context names them.
        linked: whether the block is at or below the trusted height, final by hashes.
        trusted_height: of the trusted state; None for a log.
    """

    file_name: str
    file_size: int | None
    source: str
    chain_id: str
    kind: str
    algorithm: str = ""
    digest: bytes = b""
    form: str = ""
    where: str = ""
    height: int = 0
    block_hash: bytes = b""
    time: float | None = None
    tx_id: str = ""
    contract: str = ""
    method: str = ""
    serial: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sender: Mapping[str, Any] = field(default_factory=dict)
    certified_by: tuple[str, ...] = ()
    organisations: Mapping[str, str] = field(default_factory=dict)
    linked: bool = False
    trusted_height: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: bytes in hexadecimal."""
        names = (
            "file_name", "file_size", "source", "chain_id", "kind", "algorithm", "digest", "form", "where", "height",
            "block_hash", "time", "tx_id", "contract", "method", "serial", "linked", "trusted_height",
        )  # fmt: skip
        return {
            **super().to_dict(),
            **{name: shown(getattr(self, name)) for name in names},
            "metadata": dict(self.metadata),
            "sender": dict(self.sender),
            "certified_by": list(self.certified_by),
            "organisations": dict(self.organisations),
        }


def check(
    file: Any, bundle: Any, trusted: Any, *, name: str | None = None, contract: str | None = None
) -> EvidenceReport:
    """Whether a file's digest is on a chain, or in a log.

    Args:
        file: its path; its bytes; or its digest: a :class:`Digest`, or text as ``sm3:66c7...``.
        bundle: a bundle in any of its forms, as for :func:`pycore.bundle.verify`; or a :class:`LogEvidence`.
        trusted: the state that the reader trusts, in any form that function takes; or a :class:`TrustedLog`.
        name: what to call the file; None: as the path says.
        contract: the contract by which it must be notarised, as the chain writes it; None: any.

    Returns:
        The report, with these checks after those of the bundle or the log:

        ================  =============================================================================================
        statement         it is of a kind in which a digest can stand
        contract          it is the wanted one's, where one is wanted
        call              the transaction was successful; an event and a written value are of one that was
        parameters        no parameter is there twice, and there are not too many
        hash_algorithm    the hash that the evidence names is one that pycore has, and, of a digest alone, is its hash
        file_digest       the digest is in the statement
        ================  =============================================================================================

    Raises:
        InputError: what is no file, bundle or trusted state; a bundle and a trusted log, or the reverse.
        OSError: the file cannot be read.
    """
    subject = Subject.of(file, name)
    if isinstance(bundle, LogEvidence) and isinstance(trusted, TrustedLog):
        if contract is not None:
            raise InputError("contract", _short(contract), "None: a log has no contracts")
        return _of_log(subject, bundle, trusted)
    if isinstance(bundle, LogEvidence) or isinstance(trusted, TrustedLog):
        wanted = "a bundle with a trusted state, or LogEvidence with a TrustedLog"
        raise InputError("trusted", type(trusted).__name__, wanted)
    return _of_chain(subject, read(bundle), read_trusted(trusted), contract)


class _At(NamedTuple):
    """A digest of the file in a statement: the place, the hash, the digest and how it is written there."""

    place: Place
    algorithm: str
    digest: bytes
    form: str


# ---- chains ----------------------------------------------------------------------------------------------------------


def _of_chain(subject: Subject, bundle: Bundle, trusted: Trusted, contract: str | None) -> EvidenceReport:
    proven = verify(bundle, trusted)
    kind, facts, holds = bundle.statement.kind, proven.facts, proven.proven
    checks = [*proven.checks, Check("statement", kind in KINDS, kind, " or ".join(KINDS))]
    called = _text(facts.get("contract", facts.get("to", "")))
    if holds and contract is not None:
        checks.append(Check("contract", called == contract, _short(called), _short(contract)))
    if holds and kind in KINDS:
        at, own = _judged(subject, kind, facts)
    else:
        why = "such a statement has no digest" if holds else "the bundle proves nothing"
        at, own = None, [Check("file_digest", None, None, "the file's digest", why)]
    return EvidenceReport(
        chain=bundle.chain,
        rules=proven.rules,
        checks=(*checks, *own),
        file_name=subject.name,
        file_size=subject.size,
        source="chain",
        chain_id=trusted.chain_id,
        kind=kind,
        **_said(at),
        height=proven.height if holds else 0,
        block_hash=proven.block_hash if holds else b"",
        time=proven.time if holds else None,
        tx_id=_text(facts.get("tx_id", facts.get("transaction_id", facts.get("id", "")))),
        contract=called,
        method=_text(facts.get("method", facts.get("topic", ""))),
        sender=_sender(facts.get("sender"), trusted),
        certified_by=proven.certified_by,
        organisations=_organisations(proven.certified_by, trusted),
        linked=holds and proven.height <= trusted.height,
        trusted_height=trusted.height,
    )


def _said(at: _At | None) -> dict[str, Any]:
    """The report's fields of a digest that was found."""
    if at is None:
        return {}
    return {
        "algorithm": at.algorithm,
        "digest": at.digest,
        "form": at.form,
        "where": at.place.where,
        "serial": at.place.serial,
        "metadata": at.place.metadata,
    }


def _judged(subject: Subject, kind: str, facts: Mapping[str, Any]) -> tuple[_At | None, list[Check]]:
    """The place of the digest, and the checks of the statement."""
    status = facts.get("status")
    usual = True if kind in ("event", "state") else None if not isinstance(status, int) else status == 0
    successful = facts.get("successful", usual)
    if successful is True:
        call = Check("call", True, "successful", "successful")
    elif successful is False:
        call = Check("call", False, f"failed, {_result(facts)}", "successful")
    else:
        call = Check("call", None, None, "successful", "the statement does not say what came of it")
    wrong = notarised.fault(kind, facts)
    detail = "a contract may read either, so none is read here" if wrong else ""
    parameters = Check("parameters", not wrong, wrong or "each once", "each once", detail)
    at, own = _found(subject, notarised.places(kind, facts))
    return at, [call, parameters, *own]


def _found(subject: Subject, places: Sequence[Place], also: str = "") -> tuple[_At | None, list[Check]]:
    """The first place that holds a digest of the file, and the checks `hash_algorithm` and `file_digest`.

    Where evidence names a hash, its digest counts only if it is one by that hash, and so does any plain value next to
    it: a file is not notarised by a call that says another thing about it.
    """
    named = {one.algorithm: hash_name(one.algorithm) for one in places if one.algorithm}
    by_name = tuple(dict.fromkeys(known for known in named.values() if known is not None))
    given = subject.given
    usual = tuple(dict.fromkeys((*TRIED, also or TRIED[0]))) if given is None else (given,)
    tried: list[str] = []
    known_digests: dict[tuple[str, ...], dict[str, bytes]] = {}
    for place in places:
        known = hash_name(place.algorithm) if place.algorithm else None
        own: tuple[str, ...] = (known,) if known else () if place.algorithm else usual
        if place.form == "plain" and named:
            own = by_name
        if own not in known_digests:
            known_digests[own] = subject.digests(own)
        digests = known_digests[own]
        tried += [name for name in digests if name not in tried]
        for algorithm, digest in digests.items():
            how = notarised.written(place.value, digest)
            if how:
                form = f"{place.form}, {how}" if place.form != "plain" else f"plain digest, {how}"
                got = f"{algorithm}, as the evidence says" if place.algorithm else algorithm
                return _At(place, algorithm, digest, form), [
                    Check("hash_algorithm", True, got, algorithm),
                    Check("file_digest", True, digest, digest, f"{place.where}: {form}"),
                ]
    if not tried and named:
        got = ", ".join(_short(name) for name in list(named)[:4])
        wanted = given if given is not None else "a hash that pycore has"
        why = "the file's digest by the hash that the evidence names is not known"
        return None, [
            Check("hash_algorithm", False, got, wanted, "as the evidence names it"),
            Check("file_digest", None, None, "the file's digest", why),
        ]
    tried = tried or list(usual)
    words = " or ".join(tried)
    wanted_digest = next(iter(subject.digests(tried).values()))
    return None, [
        Check("hash_algorithm", True, words, words),
        Check("file_digest", False, _likely(places), wanted_digest,
              f"no value of the statement is the file's digest by {words}"),
    ]  # fmt: skip


def _likely(places: Sequence[Place]) -> str:
    """The value that says that it is a digest, for a reader to compare."""
    first = next((one for one in places if one.form != "plain"), None)
    if first is None:
        return f"{len(places)} values"
    return _short(first.value.decode("utf-8", "replace"), 160)


def _result(facts: Mapping[str, Any]) -> str:
    result = facts.get("result")
    if isinstance(result, Mapping):
        message = result.get("contract_message") or result.get("message") or ""
        return f"code {result.get('code')} {str(message)[:200]}".strip()
    return f"status {facts.get('status', '')}"[:80]


def _sender(sender: Any, trusted: Trusted) -> dict[str, Any]:
    """The sender, with the name in a certificate that the trusted context has by its hash."""
    if not isinstance(sender, Mapping):
        return {"id": sender} if isinstance(sender, str) else {}
    found = dict(sender)
    known = getattr(trusted.context, "certificates", None)
    if "name" not in found and isinstance(known, Mapping) and isinstance(known.get(found.get("id")), str):
        from pycore.identities.x509 import CertificateError, parse_certificate

        try:
            found["name"] = parse_certificate(known[found["id"]].encode(), rules="compatible").common_name
        except CertificateError:
            return found
    return found


def _organisations(nodes: Sequence[str], trusted: Trusted) -> dict[str, str]:
    """Node -> organisation, of a context that lists the nodes of each (ChainMaker's `consensus_nodes`)."""
    listed = getattr(trusted.context, "consensus_nodes", None)
    if not isinstance(listed, Mapping):
        return {}
    found = {node: organisation for organisation, its in listed.items() for node in its}
    return {node: found[node] for node in nodes if node in found}


def _short(text: str, most: int = 80) -> str:
    """Text from strangers in quotes, cut to a length that can be read."""
    return repr(text) if len(text) <= most else f"{text[:most]!r}..."


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


# ---- logs ------------------------------------------------------------------------------------------------------------


def _of_log(subject: Subject, evidence: LogEvidence, trusted: TrustedLog) -> EvidenceReport:
    found = log.checks(evidence, trusted)
    proven = all(one.ok for one in found)
    at: _At | None = None
    if proven:
        at, own = _found(subject, notarised.of_value("the entry", evidence.leaf), trusted.hash)
        whole = None if at else _whole(subject, evidence)
        if whole is not None:
            at, own = whole
    else:
        own = [Check("file_digest", None, None, "the file's digest", "the log proves nothing")]
    head = evidence.tree_head
    return EvidenceReport(
        chain=f"log ({evidence.profile})",
        rules=trusted.profile,
        checks=(*found, *own),
        file_name=subject.name,
        file_size=subject.size,
        source="log",
        chain_id=trusted.log_id.hex(),
        kind="entry",
        **_said(at),
        height=evidence.index if proven else 0,
        block_hash=head.root_hash if proven else b"",
        time=head.timestamp / 1000 if proven else None,
        certified_by=(trusted.log_id.hex(),) if proven else (),
    )


def _whole(subject: Subject, evidence: LogEvidence) -> tuple[_At, list[Check]] | None:
    """The place of a file that is the entry itself; None where it is not."""
    algorithm = subject.given or "sha256"
    digest = subject.digests((algorithm,))[algorithm]
    if Subject.of(evidence.leaf).digests((algorithm,))[algorithm] != digest:
        return None
    place = Place("the entry", evidence.leaf)
    return _At(place, algorithm, digest, WHOLE), [
        Check("hash_algorithm", True, algorithm, algorithm),
        Check("file_digest", True, digest, digest, f"the entry: {WHOLE}"),
    ]
