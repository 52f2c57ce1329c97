"""Who may act for an account, and who may spend: what follows from the signatures that hold.

Read in xupercore 56f3d1af20d7, bcs/ledger/xledger/state/tx_verification.go; no published data has confirmed it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pycore.base.verdicts import Verdict
from pycore.ledgers.xuper import acl
from pycore.ledgers.xuper.context import XuperContext
from pycore.ledgers.xuper.messages import Transaction, shorten
from pycore.ledgers.xuper.records import contract_inputs

if TYPE_CHECKING:
    from pycore.ledgers.xuper.transactions import Judged

_VALID = int(Verdict.VALID)
_MALFORMED = int(Verdict.MALFORMED_ITEM)
_UNKNOWN_SIGNER = int(Verdict.UNKNOWN_SIGNER)
_POLICY_NOT_MET = int(Verdict.POLICY_NOT_MET)


def judge(
    found: Judged,
    context: XuperContext,
    accounts: NDArray[np.bool_],
    txs: NDArray[np.int64],
    addresses: list[str] | None,
) -> None:
    """Access lists of initiators, and owners of inputs.

    accounts         bool (n,): transactions whose initiator is an account
    txs, addresses   the transaction and the address of each signature that was looked at; None: no account is there
    """
    signed: dict[int, list[str]] = defaultdict(list)
    if addresses is not None:
        for tx, address in zip(txs.tolist(), addresses, strict=True):
            if accounts[tx]:
                signed[tx].append(address)
    for tx in np.flatnonzero(accounts & (found.codes == _VALID)).tolist():
        account = found.columns.span("initiator")[tx].decode()
        allowed = acl.allows(context.accounts, account, [f"{account}/{one}" for one in signed[tx]])
        if allowed is None:
            found.unjudged.add(tx)
        elif not allowed:
            found.fault(tx, _POLICY_NOT_MET, f"the signers do not suffice for {account!r}")
    _inputs(found, context, accounts, signed)


def _inputs(found: Judged, context: XuperContext, accounts: NDArray[np.bool_], signed: dict[int, list[str]]) -> None:
    """Every input must be paid by an address that signed, by an account that its signers may act for, or by a contract,
    which only its execution shows."""
    columns = found.columns
    payers, parents = columns.tx.span("input", "from_addr"), columns.parents("input")
    own = payers.equal(columns.span("initiator").take(parents)) & ~accounts[parents]
    left = np.flatnonzero(~own & (found.users & (found.codes == _VALID))[parents])
    by_tx: dict[int, list[int]] = defaultdict(list)
    for row in left.tolist():
        by_tx[int(parents[row])].append(row)
    for tx, rows in by_tx.items():
        _inputs_of(found, context, tx, rows, signed)


def _inputs_of(found: Judged, context: XuperContext, tx: int, rows: list[int], signed: dict[int, list[str]]) -> None:
    columns = found.columns
    message: Transaction = columns.message(tx)
    verified = {path.rpartition("/")[2] for path in message.auth_require} | set(signed[tx])
    if not acl.is_account(message.initiator):
        verified.add(message.initiator)
    paid = contract_inputs(message)
    if paid is None:
        found.fault(tx, _MALFORMED, "the list of inputs that contracts pay cannot be read")
        return
    known: dict[str, bool | None] = {}  # what the access list of each account says, which is asked once
    for row in rows:
        payer = columns.tx.span("input", "from_addr")[row]
        place = (payer, columns.tx.span("input", "ref_txid")[row], int(columns.tx.number("input", "ref_offset")[row]))
        name = payer.decode("utf-8", "replace")
        if name in verified:
            continue
        if place in paid:
            found.by_contracts += 1
            continue
        if name not in known:
            listed = acl.is_account(name)
            paths = message.auth_require
            known[name] = acl.allows(context.accounts, name, paths, strict=context.strict) if listed else False
        allowed = known[name]
        if allowed is None:
            found.unjudged.add(tx)
        elif not allowed:
            found.fault(tx, _POLICY_NOT_MET, f"an input of {shorten(name, 64)!r}, who did not sign")
            return


def settle(found: Judged) -> None:
    """Outside of a block there is no report that could say what was not judged: it is held against a transaction."""
    for tx in sorted(found.unjudged):
        found.fault(tx, _UNKNOWN_SIGNER, "the access list of an account that it needs is not known")
