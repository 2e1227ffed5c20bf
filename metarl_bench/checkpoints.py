"""Frozen agents on disk: written at each checkpoint, loaded again for the meta-test and by anybody later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from metarl_bench.agents import MetaAgent
from metarl_bench.cells import Cell, Plan, recorded_settings
from metarl_bench.configs import config_values
from metarl_bench.errors import BenchError, ConfigError, RecordError, SuiteError
from metarl_bench.interrupts import raise_if_swallowed
from metarl_bench.simulator_log import simulator_warnings
from metarl_bench.storage import check_seal, sealed_folder
from metarl_bench.tasks import Split, SuiteSpec
from metarl_bench.trials import MetaTest, Watcher, meta_test

if TYPE_CHECKING:
    import pandas as pd

CARD = "agent.json"
WEIGHTS = "weights"


class Card(BaseModel):
    """What the weights of a checkpoint belong to.

    Attributes:
        config: The agent's full configuration.
        steps: The checkpoint.
        environment_steps: Taken until then; less than ``steps`` by at most one iteration of the agent.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    schema_version: Literal[1] = 1
    protocol: str
    digest: str
    suite: str
    agent: str
    seed: NonNegativeInt
    primary_split: Split
    config: dict[str, Any]
    steps: NonNegativeInt
    environment_steps: NonNegativeInt


def write_checkpoint(
    folder: Path, plan: Plan, write_weights: Callable[[Path], object], *, steps: int, environment_steps: int
) -> None:
    """Writes weights and what they belong to, sealed.

    Args:
        folder: ``checkpoints/<steps>`` of a run.
        plan: What was trained.
        write_weights: Called with an existing empty folder.
        steps: The checkpoint.
        environment_steps: Taken until then.
    """
    card = Card(
        protocol=plan.cell.protocol,
        digest=plan.resolved.digest(),
        suite=plan.cell.suite,
        agent=plan.cell.agent,
        seed=plan.cell.seed,
        primary_split=plan.cell.primary_split,
        config=config_values(plan.config),
        steps=steps,
        environment_steps=environment_steps,
    )
    with sealed_folder(folder) as place:
        (place / WEIGHTS).mkdir()
        write_weights(place / WEIGHTS)
        (place / CARD).write_text(card.model_dump_json(indent=2) + "\n")


def load_agent(folder: Path, plan: Plan) -> MetaAgent:
    """Returns a fresh agent with the weights of a checkpoint."""
    check_seal(folder)
    agent = plan.build_agent()
    agent.load(folder / WEIGHTS)
    return agent


def test_split(
    agent: MetaAgent,
    plan: Plan,
    split: Split,
    *,
    steps: int,
    num_threads: int,
    record_evidence: bool = False,
    watcher: Watcher | None = None,
) -> MetaTest:
    """Meta-tests an agent, fresh from ``load_agent``, on the tasks of one split.

    Raises:
        SuiteError: If anything but the agent raised: its own errors cost its episodes.
    """
    try:
        return meta_test(
            agent,
            plan.spec,
            plan.suite,
            plan.resolved,
            split=split,
            seed=plan.cell.seed,
            checkpoint=steps,
            num_threads=num_threads,
            record_evidence=record_evidence,
            watcher=watcher,
        )
    except BenchError:
        raise
    except Exception as error:
        raise_if_swallowed()
        raise SuiteError(
            f"{plan.suite.spec.id} raised {type(error).__name__} in a meta-test on {split} tasks: {error} That is no "
            "fault of the agent. Mend the suite, and run the same command again; METARL_DEBUG=1 shows the traceback."
        ) from error


