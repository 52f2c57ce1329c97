"""PEM as Go's `encoding/pem` reads it, for chains whose nodes are written in Go.

The first "-----END" is looked for, and the last "-----BEGIN" before it; both begin lines, which end with "\\n" alone.
Headers are lines with a colon. Blanks and tabs inside of the base64 do not matter, nor do its unused bits. Where a
block is broken, the search goes on behind its end.

Source: Go's `encoding/pem` since 1.26, as read there; earlier versions begin at the first "-----BEGIN".
"""

from __future__ import annotations

import base64
import binascii

from pycore.identities.pem import Block

_BEGIN, _END, _TAIL = b"-----BEGIN ", b"\n-----END ", b"-----"


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    """The line at a place without blanks at its end, and where the next one begins."""
    stop = data.find(b"\n", at)
    if stop < 0:
        return data[at:].rstrip(b" \t"), len(data)
    end = stop - 1 if stop > at and data[stop - 1] == 13 else stop
    return data[at:end].rstrip(b" \t"), stop + 1


def first(data: bytes) -> Block | None:
    """The first sound block, None where there is none.

    >>> first(b"a text\\n-----BEGIN A-----\\nAA ==\\n-----END A-----").der
    b'\\x00'
    """
    start = 0
    while (stop := data.find(_END, start)) >= 0:
        behind = stop + len(_END)
        begin = data.rfind(_BEGIN, start, stop)
        if begin >= 0 and (begin == start or data[begin - 1] == 10):
            label, at = _line(data, begin + len(_BEGIN))
            if label.endswith(_TAIL):
                content = _behind_headers(data, at)
                if content == len(data) or content > behind:
                    return None
                sound = content == at or content <= stop
                found = _block(data, label[: -len(_TAIL)], content, stop, behind) if sound else None
                if found is not None:
                    return found
        start = behind
    return None


def alone(data: bytes) -> bytes:
    """The first sound block without what stands around it, as a certificate; b"" where there is none."""
    block = first(data)
    if block is None:
        return b""
    return b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(block.der)


def _behind_headers(data: bytes, at: int) -> int:
    while at < len(data):
        line, then = _line(data, at)
        if b":" not in line:
            break
        at = then
    return at


def _block(data: bytes, label: bytes, at: int, stop: int, behind: int) -> Block | None:
    """The block whose content begins at a place and whose end is there; None for a broken one."""
    if not data.startswith(label + _TAIL, behind) or _line(data, behind + len(label) + len(_TAIL))[0]:
        return None
    text = data[at:stop].translate(None, b" \t\r\n")
    try:
        if len(text) % 4:
            return None
        return Block(label.decode("latin-1"), base64.b64decode(text, validate=True))
    except binascii.Error:
        return None
