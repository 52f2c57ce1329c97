"""Figures of the Fabric-X verifier under the names that the committer gives them, in Prometheus' text format 0.0.4."""

from __future__ import annotations

from dataclasses import dataclass

from pycore.service.http import Answer, Asked

__all__ = ["Metrics"]

_ROWS = (
    ("verifier_server_tx_input_throughput", "counter", "Incoming requests for a component", "received"),
    ("verifier_server_tx_output_throughput", "counter", "Outgoing responses for a component", "answered"),
    ("verifier_server_grpc_active_streams", "gauge", "The total number of started streams", "streams"),
    ("verifier_server_parallel_executor_active_requests", "gauge", "The total number of active requests", "active"),
)


@dataclass(slots=True)
class Metrics:
    """Counts since the start: requests read and answered; and of this moment: streams, requests without an answer."""

    received: int = 0
    answered: int = 0
    streams: int = 0
    active: int = 0

    def text(self) -> str:
        """All of them.

        >>> Metrics(received=2).text().splitlines()[2]
        'verifier_server_tx_input_throughput 2'
        """
        rows = (
            f"# HELP {name} {words}\n# TYPE {name} {kind}\n{name} {getattr(self, field)}\n"
            for name, kind, words, field in _ROWS
        )
        return "".join(rows)

    def page(self, asked: Asked) -> Answer:
        """The same at /metrics."""
        return Answer(200, self.text().encode(), "text/plain; version=0.0.4; charset=utf-8")
