"""Peers of the second front end that look for a way to memory, to another's name, or past a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pycore.service.config import ServiceConfig
from pycore.service.front import calls
from pycore.service.front.accepting import peer_name
from pycore.service.guard import certificate_names
from pycore.service.native_tls import _explained, server_context
from pycore.service.rare_lines import RareLines
from pycore.service.tls import server_credentials
from tests.service.conftest import Authority
from tests.service.fronts import MOST_MESSAGE, PATH, fronted, make_server, needs_native
from tests.service.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
    headers,
    message,
)
from tests.service.test_front import Marked
from tests.service.test_front_hostile import PATIENCE, Watcher, settles

_http2: Any = pytest.importorskip("pycore._http2", reason="libnghttp2 is absent")
pytestmark = needs_native


def test_requests_that_are_whole_and_do_not_end_are_bounded() -> None:
    """No handler runs for them, so the room is all that counts them."""
    with fronted("nghttp2") as front:
        peer = Watcher(front.target)
        streams = []
        for _ in range(24):
            streams.append(peer.open(PATH + "one"))
            peer.send_until_refused(streams[-1], message(bytes(MOST_MESSAGE)))
        end = time.monotonic() + PATIENCE
        while not peer.ended:
            assert time.monotonic() < end
            peer.pump()
        assert front.server.room.held <= (16 << 20) + MOST_MESSAGE
        peer.close()
        settles(front, lambda: front.server.room.held == 0)


def test_answers_that_nobody_reads_hold_no_room_for_requests() -> None:
    with fronted("nghttp2", interceptors=[Marked()]) as front:
        peer = Watcher(front.target, window=0)
        data = message(bytes(70_000))
        parts = [data[i : i + 16_000] for i in range(0, len(data), 16_000)]
        for stream in range(1, 21, 2):  # at once, so that the request is here before its handler is known
            peer.socket.sendall(
                frame(HEADERS, END_HEADERS, stream, headers(PATH + "one"))
                + b"".join(frame(DATA, END_STREAM if one is parts[-1] else 0, stream, one) for one in parts)
            )
        settles(front, lambda: sum(len(c.calls) for c in front.server.connections) == 10)
        settles(front, lambda: all(one._finished for c in front.server.connections for one in c.calls.values()))
        settles(front, lambda: front.server.room.held == 0)
        peer.close()


def answered(target: str, data: bytes, *more: tuple[str, str]) -> bytes:
    """The headers and trailers of a call of `one`."""
    peer = Watcher(target)
    stream = peer.call(PATH + "one", data, *more)
    peer.wait_for_end(stream)
    peer.close()
    assert not peer.received[stream]
    return b"".join(peer.said[stream])


def test_few_messages_are_inflated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may become as large as a message may be, before anything has admitted it."""
    whole, most, now, free = calls.inflated, 0, 0, threading.Event()

    async def counted(*arguments: Any) -> bytes:
        nonlocal most, now
        now += 1
        most = max(most, now)
        while not free.is_set():  # noqa: ASYNC110 - the test is another thread
            await asyncio.sleep(0.001)
        now -= 1
        return await whole(*arguments)

    monkeypatch.setattr(calls, "inflated", counted)
    zipped = gzip.compress(b"ab")
    data = b"\1" + struct.pack(">I", len(zipped)) + zipped
    with fronted("nghttp2") as front:
        peer = Watcher(front.target)
        streams = [peer.call(PATH + "one", data, ("grpc-encoding", "gzip")) for _ in range(12)]
        while now < 4:
            time.sleep(0.001)
        other = Watcher(front.target)
        other.wait_for_end(other.call(PATH + "one", message(b"ab")))  # nobody else waits for them
        other.close()
        free.set()
        for stream in streams:
            peer.wait_for_end(stream)
        peer.close()
    assert (most, now) == (4, 0)


