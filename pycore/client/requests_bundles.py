"""The calls for proof bundles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pycore import bundle as bundles
from pycore.base.columns import BytesLike, one_bytes
from pycore.bundle import Bundle, BundleReport, Trusted
from pycore.client.requests import Caller, Plan, call
from pycore.wire.bundles import from_bundle_report
from pycore.wire.schema import bundle_pb2


class BundleCalls(Caller):
    """`verify_bundle` and `advance_trust`."""

    @call
    def verify_bundle(
        self,
        bundle: Bundle | BytesLike | str | Mapping[str, Any],
        trusted: Trusted | str | bytes | Path | Mapping[str, Any],
    ) -> Plan[BundleReport]:
        """`pycore.bundle.verify(bundle, trusted)` on the service.

        Args:
            bundle: a Bundle, or one of its forms: a file's bytes, JSON text, its objects.
            trusted: a Trusted state, its JSON text or objects, or the Path of a file that holds it.
        """
        request = bundle_pb2.VerifyBundleRequest(trusted_json=_trusted(trusted), bundle=_bundle(bundle))
        return Plan("VerifyBundle", 1, [request], lambda answers: from_bundle_report(answers[0].report))

    @call
    def advance_trust(
        self,
        bundle: Bundle | BytesLike | str | Mapping[str, Any],
        trusted: Trusted | str | bytes | Path | Mapping[str, Any],
    ) -> Plan[tuple[BundleReport, Trusted | None]]:
        """`pycore.bundle.advance(bundle, trusted)` on the service, which keeps nothing: the state is the caller's.

        Args:
            bundle, trusted: as for `verify_bundle`.
        """
        request = bundle_pb2.AdvanceTrustRequest(trusted_json=_trusted(trusted), bundle=_bundle(bundle))
        return Plan("AdvanceTrust", 1, [request], lambda answers: _moved(answers[0]))


def _moved(answer: bundle_pb2.AdvanceTrustResponse) -> tuple[BundleReport, Trusted | None]:
    report = from_bundle_report(answer.report)
    moved = bundles.read_trusted(answer.trusted_json) if answer.trusted_json and report.proven else None
    return report, moved


def _bundle(bundle: Any) -> bytes:
    if isinstance(bundle, Bundle):
        return bundles.to_bytes(bundle)
    if isinstance(bundle, Mapping):
        bundle = json.dumps(bundle)
    return bundle.encode() if isinstance(bundle, str) else one_bytes(bundle, "bundle")


def _trusted(trusted: Any) -> bytes:
    if isinstance(trusted, Trusted):
        return bundles.trusted_to_json(trusted, indent=None).encode()
    if isinstance(trusted, Path):
        return trusted.read_bytes()
    if isinstance(trusted, Mapping):
        trusted = json.dumps(trusted)
    return trusted.encode() if isinstance(trusted, str) else one_bytes(trusted, "trusted")
