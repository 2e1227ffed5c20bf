"""The contract of agents: what a method declares about itself, meta-training, and adaptation within a trial.

Everything is batched over worlds: the leading axis of every array is the world.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metarl_bench.tasks import SuiteSpec

if TYPE_CHECKING:
    from metarl_bench.metering import TrainingGround

Phase = Literal["adaptation", "evaluation"]
Division = Literal["standard", "privileged"]
Kind = Literal["optimisation", "memory", "context", "metric", "model", "learned-loss", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialShape:
    """How long the trials of the meta-test are.

    Attributes:
        adaptation_episodes: K, episodes that the agent may learn from.
        evaluation_episodes: Episodes played from each fork.
        horizon: Environment steps of an episode.
    """

    adaptation_episodes: int
    evaluation_episodes: int
    horizon: int


class Transition(NamedTuple):
    """One step of all worlds; rows of worlds that are not active mean nothing.

    Attributes:
        observation: What the agent acted on, float32 [worlds, observation].
        action: What was executed (after clipping), float64 [worlds, action].
        reward: float64 [worlds].
        terminated: The MDP ended, bool [worlds].
        truncated: The horizon was reached, bool [worlds].
        next_observation: The true next observation, before any reset, float32 [worlds, observation].
        active: The world was stepped, bool [worlds].
    """

    observation: NDArray[np.float32]
    action: NDArray[np.float64]
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    next_observation: NDArray[np.float32]
    active: NDArray[np.bool_]


class Adaptation(ABC):
    """An agent in the middle of a batch of trials: all its within-trial state, for all worlds.

    A world's actions may depend on that world's history alone. The harness calls, for each episode,
    ``begin_episode``, then ``act`` and ``observe`` until every world has ended, then ``end_episode``.
    """

    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        """Meets the first observations of an episode.

        Args:
            observations: float32 [worlds, observation].
            episode: Number of episodes that this state has seen before.
            phase: Whether the episode may be learned from or is scored.
        """

    @abstractmethod
    def act(
        self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool
    ) -> NDArray[np.floating[Any]]:
        """Returns actions [worlds, action]; rows of worlds that are not active are ignored.

        A call that takes more than ``time_limit.ACT_SECONDS`` fails the episode.
        """

    def observe(self, transition: Transition) -> None:
        """Takes in what the actions did."""

    def end_episode(self) -> None:
        """Is told that every world of the batch has ended its episode."""

    def fork(self) -> Adaptation:
        """Returns an independent copy, from which evaluation episodes are played and which is then thrown away."""
        return copy.deepcopy(self)


class MetaAgent(ABC):
    """A method that learns over many tasks how to do well in a new one."""

    @abstractmethod
    def meta_train(self, ground: TrainingGround, *, until: int, rng: np.random.Generator) -> None:
        """Trains until ``ground.steps`` is ``until``; may return early by less than one iteration.

        ``ground.has_room`` says whether one more fits, and refuses an agent whose iterations never would.

        Called once per segment, with fresh worlds to be made from the ground; whatever must survive between segments
        goes through ``save_training``.
        """

    @abstractmethod
    def start_trials(
        self, num_worlds: int, *, rng: np.random.Generator, privileged: NDArray[np.float64] | None = None
    ) -> Adaptation:
        """Returns fresh within-trial state for a batch of worlds.

        Args:
            num_worlds: Worlds of the batch, each with its own trial.
            rng: For the agent's own exploration.
            privileged: Task parameters [worlds, width], for agents of the privileged division only.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes what meta-testing needs into an existing empty folder: safetensors and JSON, never pickle."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Reads what ``save`` wrote."""

    def save_training(self, folder: Path) -> None:
        """Writes what training needs beyond ``save``: optimisers, buffers, normalisers, counters."""

    def load_training(self, folder: Path) -> None:
        """Reads what ``save_training`` wrote; ``load`` has been called before."""

    def training_log(self) -> Mapping[str, float]:
        """Returns the newest figures of training, by name, for ``training.jsonl``."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """What an agent declares about itself; frozen data that loads without the agent's code.

    Attributes:
        id: Lower-case name, e.g. ``rl2``.
        kind: The family of methods.
        summary: One line for lists.
        factory: Where the ``MetaAgent`` class is: ``package.module:Class``; it is called as
            ``Class(suite, trial, config, rng)``.
        config: Where its frozen configuration dataclass is. A class method ``for_suite(suite)``, where it has one,
            returns the settings for a suite; else the defaults are taken.
        division: ``privileged`` agents see the task parameters and are never ranked beside others.
        resumable: Whether training can go on from a save point.
        bibtex: Key of the paper.
    """

    id: str
    kind: Kind
    summary: str
    factory: str
    config: str
    division: Division = "standard"
    resumable: bool = True
    bibtex: str = ""

    def build(self, suite: SuiteSpec, trial: TrialShape, config: object, rng: np.random.Generator) -> MetaAgent:
        """Returns an untrained agent; imports its code."""
        from metarl_bench.registry import load_object

        agent = load_object(self.factory)(suite, trial, config, rng)
        if not isinstance(agent, MetaAgent):
            raise TypeError(f"{self.factory} made a {type(agent).__name__}; expected a MetaAgent.")
        return agent