def test_heads_and_flags_that_mean_nothing_are_refused() -> None:
    zipped = gzip.compress(b"ab")
    with fronted("nghttp2") as front:
        for flag in (2, 3, 255):
            data = bytes([flag]) + struct.pack(">I", len(zipped)) + zipped
            assert b"\x0213" in answered(front.target, data, ("grpc-encoding", "gzip"))
        assert b"\x014" in answered(front.target, message(b"ab"), ("grpc-timeout", "0S"))
        assert b"\x0213" in answered(front.target, message(b"ab"), ("my-~!", "1"))


def test_a_first_field_that_is_too_long() -> None:
    """Before any other: the head is empty then."""
    block = b"\0\1a\x7f" + bytes([0x80 | 0x01, 0x7F]) + b"v" * (127 + 1 + 127 * 128)
    room = _http2.Room(1 << 20)
    for size in (100, 10_000):
        connection = _http2.Connection(room, 1000, 10, size, 1 << 16, 100)
        parts = [block[i : i + 16_000] for i in range(0, len(block), 16_000)]
        data = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_STREAM, 1, parts[0])
        data += b"".join(frame(9, END_HEADERS if one is parts[-1] else 0, 1, one) for one in parts[1:])
        connection.receive(data, len(data))
        while connection.collect(1 << 20):
            pass
        assert connection.streams == 0


class Names:
    async def names(self, request: bytes, context: Any) -> bytes:
        found = set(certificate_names(context.auth_context())) - {"cn:", "uri:", "dns:"}  # no client has such a name
        return repr(sorted(found)).encode()


def certified(
    authority: Authority, folder: Path, names: list[str], others: list[x509.GeneralName] | x509.UnrecognizedExtension
) -> tuple[Path, Path]:
    """A client certificate with these common names and alternative names, or an extension that has them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in names])
    built = authority._builder(subject, authority._certificate.subject, key.public_key())
    if others:
        more = x509.SubjectAlternativeName(others) if isinstance(others, list) else others
        built = built.add_extension(more, critical=False)
    paths = folder / "client.crt", folder / "client.key"
    paths[0].write_bytes(built.sign(authority._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


URI, DNS, MAIL = x509.UniformResourceIdentifier, x509.DNSName, x509.RFC822Name


@pytest.mark.parametrize(
    ("names", "others"),
    [(["a"], []), (["a", "b"], []), (["é中"], [DNS("n.example"), DNS("*.m.example")]),
     ([], [URI("spiffe://x/y")]), (["a"], [URI("spiffe://x/y"), URI("https://z"), MAIL("m@example.org")]),
     (["dns:x"], [URI("cn:a"), x509.IPAddress(ipaddress.ip_address("::1"))]), (["a"], [URI("")])],
    ids=str,
)  # fmt: skip
def test_both_fronts_read_the_same_names(
    authority: Authority, tmp_path: Path, names: list[str], others: list[x509.GeneralName]
) -> None:
    found = {kind: names_seen(kind, authority, certified(authority, tmp_path, names, others)) for kind in KINDS}
    assert found["nghttp2"] == found["grpcio"]


@pytest.mark.parametrize(
    ("names", "others"),
    [(["node7\0.evil"], []), (["a", "node7\0"], []), (["a"], [DNS("node7.example\0.evil")]),
     (["a"], [URI("spiffe://x/node7\0")]), (["a"], [URI("spiffe://x/y"), MAIL("node7\0@evil.example")])],
    ids=repr,
)  # fmt: skip
def test_nobody_has_a_name_that_a_zero_byte_cuts(
    authority: Authority, tmp_path: Path, names: list[str], others: list[x509.GeneralName]
) -> None:
    """gRPC gives the part before it, so who has such a certificate could call as another."""
    client = certified(authority, tmp_path, names, others)
    assert names_seen("grpcio", authority, client) == b"[]"
    assert b"node7'" not in names_seen("nghttp2", authority, client)


def test_a_certificate_that_cannot_be_read_names_nobody() -> None:
    assert certificate_names({"x509_common_name": [b"a"], "x509_pem_cert": [b"-----BEGIN"]}) == []


KINDS = ("grpcio", "nghttp2")


def names_seen(kind: str, authority: Authority, client: tuple[Path, Path]) -> bytes:
    """The names of a caller's certificate, as a handler sees them."""
    chain, key = client
    credentials = grpc.ssl_channel_credentials(authority.path.read_bytes(), key.read_bytes(), chain.read_bytes())

    async def ask() -> bytes:
        front, port = await secured(kind, authority, authority.path)
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            found: bytes = await channel.unary_unary("/test.Names/names")(b"", timeout=PATIENCE)
        await front.stop(None)
        return found

    return asyncio.run(ask())


