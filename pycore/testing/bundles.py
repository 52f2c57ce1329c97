"""What proof bundles of test chains are made of: one sample or several for each kind of statement. Test data only.

``tools/make_bundles.py`` writes tests/vectors/bundles from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pycore.ledgers.proof import Statement, Trusted


@dataclass(frozen=True)
class BundleSample:
    """A bundle to be made.

    Attributes:
        name: of its files: the kind, and what is particular about it; "transaction", "transaction-earlier".
        statement: the claim; its item may be left out where the sources name it.
        trusted: the state of those who verify it.
        sources: what ``proofs.make`` of the chain is given.
    """

    name: str
    statement: Statement
    trusted: Trusted
    sources: Mapping[str, Any] = field(default_factory=dict)


def chainmaker_bundles() -> Iterator[BundleSample]:
    """SM2 certificates and TBFT, a block after the trusted one and one before it; and P-256 keys and MaxBFT."""
    from pycore.ledgers.chainmaker.messages import TxRWSet
    from pycore.ledgers.chainmaker.proofs import state_key

    from .ledger import generate_ledger

    tx = 2
    for suite, authentication, consensus, mark in (
        ("sm2", "certificate", "tbft", ""),
        ("p256", "key", "maxbft", "-keys-maxbft"),
    ):
        made = generate_ledger(
            blocks=3, txs_per_block=5, suite=suite, signers=2, seed=2, authentication=authentication,
            consensus=consensus, events=2,
        )  # fmt: skip
        chain_id = str(made.context.chain_id)
        before = Trusted("chainmaker", chain_id, 1, made.blocks.previous_hash(1), made.context)
        after = Trusted("chainmaker", chain_id, 3, made.blocks.previous_hash(3), made.context)
        key = state_key(TxRWSet.FromString(made.blocks.rw_sets(1)[tx]).tx_writes[0])
        sources = {"block": made.block_info(1), "index": tx}
        yield BundleSample(f"header{mark}", Statement("header"), before, sources)
        yield BundleSample(f"transaction{mark}", Statement("transaction"), before, sources)
        if mark:
            continue
        yield BundleSample("event", Statement("event", event=1), before, sources)
        yield BundleSample("state", Statement("state", key=key), before, sources)
        earlier = {**sources, "following": [made.blocks[2]]}
        yield BundleSample("transaction-earlier", Statement("transaction"), after, earlier)


def cometbft_bundles() -> Iterator[BundleSample]:
    """CometBFT with Ed25519 and with secp256k1, a block above the trusted one, one below, and one that names other
    validators."""
    from pycore.ledgers.cometbft.context import CometbftContext

    from .cometbft import Chain
    from .cometbft_json import validators_answers

    def trusted(chain: Chain, i: int) -> Trusted:
        header = chain.blocks[i].header
        document = {"chain_id": chain.chain_id, "validators": chain.context(i + 1)["validators"]}
        known = CometbftContext.from_dict(document)
        return Trusted("cometbft", chain.chain_id, header.height, chain.block_ids[i].hash, known)

    chain = Chain(blocks=5, validators=4, seed=2, transactions=5, absent=(3,), powers=[40, 30, 20, 10])
    sources = {"block": chain.block_bytes[1], "commit": encoded_commit(chain, 1), "index": 4}
    yield BundleSample("header", Statement("header"), trusted(chain, 0), sources)
    yield BundleSample("transaction", Statement("transaction"), trusted(chain, 0), sources)
    earlier = {"block": chain.block_bytes[1], "headers": list(chain.block_bytes[2:4]), "index": 2}
    yield BundleSample("transaction-earlier", Statement("transaction"), trusted(chain, 3), earlier)
    mixed = Chain(
        blocks=3, validators=4, seed=3, transactions=1, nil=(3,), replaced=1, schemes=("ed25519", "ecdsa-secp256k1")
    )
    sources = {"block": mixed.block_bytes[1], "commit": encoded_commit(mixed, 1), "index": 0}
    yield BundleSample("transaction-secp256k1", Statement("transaction"), trusted(mixed, 0), sources)
    rows = {**sources, "validators": validators_answers(mixed.validators(2), mixed.blocks[2].header.height)}
    yield BundleSample("validators", Statement("validators"), trusted(mixed, 0), rows)


def encoded_commit(chain: Any, i: int) -> bytes:
    """The commit for block i of a CometBFT chain, in protobuf."""
    from pycore.ledgers.cometbft import encoding

    return encoding.commit(chain.commits[i])


def fisco_bundles() -> Iterator[BundleSample]:
    """FISCO BCOS 3.x with SM2 and with secp256k1. A log can only be told from a receipt's other bytes under the
    `compatible` rules."""
    from .fisco import FiscoChain

    for hash_, mark in (("sm3", ""), ("keccak256", "-keccak")):
        chain = FiscoChain(seed=2, hash=hash_, nodes=4)
        blocks = chain.run(4, transactions=5)
        name = f"{chain.chain_id}/{chain.group_id}"
        before = Trusted("fisco-bcos", name, 1, blocks[0].hash, chain.context())
        after = Trusted("fisco-bcos", name, 4, blocks[3].hash, chain.context())
        loose = Trusted("fisco-bcos", name, 1, blocks[0].hash, chain.context(rules="compatible"))
        sources = {"block": blocks[1].data, "index": 2}
        yield BundleSample(f"header{mark}", Statement("header"), before, {"block": blocks[1].data})
        yield BundleSample(f"transaction{mark}", Statement("transaction"), before, sources)
        if mark:
            continue
        yield BundleSample("receipt", Statement("receipt"), before, sources)
        yield BundleSample("event", Statement("event", event=1), loose, sources)
        earlier = {**sources, "headers": [block.header.encode() for block in blocks[2:]]}
        yield BundleSample("receipt-earlier", Statement("receipt"), after, earlier)


def bif_bundles() -> Iterator[BundleSample]:
    """Xinghuo BIF with PBFT and keys of both kinds, with XBFT, and a header that changes the validators."""
    from .bif import BifLedger

    def trusted(made: BifLedger, index: int) -> Trusted:
        header = made.genesis if index < 0 else made.headers[index]
        voters = [one.address for one in made.validators[max(index, -1) + 1]]
        return Trusted("bif", "test", header.seq, header.hash, made.context.replace(validators=voters, nonces=None))

    made = BifLedger(blocks=4, transactions=3, scheme="mixed", seed=7)
    sources = {"block": made.blocks[1], "index": 2}
    yield BundleSample("header", Statement("header"), trusted(made, -1), {"block": made.blocks[1]})
    yield BundleSample("transaction", Statement("transaction"), trusted(made, -1), sources)
    earlier = {**sources, "headers": made.blocks[2:4]}
    yield BundleSample("transaction-earlier", Statement("transaction"), trusted(made, 3), earlier)
    other = BifLedger(blocks=2, transactions=2, chain_id=5, consensus="xbft", seed=7)
    sources = {"block": other.blocks[1], "index": 0}
    yield BundleSample("transaction-xbft", Statement("transaction"), trusted(other, -1), sources)
    moved = BifLedger(blocks=4, transactions=1, change_at=2, seed=7)
    yield BundleSample("header-validators", Statement("header"), trusted(moved, -1), {"block": moved.blocks[2]})


def xuper_bundles() -> Iterator[BundleSample]:
    """XuperChain with chained BFT, P-256 and SM2."""
    from .xuper import XuperMaker

    for crypto, mark in (("p-256", ""), ("sm2", "-sm2")):
        made = XuperMaker(3, crypto=crypto)
        blocks = made.chain(4, 3)
        data = [block.SerializeToString(deterministic=True) for block in blocks]
        before = Trusted("xuperchain", "xuper", blocks[0].height, blocks[0].blockid, made.context)
        after = Trusted("xuperchain", "xuper", blocks[3].height, blocks[3].blockid, made.context)
        sources = {"block": data[1], "next_block": data[2], "index": 2}  # the award is transaction 0
        yield BundleSample(f"header{mark}", Statement("header"), before, sources)
        yield BundleSample(f"transaction{mark}", Statement("transaction"), before, sources)
        if mark:
            continue
        yield BundleSample("event", Statement("event"), before, sources)
        yield BundleSample("state", Statement("state", key=b"counter/visits"), before, sources)
        earlier = {"block": data[1], "headers": data[2:], "index": 2}
        yield BundleSample("transaction-earlier", Statement("transaction"), after, earlier)


def ethereum_bundles() -> Iterator[BundleSample]:
    """Ethereum, below a trusted block."""
    from pycore.ledgers.ethereum import LEDGER

    from .ethereum import EthereumChain, rpc_receipt

    chain = EthereumChain(21)
    blocks = [chain.block(chain.transactions([0, 1, 2, 3, 4] * 2)), chain.block(), chain.block()]
    trusted = Trusted("ethereum", "1", 3, blocks[2].hash, LEDGER.context({"chain_id": 1}))
    address = max(chain.state.storage, key=lambda one: len(chain.state.storage[one]))
    slot = next(iter(chain.state.storage[address]))
    sources = {
        "block": blocks[0].wire,
        "links": [one.header for one in blocks[1:]],
        "receipts": [rpc_receipt(one) for one in blocks[0].receipts],
        "index": 7,
        "proof": chain.state.answer(address, [slot]),
    }
    for kind in ("header", "transaction", "receipt", "event"):
        yield BundleSample(kind, Statement(kind), trusted, sources)
    yield BundleSample("state", Statement("state", key=address), trusted, sources)
    yield BundleSample("state-slot", Statement("state", key=address + slot), trusted, sources)


def fabric_bundles() -> Iterator[BundleSample]:
    """One orderer, and four of the BFT kind; a configuration, and a block below the trusted one."""
    from .fabric import FabricChannel

    kinds: tuple[tuple[str, dict[str, Any]], ...] = (("", {}), ("-bft", {"bft": True, "orderers": 4}))
    for mark, options in kinds:
        made = FabricChannel(seed=2, organisations=1, peers=1, **options)
        first = made.block(1, made.genesis_hash, made.transactions(1, 3, endorsements=1))
        moved = made.config_block(2, made.block_hash(first))
        before = Trusted("fabric", made.channel_id, 0, made.genesis_hash, made.context())
        yield BundleSample(f"header{mark}", Statement("header"), before, {"block": first})
        yield BundleSample(f"transaction{mark}", Statement("transaction"), before, {"block": first, "index": 2})
        if mark:
            continue
        between = Trusted("fabric", made.channel_id, 1, made.block_hash(first), made.context())
        yield BundleSample("transaction-configuration", Statement("transaction"), between, {"block": moved})
        after = Trusted("fabric", made.channel_id, 2, made.block_hash(moved), made.context(config_block=moved))
        earlier = {"block": first, "index": 0, "following": [moved]}
        yield BundleSample("transaction-earlier", Statement("transaction"), after, earlier)
