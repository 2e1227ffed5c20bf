"""Synthetic frames with the columns of ``load_results``, ``load_within_trial`` and ``load_cells``."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from gymnasium.spaces import Box

from metarl_bench.protocols import ResolvedProtocol
from metarl_bench.registry import SUITES
from metarl_bench.tasks import References, SuiteSpec

BOX = Box(-1.0, 1.0, (2,), np.float32)
REFERENCES = References(random=-300.0, expert=-50.0, random_source="by hand", expert_source="by hand")
SUITE = SuiteSpec(
    id="synthetic/velocity-v1",
    summary="for tests",
    factory="nowhere:Nothing",
    horizon=10,
    observation_space=BOX,
    action_space=BOX,
    score="return",
    budget=4_000_000,
    failure_return=-1000.0,
    parameters=(),
    references=REFERENCES,
)


@dataclass(frozen=True)
class Place:
    """Where one episode of a synthetic meta-test stands."""

    seed: int
    steps: int
    split: str
    phase: str
    shot: int
    task: int
    trial: int


def rules(**changes: object) -> ResolvedProtocol:
    """Returns a small protocol: 2 shots, 2 trials of 3 tasks, 3 checkpoints."""
    values = {
        "protocol": "lite-v1",
        "suite": SUITE.id,
        "horizon": SUITE.horizon,
        "failure_return": SUITE.failure_return,
        "measure": "return",
        "budget": 4_000_000,
        "checkpoints": (10_000, 1_000_000, 4_000_000),
        "adaptation_episodes": 2,
        "evaluation_episodes": 1,
        "num_trials": 6,
        "evaluation_actions": "deterministic",
        "score": "last",
        "primary_split": "test",
        "task_hashes": (("test", "0"), ("train", "1"), ("test_ood", "2")),
        "task_counts": (("test", 3), ("train", 3), ("test_ood", 3)),
        "seeds": tuple(range(10)),
        "selected": (),
    }
    return ResolvedProtocol(**{**values, **changes})


@dataclass(frozen=True)
class Runs:
    """The runs of one agent.

    Attributes:
        value: Return of an episode by its place.
        success: Success of an episode by its place.
        reached: Environment steps of the newest checkpoint that has records.
    """

    agent: str
    value: Callable[[Place], float]
    seeds: Sequence[int] = (0, 1, 2)
    root: str = "runs"
    config_digest: str = "c0ffee123456"
    division: str = "standard"
    reached: int = 4_000_000
    success: Callable[[Place], bool] = lambda place: False
    fingerprint: tuple[tuple[str, object], ...] = (("cpu", "Example CPU 3000"), ("cores", 2))


def make_frames(
    runs: Sequence[Runs], protocol: ResolvedProtocol | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Returns results, within-trial rewards and cells."""
    protocol = protocol or rules()
    results, within, cells = [], [], []
    for run in runs:
        for seed in run.seeds:
            identity = _identity(run, seed, protocol)
            cells.append({**identity, **_cell(run, protocol)})
            for steps, split in _measurements(run, protocol):
                episodes = _episodes(run, seed, steps, split, protocol)
                results.extend({**identity, **episode} for episode in episodes)
                within.extend({**identity, **row} for row in _rewards(run, seed, steps, split, protocol))
    return pd.DataFrame(results), pd.DataFrame(within), pd.DataFrame(cells)


def _identity(run: Runs, seed: int, protocol: ResolvedProtocol) -> dict[str, object]:
    return {
        "root": run.root,
        "protocol": protocol.protocol,
        "digest": protocol.digest(),
        "suite": protocol.suite,
        "agent": run.agent,
        "division": run.division,
        "config_digest": run.config_digest,
        "seed": seed,
        "status": "complete" if run.reached == protocol.budget else "partial",
        "primary_split": protocol.primary_split,
    }


def _cell(run: Runs, protocol: ResolvedProtocol) -> dict[str, object]:
    return {
        "run": 1,
        "steps": run.reached,
        "budget": protocol.budget,
        "meta_test_seconds": 20.0,
        "steps_per_second": 5_000.0,
        "peak_memory_mib": 512.0,
        "seconds": 100.0,
        "failed_episodes": 0,
        "covers": protocol.covers(),
        "fingerprint": dict(run.fingerprint),
        "folder": "somewhere",
        "verified": True,
        "extra_data": False,
        "evidence": "e" * 64,
    }


def _measurements(run: Runs, protocol: ResolvedProtocol) -> list[tuple[int, str]]:
    found = [(steps, protocol.primary_split) for steps in protocol.checkpoints if steps <= run.reached]
    if run.reached == protocol.budget:
        found += [(protocol.budget, split) for split, _ in protocol.task_counts if split != protocol.primary_split]
    return found


def _episodes(run: Runs, seed: int, steps: int, split: str, protocol: ResolvedProtocol) -> list[dict[str, object]]:
    shots = protocol.adaptation_episodes
    tasks = dict(protocol.task_counts)[split]
    played = [("adaptation", shot, 0) for shot in range(shots)]
    played += [
        ("evaluation", shot, episode) for shot in range(shots + 1) for episode in range(protocol.evaluation_episodes)
    ]
    rows = []
    for (phase, shot, episode), task, trial in itertools.product(
        played, range(tasks), range(max(1, protocol.num_trials // tasks))
    ):
        place = Place(seed, steps, split, phase, shot, task, trial)
        rows.append(
            {
                "checkpoint_steps": steps,
                "split": split,
                "task": 10 * task + 5,  # a protocol selects some of a suite's frozen list
                "trial": trial,
                "shot": shot,
                "episode": episode,
                "phase": phase,
                "return": float(run.value(place)),
                "success": bool(run.success(place)),
                "length": protocol.horizon,
                "failed": False,
                "clipped": 0,
            }
        )
    return rows


def _rewards(run: Runs, seed: int, steps: int, split: str, protocol: ResolvedProtocol) -> list[dict[str, object]]:
    rows = []
    for time in range(protocol.adaptation_episodes * protocol.horizon):
        place = Place(seed, steps, split, "adaptation", time // protocol.horizon, 0, 0)
        reward = run.value(place) / protocol.horizon * (1 + np.exp(-time / 5))
        rows.append({"checkpoint_steps": steps, "split": split, "time": time, "reward": reward})
    return rows


@pytest.fixture
def synthetic_suite(monkeypatch: pytest.MonkeyPatch) -> SuiteSpec:
    """Registers ``SUITE`` for one test; other tests see the installed suites alone."""
    SUITES.all()
    monkeypatch.setitem(SUITES._specs, SUITE.id, SUITE)
    return SUITE
