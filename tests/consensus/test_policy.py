"""Signature policies and implicit ones as Fabric evaluates them: each surprising rule has its own test."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from pycore._pb.ledgers.fabric.v1 import configuration_pb2, membership_pb2
from pycore.consensus.policy import MAX_DEPTH, MAX_NODES, Leaf, PolicyError, SignaturePolicy, compile_policy
from pycore.consensus.policy_tree import BatchPolicy, PolicyTree
from pycore.errors import InputError
from pycore.identities.msp_principals import Principal

Rule = membership_pb2.SignaturePolicy


def signed_by(place: int) -> Rule:
    return Rule(signed_by=place)


def out_of(n: int, *rules: Rule) -> Rule:
    return Rule(n_out_of={"n": n, "rules": rules})


def policy(rule: Rule, principals: int = 3, rules: str = "compatible") -> SignaturePolicy:
    made = membership_pb2.SignaturePolicyEnvelope(rule=rule)
    for _ in range(principals):
        made.identities.add()
    return compile_policy(made.SerializeToString(), rules=rules)


def fits(*rows: str) -> Any:
    """Who fits what: a row of 0 and 1 for each signer, a letter for each principal."""
    return np.array([[letter == "1" for letter in row] for row in rows], np.bool_)


def judged(rule: Rule, *rows: str) -> bool:
    return policy(rule, len(rows[0]) if rows else 3).evaluate(fits(*rows), range(len(rows)))


# ---- signature policies ----------------------------------------------------------------------------------------------


def test_so_many_of_these():
    rule = out_of(2, signed_by(0), signed_by(1), signed_by(2))
    assert judged(rule, "100", "010")
    assert judged(rule, "001", "100")
    assert not judged(rule, "100", "100")
    assert not judged(rule, "100")


def test_a_leaf_takes_the_first_who_fits():
    rule = out_of(2, signed_by(0), signed_by(1))
    assert judged(rule, "100", "110"), "the first takes the one who fits nothing else"
    assert not judged(rule, "110", "100"), "the first takes the one whom the second needs: there is no way back"


def test_a_signer_serves_one_leaf():
    assert not judged(out_of(2, signed_by(0), signed_by(0)), "100")
    assert judged(out_of(2, signed_by(0), signed_by(0)), "100", "100")


def test_every_child_is_tried_also_when_enough_have_passed():
    inner = out_of(1, signed_by(0), signed_by(1))
    assert not judged(out_of(2, inner, signed_by(1)), "100", "010"), "the inner node took both, though it needs one"
    assert judged(out_of(2, signed_by(1), inner), "100", "010")


def test_a_child_that_fails_gives_its_signers_back():
    inner = out_of(2, signed_by(0), signed_by(1))
    assert judged(out_of(1, inner, signed_by(0)), "100")


def test_nothing_needed():
    assert judged(out_of(0, signed_by(0)))
    assert judged(out_of(-1))
    for rule in (out_of(0, signed_by(0)), out_of(-1), out_of(1, out_of(0), signed_by(0))):
        with pytest.raises(PolicyError, match="nobody has to sign"):
            policy(rule, rules="strict")


def test_more_needed_than_there_is():
    assert not judged(out_of(4, signed_by(0), signed_by(1), signed_by(2)), "111", "111", "111", "111")


@pytest.mark.parametrize("rules", ["strict", "compatible"])
def test_bytes_that_are_no_policy(rules):
    leaf = signed_by(0)
    deep = leaf
    for _ in range(MAX_DEPTH + 1):
        deep = out_of(1, deep)
    for rule in (signed_by(3), signed_by(-1), Rule(), out_of(1, Rule()), deep, out_of(1, *[leaf] * MAX_NODES)):
        with pytest.raises(PolicyError):
            policy(rule, rules=rules)
    for data in (b"", b"\xff", membership_pb2.SignaturePolicyEnvelope(version=1, rule=leaf).SerializeToString()):
        with pytest.raises(PolicyError):
            compile_policy(data, rules=rules)
    with pytest.raises(InputError):
        policy(leaf, rules="lax")


def slow(rule: Rule, matrix: Any, used: list[bool]) -> bool:
    """The evaluation as it is written in words, on lists."""
    if rule.WhichOneof("type") == "signed_by":
        for place in range(len(used)):
            if not used[place] and matrix[place, rule.signed_by]:
                used[place] = True
                return True
        return False
    passed = 0
    for child in rule.n_out_of.rules:
        copy = list(used)
        if slow(child, matrix, copy):
            passed += 1
            used[:] = copy
    return passed >= rule.n_out_of.n


def made_up(rng: random.Random, depth: int) -> Rule:
    if depth == 0 or rng.random() < 0.4:
        return signed_by(rng.randrange(4))
    rules = [made_up(rng, depth - 1) for _ in range(rng.randrange(1, 4))]
    return out_of(rng.randrange(0, len(rules) + 2), *rules)


def test_against_a_slow_evaluation(seed):
    rng = random.Random(seed)
    answers = set()
    for _ in range(400):
        rule, n = made_up(rng, 3), rng.randrange(5)
        matrix = np.array([[rng.random() < 0.4 for _ in range(4)] for _ in range(n)], np.bool_).reshape(n, 4)
        wanted = slow(rule, matrix, [False] * n)
        answers.add(wanted)
        assert policy(rule, 4).evaluate(matrix, range(n)) == wanted
    assert answers == {True, False}


def test_many_items_are_evaluated_as_one_by_one(seed):
    rng = random.Random(seed)
    one = policy(out_of(2, signed_by(0), out_of(1, signed_by(1), signed_by(2))))
    matrix = np.array([[rng.random() < 0.5 for _ in range(3)] for _ in range(6)], np.bool_)
    counts = [rng.randrange(5) for _ in range(300)]
    starts = np.concatenate([[0], np.cumsum(counts)])
    who = np.array([rng.randrange(-1, 6) for _ in range(sum(counts))])
    ok = np.array([rng.random() < 0.7 for _ in range(sum(counts))], np.bool_)
    found = one.evaluate_rows(matrix, starts, who, ok)
    for i, (start, stop) in enumerate(itertools.pairwise(starts.tolist())):
        order: list[int] = []
        for place in range(start, stop):
            if ok[place] and who[place] >= 0 and who[place] not in order:
                order.append(int(who[place]))
        assert found[i] == one.evaluate(matrix, order)
    assert found.any()
    assert not found.all()


def test_a_bad_signature_does_not_use_up_its_signer():
    one = policy(signed_by(0))
    matrix, starts, who = fits("100"), np.array([0, 2]), np.array([0, 0])
    assert one.evaluate_rows(matrix, starts, who, np.array([False, True])).all()
    assert not one.evaluate_rows(matrix, starts, who, np.array([False, False])).any()


def test_rows_that_do_not_fit():
    with pytest.raises(InputError, match="starts"):
        policy(signed_by(0)).evaluate_rows(fits("100"), np.array([0, 3]), np.array([0]), np.array([True]))


# ---- implicit policies -----------------------------------------------------------------------------------------------


class Someone:
    """Stands for an identity: principals ask the memory of their answers first."""

    def __init__(self, name: str, *fitting: Principal) -> None:
        self.msp_id, self.id = "Org", name
        self.facts = Facts(fitting)


class Facts(dict):
    def __init__(self, fitting: tuple[Principal, ...]) -> None:
        self._fitting = fitting

    def get(self, principal: Any, default: Any = None) -> str:
        return "" if principal in self._fitting else "another"


def group(rule: int, *below: bool, name: str = "Endorsement") -> configuration_pb2.ConfigGroup:
    """A channel of groups Org0, Org1 ..., those with True having the policy: a member of the MSP of that name."""
    made = configuration_pb2.ConfigGroup()
    value = membership_pb2.ImplicitMetaPolicy(sub_policy=name)
    value.rule = rule
    made.policies["All"].policy.type, made.policies["All"].policy.value = 3, value.SerializeToString()
    for place, has in enumerate(below):
        own = made.groups[f"Org{place}"]
        own.SetInParent()
        if has:
            role = membership_pb2.MSPRole(msp_identifier=f"Org{place}").SerializeToString()
            envelope = membership_pb2.SignaturePolicyEnvelope(rule=signed_by(0), identities=[{"principal": role}])
            own.policies[name].policy.type, own.policies[name].policy.value = 1, envelope.SerializeToString()
    return made


def member(*places: int) -> Someone:
    return Someone(repr(places), *(Principal("role", f"Org{place}", "member") for place in places))


def asked(made: configuration_pb2.ConfigGroup, *signers: Any, rules: str = "compatible") -> bool:
    return PolicyTree(made, rules=rules).get("/Channel/All").satisfied_by(signers)


ANY, ALL, MAJORITY = 0, 1, 2


def test_any_all_and_majority():
    for rule, needed in ((ANY, 1), (ALL, 4), (MAJORITY, 3)):
        made = group(rule, True, True, True, True)
        for count in range(5):
            assert asked(made, *map(member, range(count))) == (count >= needed)


def test_a_group_without_the_policy_counts_and_never_passes():
    assert not asked(group(ALL, True, False), member(0, 1))
    assert not asked(group(MAJORITY, True, True, False, False), member(0, 1, 2, 3))
    assert asked(group(MAJORITY, True, True, False), member(0, 1, 2))


def test_no_groups_at_all():
    for rule in (ANY, ALL, MAJORITY):
        assert asked(group(rule))
        assert not asked(group(rule), rules="strict")


def test_one_signer_may_serve_several_groups():
    assert asked(group(ALL, True, True, True), member(0, 1, 2))


def test_an_unknown_rule_passes_where_no_group_does():
    made = group(9, True, True)
    assert asked(made)
    assert not asked(made, member(0))
    with pytest.raises(PolicyError, match="unknown rule"):
        asked(made, rules="strict")


def test_unknown_paths_reject_everybody():
    tree = PolicyTree(group(ANY, True), rules="compatible")
    for path in ("/Channel/None", "/Other/All", "", "/Channel", "/Channel/Org0/None"):
        assert not tree.get(path).satisfied_by([member(0)])
    assert tree.get("All").satisfied_by([member(0)])
    assert tree.get("/Channel/Org0/Endorsement").satisfied_by([member(0)])
    assert tree.get("Org0/Endorsement").satisfied_by([member(0)])


def test_a_policy_that_needs_nobody_in_a_configuration():
    made = configuration_pb2.ConfigGroup()
    envelope = membership_pb2.SignaturePolicyEnvelope(rule=out_of(0))
    made.policies["All"].policy.type, made.policies["All"].policy.value = 1, envelope.SerializeToString()
    assert asked(made)
    assert not asked(made, member(0), rules="strict")


def test_configurations_that_do_not_compile():
    empty, unknown, broken = (configuration_pb2.ConfigGroup() for _ in range(3))
    empty.policies["All"].SetInParent()
    unknown.policies["All"].policy.type = 2
    broken.groups["Org"].policies["Some"].policy.type = 3
    broken.groups["Org"].policies["Some"].policy.value = b"\xff"
    for made in (empty, unknown, broken):
        with pytest.raises(PolicyError, match="the policy Channel/"):
            PolicyTree(made, rules="compatible")
    deep = configuration_pb2.ConfigGroup()
    inner = deep
    for _ in range(40):
        inner = inner.groups["a"]
    inner.SetInParent()
    with pytest.raises(PolicyError, match="within one another"):
        PolicyTree(deep)


def test_batches_of_implicit_policies():
    tree = PolicyTree(group(MAJORITY, True, True, True), rules="compatible")
    batch = BatchPolicy(tree.get("/Channel/All"), [member(0), member(1), member(0, 1)])
    starts, who = np.array([0, 1, 3, 4, 4]), np.array([0, 0, 1, 2])
    assert batch.evaluate_rows(starts, who, np.ones(4, np.bool_)).tolist() == [False, True, True, False]
    assert batch.evaluate_rows(starts, who, np.array([1, 1, 0, 1], np.bool_)).tolist() == [False, False, True, False]


def test_what_is_compiled():
    found = policy(out_of(1, signed_by(2)))
    assert found.rule.children == (Leaf(2),)