async def secured(kind: str, authority: Authority, client_ca: Path) -> tuple[Any, int]:
    """A front with mutual TLS, and its port."""
    chain, key = authority.issue("localhost")
    config = ServiceConfig(address="127.0.0.1:0", tls_certificate=chain, tls_private_key=key, tls_client_ca=client_ca)
    handler = grpc.unary_unary_rpc_method_handler(Names().names)
    front = make_server(kind)
    front.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Names", {"names": handler}),))
    port = front.add_secure_port(
        "127.0.0.1:0", server_credentials(config) if kind == "grpcio" else server_context(config)
    )
    await front.start()
    return front, port


@pytest.mark.parametrize("kind", KINDS)
def test_an_authority_need_not_be_a_root(kind: str, authority: Authority, tmp_path: Path) -> None:
    """The file of authorities has one that another has signed, and not that other."""
    above, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "above")])
    signed = (
        authority._builder(authority._certificate.subject, name, authority._key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(above, hashes.SHA256())
    )
    (tmp_path / "below.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    chain, key = certified(authority, tmp_path, ["a"], [])
    credentials = grpc.ssl_channel_credentials(authority.path.read_bytes(), key.read_bytes(), chain.read_bytes())

    async def ask() -> bytes:
        front, port = await secured(kind, authority, tmp_path / "below.pem")
        async with grpc.aio.secure_channel(f"localhost:{port}", credentials) as channel:
            found: bytes = await channel.unary_unary("/test.Names/names")(b"", timeout=PATIENCE)
        await front.stop(None)
        return found

    assert asyncio.run(ask()) == b"['cn:a']"


def test_a_certificate_that_has_ended_is_refused_by_our_clock(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL looks at dates in a whole handshake; the front looks at them again for each connection."""
    client = certified(authority, tmp_path, ["a"], [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.path)
    context.load_cert_chain(*client)
    context.set_alpn_protocols(["h2"])

    def said(port: int) -> bytes:
        with (
            socket.create_connection(("localhost", port), 10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as one,
        ):
            one.sendall(PREFACE)
            with contextlib.suppress(OSError):
                return one.recv(100)
        return b""

    async def ask() -> None:
        front, port = await secured("nghttp2", authority, authority.path)
        assert await asyncio.to_thread(said, port)
        now = time.time()
        monkeypatch.setattr("pycore.service.front.connection.time.time", lambda: now + 7200)
        assert not await asyncio.to_thread(said, port)
        monkeypatch.undo()
        await front.stop(None)

    asyncio.run(ask())


def test_a_host_that_vanishes_is_noticed() -> None:
    with fronted("nghttp2") as front:
        peer = Watcher(front.target)

        def asks() -> bool:
            return all(
                one._transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                for one in front.server.connections
            )

        settles(front, lambda: len(front.server.connections) == 1)
        settles(front, asks)
        peer.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "body", "window"),
    [("one", bytes(1000), 0), ("one", bytes(1000), 1), ("several", b"100000", 0), ("several", b"100000", 50)],
    ids=str,
)
def test_a_deadline_ends_answers_that_nobody_reads(kind: str, name: str, body: bytes, window: int) -> None:
    with fronted(kind) as front:
        peer = Watcher(front.target, window=window)
        stream = peer.call(PATH + name, message(body), ("grpc-timeout", "100m"))
        peer.wait_for_end(stream)
        assert peer.received[stream] <= window
        peer.close()


def test_who_floods_and_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would tell it so cannot leave."""
    monkeypatch.setattr("pycore.service.front.connection._LAST_BYTES_S", 0.1)
    with fronted("nghttp2") as front:
        peer = Watcher(front.target, window=(1 << 31) - 1)
        settles(front, lambda: len(front.server.connections) == 1)
        peer.socket.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30)))
        peer.call(PATH + "several", message(b"10000000"))
        settles(front, lambda: any(one._paused for one in front.server.connections))
        part = frame(2, 0, 1, b"\0\0\0\3\0") * 1000  # PRIORITY
        peer.socket.settimeout(PATIENCE)
        with contextlib.suppress(OSError):  # until the service has left
            for _ in range(400):
                peer.socket.sendall(part)
        settles(front, lambda: not front.server.connections)
        peer.close()


