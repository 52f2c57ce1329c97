"""Ownership of collectibles from validated blocks, and the rules of their trade.

Events of validated blocks (:attr:`pycore.ledgers.BlockReport.events`, which `events=True` asks for) are read into
columns (:func:`transfers`), followed token by token (:func:`history`) and held against rules that are data
(:func:`check_rules`). A contract's events are described by a layout, which is data as well
(:mod:`pycore.collectibles.layouts`); :data:`LAYOUTS` has two:

============  =====================================================================================================
"cmnfa"       ChainMaker's contract standard for non-fungible assets, CMNFA (CM-CS-221221-NFA): events ``Mint``
              (zero account, to, token, category, metadata), ``TransferFrom`` (from, to, token), ``Burn`` (token).
              Read in public copies of its Go contract and of the package contract-utils/standard; batches put out
              one event for each token there. The comments of the standard's interface write the topics with a small
              first letter: a contract that does so needs its own layout.
"erc-721"     ``Transfer(address indexed from, address indexed to, uint256 indexed tokenId)`` of EIP-721; minted from
              the zero address, burnt by a transfer to it. The topic is the Keccak-256 of a standard chain: a chain
              of the national algorithms has SM3 in its place, which "erc-721-sm3" is for.
============  =====================================================================================================

Always checked, whatever the rules are: that a token is minted once and first, that whoever it moves from is its owner,
that nothing happens to it after it was burnt, that every event of the contract could be read, and that every sale is
that of a transfer in the same transaction. The rules, of which each is optional:

==================  ===============================================================================================
currency            trades are in the listed currencies only
resale              nobody sells above the price that was last paid for the token
holding_period      so many seconds or blocks between getting a token and passing it on
tokens_per_holder   nobody holds more than so many tokens
accounts            tokens move between listed accounts only
==================  ===============================================================================================

:mod:`pycore.collectibles.rules` has their parameters. A history proves no more than the reports that it is made
from. They must be valid and complete, of blocks in a row; a caller may ask for less, and then the answer says so.
"""

from __future__ import annotations

from pycore.collectibles.checks import RulesReport, Violation, Violations, check_rules
from pycore.collectibles.columns import Transfers
from pycore.collectibles.history import Entry, History, history
from pycore.collectibles.layouts import LAYOUTS, Layout
from pycore.collectibles.reading import transfers
from pycore.collectibles.rules import Rules

__all__ = [
    "LAYOUTS",
    "Entry",
    "History",
    "Layout",
    "Rules",
    "RulesReport",
    "Transfers",
    "Violation",
    "Violations",
    "check_rules",
    "history",
    "transfers",
]
