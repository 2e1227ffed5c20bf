"""Agents written against Meta-World's own protocol, in our meta-test; needs no Meta-World.

Such an agent is a ``metaworld.evaluation.MetaLearningAgent``. A subclass of ``MetaWorldAgent`` makes it, and says how
it is trained, saved and loaded; from there on it is an agent like any other.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.agents import Adaptation, MetaAgent, Phase, Transition, TrialShape
from metarl_bench.tasks import SuiteSpec

Array = NDArray[np.float64]
# Rewards as Meta-World shows them to recurrent agents.
_REWARD_SCALE = 0.1


class Timestep(NamedTuple):
    """What ``step`` gets, as in ``metaworld.evaluation``; arrays over worlds."""

    observation: Array
    action: NDArray[Any]
    reward: Array
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    aux_policy_outputs: dict[str, NDArray[Any]]


class MetaLearningAgent(Protocol):
    """Meta-World's protocol; arrays over worlds."""

    def init(self) -> None:
        """Begins a trial in every world."""

    def adapt_action(self, observations: Array) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """Returns actions of an adaptation episode, and what ``step`` is to get back."""

    def step(self, timestep: Timestep) -> None:
        """Takes in a step of an adaptation episode."""

    def adapt(self) -> None:
        """Adapts, after all adaptation episodes."""

    def eval_action(self, observations: Array) -> NDArray[Any]:
        """Returns actions of an evaluation episode."""

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Is told that evaluation episodes begin in some worlds."""


class MetaWorldAgent(MetaAgent):
    """Plays an agent of Meta-World's protocol in every trial.

    Its ``adapt`` is called once in a trial, after the last adaptation episode, as Meta-World calls it: evaluation
    episodes before that show it unadapted, or as far as its memory went.

    Attributes:
        recurrent_info_in_obs: Whether observations end with the last action, a tenth of the last reward and a zero, as
            with Meta-World's option of that name; the zero stands for the end of an episode, which nobody gets to see.
    """

    recurrent_info_in_obs: ClassVar[bool] = False

    def __init__(self, suite: SuiteSpec, trial: TrialShape, config: Any, rng: np.random.Generator) -> None:
        self._suite = suite
        self._trial = trial

    @abstractmethod
    def make(self, num_worlds: int, rng: np.random.Generator) -> MetaLearningAgent:
        """Returns the agent, with the weights of now, for a batch of worlds."""

    @override
    def start_trials(self, num_worlds: int, *, rng: np.random.Generator, privileged: Array | None = None) -> Adaptation:
        shown = self._suite.action_space.shape[0] + 2 if self.recurrent_info_in_obs else 0
        return _Trial(self.make(num_worlds, rng), self._trial.adaptation_episodes, np.zeros((num_worlds, shown)))


class _Trial(Adaptation):
    """A batch of trials.

    Attributes:
        agent: Meta-World's.
    """

    def __init__(self, agent: MetaLearningAgent, adaptation_episodes: int, info: Array) -> None:
        self.agent = agent
        self._left = adaptation_episodes
        self._info = info
        self._phase: Phase = "adaptation"
        self._asked: tuple[Array, NDArray[Any], dict[str, NDArray[Any]]]
        agent.init()

    @override
    def begin_episode(self, observations: NDArray[np.float32], *, episode: int, phase: Phase) -> None:
        self._phase = phase
        self._info[:] = 0.0
        if phase == "evaluation":
            self.agent.reset(np.ones(len(observations), np.bool_))

    @override
    def act(self, observations: NDArray[np.float32], *, active: NDArray[np.bool_], explore: bool) -> NDArray[Any]:
        seen = np.concatenate([observations.astype(np.float64), self._info], axis=1)
        adapting = self._phase == "adaptation"
        actions, aux = self.agent.adapt_action(seen) if adapting else (self.agent.eval_action(seen), {})
        self._asked = seen, np.asarray(actions), aux
        return self._asked[1]

    @override
    def observe(self, transition: Transition) -> None:
        observations, actions, aux = self._asked
        if self._phase == "adaptation":
            ends = transition.terminated, transition.truncated
            self.agent.step(Timestep(observations, actions, transition.reward, *ends, aux))
        if self._info.size:
            rewards = _REWARD_SCALE * transition.reward
            self._info[:] = np.column_stack([actions, rewards, np.zeros_like(rewards)])

    @override
    def end_episode(self) -> None:
        if self._phase == "adaptation":
            self._left -= 1
            if self._left == 0:
                self.agent.adapt()