def evaluate(
    weights: Path | str,
    *,
    suite: str | None = None,
    protocol: str | None = None,
    num_threads: int = 0,
    tell: Callable[[str], object] = lambda error: None,
) -> pd.DataFrame:
    """Meta-tests a trained agent again, without training; on all splits of the protocol.

    Args:
        weights: A ``checkpoints/<steps>`` folder of a run.
        suite: Where to test; None takes the suite of the training. It must have the same spaces.
        protocol: The rules; None takes those of the training.
        num_threads: Physics threads; 0 takes one per core. Results do not depend on it.
        tell: Is called with what the agent did wrong, each once a split; see ``MetaTest.errors``.

    Returns:
        One row an episode, with the columns of ``load_results`` that apply.

    Raises:
        RecordError: If the folder is no checkpoint, or damaged.
        ConfigError: If the suite's spaces are not those that the agent was trained on, or if the rules have an agent
            for each task and are not those of the training.
    """
    import pandas as pd

    folder = Path(weights)
    plan, steps = read_plan(folder, suite=suite, protocol=protocol)
    cell = plan.cell
    named: dict[str, Any] = {"protocol": cell.protocol, "digest": plan.resolved.digest(), "suite": cell.suite}
    named |= {"agent": cell.agent, "division": plan.spec.division, "seed": cell.seed, "checkpoint_steps": steps}
    frames = []
    with simulator_warnings(None):
        for split in plan.resolved.splits:
            agent = load_agent(folder, plan)
            found = test_split(agent, plan, split, steps=steps, num_threads=num_threads)
            for error in found.errors:
                tell(error)
            frames.append(pd.DataFrame([named | row for row in found.rows]))
    return pd.concat(frames, ignore_index=True)


def read_plan(folder: Path, *, suite: str | None = None, protocol: str | None = None) -> tuple[Plan, int]:
    """Returns what the weights of a checkpoint are to be tested on, and their training steps.

    Args:
        folder: ``checkpoints/<steps>`` of a run.
        suite: Where to test; None takes the suite of the training. It must have the same spaces.
        protocol: The rules; None takes those of the training.

    Raises:
        RecordError: If the folder is no checkpoint, or damaged.
        ConfigError: As for ``evaluate``.
    """
    card = _read_card(folder)
    trained = _plan(card, card.suite, card.protocol)
    plan = _plan(card, suite or card.suite, protocol or card.protocol)
    _check_spaces(trained.suite.spec, plan.suite.spec)
    _check_learners(trained, plan)
    return plan, card.steps


def newest_checkpoint(run: Path) -> Path:
    """Returns the folder of a run's newest weights.

    Raises:
        RecordError: If the run folder holds none.
    """
    cards = [card.parent for card in run.glob(f"checkpoints/*/{CARD}") if card.parent.name.isdecimal()]
    if not cards:
        raise RecordError(
            f"{run} holds no weights; expected a run folder with checkpoints/<steps>, as metarl-bench run makes it."
        )
    return max(cards, key=lambda folder: int(folder.name))


def _plan(card: Card, suite: str, protocol: str) -> Plan:
    return Plan.of(
        Cell(
            protocol=protocol,
            suite=suite,
            agent=card.agent,
            seed=card.seed,
            config=tuple(recorded_settings(card.agent, card.config).items()),
            primary_split=card.primary_split,
        )
    )


def _read_card(folder: Path) -> Card:
    if not (folder / CARD).is_file():
        raise RecordError(f"{folder} holds no {CARD}; expected a checkpoint, e.g. <run folder>/checkpoints/<steps>.")
    check_seal(folder)
    try:
        return Card.model_validate_json((folder / CARD).read_bytes())
    except (OSError, ValidationError) as error:
        raise RecordError(f"{folder / CARD} is not a card that this version reads: {error}") from error


def _check_learners(trained: Plan, tested: Plan) -> None:
    rules, asked = trained.resolved, tested.resolved
    if "each-task" in (rules.trains_on, asked.trains_on) and rules.digest() != asked.digest():
        raise ConfigError(
            f"The weights were trained by {rules.protocol} on {rules.suite}, and {asked.protocol} on {asked.suite} was "
            "asked for; expected the same, since an agent for each task is tested on its own task only."
        )


def _check_spaces(trained: SuiteSpec, tested: SuiteSpec) -> None:
    for name in ("observation_space", "action_space"):
        one, other = getattr(trained, name), getattr(tested, name)
        if one.shape != other.shape:
            raise ConfigError(
                f"{tested.id} has an {name.replace('_', ' ')} of shape {other.shape}; expected {one.shape}, which the "
                f"weights were trained on. Choose a suite with the spaces of {trained.id}."
            )
