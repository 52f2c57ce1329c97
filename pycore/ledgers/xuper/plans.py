"""The fields of blocks and transactions that become columns, see :mod:`pycore.ledgers.scan`."""

from __future__ import annotations

from pycore.ledgers.scan import Plan
from pycore.ledgers.xuper.messages import Argument, InternalBlock, InvokeRequest, Transaction, XuperSignature

BLOCK = Plan(
    InternalBlock.DESCRIPTOR,
    {"": "block", "transactions": "tx", "merkle_tree": "tree", "failed_txs": "failed"},
    {"block": []},
    raw=("transactions", "failed_txs", "justify"),
)

INITIATOR_SIGN, AUTH_SIGN = 28, 29
"""Numbers of the fields by which rows of the table "sign" came."""

TRANSACTION = Plan(
    Transaction.DESCRIPTOR,
    {
        "": "tx",
        "tx_inputs": "input",
        "tx_outputs": "output",
        "tx_inputs_ext": "input_ext",
        "tx_outputs_ext": "output_ext",
        "contract_requests": "request",
        "auth_require": "auth",
        "initiator_signs": "sign",
        "auth_require_signs": "sign",
    },
    {
        "tx": [
            "txid", "desc", "coinbase", "nonce", "timestamp", "version", "autogen", "initiator", "xuper_sign",
            "modify_block", "hd_info", "hd_info.hd_public_key", "hd_info.original_hash",
        ],
        "input": ["ref_txid", "ref_offset", "from_addr", "amount", "frozen_height"],
        "output": ["amount", "to_addr", "frozen_height"],
        "input_ext": ["bucket", "key", "ref_txid", "ref_offset"],
        "output_ext": ["bucket", "key", "value"],
        "sign": ["public_key", "sign"],
    },
    raw=("contract_requests", "xuper_sign", "modify_block"),
)  # fmt: skip

REQUEST = Plan(
    InvokeRequest.DESCRIPTOR,
    {"": "request", "args": "arg", "resource_limits": "limit"},
    {"request": ["module_name", "contract_name", "method_name", "amount"], "limit": ["type", "limit"]},
    raw=("args",),
)

ARGUMENT = Plan(Argument.DESCRIPTOR, {"": "arg"}, {"arg": ["key", "value"]})

XUPER_SIGN = Plan(XuperSignature.DESCRIPTOR, {"": "xuper_sign", "public_keys": "key"}, {"xuper_sign": ["signature"]})
