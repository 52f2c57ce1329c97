"""Accounts: who may act for one.

An account XC + 16 digits (+ "@" and the chain's name) has an access list. Signers name themselves by paths
ACCOUNT/ADDRESS or ACCOUNT/ACCOUNT/ADDRESS; the paths below an account make a tree, whose leaves are addresses that
signed. Read in xupercore 56f3d1af20d7, kernel/permission/acl; no published data has confirmed it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pycore.ledgers import fields

THRESHOLD, AK_SETS = "threshold", "aksets"
MAX_PATH = 16
"""Names of a path that are followed."""

is_account = re.compile(r"XC[0-9]{16}(@.*)?", re.DOTALL).fullmatch
"""Whether a text names an account; any other text that is not empty is taken for an address."""


@dataclass(frozen=True, slots=True)
class AccessList:
    """The access list of an account.

    rule      "threshold": the weights of those who are there, added as 64-bit floats in their order, reach `accept`;
              "aksets": all of one of `sets` are there
    weights   name -> weight
    sets      names
    """

    rule: str
    accept: float = 1.0
    weights: Mapping[str, float] = field(default_factory=dict)
    sets: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def read(cls, name: str, value: Any) -> AccessList:
        """From itself or its mapping; InputError names the field."""
        if isinstance(value, cls):
            return value
        given = dict(fields.items(name, value))
        if not given.keys() <= {"rule", "accept", "weights", "sets"}:
            raise fields.refuse(name, ", ".join(sorted(given)), "rule, accept, weights, sets")
        rule = fields.one_of(f"{name}.rule", given.get("rule"), (THRESHOLD, AK_SETS))
        weights = {
            who: _number(f"{name}.weights[{who!r}]", weight)
            for who, weight in fields.items(f"{name}.weights", given.get("weights", {}))
        }
        sets = tuple(
            fields.texts(f"{name}.sets", one) for one in fields.sequence(f"{name}.sets", given.get("sets", ()))
        )
        return cls(rule, _number(f"{name}.accept", given.get("accept", 1.0)), weights, sets)

    def to_plain(self) -> dict[str, Any]:
        """The JSON form."""
        if self.rule == THRESHOLD:
            return {"rule": self.rule, "accept": self.accept, "weights": dict(self.weights)}
        return {"rule": self.rule, "sets": [list(one) for one in self.sets]}

    def allows(self, present: list[str]) -> bool:
        """Whether those who are there suffice; `present`: each once, in order."""
        if self.rule == THRESHOLD:
            total = 0.0
            for who in present:
                total += self.weights.get(who, 0.0)
            return total >= self.accept
        return any(one and set(one) <= set(present) for one in self.sets)


def allows(
    accounts: Mapping[str, AccessList], account: str, paths: Iterable[str], *, strict: bool = True
) -> bool | None:
    """Whether signers by these paths may act for an account; None where the access list of an account that matters is
    not known.

    Only the last name of a path has signed. The chain's code takes an address between the account and that name for one
    that is there as well, so anybody could act for it by signing below it; `strict` passes over such paths.
    """
    if account not in accounts:
        return None
    tree: dict[str, Any] = {}
    for path in paths:
        names = path.split("/")
        if len(names) < 2 or names[0] != account or len(names) > MAX_PATH:
            continue
        if strict and not all(map(is_account, names[1:-1])):
            continue
        node = tree
        for name in names[1:]:
            node = node.setdefault(name, {})
    return _allows(accounts, account, tree)


def _allows(accounts: Mapping[str, AccessList], account: str, below: Mapping[str, Any]) -> bool | None:
    known = accounts.get(account)
    if known is None:
        return None
    verdicts = {name: _allows(accounts, name, inner) if is_account(name) else True for name, inner in below.items()}
    if None in verdicts.values():
        return None
    return known.allows([name for name, fine in verdicts.items() if fine])


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e300:
        raise fields.refuse(name, value, "a number")
    return float(value)
