"""One of our agents behind the protocol that Meta-World's evaluation asks of agents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorWrapper
from numpy.typing import NDArray
from typing_extensions import override

from metarl_bench.agents import Adaptation, MetaAgent, Transition

Bools = NDArray[np.bool_]


class LibraryAgent:
    """Drives the trials of an agent as ``metaworld.evaluation.metalearning_evaluation`` plays them.

    Adaptation episodes end together. In the evaluation each world begins its next episode as soon as it has solved the
    last, and each episode is played from a fork of the adapted state of its own.

    Attributes:
        envs: To be handed to the evaluation in place of the environments: Meta-World tells an agent neither rewards in
            the evaluation nor the last observation of an episode, which ours may need.
    """

    def __init__(
        self, agent: MetaAgent, envs: gymnasium.vector.VectorEnv[Any, Any, Any], rng: np.random.Generator
    ) -> None:
        self.envs = _Told(envs, self._see)
        self._agent = agent
        self._rng = rng
        self._everyone = np.ones(envs.num_envs, np.bool_)
        self._trial: Adaptation
        self._episodes = 0
        self._begun = False
        self._forks: list[_Fork] = []

    def init(self) -> None:
        """Begins a trial in each environment."""
        (rng,) = self._rng.spawn(1)
        self._trial = self._agent.start_trials(len(self._everyone), rng=rng)
        self._episodes, self._begun, self._forks = 0, False, []

    def adapt_action(self, observations: NDArray[np.float64]) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Returns the actions of an adaptation episode."""
        seen = observations.astype(np.float32)
        if not self._begun:
            self._trial.begin_episode(seen.copy(), episode=self._episodes, phase="adaptation")
            self._begun = True
        return _clipped(self._trial.act(seen, active=self._everyone.copy(), explore=True)), {}

    def step(self, timestep: Any) -> None:
        """Takes in nothing: the environments have told it already, and more."""

    def adapt(self) -> None:
        """Does nothing: our agents adapt at the end of each episode."""

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[np.float32]:
        """Returns the actions of evaluation episodes."""
        seen = observations.astype(np.float32)
        actions = np.zeros((len(seen), 4), np.float32)
        for fork in self._forks:
            if not fork.begun:
                fork.state.begin_episode(seen.copy(), episode=self._episodes, phase="evaluation")
                fork.begun = True
            chosen = fork.state.act(seen.copy(), active=fork.worlds.copy(), explore=False)
            actions[fork.worlds] = _clipped(chosen)[fork.worlds]
        return actions

    def reset(self, env_mask: Bools) -> None:
        """Begins evaluation episodes in some environments."""
        if not env_mask.any():
            return
        for fork in self._forks:
            fork.worlds[env_mask] = False
        self._forks = [fork for fork in self._forks if fork.worlds.any()]
        self._forks.append(_Fork(self._trial.fork(), env_mask.copy()))

    def _see(self, transition: Transition) -> None:
        if self._forks:
            for fork in self._forks:
                fork.state.observe(transition._replace(active=fork.worlds.copy()))
            return
        self._trial.observe(transition)
        if (transition.terminated | transition.truncated).all():
            self._trial.end_episode()
            self._episodes += 1
            self._begun = False


@dataclass
class _Fork:
    """Evaluation episodes that began in the same step.

    Attributes:
        state: The agent's.
        worlds: Where these episodes run.
        begun: Whether the state has met their first observations.
    """

    state: Adaptation
    worlds: Bools
    begun: bool = False


class _Told(VectorWrapper):
    """Environments that tell of each step what really followed, though they begin the next episode in the same one."""

    def __init__(self, envs: gymnasium.vector.VectorEnv[Any, Any, Any], listener: Callable[[Transition], None]) -> None:
        super().__init__(envs)
        self._envs: Any = envs
        self._listener = listener
        self._seen = np.zeros(0)

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Calls a method of every environment."""
        return self._envs.call(name, *arguments, **options)

    def get_attr(self, name: str) -> Any:
        """Returns an attribute of every environment."""
        return self._envs.get_attr(name)

    @override
    def reset(self, **options: Any) -> tuple[NDArray[np.float64], dict[str, Any]]:
        self._seen, infos = self.env.reset(**options)
        return self._seen, infos

    @override
    def step(self, actions: NDArray[np.float32]) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        seen, rewards, terminated, truncated, infos = self.env.step(actions)
        following = seen.copy()
        for world in np.flatnonzero(terminated | truncated):
            following[world] = infos["final_obs"][world]
        self._listener(
            Transition(
                observation=self._seen.astype(np.float32),
                action=actions.astype(np.float64),
                reward=rewards,
                terminated=terminated,
                truncated=truncated,
                next_observation=following.astype(np.float32),
                active=np.ones(self.num_envs, np.bool_),
            )
        )
        self._seen = seen
        return seen, rewards, terminated, truncated, infos


def _clipped(actions: Any) -> NDArray[np.float32]:
    """Returns actions as our worlds would execute them."""
    clipped: NDArray[np.float32] = np.clip(np.asarray(actions, np.float64), -1.0, 1.0).astype(np.float32)
    return clipped
