"""The clients' calls for Merkle trees: roots, growing trees, proofs of all kinds, maps (see `pycore.client`)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

import grpc
from numpy.typing import NDArray

from pycore.base.columns import BatchOfBytes, BytesLike, single
from pycore.base.verdicts import Verdict, Verdicts, verdict_error
from pycore.client import requests as plans
from pycore.merkle.patricia import TrieValues
from pycore.service import trees, tries
from pycore.wire.errors import from_rpc


def _translated(error: Any) -> Exception:
    return from_rpc(error.code(), error.details() or "", error.trailing_metadata())


class TreeCalls:
    """What `pycore.client.ValidationClient` has for trees."""

    _budget: plans.Budget
    _run: Callable[[plans.Plan[Any]], Any]
    _append: Any

    def append_merkle_tree(self, chunks: Iterable[BatchOfBytes], **options: Any) -> trees.GrownTree:
        """Root of a tree of any size, its leaves sent in pieces; or a tree that grows from call to call.

        Args:
            chunks: batches of leaves, in order; read ahead of the service, from another thread.
            state: where to go on: `.state` of an earlier result. Default: a new tree.
            indices: positions of leaves to prove, at most 256; a growing tree must know all at its first call.
            consistency_sizes: sizes that were checkpoints, to be proved extended.
            checkpoint: True makes the size at the end one.
            tree, hash, hashed, limit, width: as for `pycore.merkle_stream`; with `state` they are the state's.

        Returns:
            A `GrownTree`: `.root`, `.leaf_count`, `.state`, `.proofs`, `.consistency_proofs`.

        Raises:
            InputError: a malformed call. ServiceError: the stream broke. It has no time limit of its own.
        """
        work = trees.Appending(self._budget, **options)

        def requests() -> Iterator[Any]:
            try:
                for chunk in chunks:
                    yield from work.messages(chunk)
                yield from work.rest()
            except Exception as error:  # gRPC would swallow it in its thread: end the stream, raise it afterwards
                work.failure = error

        try:
            answer = self._append(requests(), timeout=None)
        except grpc.RpcError as error:
            raise work.failure or _translated(error) from None
        if work.failure is not None:  # the service answered the leaves before it
            raise work.failure
        return work.result(answer)

    def build_merkle_tree(
        self,
        leaves: BatchOfBytes,
        indices: Sequence[int] | NDArray[Any] = (),
        **options: Any,
    ) -> plans.BuiltTree:
        """Root of a Merkle tree, and proofs, as `pycore.MerkleTree` gives them.

        Args:
            leaves: they must fit into one message of the service's limit; `append_merkle_tree` has no limit.
            indices: positions to prove one by one.
            options: tree, hash, hashed, width, limit as for `pycore.merkle_root`; `multiproof`: positions to prove
                together; `consistency_sizes`: smaller sizes to prove consistent.
        """
        built: plans.BuiltTree = self._run(plans.build_merkle_tree(leaves, indices, **options))
        return built

    def merkle_root(self, leaves: BatchOfBytes, *, threads: int | None = None, **options: Any) -> bytes:
        """`pycore.merkle_root` on the service; leaves of any number, sent in pieces."""
        return self.append_merkle_tree([leaves], **options).root

    def verify_inclusion_batch(
        self,
        root: BatchOfBytes,
        leaves: BatchOfBytes,
        proofs: Any,
        *,
        index: Any,
        leaf_count: Any,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        width: int | None = None,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Verdicts:
        """`pycore.verify_inclusion_batch` on the service."""
        plan = plans.verify_inclusion_batch(
            self._budget, root, leaves, proofs, index=index, leaf_count=leaf_count, tree=tree, hash=hash, hashed=hashed,
            width=width, limit=limit,
        )  # fmt: skip
        verdicts: Verdicts = self._run(plan)
        return verdicts

    def verify_inclusion(
        self, root: BytesLike, leaf: BytesLike, proof: Any, *, index: int, leaf_count: int, **options: Any
    ) -> None:
        """`pycore.verify_inclusion` on the service."""
        leaves, proofs = single(leaf, "leaf"), [proof]
        verdicts = self.verify_inclusion_batch(root, leaves, proofs, index=[index], leaf_count=leaf_count, **options)
        if verdicts[0] is not Verdict.VALID:
            raise verdict_error(verdicts[0])

    def verify_multiproof(
        self, root: BytesLike, leaves: BatchOfBytes, proof: Any, *, threads: int | None = None, **options: Any
    ) -> None:
        """`pycore.verify_multiproof` on the service."""
        self._run(trees.verify_multiproof(root, leaves, proof, **options))

    def verify_consistency(self, root_m: BytesLike, root_n: BytesLike, proof: Any, **options: Any) -> None:
        """`pycore.verify_consistency` on the service."""
        self._run(trees.verify_consistency(root_m, root_n, proof, **options))

    def verify_sparse_batch(
        self, root: BatchOfBytes, keys: BatchOfBytes, values: Any, proofs: BatchOfBytes, *,
        threads: int | None = None, **options: Any,
    ) -> Verdicts:  # fmt: skip
        """`pycore.verify_sparse_batch` on the service."""
        verdicts: Verdicts = self._run(trees.verify_sparse_batch(self._budget, root, keys, values, proofs, **options))
        return verdicts

    def verify_sparse(
        self, root: BytesLike, key: BytesLike, value: BytesLike | None, proof: BytesLike, **options: Any
    ) -> None:
        """`pycore.verify_sparse` on the service."""
        verdicts = self.verify_sparse_batch(root, [key], [value], [proof], **options)
        if verdicts[0] is not Verdict.VALID:
            raise verdict_error(verdicts[0])

    def verify_trie_batch(
        self, root: BatchOfBytes, keys: BatchOfBytes, proofs: Any, *, threads: int | None = None, **options: Any
    ) -> TrieValues:
        """`pycore.merkle.patricia.verify_trie_batch` on the service."""
        found: TrieValues = self._run(tries.plan_verify_trie(self._budget, root, keys, proofs, **options))
        return found

    def verify_trie(self, root: BytesLike, key: BytesLike, proof: Any, **options: Any) -> bytes | None:
        """`pycore.merkle.patricia.verify_trie` on the service."""
        return _only(self.verify_trie_batch(root, [key], [proof], **options))


class AsyncTreeCalls:
    """What `pycore.client.AsyncValidationClient` has for trees."""

    _budget: plans.Budget
    _run: Callable[[plans.Plan[Any]], Any]
    _append: Any

    async def append_merkle_tree(
        self, chunks: AsyncIterable[BatchOfBytes] | Iterable[BatchOfBytes], **options: Any
    ) -> trees.GrownTree:
        """As `ValidationClient.append_merkle_tree`; `chunks` may be an asynchronous iterable, too."""
        work = trees.Appending(self._budget, **options)

        async def requests() -> AsyncIterator[Any]:
            try:
                if isinstance(chunks, AsyncIterable):
                    async for chunk in chunks:
                        for request in work.messages(chunk):
                            yield request
                else:
                    for chunk in chunks:
                        for request in work.messages(chunk):
                            yield request
                for request in work.rest():
                    yield request
            except Exception as error:
                work.failure = error

        call = self._append(requests(), timeout=None)
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            raise work.failure or _translated(error) from None
        if work.failure is not None:  # the service answered the leaves before it
            raise work.failure
        return work.result(answer)

    async def build_merkle_tree(
        self,
        leaves: BatchOfBytes,
        indices: Sequence[int] | NDArray[Any] = (),
        **options: Any,
    ) -> plans.BuiltTree:
        """As `ValidationClient.build_merkle_tree`."""
        built: plans.BuiltTree = await self._run(plans.build_merkle_tree(leaves, indices, **options))
        return built

    async def merkle_root(self, leaves: BatchOfBytes, *, threads: int | None = None, **options: Any) -> bytes:
        """As `ValidationClient.merkle_root`."""
        return (await self.append_merkle_tree([leaves], **options)).root

    async def verify_inclusion_batch(
        self,
        root: BatchOfBytes,
        leaves: BatchOfBytes,
        proofs: Any,
        *,
        index: Any,
        leaf_count: Any,
        tree: str = "rfc9162",
        hash: str | None = None,
        hashed: bool = False,
        width: int | None = None,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Verdicts:
        """As `ValidationClient.verify_inclusion_batch`."""
        plan = plans.verify_inclusion_batch(
            self._budget, root, leaves, proofs, index=index, leaf_count=leaf_count, tree=tree, hash=hash, hashed=hashed,
            width=width, limit=limit,
        )  # fmt: skip
        verdicts: Verdicts = await self._run(plan)
        return verdicts

    async def verify_inclusion(
        self, root: BytesLike, leaf: BytesLike, proof: Any, *, index: int, leaf_count: int, **options: Any
    ) -> None:
        """As `ValidationClient.verify_inclusion`."""
        leaves, proofs = single(leaf, "leaf"), [proof]
        verdicts = await self.verify_inclusion_batch(
            root, leaves, proofs, index=[index], leaf_count=leaf_count, **options
        )
        if verdicts[0] is not Verdict.VALID:
            raise verdict_error(verdicts[0])

    async def verify_multiproof(
        self, root: BytesLike, leaves: BatchOfBytes, proof: Any, *, threads: int | None = None, **options: Any
    ) -> None:
        """As `ValidationClient.verify_multiproof`."""
        await self._run(trees.verify_multiproof(root, leaves, proof, **options))

    async def verify_consistency(self, root_m: BytesLike, root_n: BytesLike, proof: Any, **options: Any) -> None:
        """As `ValidationClient.verify_consistency`."""
        await self._run(trees.verify_consistency(root_m, root_n, proof, **options))

    async def verify_sparse_batch(
        self, root: BatchOfBytes, keys: BatchOfBytes, values: Any, proofs: BatchOfBytes, *,
        threads: int | None = None, **options: Any,
    ) -> Verdicts:  # fmt: skip
        """As `ValidationClient.verify_sparse_batch`."""
        verdicts: Verdicts = await self._run(
            trees.verify_sparse_batch(self._budget, root, keys, values, proofs, **options)
        )
        return verdicts

    async def verify_sparse(
        self, root: BytesLike, key: BytesLike, value: BytesLike | None, proof: BytesLike, **options: Any
    ) -> None:
        """As `ValidationClient.verify_sparse`."""
        verdicts = await self.verify_sparse_batch(root, [key], [value], [proof], **options)
        if verdicts[0] is not Verdict.VALID:
            raise verdict_error(verdicts[0])

    async def verify_trie_batch(
        self, root: BatchOfBytes, keys: BatchOfBytes, proofs: Any, *, threads: int | None = None, **options: Any
    ) -> TrieValues:
        """As `ValidationClient.verify_trie_batch`."""
        found: TrieValues = await self._run(tries.plan_verify_trie(self._budget, root, keys, proofs, **options))
        return found

    async def verify_trie(self, root: BytesLike, key: BytesLike, proof: Any, **options: Any) -> bytes | None:
        """As `ValidationClient.verify_trie`."""
        return _only(await self.verify_trie_batch(root, [key], [proof], **options))


def _only(found: TrieValues) -> bytes | None:
    if found.verdicts[0] is not Verdict.VALID:
        raise verdict_error(found.verdicts[0])
    return found.values[0]
