"""A service that does nothing: every call of one request is answered with no bytes, on the stack that the service has.

    python -m pycore.loadtest.empty --address 127.0.0.1:0

How many calls a second it takes, and how long they wait, is what gRPC costs here, whatever is in the calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from typing import Any

import grpc

from pycore.wire.schema import METHODS, SERVICE_NAME

__all__ = ["serve"]


async def _answer(request: bytes, context: Any) -> bytes:
    return b""


async def serve(address: str) -> None:
    """Answers until SIGTERM or SIGINT; a line of JSON on standard error says where."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)])
    methods = {
        name: grpc.unary_unary_rpc_method_handler(_answer)
        for name, method in METHODS.items()
        if not method.many_requests and not method.many_answers
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, methods),))
    port = server.add_insecure_port(address)
    await server.start()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    print(json.dumps({"message": "serving", "address": f"{address.rpartition(':')[0]}:{port}"}), file=sys.stderr)
    await told.wait()
    await server.stop(1.0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[sys.argv.index("--address") + 1] if "--address" in sys.argv else "127.0.0.1:0"))
