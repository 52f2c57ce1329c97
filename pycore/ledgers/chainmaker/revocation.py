"""Which certificates are revoked or frozen, from what the context lists and from revocation lists.

As read, the chain checks revocation for every certificate of a path and freezing only for the member's own;
`strict` refuses a path with a frozen certificate anywhere. A revocation list covers the certificates that
have its authority key identifier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pycore.hashing.batch import hash_batch
from pycore.identities.x509 import Certificate, CertificateError, parse_certificate
from pycore.identities.x509_crl import RevocationList, Revocations, dates_fault, faults_of, parse_crls
from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.rows import between

_NO_HASHES: Mapping[bytes, bytes] = {}


class Revoked:
    """Tells whether a certificate is revoked or frozen: ``revoked(certificate, position in its path)``.

    `by_hash`: whether that takes certificates' hashes, which are computed one by one unless the caller has them.
    """

    def __init__(self, context: ChainContext, hash: str, authorities: Sequence[Certificate], problems: list[str]):
        """Appends to `problems` what cannot be read or does not verify."""
        self._strict = context.rules == "strict"
        self._rules = context.rules
        self._hash = hash
        self._frozen: set[str] = set()
        self._anywhere = {item.serial for item in context.revoked if not item.issuer}
        self._by_issuer: set[tuple[bytes | None, int]] = set()
        self._dates: list[tuple[int, RevocationList]] = []
        self._read_frozen(context.frozen, problems)
        self.by_hash = bool(self._frozen)
        for item in context.revoked:
            if item.issuer:
                self._read_issuer(item.issuer, item.serial, problems)
        self._read_lists(context, authorities, problems)

    def __call__(self, certificate: Certificate, position: int, hashes: Mapping[bytes, bytes] = _NO_HASHES) -> bool:
        """Whether the certificate is revoked; `position` is its place in the path, 0 for the leaf. `hashes`: those of
        certificates whose hash is known, by their DER."""
        serial = certificate.serial
        if serial in self._anywhere:
            return True
        if self._by_issuer and (
            (certificate.issuer, serial) in self._by_issuer or (certificate.authority_key_id, serial) in self._by_issuer
        ):
            return True
        if self._listed.revokes(certificate):
            return True
        if not self._frozen or (position and not self._strict):
            return False
        known = hashes.get(certificate.der)
        return (known or hash_batch(self._hash, [certificate.der])[0].tobytes()).hex() in self._frozen

    def problems_at(self, time: float | None) -> list[str]:
        """Revocation lists that are out of date; the chain ignores their dates, and so does `compatible`."""
        if time is None or not self._strict:
            return []
        return [f"revocation list {place}: {why}" for place, one in self._dates for why in dates_fault(one, time)]

    def _read_frozen(self, frozen: Sequence[str], problems: list[str]) -> None:
        for item in frozen:
            if "-----BEGIN" not in item:
                self._frozen.add(item)
                continue
            try:
                der = parse_certificate(item.encode(), rules="compatible").der
            except CertificateError as error:
                problems.append(f"frozen certificate: {error}")
            else:
                self._frozen.add(hash_batch(self._hash, [der])[0].tobytes().hex())

    def _read_issuer(self, issuer: str, serial: int, problems: list[str]) -> None:
        if "-----BEGIN" not in issuer:
            self._by_issuer.add((bytes.fromhex(issuer), serial))
            return
        try:
            self._by_issuer.add((parse_certificate(issuer.encode(), rules="compatible").subject, serial))
        except CertificateError as error:
            problems.append(f"issuer of a revocation: {error}")

    def _read_lists(self, context: ChainContext, authorities: Sequence[Certificate], problems: list[str]) -> None:
        read: list[RevocationList] = []
        for text in context.crls:
            data = text.encode() if "-----BEGIN" in text else bytes.fromhex(text)
            try:
                read += parse_crls(data, rules=self._rules)
            except CertificateError as error:
                problems.append(f"revocation list: {error}")
        # As read, a list that does not verify stops some releases from starting; the others go on without it.
        skips = not self._strict and between(context.release, "2.3.3", "2.4.0_alpha")
        faults = faults_of(read, authorities, rules=self._rules, time=None)
        for place, (one, wrong) in enumerate(zip(read, faults, strict=True), 1):
            if wrong and skips:
                continue
            problems += [f"revocation list {place}: {why}" for why in wrong]
            self._dates.append((place, one))  # it still counts: a bad list is no reason to revoke less
        self._listed = Revocations((one for _, one in self._dates), rules=self._rules)
