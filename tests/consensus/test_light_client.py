"""The light client as a whole: ways to a header, time, what is stored, threads, malformed calls."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from light_nodes import MOVING, OPTIONS, PERIOD, SECOND, STEADY, Node, client, made_up, refused, unsigned

from pycore.consensus.light import (
    LightClient,
    LightClientError,
    LightOptions,
    MemoryLightStore,
)
from pycore.errors import InputError, StoreError
from pycore.testing.cometbft_light import LightChain

# ---- ways to a header ------------------------------------------------------------------------------------------------


def test_one_jump_where_the_validators_stay() -> None:
    node = Node(STEADY)
    made = client(STEADY, node, Node(STEADY))
    assert made.verify(40, STEADY.now_ns).hash == STEADY.hash(40)
    assert node.asked == [40]
    assert made.heights() == [1, 40]
    assert made.verify(40, STEADY.now_ns).height == 40  # known: nobody is asked
    assert node.asked == [40]


def test_bisection_where_they_move() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING))
    assert made.verify(40, MOVING.now_ns).hash == MOVING.hash(40)
    assert 5 < len(node.asked) < 40
    assert len(node.asked) == len(set(node.asked))  # nothing is asked for twice
    assert made.heights() == [1, 40]


def test_sequential() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), options=LightOptions(PERIOD, sequential=True))
    assert made.verify(10, MOVING.now_ns).hash == MOVING.hash(10)
    assert sorted(node.asked) == list(range(2, 11))


def test_every_pair_of_heights() -> None:
    """From every trusted height to every other, forwards and backwards."""
    chain = LightChain(heights=9, validators=3, seed=13, replaced=1)
    for root in chain.heights:
        for height in chain.heights:
            made = client(chain, Node(chain), Node(chain), root=root)
            assert made.verify(height, chain.now_ns).hash == chain.hash(height)
            assert made.heights() == sorted({root, height})


def test_between_two_trusted_heights() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), root=10)
    made.verify(30, MOVING.now_ns)
    node.asked.clear()
    assert made.verify(12, MOVING.now_ns).hash == MOVING.hash(12)
    assert set(node.asked) <= {11, 12}
    # The lower one is too old: back from the higher one, by hashes.
    late = MOVING.blocks[12].signed_header.header.time_ns + PERIOD
    node.asked.clear()
    assert made.verify(28, late).hash == MOVING.hash(28)
    assert node.asked == [28, 29]
    assert made.heights() == [10, 12, 28, 30]


def test_backwards() -> None:
    node = Node(MOVING)
    made = client(MOVING, node, Node(MOVING), root=20)
    assert made.verify(15, MOVING.now_ns).hash == MOVING.hash(15)
    assert node.asked == [15, 19, 18, 17, 16]
    old = MOVING.now_ns + 100 * PERIOD  # hashes do not grow old
    assert made.verify(14, old).hash == MOVING.hash(14)


def test_update() -> None:
    node = Node(STEADY)
    made = client(STEADY, node, Node(STEADY))
    for height in range(20, 41):
        del node.blocks[height]
    assert made.update(STEADY.now_ns).height == 19
    assert made.update(STEADY.now_ns).height == 19
    node.blocks = dict(STEADY.mapping())
    assert made.update(STEADY.now_ns).height == 40
    assert made.heights() == [1, 19, 40]
    latest = made.latest()
    assert latest is not None
    assert latest.hash == STEADY.hash(40)


def test_pruning() -> None:
    made = client(STEADY, Node(STEADY), Node(STEADY), keep=3)
    for height in (5, 10, 15, 20):
        made.verify(height, STEADY.now_ns)
    assert made.heights() == [10, 15, 20]
    assert made.get(5) is None


def test_allowance() -> None:
    made = client(MOVING, Node(MOVING), Node(MOVING), max_blocks=5)
    assert "more than 5 blocks" in str(refused(made, 40, "allowance", MOVING.now_ns))
    back = client(MOVING, Node(MOVING), Node(MOVING), root=20, max_blocks=5)
    refused(back, 10, "allowance", MOVING.now_ns)
    assert back.verify(15, MOVING.now_ns).height == 15


# ---- the first header ------------------------------------------------------------------------------------------------


def test_initialize() -> None:
    made = client(STEADY, Node(STEADY), Node(STEADY), root=0)
    with pytest.raises(LightClientError, match="no_trust"):
        made.verify(5, STEADY.now_ns)
    with pytest.raises(LightClientError, match="no_trust"):
        made.update(STEADY.now_ns)
    assert made.initialize(5, STEADY.hash(5), STEADY.now_ns).height == 5
    assert made.initialize(5, STEADY.hash(5), STEADY.now_ns).height == 5  # again: nothing to do
    for height, hash_ in ((5, STEADY.hash(6)), (6, STEADY.hash(6))):
        with pytest.raises(LightClientError, match="root"):
            made.initialize(height, hash_, STEADY.now_ns)
    assert made.heights() == [5]
    made.reset()
    assert made.latest() is None
    assert made.initialize(6, STEADY.hash(6), STEADY.now_ns).height == 6


def test_initialize_refuses() -> None:
    made = client(STEADY, Node(STEADY), root=0)
    with pytest.raises(LightClientError) as error:
        made.initialize(5, STEADY.hash(6), STEADY.now_ns)
    assert error.value.reason == "provider"
    assert error.value.report is not None
    assert error.value.report.failed[0].name == "root_hash"
    with pytest.raises(LightClientError, match="expired"):
        made.initialize(5, STEADY.hash(5), STEADY.now_ns + PERIOD)
    fork = STEADY.forked(3)
    made = client(STEADY, Node(STEADY), Node(fork), root=0)
    with pytest.raises(LightClientError, match="conflict"):
        made.initialize(5, STEADY.hash(5), STEADY.now_ns)
    made = client(STEADY, Node(fork), Node(STEADY), Node(STEADY), root=0)  # another provider has it
    assert made.initialize(5, STEADY.hash(5), STEADY.now_ns).hash == STEADY.hash(5)
    assert made.primary == "witness 0"
    assert [fault.kind for fault in made.dropped] == ["invalid"]


# ---- time ------------------------------------------------------------------------------------------------------------


def test_expired() -> None:
    made = client(STEADY, Node(STEADY), Node(STEADY))
    expires = STEADY.blocks[1].signed_header.header.time_ns + PERIOD
    error = refused(made, 40, "expired", expires)
    assert error.height == 1
    assert error.report is not None
    assert made.dropped == ()  # that is nobody's fault
    assert made.verify(40, expires - 1).height == 40


def test_expires_on_the_way() -> None:
    """A block that is needed for the next step is too old itself."""
    period = 15 * SECOND
    made = client(MOVING, Node(MOVING), Node(MOVING), root=0, options=LightOptions(period))
    first = MOVING.blocks[1].signed_header.header.time_ns
    made.initialize(1, MOVING.hash(1), first + SECOND)
    error = refused(made, 40, "provider", first + 14 * SECOND)  # it is 25 seconds ahead of that clock
    assert "future" in str(error)
    made = client(MOVING, Node(MOVING), Node(MOVING), root=0, options=LightOptions(period))
    made.initialize(1, MOVING.hash(1), first + SECOND)
    assert made.verify(20, first + 15 * SECOND - 1).height == 20
    refused(made, 40, "expired", MOVING.blocks[20].signed_header.header.time_ns + period)


def test_future_headers_are_refused_and_nobody_is_dropped() -> None:
    """The clock may be the one that is wrong."""
    made = client(STEADY, Node(STEADY), Node(STEADY))
    early = STEADY.blocks[40].signed_header.header.time_ns - OPTIONS.max_clock_drift_ns
    error = refused(made, 40, "provider", early)
    assert error.report is not None
    assert error.report.failed[0].name == "clock_drift"
    assert made.dropped == ()
    assert made.verify(40, early + 1).height == 40


# ---- what is stored --------------------------------------------------------------------------------------------------


def test_a_store_with_a_block_that_nobody_signed() -> None:
    store = MemoryLightStore()
    store.save(made_up(20))
    store._blocks[20] = unsigned(20)
    made = LightClient(STEADY.chain_id, primary=Node(STEADY), witnesses=[Node(STEADY)], store=store, options=OPTIONS)
    with pytest.raises(StoreError, match="height 20"):
        made.verify(40, STEADY.now_ns)
    other = LightClient("another", primary=Node(STEADY), witnesses=[Node(STEADY)], store=store, options=OPTIONS)
    with pytest.raises(StoreError, match="height 20"):
        other.verify(40, STEADY.now_ns)


# ---- threads ---------------------------------------------------------------------------------------------------------


def test_threads() -> None:
    """Many threads ask for many heights of one client: each gets the chain's block."""
    made = client(MOVING, Node(MOVING), Node(MOVING), root=20, timeout=10.0)
    wrong: list[Any] = []

    def run(heights: list[int]) -> None:
        for height in heights:
            try:
                if made.verify(height, MOVING.now_ns).hash != MOVING.hash(height):
                    wrong.append(height)
                made.heights(), made.latest(), made.get(height)
            except Exception as error:  # noqa: PERF203 - any error is one too many
                wrong.append(error)

    threads = [threading.Thread(target=run, args=([12 + i, 40 - i, 30 - i],)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(made.heights()) == len({20, *(h for i in range(6) for h in (12 + i, 40 - i, 30 - i))})


# ---- malformed calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "field"), [
    ({"options": None}, "options"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": float("inf")}, "timeout"),
    ({"witnesses_needed": -1}, "witnesses_needed"),
    ({"witnesses_needed": 2}, "witnesses"),
    ({"keep": -1}, "keep"),
    ({"max_blocks": 0}, "max_blocks"),
    ({"max_validators": 0}, "max_validators"),
    ({"chain": "nothing"}, "chain"),
])  # fmt: skip
def test_settings_are_checked(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as error:
        client(STEADY, Node(STEADY), Node(STEADY), root=0, **settings)
    assert error.value.field == field


def test_arguments_are_checked() -> None:
    with pytest.raises(InputError, match="chain_id"):
        LightClient("", primary=Node(STEADY), options=OPTIONS, witnesses_needed=0)
    made = client(STEADY, Node(STEADY), Node(STEADY))
    for height in (0, -1, 1 << 62, "5", 5.0, True):
        with pytest.raises(InputError, match="height"):
            made.verify(height, STEADY.now_ns)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="now_ns"):
        made.verify(5, 5.5)  # type: ignore[arg-type]
    for hash_ in (b"", b"short", "00" * 32):
        with pytest.raises(InputError, match="hash"):
            made.initialize(5, hash_, STEADY.now_ns)  # type: ignore[arg-type]
