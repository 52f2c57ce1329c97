"""Certificate revocation lists: read once, verified against the authorities, asked for serial numbers.

"strict" follows RFC 5280, sections 5 and 6.3, for complete lists that an authority issues about its own certificates.
"compatible" follows ChainMaker: the key identifier alone says which list applies to a certificate, and dates
do not matter. Delta lists, indirect lists, and lists for some certificates or reasons only are refused by
both: taken for complete lists they would say "not revoked" about what they do not cover.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from pycore.base.verdicts import Verdict
from pycore.identities.collector import SignatureBatch
from pycore.identities.der import ENUMERATED, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME, Cursor, DerError, whole
from pycore.identities.sm2_identifiers import made_with
from pycore.identities.x509 import (
    SIGNATURES,
    Certificate,
    CertificateError,
    authority_key_id,
    is_strict,
    read_algorithm,
    read_extensions,
    read_signature,
    read_time,
    unarmor_all,
    within,
)
from pycore.identities.x509_names import read_name
from pycore.identities.x509_path import MAX_ISSUERS, describe, issuing_problem, own_problem

MAX_CRL = 1 << 20
"""Bytes of PEM or DER that are read: some 25,000 revoked certificates."""

_AUTHORITY_KEY_ID, _NUMBER, _DELTA, _SCOPE = "2.5.29.35", "2.5.29.20", "2.5.29.27", "2.5.29.28"
_REASON, _INVALIDITY, _ENTRY_ISSUER = "2.5.29.21", "2.5.29.24", "2.5.29.29"
_REMOVED = 8  # removeFromCRL, which only delta lists may say
_HINTS = 4  # lists of a call that are tried with other SM2 identifiers
_MAX_NUMBER = 20  # octets of a CRL number (section 5.2.3)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A complete list of revoked certificates of one authority.

    `issuer` is the DER of the authority's name, times are Unix seconds, `number` is the cRLNumber where there is one.
    `authority_key_id` is None without that extension, and empty where it names no key.
    """

    der: bytes
    tbs: bytes
    signature: bytes
    signature_oid: str
    hash: str | None
    issuer: bytes
    authority_key_id: bytes | None
    this_update: float
    next_update: float | None
    number: int | None
    serials: frozenset[int]


def parse_crls(data: bytes, *, rules: str = "strict", any_scope: bool = False) -> list[RevocationList]:
    """Reads the lists of a PEM text of one or several blocks, or one in DER, in time linear in their size.

    At most 64 blocks and 1 MiB. "strict" requires blocks labelled X509 CRL and DER without any second
    spelling. Delta and indirect lists, lists with a limited scope, and unknown critical extensions are
    refused by name, unless `any_scope`, for chains that do not ask; `number` is None then. Raises
    CertificateError, which says which block; InputError for unknown rules.
    """
    strict = is_strict(rules)
    blocks = unarmor_all(data, ("X509 CRL",), strict=strict)
    read = partial(_crl, any_scope=any_scope)
    return [within(where, read, der, strict) for where, der in blocks]


def revokes(crl: RevocationList, certificate: Certificate, *, rules: str = "strict") -> bool:
    """Whether the list says that the certificate is revoked. The list's own signature is checked by
    :func:`verify_crls`.

    A list applies to the certificates whose authority key identifier equals its own. Where the certificate or
    the list has none, "strict" goes by the issuer's name - too many revoked is better than too few - and
    "compatible" applies the list only where both have none.
    """
    return Revocations([crl], rules=rules).revokes(certificate)


class Revocations:
    """The certificates that any of many lists revokes: :func:`revokes` over all of them, in time that does
    not grow with their number."""

    def __init__(self, crls: Iterable[RevocationList], *, rules: str = "strict") -> None:
        self._strict = is_strict(rules)
        self._by_key: dict[bytes | None, set[int]] = {}
        self._by_issuer: dict[bytes, set[int]] = {}
        self._keyless_by_issuer: dict[bytes, set[int]] = {}
        for crl in crls:
            key = crl.authority_key_id or None
            self._by_key.setdefault(key, set()).update(crl.serials)
            self._by_issuer.setdefault(crl.issuer, set()).update(crl.serials)
            if key is None:
                self._keyless_by_issuer.setdefault(crl.issuer, set()).update(crl.serials)

    def revokes(self, certificate: Certificate) -> bool:
        """Whether any of the lists says that the certificate is revoked."""
        key, serial = certificate.authority_key_id or None, certificate.serial
        if not self._strict:
            return serial in self._by_key.get(key, ())
        if key is None:
            return serial in self._by_issuer.get(certificate.issuer, ())
        return serial in self._by_key.get(key, ()) or serial in self._keyless_by_issuer.get(certificate.issuer, ())


