#!/bin/sh
# protobuf for Python 7.34 refuses a length that is written in six to ten bytes; 6.33 and older read it, as Go's
# parser does. One message is so read by some installations of a program and refused by others that differ in a library's
# version alone. Numbers of ten bytes are read by all.
# Touches pycore's users: pyproject.toml takes both. What is signed or hashed is compared with its one encoding, or is read
# by pycore's own scanner, which refuses such lengths whichever protobuf is installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
see() {
    "$work/venv/bin/pip" install --disable-pip-version-check -q "protobuf==$1"
    "$work/venv/bin/python" - "$1" "$2" <<'PY'
import sys

import google.protobuf
from google.protobuf.message import DecodeError
from google.protobuf.wrappers_pb2 import BytesValue, UInt32Value

version, wanted = sys.argv[1:]
assert google.protobuf.__version__ == version
assert UInt32Value.FromString(bytes.fromhex("08" "85808080808080808000")).value == 5
found = []
for size in range(1, 11):
    length = bytes([0x81] + [0x80] * (size - 2) + [0] if size > 1 else [1])
    try:
        assert BytesValue.FromString(b"\x0a" + length + b"x").value == b"x"
        found.append(size)
    except DecodeError:
        pass
print(f"protobuf {version}: reads a length of 1 in {found[0]} to {found[-1]} bytes")
if found[-1] != int(wanted):
    raise SystemExit("changed")
PY
}
see 6.33.5 10
see 7.34.1 5
