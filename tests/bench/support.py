"""A small agent that learns and that fails on demand, and ways to run it, here or in a process that gets killed.

Importing this module registers the agents; worker processes do so when they unpickle something of it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from metarl_bench.agents import Adaptation, AgentSpec, MetaAgent, TrialShape
from metarl_bench.cells import Cell
from metarl_bench.interrupts import Interrupted, interruptible
from metarl_bench.metering import TrainingGround
from metarl_bench.progress import SilentReporter
from metarl_bench.registry import AGENTS
from metarl_bench.runner import Outcome, run_cell
from metarl_bench.tasks import SuiteSpec, Task
from tests.bench import moments

REPOSITORY = Path(__file__).parents[2]
SUITE = "toy/point-robot-v1"
TABLES = ("episodes.parquet", "within_trial.parquet")
Here = Callable[..., subprocess.CompletedProcess[str]]  # see the fixture
# "<moment>/<what>:<number>", where the number counts steps, or changes on disk for the moments of ``moments.PLACES``;
# in the environment, since a setting would make another run.
FAULT = "METARL_TEST_FAULT"
ONCE = "METARL_TEST_ONCE"  # a file; where it is named, the fault strikes while it is there, and removes it

LIFE = "METARL_TEST_LIFE"  # a file; see ``leave_a_process``


@dataclass(frozen=True)
class LearnerConfig:
    """Settings of the learner; ``misdeed`` names a broken rule."""

    rate: float = 0.1
    misdeed: str = ""


class Learner(MetaAgent):
    """Keeps a running mean of noisy rewards: every step leaves a trace in the weights and in the training state."""

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: LearnerConfig, rng: np.random.Generator) -> None:
        self.config = config
        self.mean = rng.normal(size=suite.action_space.shape)
        self.steps = 0

    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        # Six worlds, so that segments end before their boundary, and steps carry over to the next.
        worlds = ground.make_worlds(6)
        while ground.steps + 6 * ground.suite.horizon <= until:
            misdeed = MISDEEDS.get(self.config.misdeed)
            if misdeed is not None:
                misdeed(ground)
            worlds.set_tasks(ground.sample_tasks(6))
            observations, _ = worlds.reset()
            for _ in range(ground.suite.horizon):
                strike("train", ground.steps)
                actions = self.mean + rng.normal(size=(6, *self.mean.shape))
                observations, rewards, *_ = worlds.step(actions)
                self.mean += self.config.rate * np.tanh(observations[:, : len(self.mean)].mean(axis=0) * rewards.mean())
            self.steps = ground.steps

    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: np.ndarray | None = None
    ) -> Adaptation:
        strike("test", 0)
        return LearnerAdaptation(self, rng)

    def save(self, folder: Path) -> None:
        (folder / "mean.json").write_text(json.dumps(self.mean.tolist()))
        strike("save", self.steps)

    def load(self, folder: Path) -> None:
        self.mean = np.array(json.loads((folder / "mean.json").read_text()))

    def save_training(self, folder: Path) -> None:
        (folder / "steps.json").write_text(json.dumps(self.steps))
        strike("save-training", self.steps)

    def load_training(self, folder: Path) -> None:
        self.steps = json.loads((folder / "steps.json").read_text())

    def training_log(self) -> dict[str, float]:
        return {"mean": float(self.mean[0]), "undefined": float("nan")}


class LearnerAdaptation(Adaptation):
    """Acts on the learned mean, and fails as its agent's misdeed says."""

    def __init__(self, agent: Learner, rng: np.random.Generator) -> None:
        self._agent = agent
        self._rng = rng

    def act(self, observations: np.ndarray, *, active: np.ndarray, explore: bool) -> Any:
        if self._agent.config.misdeed == "act raises":
            raise RuntimeError("the policy is broken")
        if self._agent.config.misdeed == "global seeds":
            seed_globally()
        return self._agent.mean + 0.1 * self._rng.normal(size=(len(observations), *self._agent.mean.shape))


def seed_globally() -> None:
    import torch

    np.random.seed(0)  # noqa: NPY002 - the misdeed itself
    random.seed(0)
    torch.manual_seed(0)


def overstep(ground: TrainingGround) -> None:
    """Steps until the segment's end and once more; notes where the ground stopped it."""
    worlds = ground.make_worlds(1)
    ended = True
    while True:
        if ended:
            worlds.set_tasks(ground.sample_tasks(1))
            worlds.reset()
        *_, terminated, truncated, _ = worlds.step(np.zeros((1, 2)))
        ended = bool(terminated[0] or truncated[0])


def train_on_test_task(ground: TrainingGround) -> None:
    task = Task(suite=SUITE, split="test", index=0, params=(("goal_x", 0.0), ("goal_y", 0.0)))
    ground.make_worlds(1).set_tasks([task])


def act_nan(ground: TrainingGround) -> None:
    worlds = ground.make_worlds(1)
    worlds.set_tasks(ground.sample_tasks(1))
    worlds.reset()
    worlds.step(np.full((1, 2), np.nan))


def divide(ground: TrainingGround) -> None:
    raise ZeroDivisionError("the learner divided by nothing")


