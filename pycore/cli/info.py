"""``pycore info``: what runs on this machine, and why."""

from __future__ import annotations

from typing import Any

from ._output import JsonOption, print_json, print_table, printable
from ._via import CaOption, CertificateOption, KeyOption, NameOption, TlsOption, ViaOption, connect


def info(
    via: ViaOption = None,
    tls: TlsOption = False,
    tls_ca: CaOption = None,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show CPU features, backends and algorithms: what is used here, and why the rest is not.

    Examples:

      pycore info

      pycore info --json

      PYCORE_BACKEND=portable pycore info
    """
    client = connect(via, tls=tls, ca=tls_ca, certificate=tls_certificate, key=tls_key, name=tls_name)
    if client is None:
        import pycore
        from pycore import ledgers

        found: dict[str, Any] = pycore.capabilities().to_dict()
        found["chains"] = list(ledgers.names())
    else:
        with client as service:
            found = service.capabilities().to_dict()
    if as_json:
        print_json(found)
        return
    print(printable(f"pycore {found['version']}"))
    _show(found)


def _show(found: dict[str, Any]) -> None:
    features = found["cpu_features"]
    if isinstance(features, dict):
        absent = [name for name, present in features.items() if not present]
        features = [name for name, present in features.items() if present]
        rest = f"; not here: {', '.join(absent)}" if absent else ""
    else:
        rest = ""
    print(printable(f"CPU features: {', '.join(features) or 'none'}{rest}"))
    if "compiler" in found:
        print(printable(f"built with: {found['compiler']}"))
    if "threads" in found:
        print(f"threads per call: {found['threads']}")
    print_table(
        ("backend", "compiled", "usable", "lanes", "why not"),
        [
            (one["name"], _yes(one["compiled"]), _yes(one["usable"]), one["lanes"], one["reason"])
            for one in found["backends"]
        ],
        title="\nBackends, most preferred first",
    )
    active, single = _with_why(found, "active", "why"), _with_why(found, "active_single", "why_single")
    print_table(
        ("scheme", "rule sets, default first", "1,024 items", "1 item", "source"),
        [
            (
                one["name"],
                ", ".join(rule if isinstance(rule, str) else rule["name"] for rule in one["rules"]),
                active.get(one["name"], one.get("backend", "")),
                single.get(one["name"], ""),
                one.get("source", ""),
            )
            for one in found["schemes"]
        ],
        title="\nSignature schemes and the backend that runs them",
    )
    print_table(
        ("hash", "bytes", "1,024 items", "1 item", "source"),
        [
            (
                one["name"],
                one["digest_size"],
                active.get(one["name"], one.get("backend", "")),
                single.get(one["name"], ""),
                one.get("source", ""),
            )
            for one in found["hashes"]
        ],
        title="\nHashes",
    )
    trees = ", ".join(one if isinstance(one, str) else one["name"] for one in found["trees"])
    print(f"\nMerkle trees: {printable(trees)}")
    print(printable(f"Ledgers: {', '.join(found['chains'])}"))
    for name, value in (found.get("limits") or {}).items():
        print(printable(f"limit {name}: {value:,}"))


def _with_why(found: dict[str, Any], names: str, reasons: str) -> dict[str, str]:
    """Backend and, where it is known, why: "avx2 (first usable)"."""
    why = found.get(reasons, {})
    return {
        name: f"{backend} ({why[name]})" if why.get(name) else backend for name, backend in found.get(names, {}).items()
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