def verify_crls(
    crls: Sequence[RevocationList],
    authorities: Iterable[Certificate],
    *,
    rules: str = "strict",
    time: float | None,
    der_rules: str | None = None,
) -> list[str]:
    """The faults of the lists, one text each; an empty list means that there are none.

    A list must be signed by one of `authorities` that may sign certificates and whose key identifier is the list's
    authority key identifier. "strict" also requires the authority's name, cRLSign in its key usage where it
    has one, and thisUpdate <= `time` <= nextUpdate (Unix seconds; None: dates are ignored); the list may do
    without a key identifier, but not without nextUpdate (RFC 5280, section 5.1.2.5). `der_rules` is that of
    :func:`pycore.verify_batch`, "strict" or "go" by the rules unless given. Raises InputError for unknown
    rules.
    """
    found = faults_of(crls, authorities, rules=rules, time=time, der_rules=der_rules)
    return [f"revocation list {place}: {why}" for place, each in enumerate(found, 1) for why in each]


def faults_of(
    crls: Sequence[RevocationList],
    authorities: Iterable[Certificate],
    *,
    rules: str = "strict",
    time: float | None,
    der_rules: str | None = None,
) -> list[list[str]]:
    """The same for each list separately, with all their signatures in one batch."""
    strict = is_strict(rules)
    by_name: dict[bytes, list[Certificate]] = {}
    by_key: dict[bytes | None, list[Certificate]] = {}
    for authority in {item.der: item for item in authorities}.values():
        by_name.setdefault(authority.subject, []).append(authority)
        by_key.setdefault(authority.key_id or None, []).append(authority)
    how = der_rules or ("strict" if strict else "go")
    batch = SignatureBatch(der_rules=how)
    tickets: list[tuple[RevocationList, list[str], list[Certificate], list[int]]] = []
    faults: list[list[str]] = []
    for crl in crls:
        mine = dates_fault(crl, time) if strict and time is not None else []
        faults.append(mine)
        group = by_name.get(crl.issuer, []) if strict else by_key.get(crl.authority_key_id or None, [])
        signers, why = _signers(crl, group, rules)
        if why:
            mine.append(why)
        else:
            tried = [batch.add(who.key, crl.hash or "", crl.tbs, crl.signature) for who in signers]
            tickets.append((crl, mine, signers, tried))
    codes, hints = batch.run(), _HINTS
    for crl, mine, signers, tried in tickets:
        if all(codes[ticket] != Verdict.VALID for ticket in tried):
            why, hints = "", hints - 1
            if crl.hash == "sm3" and hints >= 0:
                why = made_with(crl.tbs, crl.signature, signers, der_rules=how)
            mine.append(f"its signature is not that of its authority{why}")
    return faults


def dates_fault(crl: RevocationList, time: float) -> list[str]:
    """Why a list does not hold at a time (Unix seconds), or an empty list."""
    if time < crl.this_update:
        return ["it is not valid yet"]
    if crl.next_update is None:
        return ["it does not say until when it holds"]
    return ["it is out of date"] if time > crl.next_update else []


def _signers(crl: RevocationList, group: list[Certificate], rules: str) -> tuple[list[Certificate], str]:
    """Who may have signed the list, or why nobody can have."""
    if crl.hash is None:
        return [], f"it is signed with an algorithm that is not supported ({crl.signature_oid})"
    found: list[Certificate] = []
    why = "its authority is not known"
    for authority in group:
        if crl.authority_key_id and authority.key_id not in (crl.authority_key_id, None):
            continue
        refusal = own_problem(authority, rules) or _crl_problem(crl, authority, rules)
        if refusal:
            why = f"the authority {describe(authority)} can not sign it: {refusal}"
        elif len(found) == MAX_ISSUERS:
            return [], f"more than {MAX_ISSUERS} authorities may have signed it"
        else:
            found.append(authority)
    return found, "" if found else why


def _crl_problem(crl: RevocationList, authority: Certificate, rules: str) -> str:
    if rules != "strict":
        return issuing_problem(authority, rules)
    if not authority.is_ca:
        return "it is no authority"
    if not authority.may_sign_crls:
        return "its keyUsage has no cRLSign"
    family, _ = SIGNATURES[crl.signature_oid]
    return "" if authority.key.kind.split("-")[0] == family else "its key is of another kind than the signature"


# ---- reading ---------------------------------------------------------------------------------------------------------


