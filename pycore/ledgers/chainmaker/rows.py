"""Which policy a resource has: the default rows of each release, and what the chain's configuration may replace.

The rows are data, in ``default_policies.json`` next to this module: 46 tables by mode, range of block versions and
release of the node. A resource is ``CONTRACT-method``, or the name of a transaction type.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from pycore.base.columns import quote
from pycore.errors import InputError

SENDER_JOINS_FROM = 2030300
"""First block version whose sender counts beside the endorsers, in nodes from release 2.3.3 on."""
COUNT = re.compile(r"[+-]?[0-9]{1,18}").fullmatch
SHARE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})").fullmatch
_SELF_ROWS = frozenset({"CHAIN_CONFIG-TRUST_ROOT_UPDATE", "CHAIN_CONFIG-NODE_ID_UPDATE"})
_WORDS = frozenset({"ANY", "ALL", "FORBIDDEN", "MAJORITY", "DELETE"})


@dataclass(frozen=True)
class Policy:
    """A rule over the signers of a transaction.

    ``rule`` is ANY, ALL, MAJORITY, SELF, FORBIDDEN, a number of organisations ("2") or a share of them ("2/3"); empty
    ``orgs`` and ``roles`` mean all. MAJORITY always counts administrators of all organisations.
    """

    rule: str
    orgs: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    @functools.cached_property
    def org_set(self) -> frozenset[str]:
        """`orgs`, made once: a row may judge every transaction of a block."""
        return frozenset(self.orgs)

    @functools.cached_property
    def role_set(self) -> frozenset[str]:
        """`roles`, made once."""
        return frozenset(self.roles)


@dataclass(frozen=True)
class Rows:
    """The rows that judge one block.

    kind -> resource -> policy. `staged` tells the lookup of block version 2030300 and later (kinds "tx_type", "sender",
    "endorsement") from the older one ("exceptional", "endorsement").
    """

    release: str
    mode: str
    staged: bool
    own_archive: bool
    kinds: Mapping[str, Mapping[str, Policy]]
    configured: Mapping[str, Policy]
    ignored: tuple[str, ...]
    """Rows of the configuration that a node skips, each with the reason."""
    answers: dict[Any, dict[Any, Any]] = field(default_factory=dict, compare=False, repr=False)
    """What was asked of the rows, and the rulings: for :class:`~pycore.ledgers.chainmaker.access.AccessRules`."""

    def row(self, kind: str, resource: str) -> Policy | None:
        """The default row of that kind, or None."""
        return self.kinds.get(kind, {}).get(resource)

    def endorsement(self, resource: str) -> Policy | None:
        """The row for endorsers: the configuration's, else the default one."""
        return self.configured.get(resource) or self.row("endorsement", resource)


