"""Plays trials of training tasks with the agent's own adaptation, and keeps their transitions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metarl_agents.common.transitions import TransitionView
from metarl_bench.agents import Adaptation, Transition
from metarl_bench.worlds import Worlds


def play_cycle(
    worlds: Worlds, agent: Adaptation | None, view: TransitionView, *, episodes: int, rng: np.random.Generator
) -> list[NDArray[np.float32]]:
    """Plays one trial in each world, exploring.

    Args:
        worlds: Training worlds that have their tasks.
        agent: Fresh within-trial state; None acts at random.
        view: Says what is kept of a transition.
        episodes: Adaptation episodes of the trial.
        rng: For random actions.

    Returns:
        For each world, its transitions in their order [steps, width].
    """
    rows, kept = [], []
    for episode in range(episodes):
        observations, _ = worlds.reset()
        active = np.ones(worlds.num_envs, np.bool_)
        if agent is not None:
            agent.begin_episode(observations, episode=episode, phase="adaptation")
        while active.any():
            transition = _step(worlds, agent, view, observations, active, rng)
            if agent is not None:
                agent.observe(transition)
            rows.append(view.rows(transition))
            kept.append(active)
            observations = transition.next_observation
            active = active & ~(transition.terminated | transition.truncated)
        if agent is not None:
            agent.end_episode()
    stacked, mask = np.stack(rows), np.stack(kept)
    return [stacked[mask[:, world], world] for world in range(worlds.num_envs)]


def _step(
    worlds: Worlds,
    agent: Adaptation | None,
    view: TransitionView,
    observations: NDArray[np.float32],
    active: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Transition:
    if agent is None:
        size = view.columns.reward - view.columns.observation.stop
        actions = view.from_unit(rng.uniform(-1.0, 1.0, (worlds.num_envs, size)).astype(np.float32))
    else:
        actions = np.asarray(agent.act(observations, active=active, explore=True))
    following, rewards, terminated, truncated, _ = worlds.step(actions)
    return Transition(observations, actions.astype(np.float64), rewards, terminated, truncated, following, active)
