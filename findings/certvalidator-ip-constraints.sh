#!/bin/sh
# pyhanko-certvalidator 0.33.0 implements RFC 5280's path validation with name constraints, but not those on IP addresses:
# a valid path through an authority that permits an address range ends in NotImplementedError, which is none of the
# library's own path errors, so that callers who catch those meet it as a crash.
# Touches pycore's users who move from it: pycore evaluates these constraints (docs/guides/certificates.md).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --disable-pip-version-check -q pyhanko-certvalidator==0.33.0 cryptography==50.0.2 asn1crypto==1.5.1
"$work/venv/bin/python" - <<'PY'
import asyncio, datetime, ipaddress

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def issue(subject, key, issuer, by, extensions):
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), START, START.replace(year=2036))
    for value, critical in extensions:
        made = made.add_extension(value, critical)
    der = made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return asn1.Certificate.load(der)


keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
authority = (x509.BasicConstraints(ca=True, path_length=None), True)
root = issue(name("root"), keys[0], name("root"), keys[0], [authority])
permitted = x509.NameConstraints([x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))], None)
middle = issue(name("middle"), keys[1], name("root"), keys[0], [authority, (permitted, True)])
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("10.1.2.3"))])
leaf = issue(name("leaf"), keys[2], name("middle"), keys[1], [(address, False)])
context = ValidationContext(trust_roots=[root], allow_fetching=False, moment=START.replace(year=2027))
try:
    asyncio.run(CertificateValidator(leaf, [middle], validation_context=context).async_validate_path())
except NotImplementedError as error:
    assert not isinstance(error, PathError)
    print("pyhanko-certvalidator 0.33.0: NotImplementedError:", error)
else:
    raise SystemExit("changed: IP address constraints are evaluated now")
PY
