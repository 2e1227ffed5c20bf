"""Protocols: resolved for a suite, and named by a digest."""

import dataclasses

import pytest

from metarl_bench.errors import ContractError, UnknownIdError
from metarl_bench.protocols import PROTOCOLS, Protocol, check_checkpoint, get_protocol
from metarl_bench.registry import make_suite

DENSE = make_suite("toy/point-robot-v1")
SPARSE = make_suite("toy/sparse-point-robot-v1")
LITE = get_protocol("lite-v1")


def test_an_unknown_protocol_is_answered_with_what_comes_near() -> None:
    with pytest.raises(UnknownIdError, match=r"Unknown protocol 'lite'\. Did you mean 'lite-v1'"):
        get_protocol("lite")


def test_ids_are_unique() -> None:
    assert len({protocol.id for protocol in PROTOCOLS}) == len(PROTOCOLS)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.id)
@pytest.mark.parametrize("suite", [DENSE, SPARSE], ids=lambda suite: suite.spec.id)
def test_checkpoints_rise_to_the_budget(protocol: Protocol, suite) -> None:
    resolved = protocol.resolve(suite)

    assert resolved.budget == (protocol.budget or suite.spec.budget)
    assert list(resolved.checkpoints) == sorted(set(resolved.checkpoints))
    assert resolved.checkpoints[-1] == resolved.budget


def test_lite_takes_two_trials_of_every_test_task() -> None:
    resolved = LITE.resolve(DENSE)

    assert resolved.tasks("test") == DENSE.tasks("test")
    assert resolved.trials_per_task("test") == 2
    assert resolved.trial.adaptation_episodes == 2


def test_fewer_tasks_are_spread_evenly_over_the_list() -> None:
    resolved = dataclasses.replace(LITE, num_tasks=3).resolve(SPARSE)

    assert [task.index for task in resolved.tasks("test")] == [5, 15, 25]


def test_the_primary_split_comes_first_and_train_tasks_are_the_same_for_everybody() -> None:
    first, second = LITE.resolve(DENSE), LITE.resolve(DENSE)

    assert first.splits == ("test", "train", "test_ood")
    assert first.tasks("train") == second.tasks("train")


def test_validation_has_a_digest_of_its_own() -> None:
    resolved = LITE.resolve(DENSE, primary_split="validation")

    assert resolved.splits[0] == "validation"
    assert "test" not in resolved.splits
    assert resolved.digest() != LITE.resolve(DENSE).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"adaptation_episodes": 3},
        {"evaluation_episodes": 2},
        {"num_tasks": 15},
        {"num_trials": 90},
        {"checkpoints": (10_000,)},
        {"budget": 500_000},
        {"evaluation_actions": "sampled"},
        {"score": "trial"},
        {"final_splits": ("train",)},
        {"seeds": (0, 1)},
        {"id": "lite-v2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_rule_changes_the_digest(change: dict[str, object]) -> None:
    changed = dataclasses.replace(LITE, **change)  # type: ignore[arg-type]

    assert changed.resolve(DENSE).digest() != LITE.resolve(DENSE).digest()


@pytest.mark.parametrize("change", [{"purpose": "something else"}], ids=["purpose"])
def test_words_do_not_change_the_digest(change: dict[str, str]) -> None:
    assert dataclasses.replace(LITE, **change).resolve(DENSE).digest() == LITE.resolve(DENSE).digest()


def test_suites_have_digests_of_their_own() -> None:
    assert LITE.resolve(DENSE).digest() != LITE.resolve(SPARSE).digest()


@pytest.mark.parametrize("change", [{"horizon": 21}, {"failure_return": -102.0}, {"budget": 900_000}])
def test_what_a_suite_declares_changes_the_digest(change: dict[str, float]) -> None:
    other = dataclasses.replace(DENSE, spec=dataclasses.replace(DENSE.spec, **change))

    assert LITE.resolve(other).digest() != LITE.resolve(DENSE).digest()


def test_what_the_digest_covers_is_shown_in_full() -> None:
    covers = LITE.resolve(DENSE).covers()

    assert covers["suite"] == "toy/point-robot-v1"
    assert {split for split, _ in covers["task_hashes"]} == {"test", "train", "test_ood"}
    assert "selected" not in covers


def test_steps_without_a_checkpoint_are_refused() -> None:
    resolved = LITE.resolve(DENSE)

    check_checkpoint(resolved, 10_000)
    with pytest.raises(ContractError, match="no checkpoint at 12345; it has"):
        check_checkpoint(resolved, 12_345)
