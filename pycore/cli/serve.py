"""``pycore serve``: the gRPC service in the foreground."""

from __future__ import annotations

import sys

import typer

EXAMPLES = """examples:
  pycore serve
  pycore serve --address 127.0.0.1:0 --log-level debug
  pycore serve --address 0.0.0.0:50051 --tls-certificate server.pem --tls-private-key server.key --tls-client-ca ca.pem
  PYCORE_MAX_BATCH_ITEMS=65536 pycore serve --config-file pycore.toml
  pycore serve --check-config --config-file pycore.toml

`pycore serve --fabric-x HOST:PORT` is the verifier of a Fabric-X committer instead; with --help it lists its settings.

Log lines are JSON objects on standard error; the first one that has "address" tells where the service listens.
--check-config starts nothing: it reads the settings and the files that they name, and says what is wrong with them;
with --json as one JSON document on standard output.
SIGHUP reads settings and access file again; what needs a restart is named in the log.
SIGTERM or Ctrl-C drains it: health turns NOT_SERVING first, calls in flight end, the exit code is 0. Work that is stuck
does not keep it: after drain-grace seconds and about one more, it is named in the log and the exit code is 4.
"""


def serve(context: typer.Context) -> None:
    """Serve signatures, hashes, Merkle trees and blocks over gRPC until Ctrl-C or SIGTERM.

    `pycore serve --help` lists every setting; each is an option, an environment variable PYCORE_... and a key of the
    configuration file.

    Examples:

      pycore serve --address 127.0.0.1:50051

      pycore serve --config-file pycore.toml
    """
    if any(one == "--fabric-x" or one.startswith("--fabric-x=") for one in context.args):
        sys.exit(_serve_fabricx([one for one in context.args if one != "--json"]))
    from pycore.service.signals import ignore_hangup

    ignore_hangup()
    from pycore.service.check import check
    from pycore.service.config import ServiceConfig, parse
    from pycore.service.server import run

    # The log is JSON already, so --json, which every command takes, changes nothing but what --check-config prints.
    arguments = [one for one in context.args if one not in ("--json", "--check-config")]

    def read(exits: bool = False) -> ServiceConfig:
        return parse(arguments, prog="pycore serve", epilog=EXAMPLES, exits=exits)

    if "--check-config" in context.args:
        sys.exit(check(read, as_json="--json" in context.args))
    sys.exit(run(read(exits=True), read, arguments))


FABRICX_EXAMPLES = """examples:
  pycore serve --fabric-x 127.0.0.1:5001
  pycore serve --fabric-x 0.0.0.0:5001 --tls-mode mtls --cert-path server.crt --key-path server.key --ca-cert-path
  ca.crt pycore serve --fabric-x 127.0.0.1:5001 --monitoring-endpoint 127.0.0.1:2115 --batch-time-cutoff 10ms

The names are those of the committer's verifier.yaml. Log lines are JSON objects on standard error.
"""


def _serve_fabricx(arguments: list[str]) -> int:
    """The verifier that a Fabric-X coordinator calls."""
    from pycore.service.config import parse_as
    from pycore.service.fabricx import FabricXServer
    from pycore.service.fabricx_config import FabricXConfig
    from pycore.service.server import run_until_signal

    words = "The verifier of a Fabric-X committer: servicepb.Verifier."
    config = parse_as(FabricXConfig, words, arguments, prog="pycore serve", epilog=FABRICX_EXAMPLES)
    return run_until_signal(lambda: FabricXServer(config), config.log_level)