@cache
def leave_a_process() -> None:
    """Leaves a process behind that lives as long as a file is there, which it removes after a minute."""
    if os.fork() == 0:
        life = Path(os.environ[LIFE])
        for _ in range(600):
            if life.exists():
                time.sleep(0.1)
        life.unlink(missing_ok=True)
        os._exit(0)


MISDEEDS: dict[str, Callable[[TrainingGround], None]] = {
    "global seeds": lambda ground: seed_globally(),
    "over budget": overstep,
    "test task": train_on_test_task,
    "nan action": act_nan,
    "training raises": divide,
    "leaves a process": lambda ground: leave_a_process(),
}


def asked_fault() -> tuple[str, str, int]:
    """Returns the moment, what is to happen then, and the number, as the environment asks for it."""
    asked, _, at = os.environ.get(FAULT, "").partition(":")
    when, _, what = asked.partition("/")
    return when, what, int(at or 0)


def strike(moment: str, steps: int) -> None:
    """Does what the environment asks for at this moment: a signal to this process, an error, or a long wait."""
    when, what, at = asked_fault()
    if when != moment or steps < at:
        return
    if ONCE in os.environ:
        try:
            Path(os.environ[ONCE]).unlink()
        except FileNotFoundError:
            return
    if what == "raise":
        raise RuntimeError("asked to fail")
    if what == "wait":
        time.sleep(60)
    elif what == "linger":
        try:
            time.sleep(60)
        finally:
            time.sleep(60)
    elif what == "int twice":
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
    else:
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "int": signal.SIGINT, "term": signal.SIGTERM}[what])


def _register(agent_id: str, *, resumable: bool = True) -> None:
    AGENTS.register(
        AgentSpec(
            id=agent_id,
            kind="reference",
            summary="for tests",
            factory=f"{__name__}:Learner",
            config=f"{__name__}:LearnerConfig",
            resumable=resumable,
        )
    )


_register("test-learner")
_register("test-learner-once", resumable=False)


class Listener(SilentReporter):
    """Keeps what it is told; being defined here, it also makes worker processes import this module."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.most_steps = 0

    def steps(self, steps: int) -> None:
        self.most_steps = max(self.most_steps, steps)

    def message(self, text: str) -> None:
        self.messages.append(text)


def cell(agent: str = "test-learner", *, seed: int = 0, **config: object) -> Cell:
    """Returns a cell of seconds."""
    return Cell(protocol="smoke-v1", suite=SUITE, agent=agent, seed=seed, config=tuple(config.items()))


def go(out: Path, agent: str = "test-learner", **options: Any) -> Outcome:
    """Runs the learner's cell in this process."""
    return run_cell(cell(agent), out, **options)


def go_in_process(out: Path, *, fault: str = "", agent: str = "test-learner") -> subprocess.CompletedProcess[str]:
    """Runs the learner's cell in a process of its own, which a fault may end."""
    code = f"from tests.bench import support; support.main({agent!r}, {str(out)!r})"
    environment = {**os.environ, FAULT: fault, "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )


def main(agent: str, out: str) -> None:
    """Runs a cell as the command line does."""
    when, what, number = asked_fault()
    if when in moments.PLACES:
        moments.watch(cell(agent).folder(Path(out)), when, what, number)
    _as_command(lambda: go(Path(out), agent))


def main_with_fault(out: str, fault: str) -> None:
    """Runs the learner's cell as the command line does, with a fault that is named here."""
    os.environ[FAULT] = fault
    main("test-learner", out)


def main_of_two(out: str) -> None:
    """Runs two cells at once as the command line does."""
    from metarl_bench.engines.local import run_cells

    _as_command(lambda: run_cells([cell(seed=0), cell(seed=1)], Path(out), workers=2, reporter=Listener()))


def _as_command(run: Callable[[], object]) -> None:
    try:
        with interruptible():
            run()
    except Interrupted as stop:
        sys.stderr.write(f"{stop}\n")
        sys.exit(stop.exit_code)


def run_folder(out: Path) -> Path:
    """Returns the folder of the learner's cell."""
    return cell().folder(out)


def content(folder: Path) -> dict[str, bytes]:
    """Returns the bytes of all files below a folder, by their path within it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def result_bytes(folder: Path) -> dict[str, bytes]:
    """Returns all files of a run that must not depend on what happened on the way: tables, evidence and weights."""
    told = ("manifest.json", "training.jsonl", ".lock")  # times, and what the machine needed
    return {name: value for name, value in content(folder).items() if name not in told}


def assert_same_end(reference: Outcome, outcome: Outcome) -> None:
    """Asserts that a run is complete, has the reference's bytes, and left nothing else behind."""
    assert (outcome.status, outcome.steps) == ("complete", reference.steps)
    found, expected = result_bytes(outcome.folder), result_bytes(reference.folder)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert not (outcome.folder / "save").exists()


def table_bytes(outcome_or_folder: Outcome | Path) -> dict[str, bytes]:
    """Returns the bytes of a run's tables."""
    folder = outcome_or_folder if isinstance(outcome_or_folder, Path) else outcome_or_folder.folder
    return {name: (folder / name).read_bytes() for name in TABLES}