@functools.cache
def _data() -> dict[str, Any]:
    text = files("pycore.ledgers.chainmaker").joinpath("default_policies.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


RELEASES: tuple[str, ...] = tuple(_data()["releases"])
"""Releases of the node whose rules are known, oldest first; 2.4.0_alpha and 3.0.0 left the 2.3 line at different times
and take rules of their own."""
DEFAULT_RELEASE = "2.3.7"


def release_name(name: object) -> str:
    """A release as this module writes it, from "2.3.7" or "v2.3.7". Raises InputError."""
    text = name.removeprefix("v") if isinstance(name, str) else name
    if text not in RELEASES:
        raise InputError("context.release", got=quote(name), wanted="one of " + ", ".join(RELEASES))
    return str(text)


def default_block_version(release: str) -> int:
    """The block version that a release writes when the configuration says 0."""
    if release in ("2.0.0", "2.1.0", "2.2.0", "2.2.1"):
        return 220
    if release == "2.3.0":
        return 2300
    major, minor, patch = (int(part) for part in release.split("_")[0].split("."))
    return major * 1_000_000 + minor * 10_000 + patch * 100


def between(release: str, first: str, last: str) -> bool:
    """Whether a release lies in a range of the list of releases, both ends included."""
    return RELEASES.index(first) <= RELEASES.index(release) <= RELEASES.index(last)


@functools.lru_cache(maxsize=64)
def _defaults(mode: str, block_version: int, release: str) -> tuple[bool, Mapping[str, Mapping[str, Policy]]] | None:
    for table in _data()["tables"]:
        low, high = table["block_versions"]
        if table["mode"] == mode and release in table["releases"] and low <= block_version <= high:
            kinds = {
                kind: {resource: _named(name, release) for name, resources in by.items() for resource in resources}
                for kind, by in table["rows"].items()
            }
            return bool(table["archive_of_own_org"]), kinds
    return None


def _named(name: str, release: str) -> Policy:
    for row in _data()["policies"][name]:
        if between(release, row["first"], row["last"]):
            return Policy(row["rule"], (), tuple(row["roles"]))
    raise KeyError(name)  # a table names a policy that its release does not have: the data file is broken


def rows_of(
    mode: str, block_version: int, release: str, configured: Mapping[str, Policy], organisations: frozenset[str]
) -> Rows:
    """The rows for a block.

    mode             "cert", "pwk", "public" or "public_dpos"
    block_version    the block's own
    release          the node's
    configured       rows of the chain's configuration; those that a node skips are listed in `ignored`
    organisations    of the trust roots; empty: not known, so rows are not held against them

    InputError when the release has no such mode.
    """
    found = _defaults(mode, range_start(block_version), release)
    if found is None:
        raise InputError("context.release", got=release, wanted=f"a release of the chain that has the mode {mode}")
    own_archive, kinds = found
    kept: dict[str, Policy] = {}
    ignored: list[str] = []
    for resource, policy in configured.items():
        rule = policy.rule.upper()
        normal = Policy(rule, policy.orgs, tuple(role.upper() for role in policy.roles))
        why = row_fault(resource, normal, mode, release, organisations)
        if why:
            ignored.append(f"{resource}: {why}")
        else:
            kept[resource] = normal
    return Rows(
        release=release,
        mode=mode,
        staged="tx_type" in kinds,
        own_archive=own_archive,
        kinds=kinds,
        configured=kept,
        ignored=tuple(ignored),
    )


def range_start(block_version: int) -> int:
    """The first block version with the same rows: what the tables are cached by."""
    return 0 if block_version <= 220 else 221 if block_version < SENDER_JOINS_FROM else SENDER_JOINS_FROM


def known_rule(rule: str) -> bool:
    """Whether a rule, in upper case, is one that any chain can have."""
    return rule in _WORDS or rule == "SELF" or bool(COUNT(rule)) or bool(SHARE(rule))


def row_fault(resource: str, policy: Policy, mode: str, release: str, organisations: frozenset[str]) -> str:
    """Why a node does not take a row of the configuration; "" when it does."""
    public = mode.startswith("public")
    if public and release in ("2.1.0", "2.2.0", "2.2.1", "2.3.0"):
        return f"public chains of release {release} have no rows of their own"
    if public and (release in ("2.3.1", "2.3.2", "3.0.0")):
        return ""
    kind = "public" if public else mode
    locked = (entry for entry in _data()["locked"] if release in entry["releases"] and kind in entry["modes"])
    if any(resource in entry["resources"] for entry in locked):
        return "a row that the configuration can not replace"
    if len(set(policy.orgs)) != len(policy.orgs):
        return "an organisation is named twice"
    if organisations and not public and not organisations.issuperset(policy.orgs):
        return "an organisation that has no trust root"
    return _rule_fault(resource, policy, public)


def _rule_fault(resource: str, policy: Policy, public: bool) -> str:
    rule = policy.rule
    if rule == "SELF":
        fits = resource in _SELF_ROWS and policy.roles == ("ADMIN",)
        return "" if fits else "SELF is for an organisation's own trust roots and node ids, with the role ADMIN"
    if rule == "MAJORITY":
        if policy.roles not in ((), ("ADMIN",)) or (policy.orgs and not public):
            return "MAJORITY is of the administrators of all organisations"
        return ""
    if rule in _WORDS or COUNT(rule):
        return ""
    share = SHARE(rule)
    if share and int(share[1]) and int(share[2]):
        return ""
    return f"a rule that is not known ({rule})"
