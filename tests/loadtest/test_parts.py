"""The parts of the load generator that need no service: histogram, arrivals, scenarios, model, charts."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest

from pycore.errors import InputError
from pycore.loadtest.arrivals import due_times
from pycore.loadtest.histogram import Histogram
from pycore.loadtest.measuring import Cost, Load
from pycore.loadtest.plot import Line, Panel, draw, outcome_chart
from pycore.loadtest.report import Outcome, rows
from pycore.loadtest.scenario import CEILINGS, Scenario, priorities_from
from pycore.loadtest.senders import check_target
from pycore.loadtest.sizing import Answer, Machine, chart, erlang_c, queued
from pycore.loadtest.traffic import Request, Traffic

PERCENTS = (0.1, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100)


# ---- histogram -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["exponential", "lognormal", "uniform", "few", "equal"])
def test_percentiles_are_those_of_numpy_within_a_bucket(kind: str, seed: int) -> None:
    made = np.random.default_rng(seed)
    values = {
        "exponential": lambda: made.exponential(0.02, 20_000),
        "lognormal": lambda: made.lognormal(-6, 2.5, 20_000),
        "uniform": lambda: made.uniform(0, 3e-4, 5000),
        "few": lambda: made.uniform(0, 100, 7),
        "equal": lambda: np.full(1000, 0.012345),
    }[kind]()
    found = Histogram()
    found.add_all(values[: len(values) // 2])
    for value in values[len(values) // 2 :]:
        found.add(float(value))
    assert found.count == len(values)
    assert found.maximum == values.max()
    assert found.mean == pytest.approx(values.mean())
    ordered = np.sort(values)
    for percent in PERCENTS:
        exact = ordered[math.ceil(Fraction(str(percent)) * len(values) / 100) - 1]  # the nearest rank
        assert exact - 1e-6 <= found.percentile(percent) <= exact * (1 + 1 / 128) + 1e-6, percent
        below, above = (np.percentile(values, percent, method=method) for method in ("lower", "higher"))
        assert below - 1e-6 <= found.percentile(percent) <= above * (1 + 1 / 128) + 1e-6, percent


def test_merged_histograms_are_one(rng: random.Random) -> None:
    whole, parts = Histogram(), [Histogram() for _ in range(3)]
    for _ in range(3000):
        value = rng.expovariate(100)
        whole.add(value)
        rng.choice(parts).add(value)
    together = Histogram()
    for part in parts:
        together.merge(part)
    assert together.buckets() == whole.buckets()
    assert together.to_dict() == whole.to_dict()


def test_buckets_hold_all_and_ascend() -> None:
    found = Histogram()
    found.add_all([0.0, 1e-6, 255e-6, 256e-6, 257e-6, 1.0, 3600.0, 1e9])
    ends = [end for end, _ in found.buckets()]
    assert ends == sorted(ends)
    assert sum(count for _, count in found.buckets()) == found.count == 8
    assert found.percentile(100) <= found.maximum == 1e9


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf])
def test_no_latency_is_negative_or_endless(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Histogram().add_all([value])


def test_an_empty_histogram() -> None:
    assert (Histogram().percentile(99), Histogram().mean, Histogram().maximum) == (0.0, 0.0, 0.0)


# ---- arrivals --------------------------------------------------------------------------------------------------------


def test_constant_arrivals() -> None:
    times = due_times("constant", 250, 2.0)
    assert len(times) == 500
    assert np.allclose(np.diff(times), 1 / 250)


def test_poisson_arrivals(seed: int) -> None:
    """The number has the Poisson distribution's mean and variance, the gaps the exponential's; a seed fixes them."""
    counts = [len(due_times("poisson", 100, 1.0, seed + i)) for i in range(2000)]
    assert np.mean(counts) == pytest.approx(100, abs=1.5)
    assert np.var(counts) == pytest.approx(100, abs=20)
    times = due_times("poisson", 1000, 20.0, seed)
    assert (np.diff(times) >= 0).all()
    assert times[0] >= 0
    assert times[-1] < 20
    gaps = np.diff(times)
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.05)
    assert (times == due_times("poisson", 1000, 20.0, seed)).all()


# ---- scenarios -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CEILINGS)
def test_every_number_has_a_ceiling(name: str) -> None:
    shape = {"shape": "packed"} if name == "items" else {}
    for value in (
        CEILINGS[name] * 1.0001 if name in ("seconds", "warmup", "rate", "timeout") else CEILINGS[name] + 1,
        -1,
    ):
        with pytest.raises(InputError) as caught:
            Scenario(**{**shape, name: value})
        assert caught.value.field == name


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"scheme": "rsa"}, "scheme"),
        ({"shape": "round"}, "shape"),
        ({"arrivals": "bursts"}, "arrivals"),
        ({"items": 2}, "items"),
        ({"items": 2, "shape": "coalesced"}, "items"),
        ({"invalid": 1.5}, "invalid"),
        ({"seconds": math.nan}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"rate": 0}, "rate"),
        ({"rate": 200_000.0, "seconds": 3600}, "rate"),
        ({"callers": 0}, "callers"),
        ({"shape": "block", "scheme": "ed25519"}, "scheme"),
        ({"shape": "coalesced", "priorities": (("votes", 1.0),)}, "priorities"),
    ],
)
def test_malformed_scenarios(settings: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario(**settings)  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["vote=1", "votes=0", "votes=-1", "votes=1,votes=2", "votes=x", "votes=inf", "=1"])
def test_malformed_priorities(text: str) -> None:
    with pytest.raises(InputError):
        priorities_from(text)


@pytest.mark.parametrize("target", ["10.0.0.1:50051", "example.com:443", "0.0.0.0:1", "[2001:db8::1]:1"])
def test_load_stays_on_this_machine_unless_told_otherwise(target: str) -> None:
    with pytest.raises(InputError, match="--allow-remote"):
        check_target(target, allow_remote=False)
    check_target(target, allow_remote=True)


@pytest.mark.parametrize("target", ["localhost:1", "127.0.0.1:50051", "[::1]:1", "unix:/run/p.sock"])
def test_this_machine_is_this_machine(target: str) -> None:
    check_target(target, allow_remote=False)


def test_a_target_that_is_none() -> None:
    with pytest.raises(InputError, match="TARGET"):
        check_target("nonsense", allow_remote=True)


# ---- traffic ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["single", "packed", "stream", "block"])
def test_as_many_are_spoilt_as_was_asked(shape: str) -> None:
    items = 1 if shape == "single" else 20
    traffic = Traffic(Scenario(scheme="sm2", shape=shape, items=items, pool=60, invalid=0.05))
    assert sum(request.invalid for request in traffic.requests) == 3
    for request in traffic.requests:
        assert len(request.codes) == request.items == items
        assert sum(code != 1 for code in request.codes) == request.invalid


# ---- the model -------------------------------------------------------------------------------------------------------


def cost(**more: float) -> Cost:
    settings = {
        "kernel": 1e-3,
        "service": 1.5e-3,
        "client": 0.5e-3,
        "lone_p50": 2e-3,
        "lone_p99": 3e-3,
        "slow_rate": math.inf,
        "busy_rate": math.inf,
        "quick_rate": math.inf,
    }
    return Cost(Load("sm2", "packed", 256), **{**settings, **more})


@pytest.mark.parametrize(("servers", "load", "wanted"), [(1, 0.9, 0.9), (2, 1.6, 0.711111), (8, 6.0, 0.356982)])
def test_erlang_c(servers: int, load: float, wanted: float) -> None:
    """Against its definition as a sum."""
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    assert erlang_c(servers, load) == pytest.approx(last / (sum(terms) + last))
    assert erlang_c(servers, load) == pytest.approx(wanted, abs=1e-4)


def test_the_capacity_is_what_is_used_up_first() -> None:
    assert Machine(2).capacity(cost()) == pytest.approx(2 / 1.5e-3)
    assert Machine(2).limit(cost()) == "cores"
    assert Machine(2, shared=True).capacity(cost()) == pytest.approx(2 / 2e-3)
    small = cost(kernel=0.0, service=0.5e-3)
    assert Machine(8).capacity(small) == pytest.approx(1 / 0.5e-3)
    assert Machine(8).limit(small) == "event loop"
    assert Machine(8, 4).capacity(small) == pytest.approx(4 / 0.5e-3)


def test_the_capacity_is_no_more_than_was_measured() -> None:
    """800 calls a second of 1.5 ms, and 0.5 ms of their callers, are 1.6 CPUs of the two that there are."""
    slow = cost(slow_rate=800.0, busy_rate=850.0, quick_rate=900.0)
    here, elsewhere = Machine(2, shared=True), Machine(2)
    assert here.cpus(slow) == elsewhere.cpus(slow) == pytest.approx(1.6)
    assert here.capacity(slow) == pytest.approx(800.0)
    assert here.capacity(slow, slow.quick_rate) == pytest.approx(900.0)
    assert elsewhere.capacity(slow) == pytest.approx(1.6 / 1.5e-3)
    edge = Machine(1, apart=True)  # the callers had other CPUs
    assert edge.cpus(slow) == 1.0
    assert edge.cpus(cost(slow_rate=500.0)) == pytest.approx(0.75)
    assert edge.capacity(cost(slow_rate=500.0)) == pytest.approx(500.0)
    assert Machine(1, shared=True, apart=True).capacity(cost(slow_rate=500.0)) == pytest.approx(0.75 / 2e-3)


def test_equal_calls_wait_as_long_as_the_queue_in_front_of_them(rng: random.Random) -> None:
    """Against each call's wait from its definition: until a server is free, first come, first served."""
    for servers in (1, 2, 3):
        due = np.sort(np.array([rng.uniform(0, 10) for _ in range(200)]))
        done: list[float] = []
        for at, waited in zip(due.tolist(), queued(due, servers, 0.1).tolist(), strict=True):
            begun = at if len(done) < servers else max(at, sorted(done)[-servers])
            assert waited == pytest.approx(begun - at)
            done.append(begun + 0.1)


