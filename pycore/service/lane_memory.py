"""The system's part of the same-host lane: a path, descriptors that travel, and the memory behind them."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import socket
import sys
import termios
import threading
from pathlib import Path

from pycore.wire.frames import FrameError

__all__ = [
    "ROOM_FOR_DESCRIPTORS",
    "Region",
    "descriptors",
    "lane_faults",
    "memfd_with",
    "taken_back",
    "unread",
    "unsent",
]

ROOM_FOR_DESCRIPTORS = socket.CMSG_SPACE(4 * array.array("i").itemsize) if sys.platform == "linux" else 0
"""Bytes for those that come with one packet; what does not fit is closed by the kernel, and flagged."""
_SHRINK, _GROW = 0x0002, 0x0004  # F_SEAL_SHRINK, F_SEAL_GROW
_SIZE_IS_FIXED = _SHRINK | _GROW


_MOST_PATH = 107  # bytes, as the kernel has it


def lane_faults(path: Path) -> list[str]:
    """Why nobody can listen on a path, in words; nothing is tried."""
    found: list[str] = []
    if len(os.fsencode(path)) > _MOST_PATH:
        return [f"{path} has {len(os.fsencode(path))} bytes, a Unix socket at most {_MOST_PATH}"]
    if not path.parent.is_dir():
        found.append(f"{path.parent} is no folder")
    if path.exists() and not path.is_socket():
        found.append(f"{path} is there and no socket")
    return found


class Region:
    """Memory that a caller shares: a memfd of a size that nobody can change. Any thread may call."""

    def __init__(self, fd: int) -> None:
        """Takes the descriptor over, but not where it raises FrameError."""
        self._fd = fd
        self._lock = threading.Lock()
        try:
            seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
            self.size = os.fstat(fd).st_size
        except OSError:
            seals = 0  # no memfd: reading a pipe or a file of another system may take for ever
        if seals & _SIZE_IS_FIXED != _SIZE_IS_FIXED:
            raise FrameError("region: wanted a memfd with the seals against shrinking and growing")

    def read(self, begin: int, length: int) -> bytes:
        """A copy of some bytes."""
        parts = []
        with self._lock:  # a number that was closed may be another file's by now
            while length:
                try:
                    part = os.pread(self._fd, length, begin) if self._fd >= 0 else b""
                except OSError as error:  # a descriptor for writing only
                    raise FrameError(f"region: it cannot be read: {error.strerror}") from None
                if not part:
                    raise FrameError("region: it ended early")
                parts.append(part)
                begin, length = begin + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Gives the memory back; waits for the reader, which takes some milliseconds at most."""
        with self._lock:
            os.close(self._fd)
            self._fd = -1


def descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came with a packet; the process has them already, so each must be closed or kept."""
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return fds.tolist()


def unread(sock: socket.socket) -> int:
    """Bytes that the peer has sent and nobody has read."""
    found = fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4))
    return int.from_bytes(found, sys.byteorder)


def unsent(sock: socket.socket) -> int:
    """Bytes that the peer has not taken."""
    found = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, found)
    return found[0]


def memfd_with(body: bytes) -> int:
    """A memfd with a body, of which nobody can change a byte. It can be cut: see `taken_back`."""
    fd = os.memfd_create("pycore-answer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
    except BaseException:
        os.close(fd)
        raise
    return fd


def taken_back(fd: int) -> None:
    """Gives the memory of `memfd_with` back to the system, whoever has descriptors of it: it is this process's, and
    callers who keep descriptors must not fill it."""
    with contextlib.suppress(OSError):
        os.ftruncate(fd, 0)
    os.close(fd)
