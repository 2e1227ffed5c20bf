"""Checks of agents, one function a rule."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metarl_bench.errors import BudgetExceeded
from metarl_bench.registry import AGENT_ID
from metarl_bench.testing.agent_subject import NUM_WORLDS, AgentSubject, play_episode
from metarl_bench.testing.conformance import CheckFailed, expect, global_random_state
from metarl_bench.testing.scripted import play_trials

TOLERANCE = 1e-6  # what is left when matrix products of one batch size are summed in another order


def _differ(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    return not np.allclose(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def actions_are_sound(subject: AgentSubject) -> None:
    """The id is well formed, and actions are finite numbers of the right shape."""
    expect(AGENT_ID.fullmatch(subject.spec.id), f"The id is {subject.spec.id!r}; expected {AGENT_ID.pattern}.")
    finite = np.isfinite(subject.play_trial(subject.trained))
    expect(
        finite.all(),
        f"act returned NaN or infinite actions in {(~finite).any(axis=-1).sum()} of {finite[..., 0].size} steps; such "
        "an episode counts as failed.",
    )


def meta_test_finds_no_failures(subject: AgentSubject) -> None:
    """The harness's own meta-test runs without a failed episode."""
    found = play_trials(
        subject.trained,
        subject.suite,
        adaptation_episodes=2,
        num_tasks=3,
        split="validation",
        division=subject.spec.division,
        agent_id=subject.spec.id,
    )
    failed = sum(row["failed"] for row in found.rows)
    errors = "\n".join(found.errors)
    expect(not failed and not found.errors, f"{failed} of {len(found.rows)} episodes failed; expected none.\n{errors}")


def training_keeps_to_the_segment(subject: AgentSubject) -> None:
    """Training stops at or before the segment's end, and goes on in the next one after a save and a load."""
    agent, ground = subject.build(0), subject.ground(0, segment=0)
    for segment in (0, 1):
        try:
            subject.train_segment(agent, 0, segment=segment, ground=ground)
        except BudgetExceeded as error:
            raise CheckFailed(
                f"meta_train needed more than segment {segment}, which ends at {ground.until}: {error} Ask "
                "ground.has_room before each iteration."
            ) from error
        # Whether references train is up to them; an agent that samples tasks does.
        trains = subject.spec.kind != "reference" or ground.issued > 0
        expect(
            not trains or ground.steps > segment * subject.steps,
            f"Segment {segment} ended after {ground.steps} steps without one of its own; give more steps or a smaller "
            "configuration, so that an iteration fits.",
        )
        if segment == 0:
            agent = subject.reload(agent, training=True)
            ground = subject.ground(0, segment=1, steps=ground.steps, issued=ground.issued)


def equal_seeds_train_equal_agents(subject: AgentSubject) -> None:
    """Two trainings with one seed end in agents that act the same."""
    first, second = (subject.play_trial(agent) for agent in (subject.trained, subject.train(0)))
    expect(
        not _differ(first, second),
        "Two trainings with the same seed give different actions; draw from the given rng, and leave no order to "
        "sets, threads or time.",
    )


def other_seeds_give_other_actions(subject: AgentSubject) -> None:
    """Another seed gives another agent or another trial."""
    expect(
        _seeds_matter(subject),
        "Two seeds give the same actions; use the given rng, or check with deterministic=True if the agent is meant "
        "not to depend on it.",
    )


def seeds_change_nothing(subject: AgentSubject) -> None:
    """Stands in for the check above in agents that say that they do not depend on the seed."""
    expect(not _seeds_matter(subject), "deterministic=True was stated, but two seeds give different actions; drop it.")


def _seeds_matter(subject: AgentSubject) -> bool:
    return _differ(subject.play_trial(subject.trained), subject.play_trial(subject.train(1), seed=1))


def saving_and_loading_keep_the_actions(subject: AgentSubject) -> None:
    """A new agent that loads what was saved acts the same."""
    first, second = (subject.play_trial(agent) for agent in (subject.trained, subject.reload(subject.trained)))
    expect(
        not _differ(first, second),
        "An agent that loads what another saved acts differently; save everything that acting needs, normalisers too.",
    )


def saved_files_are_safe(subject: AgentSubject) -> None:
    """Saving writes safetensors and JSON only: pickles run code when others open them."""
    with tempfile.TemporaryDirectory() as name:
        subject.trained.save(Path(name))
        files = [path for path in Path(name).rglob("*") if path.is_file()]
        other = sorted(path.name for path in files if path.suffix not in {".safetensors", ".json"})
    expect(not other, f"save wrote {other}; expected only .safetensors and .json files.")


def trials_start_afresh(subject: AgentSubject) -> None:
    """Nothing of one trial is left in the next."""
    first, second = (subject.play_trial(subject.trained) for _ in range(2))
    expect(
        not _differ(first, second),
        "The same trial played twice gives different actions; keep within-trial state in the Adaptation alone.",
    )


def forks_are_independent(subject: AgentSubject) -> None:
    """What is played from a fork changes nothing in the state that it was taken from."""
    played = []
    for forked in (False, True):
        worlds = subject.worlds()
        adaptation = subject.start(subject.trained, worlds)
        play_episode(worlds, adaptation, episode=0)
        if forked:
            play_episode(worlds, adaptation.fork(), episode=1, phase="evaluation")
        played.append(play_episode(worlds, adaptation, episode=1))
    expect(
        not _differ(*played),
        "Playing from a fork changes what the original does next; fork must copy all within-trial state, the stream of "
        "random numbers too.",
    )


def worlds_do_not_depend_on_each_other(subject: AgentSubject) -> None:
    """A world's actions stay the same if its neighbours are swapped or one of them ends early."""
    base = subject.play_trial(subject.trained)
    swapped = subject.play_trial(subject.trained, order=(0, 2, 1, 3))
    early = subject.play_trial(subject.trained, cut=(2, subject.suite.spec.horizon // 4))
    others = [world for world in range(NUM_WORLDS) if world != 2]
    for what, same in (
        ("swapping its neighbours", not _differ(base[:, :, [0, 3]], swapped[:, :, [0, 3]])),
        ("ending a neighbour early", not _differ(base[:, :, others], early[:, :, others])),
    ):
        expect(
            same,
            f"A world's actions change by {what}; pool nothing over worlds, and draw for all worlds at each step, also "
            "for those that have ended.",
        )


def global_random_state_is_left_alone(subject: AgentSubject) -> None:
    """Building, training and acting use only the given generators."""
    subject.build(0)  # so that all its modules are imported before
    states = [global_random_state()]
    agent = subject.build(0)
    states.append(global_random_state())
    with contextlib.suppress(BudgetExceeded):
        subject.train_segment(agent, 0, segment=0, ground=subject.ground(0, segment=0))
    states.append(global_random_state())
    subject.play_trial(agent)
    states.append(global_random_state())
    phases = ("building", "training", "acting")
    touched = [phase for phase, pair in zip(phases, itertools.pairwise(states), strict=True) if pair[0] != pair[1]]
    expect(
        not touched,
        f"Global random state was used in {' and '.join(touched)}; draw from the given rng (layers of torch draw "
        "initial weights when they are made: torch.nn.utils.skip_init leaves that out).",
    )
