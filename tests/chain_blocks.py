"""Runs of generated blocks in which configuration blocks add and remove nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pycore._pb.ledgers.chainmaker.v1 import block_pb2, config_pb2, transaction_pb2
from pycore.ledgers.chainmaker import ChainContext
from pycore.testing.certificates import Identity
from pycore.testing.chainmaker import CHAIN_ID, FIRST_HEIGHT, MAXBFT_KEY, TBFT_KEY, BlockBuilder
from pycore.testing.parameters import LedgerParameters

CONFIG = "CHAIN_CONFIG"


class ConfiguredChain:
    """A chain whose nodes are those of the first `nodes` of five organisations, until a configuration block says
    otherwise.

    Attributes:
        blocks: serialised BlockInfo messages, in order.
        context: of the first block. It names the certificate of every node, of later ones as well.
    """

    def __init__(self, *, nodes: int = 4, authentication: str = "certificate", consensus: str = "tbft") -> None:
        self.builder = BlockBuilder(
            LedgerParameters(
                chain="chainmaker", blocks=1, txs_per_block=3, suite="p256", signers=4, seed=11, invalid_every=0,
                organisations=5, endorsed_every=0, authentication=authentication, consensus=consensus,
            )
        )  # fmt: skip
        people = self.builder.consortium
        self.everybody = people.validators
        self.whole = people.context(consensus)
        self.blocks: list[bytes] = []
        self.hashes = [self.builder.genesis_hash]
        self.sequence = 1
        self._proposers: dict[int, Identity] = {}
        people.proposer = self._proposer  # type: ignore[method-assign]
        self.elect(nodes)
        organisations = people.organisations[:nodes]
        self.context: ChainContext = self.whole.replace(
            validators=self.ids(nodes),
            consensus_nodes={org: self.whole.consensus_nodes[org] for org in organisations},
            trust_roots={org: self.whole.trust_roots[org] for org in organisations},
            height=FIRST_HEIGHT,
            previous_block_hash=self.hashes[0],
        )

    def elect(self, nodes: int) -> None:
        """Lets the first `nodes` nodes make and sign the blocks that are added from now on."""
        self.builder.consortium.validators = self.everybody[:nodes]

    def _proposer(self, height: int) -> Identity:
        """Whose turn round 0 of a height is: the next after the proposer of the block before, among today's nodes."""
        if height not in self._proposers:
            ids = self.builder.consortium.node_ids
            order = sorted(self.builder.consortium.validators, key=lambda who: ids[who.name])
            before = self._proposers.get(height - 1)
            place = order.index(before) if before in order else 0
            self._proposers[height] = order[(place + 1) % len(order)]
        return self._proposers[height]

    def vote(self, *places: int) -> None:
        """Lets these nodes vote for the blocks that are added from now on."""
        voters = [self.everybody[place] for place in places]
        self.builder._voters = lambda index: voters  # type: ignore[method-assign]

    def ids(self, nodes: int) -> tuple[str, ...]:
        """The node ids of the first `nodes` nodes, in the order of their organisations."""
        return tuple(self.whole.consensus_nodes[who.organisation][0] for who in self.everybody[:nodes])

    def add(self, change: Callable[[block_pb2.Block, list[Any]], None] | None = None) -> None:
        """The next block; `change` may alter it and its read and write sets before it is sealed."""
        index = len(self.blocks)
        built = self.builder.build(index, self.hashes[-1], {})
        block = block_pb2.Block.FromString(built.data)
        sets = [transaction_pb2.TxRWSet.FromString(one) for one in built.rw_sets]
        if change is not None:
            change(block, sets)
            self._seal(block, sets, index)
        self.hashes.append(block.header.block_hash)
        info = block_pb2.BlockInfo(block=block, rwset_list=sets)
        self.blocks.append(info.SerializeToString(deterministic=True))

    def add_configuration(self, nodes: int, **options: Any) -> None:
        """A configuration block after which the first `nodes` organisations have nodes and trust roots."""
        self.add(lambda block, sets: self.configure(block, sets, self.configuration(nodes), **options))

    def configuration(self, nodes: int) -> config_pb2.ChainConfig:
        """The whole configuration of the chain with the first `nodes` organisations."""
        whole = self.whole
        self.sequence += 1
        made = config_pb2.ChainConfig(chain_id=CHAIN_ID, auth_type=whole.auth_type.lower(), sequence=self.sequence)
        made.version = "2030700"
        made.crypto.hash = {"sha256": "SHA256", "sm3": "SM3"}[whole.hash or ""]
        made.consensus.type = {"tbft": 1, "maxbft": 3}[whole.consensus or ""]
        for who in self.everybody[:nodes]:
            org = who.organisation
            made.consensus.nodes.add(org_id=org, node_id=whole.consensus_nodes[org])
            made.trust_roots.add(org_id=org, root=whole.trust_roots[org])
        return made

    def configure(
        self,
        block: block_pb2.Block,
        sets: list[Any],
        config: config_pb2.ChainConfig,
        *,
        method: str = "NODE_ORG_ADD",
        signers: int = 4,
        block_type: int = 1,
    ) -> None:
        """Makes the block one of a single transaction that leaves `config`, endorsed by the first administrators."""
        del block.txs[1:], block.dag.vertexes[1:], sets[1:]
        block.header.block_type = block_type  # type: ignore[assignment]
        tx, result = block.txs[0], config.SerializeToString(deterministic=True)
        block.dag.vertexes[0].ClearField("neighbors")
        sets[0].ClearField("tx_reads")
        sets[0].ClearField("tx_writes")
        sets[0].tx_writes.add(key=CONFIG.encode(), value=result, contract_name=CONFIG)
        tx.payload.contract_name, tx.payload.method = CONFIG, method
        del tx.payload.parameters[:], tx.endorsers[:]
        tx.ClearField("payer")
        tx.result.contract_result.result = result
        del tx.result.contract_result.contract_event[:]
        tx.result.contract_result.contract_event.add(
            topic="1", tx_id=tx.payload.tx_id, contract_name=CONFIG, event_data=[result.hex()]
        )
        self.sign(tx, *self.builder.consortium.admins[:signers])

    def sign(self, tx: transaction_pb2.Transaction, sender: Identity, *endorsers: Identity) -> None:
        """Signs a transaction again."""
        message = tx.payload.SerializeToString(deterministic=True)
        people = (sender, *endorsers)
        signatures = self.builder._sign(people, [message] * len(people))
        entries = [tx.sender, *(tx.endorsers.add() for _ in endorsers)]
        for who, entry, signature in zip(people, entries, signatures, strict=True):
            entry.signer.CopyFrom(self.builder.consortium.member(who))
            entry.signature = signature

    def _seal(self, block: block_pb2.Block, sets: list[Any], index: int) -> None:
        """Hashes, roots, the proposer's signature and the quorum certificate of a changed block."""
        builder, header = self.builder, block.header
        rw_hashes = builder._hash([one.SerializeToString(deterministic=True) for one in sets])
        bare = []
        for tx, digest in zip(block.txs, rw_hashes, strict=True):
            tx.result.rw_set_hash = digest
            copy = transaction_pb2.Transaction.FromString(tx.SerializeToString())
            copy.result.contract_result.gas_used = 0
            bare.append(copy.SerializeToString(deterministic=True))
        header.tx_count = len(block.txs)
        header.tx_root, header.rw_set_root = builder._root(builder._hash(bare)), builder._root(rw_hashes)
        header.dag_hash = builder._hash([block.dag.SerializeToString(deterministic=True)])[0]
        header.ClearField("block_hash")
        header.ClearField("signature")
        header.block_hash = builder._hash([header.SerializeToString(deterministic=True)])[0]
        proposer = self._proposer(FIRST_HEIGHT + index)
        header.signature = builder._sign([proposer], [header.block_hash])[0]
        if builder.consensus == "tbft":
            block.additional_data.extra_data[TBFT_KEY] = builder._tbft_certificate(index, header.block_hash)
        else:
            block.additional_data.extra_data[MAXBFT_KEY] = builder._maxbft_certificate(index, header.block_hash)
