"""May these members sign this transaction: the order in which a node looks for rows, by release and block version.

Nodes from release 2.3.3 on judge blocks of version 2030300 and later in stages - the row of the transaction type, the
sender's row, the endorsers' row with the sender among them. Everything older is judged by one row for the sender and
one for the endorsers, without the sender.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from pycore.ledgers.chainmaker.context import ChainContext
from pycore.ledgers.chainmaker.messages import Payload, parse
from pycore.ledgers.chainmaker.policy import MET, Electorate, Ruling, Voter, distinct, judge
from pycore.ledgers.chainmaker.rows import Policy, Rows, between, default_block_version

# Answers that are kept, and the length of contract, method and organisation of such: hostile blocks must not hold
# memory for ever. A member of a public chain may claim an organisation of any length.
_ANSWERS, _LONGEST = 1 << 12, 1 << 9
INVOKE, ARCHIVE = 0, 3
TX_TYPES = {
    0: "INVOKE_CONTRACT",
    1: "QUERY_CONTRACT",
    2: "SUBSCRIBE",
    3: "ARCHIVE",
    4: "HOT_COLD_DATA_SEPARATION",
    5: "SNAPSHOT",
}
"""Payload.tx_type -> the resource that its row is under."""

_MODES = {"PermissionedWithCert": "cert", "PermissionedWithKey": "pwk"}
# As read, this resource lost its row in public chains at block version 2030300: anybody could invoke it.
_LOST_ROW = "CHAIN_CONFIG-TRUST_ROOT_UPDATE"


class Kind(NamedTuple):
    """Transactions of one type, contract and method.

    key                 the type, and contract and method as they are encoded
    payload             of such a transaction, without its parameters
    reads_endorsers     whether anything but the row of the type judges them, so that endorsers or parameters may
                        matter; where nothing does, organisation and role of the sender alone tell the ruling
    reads_parameters    whether a row asks for the organisation that a parameter names
    """

    key: tuple[int, bytes]
    payload: Payload
    reads_endorsers: bool
    reads_parameters: bool


class AccessRules:
    """The rows and rules for blocks of one version under one configuration."""

    def __init__(self, context: ChainContext, block_version: int | None = None, *, admins: int = 0) -> None:
        """Takes the rules that apply to one block.

        block_version    the block's; None: the context's, else what the release writes
        admins           administrators' keys of a public chain; 0: not known
        """
        if block_version is None:
            block_version = context.block_version or default_block_version(context.release)
        public = context.auth_type == "Public"
        mode = _MODES.get(context.auth_type) or ("public_dpos" if context.consensus == "dpos" else "public")
        organisations = frozenset() if public else frozenset(context.trust_roots)
        self._strict = context.rules == "strict"
        self.rows: Rows = context.rows(mode, block_version)
        self.electorate = Electorate(
            organisations=organisations,
            admins=admins,
            public=public,
            reads_all=between(context.release, "2.3.3", "2.4.0_alpha"),
            strict=self._strict,
        )
        self._old_version = block_version <= 220
        # Questions and rulings of this block and those before it.
        self._answers = self.rows.answers.setdefault((self._strict, admins, self._old_version), {})

    def kind(self, tx_type: int, names: bytes, payload_of: Callable[[], bytes]) -> Kind:
        """Tells what the rows ask about transactions of a kind. names: contract and method as they are encoded;
        payload_of: gives the payload of one of them."""
        known: Kind | None = self._answers.get((tx_type, names))
        if known is None:
            whole = parse(Payload, payload_of(), "payload")
            payload = Payload(tx_type=whole.tx_type, contract_name=whole.contract_name, method=whole.method)
            resource = f"{payload.contract_name}-{payload.method}"
            public = self.electorate.public and resource == _LOST_ROW
            rows = [self.rows.row("sender", resource), self.rows.row("exceptional", resource)]
            rows += [self.rows.configured.get(resource), self.rows.endorsement(resource)]
            reads_endorsers = public or any(row is not None for row in rows)
            rows.append(self.rows.row("endorsement", TX_TYPES.get(tx_type, "")))
            reads_parameters = any(row is not None and row.rule == "SELF" for row in rows)
            known = Kind((tx_type, names), payload, reads_endorsers, reads_parameters)
            if len(names) <= _LONGEST:
                self._remember(known.key, known)
        return known

    def by_sender(self, kind: Kind, sender: Voter | None) -> Ruling:
        """The ruling on transactions of a kind whose endorsers do not matter."""
        look = None if sender is None else (sender.org, sender.role, sender.confirmed)
        found: Ruling | None = self._answers.get((kind.key, look))
        if found is None:
            found = self.transaction(kind.payload, sender, (), endorsed=False)
            if len(kind.key[1]) + (0 if sender is None else len(sender.org)) <= _LONGEST:
                self._remember((kind.key, look), found)
        return found

    def _remember(self, question: Hashable, answer: Any) -> None:
        if len(self._answers) >= _ANSWERS:
            self._answers.clear()
        self._answers[question] = answer

    @property
    def checks_payer(self) -> bool:
        """Whether a payer's signature decides. `strict` always verifies it; as read, staged lookup forgot it."""
        return self._strict or (not self.rows.staged and between(self.rows.release, "2.3.3", "2.4.0_alpha"))

    def transaction(
        self, payload: Payload, sender: Voter | None, endorsers: Sequence[Voter], *, endorsed: bool
    ) -> Ruling:
        """Whether a transaction's members may sign it.

        sender      None: its signature does not hold
        endorsers   those whose signatures hold
        endorsed    whether the transaction has endorsers at all: only without any does the sender stand in for them
        """
        endorsers = distinct(endorsers)
        row_name = TX_TYPES.get(payload.tx_type)
        if row_name is None:
            return Ruling(False, f"policy: no row for transactions of type {payload.tx_type}")
        if sender is None:
            return Ruling(False, "policy: the sender's signature does not hold")
        resource = f"{payload.contract_name}-{payload.method}"
        if self.rows.staged:
            ruling = self._staged(row_name, resource, payload, sender, endorsers)
        else:
            ruling = self._older(row_name, resource, payload, sender, endorsers, endorsed)
        if ruling.ok and payload.tx_type == ARCHIVE and self.rows.own_archive:
            return Ruling(None, "policy ARCHIVE: for the node's own organisation, which the context does not tell")
        return ruling

    def consensus(self, voter: Voter) -> Ruling:
        """Whether a member may propose blocks and vote: the row CONSENSUS, which no configuration replaces."""
        row = self.rows.row("msg_type" if self.rows.staged else "endorsement", "CONSENSUS")
        return judge(row, [voter], self.electorate) if row else Ruling(False, "policy: no row for CONSENSUS")

    # ---- the two orders ----------------------------------------------------------------------------------------------

    def _staged(
        self, row_name: str, resource: str, payload: Payload, sender: Voter, endorsers: Sequence[Voter]
    ) -> Ruling:
        rows = self.rows
        first = rows.row("tx_type", row_name)
        if first is None:
            return Ruling(False, f"policy: no row for {row_name}")
        found = [judge(first, [sender], self.electorate)]
        if payload.tx_type != INVOKE:
            return _worst(found)
        own = rows.row("sender", resource)
        if own is not None:
            found.append(judge(own, [sender], self.electorate))
        wanted = rows.endorsement(resource)
        if wanted is None and self._strict and self.electorate.public and resource == _LOST_ROW:
            wanted = Policy("MAJORITY", (), ("ADMIN",))
        if wanted is not None:
            target = _target(payload) if wanted.rule == "SELF" else None
            found.append(judge(wanted, distinct([*endorsers, sender]), self.electorate, target))
        return _worst(found)

    def _older(
        self, row_name: str, resource: str, payload: Payload, sender: Voter, endorsers: Sequence[Voter], endorsed: bool
    ) -> Ruling:
        rows = self.rows
        usual = rows.row("exceptional", resource) or rows.row("endorsement", row_name)
        configured = rows.configured.get(resource)
        first = configured if configured is not None and self._replaces_sender_row() else usual
        if first is None:
            return Ruling(False, f"policy: no row for {row_name}")
        together = first is configured and rows.release == "2.4.0_alpha"
        found = [
            judge(first, distinct([*endorsers, sender]) if together else [sender], self.electorate, _target(payload))
        ]
        if self._strict and first is configured and usual is not None:
            found.append(
                judge(usual, [sender], self.electorate)
            )  # strict: a configured row adds to the default, no more
        wanted = rows.endorsement(resource) if payload.tx_type == INVOKE else None
        if wanted is None:
            return _worst(found)
        if not endorsed and between(rows.release, "2.0.0", "2.2.1"):
            return Ruling(False, "policy: a transaction of this kind needs endorsers")
        if wanted.rule == "SELF" and not payload.parameters:
            # As read, without parameters the step judges the sender by its own row once more.
            found.append(Ruling(False, "strict: SELF without parameters") if self._strict else MET)
        else:
            found.append(judge(wanted, endorsers if endorsed else [sender], self.electorate, _target(payload)))
        return _worst(found)

    def _replaces_sender_row(self) -> bool:
        release = self.rows.release
        if self.electorate.public:
            return between(release, "2.3.1", "3.0.0")
        return between(release, "2.3.3", "2.4.0_alpha") and not self._old_version


def _target(payload: Payload) -> str | None:
    """The organisation that a SELF row is about: the first parameter org_id."""
    for parameter in payload.parameters:
        if parameter.key == "org_id":
            return parameter.value.decode("utf-8", "replace")
    return None


def _worst(rulings: Sequence[Ruling]) -> Ruling:
    """A refusal wins over an unknown answer, and that over a permission."""
    for ok in (False, None):
        for ruling in rulings:
            if ruling.ok is ok:
                return ruling
    return MET