def _crl(der: bytes, strict: bool, any_scope: bool) -> RevocationList:
    if len(der) > MAX_CRL:
        raise CertificateError(f"{len(der)} bytes are more than the {MAX_CRL} that are read")
    try:
        return _read_crl(der, strict, any_scope)
    except DerError as error:
        raise CertificateError(f"no revocation list: {error}") from error


def _read_crl(der: bytes, strict: bool, any_scope: bool) -> RevocationList:
    outer = whole(der, "the revocation list", strict=strict)
    start = outer.at
    body = outer.enter(SEQUENCE, "tbsCertList")
    tbs = der[start : outer.at]
    version = body.integer("version") + 1 if body.peek() == INTEGER else 1
    if version not in (1, 2) or (strict and version != 2):
        raise DerError("a revocation list of another version than 2")
    oid, algorithm = read_algorithm(body, "signature")
    issuer = read_name(body, "the issuer's name")
    this_update = read_time(body)
    next_update = read_time(body) if body.peek() in (UTC_TIME, GENERALIZED_TIME) else None
    serials = _read_entries(body, any_scope) if body.peek() == SEQUENCE else frozenset()
    extensions: dict[str, tuple[bool, bytes]] = {}
    if body.peek() == 0xA0:
        explicit = body.enter(0xA0, "crlExtensions")
        extensions = read_extensions(explicit)
        explicit.close("crlExtensions")
    body.close("tbsCertList")
    if not strict:  # Go goes by the algorithm outside of what is signed
        oid, algorithm = read_algorithm(Cursor(der, strict=False, start=outer.at), "signatureAlgorithm")
    signature = read_signature(outer, oid, algorithm, "the revocation list")
    if not any_scope:
        _check_scope(extensions)
    number = extensions.get(_NUMBER)
    authority = extensions.get(_AUTHORITY_KEY_ID)
    return RevocationList(
        der=der,
        tbs=tbs,
        signature=signature,
        signature_oid=oid,
        hash=SIGNATURES.get(oid, ("", None))[1],
        issuer=issuer.der,
        authority_key_id=None if authority is None else authority_key_id(authority[1], strict) or b"",
        this_update=this_update,
        next_update=next_update,
        number=None if number is None or any_scope else _read_number(number[1], strict),
        serials=serials,
    )


def _read_entries(body: Cursor, any_scope: bool) -> frozenset[int]:
    """revokedCertificates. An empty list must be left out (RFC 5280, section 5.1.2.6), but many writers do not."""
    entries = body.enter(SEQUENCE, "revokedCertificates")
    if body.strict and not entries.more:
        raise DerError("an empty list of revoked certificates, which is left out where there are none")
    serials: set[int] = set()
    while entries.more:
        entry = entries.enter(SEQUENCE, "an entry")
        serials.add(entry.integer("the serial number of an entry"))
        read_time(entry)
        if entry.peek() == SEQUENCE:
            extensions = read_extensions(entry)
            if not any_scope:
                _check_entry(extensions)
        entry.close("an entry")
    return frozenset(serials)


def _check_entry(extensions: dict[str, tuple[bool, bytes]]) -> None:
    if _ENTRY_ISSUER in extensions:
        raise DerError("an indirect revocation list: an entry names another issuer")
    for oid, (critical, value) in extensions.items():
        if critical and oid not in (_REASON, _INVALIDITY):
            raise DerError(f"an entry has the critical extension {oid}, which is not evaluated")
        if oid == _REASON and Cursor(value, strict=True).take(ENUMERATED, "reasonCode") == bytes([_REMOVED]):
            raise DerError("an entry is removed from the list, which only delta lists may say")


def _check_scope(extensions: dict[str, tuple[bool, bytes]]) -> None:
    """Refuses lists that do not cover all certificates of their issuer."""
    if _DELTA in extensions:
        raise DerError("a delta revocation list")
    if _SCOPE in extensions:
        raise DerError("a revocation list with an issuingDistributionPoint: indirect, or of limited scope")
    for oid, (critical, _) in extensions.items():
        if critical and oid not in (_AUTHORITY_KEY_ID, _NUMBER):
            raise DerError(f"the critical extension {oid} is not evaluated")


def _read_number(value: bytes, strict: bool) -> int:
    cursor = Cursor(value, strict=strict)
    content = cursor.take(INTEGER, "cRLNumber")
    cursor.finish("cRLNumber")
    if len(content) > _MAX_NUMBER:
        raise DerError("a cRLNumber of more than 20 bytes")
    number = Cursor(value, strict=strict).integer("cRLNumber")
    if number < 0:
        raise DerError("a negative cRLNumber")
    return number
