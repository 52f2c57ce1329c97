"""The gRPC validation service.

    config.py        settings: defaults < file < PYCORE_* environment < arguments
    tls.py           certificates from files, reloaded when they change
    work.py          what a request asks for, as data; how an RPC turns requests into work and results into answers
    rpc_*.py         the RPCs, family by family
    admission.py     admission and execution of work; knows nothing of gRPC
    workers.py       the threads that run it
    handlers.py      how RPCs are carried: parsing, deadlines, streams
    interceptors.py  what every call passes before its handler
    health.py        grpc.health.v1
    server.py        binds it all to a port, health, reflection, drain

This module imports none of them, and clients import none of them: what both need is in `pycore.wire`.
"""