def test_the_least_p99_is_below_the_models() -> None:
    one = cost(slow_rate=800.0, busy_rate=850.0, quick_rate=900.0)
    for machine in (Machine(2, shared=True), Machine(2), Machine(1, apart=True)):
        rate = machine.most(one, 0.05)
        due = due_times("poisson", rate, 20.0, 3)
        least = machine.least_p99(one, due, 1.0)
        assert one.lone_p50 < least < machine.p99(one, rate) == pytest.approx(0.05)
        slower = replace(one, quick_rate=one.slow_rate)
        assert machine.least_p99(slower, due, 1.0) >= least
    assert Machine(2).least_p99(one, np.zeros(0)) == 0.0


def test_an_event_loop_is_one_server() -> None:
    """The calls of a process are carried by one thread, however many CPUs there are: M/M/1."""
    small = cost(kernel=0.0, service=0.5e-3, lone_p99=0.0)
    rate = 1800.0
    assert Machine(8).servers(small) == 1
    wanted = math.log(0.9 / 0.01) * 0.5e-3 / (1 - 0.9)
    assert Machine(8).p99(small, rate) == pytest.approx(wanted)


def test_waiting_grows_with_the_rate_and_the_most_keeps_the_bound() -> None:
    machine = Machine(2)
    rates = [share * machine.capacity(cost()) for share in (0.0, 0.3, 0.6, 0.9, 0.97)]
    waits = [machine.p99(cost(), rate) for rate in rates]
    assert waits == sorted(waits)
    assert waits[0] == cost().lone_p99
    assert machine.p99(cost(), machine.capacity(cost())) == math.inf
    for bound in (0.004, 0.01, 0.05):
        most = machine.most(cost(), bound)
        assert machine.p99(cost(), most) == pytest.approx(bound, rel=1e-6)
    assert machine.most(cost(), 0.002) == 0.0  # a lone caller waits longer
    assert machine.most(cost(), 100.0) == pytest.approx(0.98 * machine.capacity(cost()))