def test_calls_that_are_given_up_before_they_begin_leave_nothing(recwarn: pytest.WarningsRecorder) -> None:
    """Not even a coroutine that nobody awaits."""
    with fronted("nghttp2", interceptors=[Marked()]) as front:
        peer = Watcher(front.target)
        for stream in range(1, 41, 2):
            peer.socket.sendall(
                frame(HEADERS, END_HEADERS, stream, headers(PATH + "one"))
                + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
            )
        peer._next = 41
        peer.wait_for_end(peer.call(PATH + "one", message(b"x")))
        settles(front, lambda: not any(one.calls for one in front.server.connections))
        peer.close()
    gc.collect()
    assert not [one for one in recwarn if "never awaited" in str(one.message)]


Handshake = Callable[[socket.socket], None]


def shaking_hands(roots: Path, pair: tuple[Path, Path] | None = None) -> Handshake:
    """A client that begins TLS, and reads until it is told off."""

    def begin(plain: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(roots)
        context.set_alpn_protocols(["h2"])
        if pair is not None:
            context.load_cert_chain(*pair)
        with context.wrap_socket(plain, server_hostname="localhost") as one:
            one.recv(1)

    return begin


def saying(data: bytes) -> Handshake:
    """A client that sends something else, and waits for the end."""

    def begin(plain: socket.socket) -> None:
        plain.sendall(data)
        while plain.recv(100):
            pass

    return begin


def told(authority: Authority, caplog: pytest.LogCaptureFixture, *clients: Handshake) -> list[tuple[str, bool, int]]:
    """The log of clients that come one after the other: the reason, whether the peer is that client, and how many
    lines were left out before."""
    peers = []

    def come(client: Handshake, port: int) -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
            peers.append(peer_name(plain.getsockname()))
            client(plain)

    async def ask() -> None:
        front, port = await secured("nghttp2", authority, authority.path)
        for client in clients:
            await asyncio.to_thread(come, client, port)
        await front.stop(None)

    asyncio.run(ask())
    found: list[Any] = [one for one in caplog.records if one.name == "pycore.service.access"]
    assert all(one.reason == "HANDSHAKE" for one in found)
    return [(one.getMessage().removeprefix("TLS handshake failed: "), one.peer in peers, one.more) for one in found]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time by which lines are counted; it stands still."""
    now = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("pycore.service.native_tls.time", SimpleNamespace(monotonic=lambda: now.now))
    monkeypatch.setattr("pycore.service.native_tls._Told._lines", RareLines(32))
    return now


def test_a_handshake_that_fails_is_told(
    authority: Authority, caplog: pytest.LogCaptureFixture, clock: SimpleNamespace, tmp_path: Path
) -> None:
    """Once a second for each reason, with the peer, and the reason in plain words and OpenSSL's."""
    (tmp_path / "others").mkdir()
    others = Authority(tmp_path / "others", "others")
    mine, gone, foreign = (
        one.issue(name, ExtendedKeyUsageOID.CLIENT_AUTH, hours=hours)
        for one, name, hours in ((authority, "mine", 1), (authority, "gone", -1), (others, "foreign", 1))
    )
    bare = shaking_hands(authority.path)

    def later(plain: socket.socket) -> None:
        clock.now += 1
        bare(plain)

    found = told(
        authority, caplog, bare, bare, bare,
        shaking_hands(authority.path, gone), shaking_hands(authority.path, foreign),
        shaking_hands(others.path, mine), saying(PREFACE), saying(b"GET / HTTP/1.1\r\n\r\n"), later,
    )  # fmt: skip
    lines = [
        ("the client sent no certificate (PEER_DID_NOT_RETURN_A_CERTIFICATE)", 0),
        ("the client's certificate has expired (certificate has expired)", 0),
        ("the client's certificate is of an authority that is not trusted here (", 0),
        ("the client refused our certificate: unknown authority (TLSV1_ALERT_UNKNOWN_CA)", 0),
        ("the client spoke no TLS (", 0),
        ("the client spoke no TLS (HTTP_REQUEST)", 0),
        ("the client sent no certificate (PEER_DID_NOT_RETURN_A_CERTIFICATE)", 2),
    ]
    assert len(found) == len(lines), found
    for (words, its_peer, more), (beginning, left_out) in zip(found, lines, strict=True):
        assert (words.startswith(beginning), its_peer, more) == (True, True, left_out), found


def test_names_that_are_no_text_are_told(
    authority: Authority, caplog: pytest.LogCaptureFixture, clock: SimpleNamespace, tmp_path: Path
) -> None:
    """Not with a traceback for each handshake."""
    name = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x04\x82\x02\xff\xfe")
    pair = certified(authority, tmp_path, ["a"], name)
    found = told(authority, caplog, *[shaking_hands(authority.path, pair)] * 2)
    assert found == [("the client's certificate has a name that is not UTF-8", True, 0)]
    assert not [one for one in caplog.records if one.exc_info]


def test_reasons_of_handshakes_are_bounded(
    authority: Authority, caplog: pytest.LogCaptureFixture, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those above the bound share a line a second."""
    monkeypatch.setattr("pycore.service.native_tls._Told._lines", RareLines(1))
    found = told(authority, caplog, shaking_hands(authority.path), saying(PREFACE), saying(b"GET / HTTP/1.1\r\n\r\n"))
    assert [words.partition(" (")[0] for words, *_ in found] == [
        "the client sent no certificate",
        "the client spoke no TLS",
    ]


def test_two_handshakes_at_once_are_told_apart(
    authority: Authority, caplog: pytest.LogCaptureFixture, clock: SimpleNamespace
) -> None:
    """The peer is that of the connection, and not whoever was accepted last."""
    names = []

    def both(first: socket.socket) -> None:
        with socket.create_connection(first.getpeername(), PATIENCE) as second:
            for one in (second, first):
                names.append(peer_name(one.getsockname()))
                saying(PREFACE if one is first else b"GET / HTTP/1.1\r\n\r\n")(one)

    assert len(told(authority, caplog, both)) == 2
    assert [getattr(one, "peer", "") for one in caplog.records if one.name == "pycore.service.access"] == names


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "the client refused our certificate: expired ("),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "the client refused our certificate ("),
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "the client refused our certificate ("),
        ("NEW_REASON", "NEW_REASON"),
    ],
)
def test_reasons_that_no_client_here_gives(reason: str, words: str) -> None:
    error = ssl.SSLError(1, "words")
    error.reason = reason
    assert _explained(error).startswith(words)
