"""The gRPC validation service.

    config.py     settings: defaults < file < PYCORE_* environment < arguments
    tls.py        certificates from files, reloaded when they change
    admission.py    admission and execution of work; knows nothing of gRPC
    handlers.py   one method per RPC
    server.py     binds it all to a port, health, reflection, drain

This module imports none of them, so that a client does not load the server.
"""