def test_one_server_is_the_queue_of_the_textbook() -> None:
    """M/M/1: the waiting exceeds t with probability r * exp(-(1 - r) t / s)."""
    machine, rate = Machine(1), 400.0
    one = cost(service=2e-3, kernel=2e-3, lone_p99=0.0)
    share = rate * 2e-3
    wanted = math.log(share / 0.01) * 2e-3 / (1 - share)
    assert machine.p99(one, rate) == pytest.approx(wanted)


# ---- charts ----------------------------------------------------------------------------------------------------------


def parsed(text: str) -> ElementTree.Element:
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("}svg")
    assert root.get("role") == "img"
    ids = {one.get("id"): one.text for one in root.iter() if one.get("id")}
    for name in (root.get("aria-labelledby") or "").split():
        assert ids[name]
    assert "prefers-color-scheme:dark" in text
    assert not any(word in text for word in ("<script", "href=", "url(", "@import", "nan", "inf "))
    return root


def outcome() -> Outcome:
    found = Outcome(Scenario(seconds=3.0, rate=100.0, priorities=(("votes", 1.0), ("audits", 1.0))))
    request = Request(b"", 1, 0, None, b"\x01")
    for i in range(300):
        due = 1 + i / 100
        found.note(
            "answered" if i % 10 else "refused", request, "votes" if i % 2 else "audits", due, due, due + 0.002, 0.0
        )
    found.elapsed = 3.0
    return found


def test_charts_are_whole_and_name_themselves() -> None:
    root = parsed(outcome_chart(outcome()))
    drawn = [one for one in root.iter() if one.tag.endswith("}path") and one.get("class") == "line"]
    assert len(drawn) >= 6
    odd = draw(
        '<&">', "x", [Panel("p", "x", "y", [Line("nothing", []), Line("one", [(1, 1)])], x_log=True, y_log=True)]
    )
    parsed(odd)
    answers = [Answer.of(cost(), Machine(2), 0.05)]
    parsed(chart(answers, Machine(2), 0.05, None))


def test_the_table_and_the_document_count_the_same() -> None:
    found = outcome()
    document = found.to_dict()
    assert document["counts"] == {"answered": 270, "refused": 30}
    assert sum(document["slices"]["answered"]) == 270
    assert sum(document["slices"]["refused"]) == 30
    assert sum(one["count"] for one in document["by_priority"].values()) == 270
    assert document["by_priority"]["audits"]["refused"] == 30
    assert [row[1] for row in rows(found) if row[0] in ("answered", "refused")] == ["270", "30"]
    assert document["requests_per_second"] == 90.0
