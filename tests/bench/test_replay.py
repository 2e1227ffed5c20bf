"""Evidence: what a meta-test records replays bit for bit, and whatever is changed in it is found and named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metarl_bench.agents import AgentSpec
from metarl_bench.errors import RecordError
from metarl_bench.evidence import SEGMENT, Evidence, encode, read_evidence, write_evidence
from metarl_bench.protocols import ResolvedProtocol, get_protocol
from metarl_bench.registry import AGENTS, make_config, make_suite
from metarl_bench.replay import Replay, replay
from metarl_bench.seeding import generator
from metarl_bench.tasks import Suite
from metarl_bench.testing import Script, ScriptedAgent
from metarl_bench.trials import MetaTest, meta_test
from tests.bench.test_trials import StoppingSuite

CHEETAH = make_suite("locomotion/cheetah-velocity-v1")
SUITES: dict[str, Suite] = {
    "early ends": StoppingSuite(spec=make_suite("toy/sparse-point-robot-v1").spec),
    "dense": make_suite("toy/point-robot-v1"),
    "physics": CHEETAH,
}


def rules(suite: Suite) -> ResolvedProtocol:
    return dataclasses.replace(get_protocol("lite-v1"), num_tasks=3, num_trials=6).resolve(suite)


def played(suite: Suite, script: Script | None = None) -> MetaTest:
    spec: AgentSpec = AGENTS.get("random")
    resolved = rules(suite)
    rng = generator("evidence")
    agent: Any = (
        ScriptedAgent(script) if script else spec.build(suite.spec, resolved.trial, make_config(spec, suite.spec), rng)
    )
    return meta_test(agent, spec, suite, resolved, split="test", seed=0, checkpoint=0, record_evidence=True)


def checked(suite: Suite, found: MetaTest, evidence: Evidence | None = None, **options: Any) -> Replay:
    evidence = evidence or found.evidence
    assert evidence is not None
    return replay(evidence, found.rows, suite, rules(suite), "test", **{"exact": True, **options})


@pytest.fixture(scope="module")
def cheetah() -> MetaTest:
    return played(CHEETAH)


# -- what is genuine ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("num_threads", [1, 2])
def test_a_meta_test_replays_bit_for_bit(name: str, num_threads: int) -> None:
    suite = SUITES[name]
    found = played(suite)
    outcome = checked(suite, found, num_threads=num_threads)
    assert not outcome.problems
    assert outcome.drift == 0.0
    assert outcome.episodes == len(found.rows) == 6 * 5


def test_small_batches_find_the_same(cheetah: MetaTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metarl_bench.replay.LARGEST_BATCH", 1)
    assert not checked(CHEETAH, cheetah).problems


def test_recording_changes_no_result(cheetah: MetaTest) -> None:
    spec, resolved = AGENTS.get("random"), rules(CHEETAH)
    agent = spec.build(CHEETAH.spec, resolved.trial, make_config(spec, CHEETAH.spec), generator("evidence"))
    plain = meta_test(agent, spec, CHEETAH, resolved, split="test", seed=0, checkpoint=0)
    assert plain.evidence is None
    assert plain.rows == cheetah.rows


def test_episodes_that_the_agent_failed_replay_too() -> None:
    def breaking(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        actions = np.zeros((len(observations), 6))
        if step == 60:
            actions[1] = np.nan
        if episode == 1 and step == 70:
            raise RuntimeError("the network is unwell")
        return actions

    found = played(CHEETAH, breaking)
    assert {row["failed"] for row in found.rows} == {True, False}
    assert not checked(CHEETAH, found).problems


def test_an_agent_that_cannot_start_leaves_evidence_of_nothing() -> None:
    def broken(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        raise RuntimeError("no")

    found = played(CHEETAH, broken)
    assert found.evidence is not None
    assert found.evidence.steps.tolist() == [0] * 5
    assert not checked(CHEETAH, found).problems


def test_single_precision_actions_take_half_the_room(cheetah: MetaTest) -> None:
    halves = played(CHEETAH, lambda observations, episode, step: np.full((len(observations), 6), 0.5, np.float32))
    assert halves.evidence is not None
    assert halves.evidence.actions.dtype == np.float32
    assert cheetah.evidence is not None
    assert cheetah.evidence.actions.dtype == np.float64


# -- what is not -------------------------------------------------------------------------------------------------------


def flip_action_bit(evidence: Evidence) -> None:
    evidence.actions.view(np.uint8).reshape(-1)[6 * 8 * 6 * 210 + 4] ^= 1  # the second episode


def edit_reward(evidence: Evidence) -> None:
    evidence.rewards[33, 2] += 1e-9


def edit_snapshot(evidence: Evidence) -> None:
    evidence.snapshots["physics"][3, 1, 4] += 1e-9


def move_start(evidence: Evidence) -> None:
    evidence.snapshots["physics"][4, 0, 1] += 5.0  # the first segment of the second episode


def splice(evidence: Evidence) -> None:
    for array in (*evidence.snapshots.values(),):
        array[5] = array[6]
    second, third = slice(250, 250 + SEGMENT), slice(300, 300 + SEGMENT)
    evidence.actions[second], evidence.rewards[second] = evidence.actions[third], evidence.rewards[third]


def drop_bad_steps(evidence: Evidence) -> None:
    evidence.active[150:200, 3] = False


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (flip_action_bit, "task 5, trial 0, adaptation episode 0: step 1"),
        (edit_reward, "task 15, trial 0, evaluation episode 0 after shot 0: step 33 paid"),
        (edit_snapshot, "the segment at step 150 does not begin where the one before it ends (physics)"),
        (move_start, "adaptation episode 0: the segment at step 0 does not begin with the protocol's reset (physics)"),
        (splice, "does not begin where the one before it ends"),
        (drop_bad_steps, "recorded as sound; expected failed"),
    ],
)
def test_tampered_evidence_is_found(cheetah: MetaTest, tamper: Callable[[Evidence], None], told: str) -> None:
    genuine = cheetah.evidence
    assert genuine is not None
    copy = dataclasses.replace(
        genuine,
        actions=genuine.actions.copy(),
        rewards=genuine.rewards.copy(),
        active=genuine.active.copy(),
        snapshots={name: array.copy() for name, array in genuine.snapshots.items()},
    )
    tamper(copy)
    problems = checked(CHEETAH, cheetah, copy).problems
    assert any(told in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("return", 0.0, "the record has the return 0.0; expected -"),
        ("success", True, "the record has success True; expected False"),
        ("success_at_end", True, "the record has success True at the last step; expected False"),
        ("length", 199, "the record has 199 steps; expected 200"),
        ("failed", True, "the record has the return"),
    ],
)
def test_an_edited_record_is_found(cheetah: MetaTest, column: str, value: object, told: str) -> None:
    rows = [dict(row) for row in cheetah.rows]
    rows[7][column] = value
    problems = checked(CHEETAH, MetaTest(rows=rows), cheetah.evidence).problems
    assert len(problems) == 1
    assert "task 5, trial 1, adaptation episode 0" in problems[0]
    assert told in problems[0]


def test_a_missing_record_is_found(cheetah: MetaTest) -> None:
    problems = checked(CHEETAH, MetaTest(rows=cheetah.rows[1:]), cheetah.evidence).problems
    assert problems == ["test task 5, trial 0, evaluation episode 0 after shot 0: no record."]


def test_evidence_of_other_rules_is_refused_by_its_shape(cheetah: MetaTest) -> None:
    assert cheetah.evidence is not None
    longer = dataclasses.replace(cheetah.evidence, steps=cheetah.evidence.steps + 1)
    assert "expected 5 of at most 200" in checked(CHEETAH, cheetah, longer).problems[0]
    narrow = dataclasses.replace(cheetah.evidence, actions=cheetah.evidence.actions[:, :5])
    assert "actions of shape (1000, 5, 6); expected (1000, 6, 6)" in checked(CHEETAH, cheetah, narrow).problems[0]


def test_elsewhere_small_differences_are_drift_and_large_ones_are_problems(cheetah: MetaTest) -> None:
    assert cheetah.evidence is not None
    for size, genuine in ((1e-12, True), (1e-2, False)):
        near = dataclasses.replace(cheetah.evidence, rewards=cheetah.evidence.rewards * (1 + size))
        outcome = checked(CHEETAH, cheetah, near, exact=False)
        assert (not outcome.problems) is genuine
        assert outcome.drift > 0


# -- files -------------------------------------------------------------------------------------------------------------


def test_evidence_survives_the_file(cheetah: MetaTest, tmp_path: Path) -> None:
    assert cheetah.evidence is not None
    path = tmp_path / "evidence" / "test.safetensors"
    checksum = write_evidence(path, cheetah.evidence)
    evidence = read_evidence(path)
    assert encode(evidence) == path.read_bytes()
    assert len(checksum) == 64
    assert not checked(CHEETAH, cheetah, evidence).problems


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"none.safetensors cannot be read"):
        read_evidence(tmp_path / "none.safetensors")
