"""A cell, the unit of work: which agent is trained with which seed under which rules; and what that comes to."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metarl_bench import fingerprint
from metarl_bench.agents import AgentSpec, MetaAgent
from metarl_bench.configs import config_digest, config_values, later_defaults
from metarl_bench.errors import ConfigError, RecordError
from metarl_bench.metering import TrainingGround
from metarl_bench.protocols import ResolvedProtocol, get_protocol
from metarl_bench.records import SCHEMA_VERSION, Manifest
from metarl_bench.registry import AGENTS, load_object, make_config, make_suite
from metarl_bench.scratch import ScratchGround, ScratchLearners
from metarl_bench.seeding import generator
from metarl_bench.tasks import Split, Suite

VALIDATION_SEEDS = 1000  # settings are chosen with seeds from here on, results measured with those below
SAVE_POINTS = 20  # one every 5 % of the budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run: protocol, suite, agent with its configuration, and seed.

    Attributes:
        protocol: Id of the protocol.
        suite: Id of the suite.
        agent: Id of the agent.
        seed: Below 1000 for results, from 1000 on for choosing settings.
        config: Settings that differ from the agent's own for the suite, by name.
        primary_split: ``test`` for results, ``validation`` for choosing settings.
    """

    protocol: str
    suite: str
    agent: str
    seed: int
    config: tuple[tuple[str, object], ...] = ()
    primary_split: Split = "test"

    def __post_init__(self) -> None:
        if self.primary_split not in ("test", "validation"):
            raise ConfigError(f"primary_split is {self.primary_split!r}; expected 'test' or 'validation'.")
        validation = self.primary_split == "validation"
        if self.seed < 0 or validation != (self.seed >= VALIDATION_SEEDS):
            expected = f"{VALIDATION_SEEDS} or more" if validation else f"0 to {VALIDATION_SEEDS - 1}"
            raise ConfigError(
                f"The seed is {self.seed}; expected {expected} for {self.primary_split} tasks, "
                "so that settings are never chosen with the seeds that results are measured with."
            )

    @property
    def name(self) -> str:
        """How messages call the cell."""
        return f"{self.agent} on {self.suite} ({self.protocol}, seed {self.seed})"

    def folder(self, out: Path) -> Path:
        """Returns the run folder below an output folder."""
        protocol = f"{self.protocol}-validation" if self.primary_split == "validation" else self.protocol
        return out / protocol / self.suite / self.agent / f"seed-{self.seed}"

    def command(self, out: Path, keep_weights: str = "all") -> str:
        """Returns the command that runs the cell, or resumes it.

        Args:
            out: Output folder.
            keep_weights: As for ``run_cell``.
        """
        words = ["metarl-bench", "run", "--protocol", self.protocol, "--suite", self.suite, "--agent", self.agent]
        words += ["--seeds", str(self.seed), "--out", str(out)]
        if self.primary_split == "validation":
            words += ["--split", "validation"]
        if keep_weights != "all":
            words += ["--keep-weights", keep_weights]
        if self.config:
            words += ["--set", *(f"{name}={value}" for name, value in self.config)]
        return shlex.join(words)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A cell with everything looked up: its suite, the resolved rules, the agent and its full configuration."""

    cell: Cell
    suite: Suite
    resolved: ResolvedProtocol
    spec: AgentSpec
    config: Any

    @classmethod
    def of(cls, cell: Cell) -> Plan:
        """Looks everything up.

        Raises:
            UnknownIdError: If an id is unknown.
            ConfigError: If a setting is unknown or does not fit, or the suite lacks the split's tasks.
        """
        protocol = get_protocol(cell.protocol)
        suite = make_suite(cell.suite)
        spec = AGENTS.get(cell.agent)
        resolved = protocol.resolve(suite, primary_split=cell.primary_split)
        if resolved.splits[:1] != (cell.primary_split,):
            raise ConfigError(f"{cell.suite} has no {cell.primary_split} tasks; it has {', '.join(resolved.splits)}.")
        return cls(
            cell=cell,
            suite=suite,
            resolved=resolved,
            spec=spec,
            config=make_config(spec, suite.spec, dict(cell.config)),
        )

    @property
    def key(self) -> tuple[str, str, int]:
        """Where the cell's random streams begin in the seed tree."""
        return (self.resolved.digest(), self.spec.id, self.cell.seed)

    @classmethod
    def of_run(cls, stored: Manifest) -> Plan:
        """Returns the plan of a stored run.

        Raises:
            BenchError: If this version cannot do the same: an unknown id or setting, or other rules.
        """
        config = recorded_settings(stored.agent, stored.config)
        cell = Cell(
            protocol=stored.protocol,
            suite=stored.suite,
            agent=stored.agent,
            seed=stored.seed,
            config=tuple(config.items()),
            primary_split=stored.primary_split,
        )
        plan = cls.of(cell)
        for what, now, then in (
            ("rules", plan.resolved.digest(), stored.digest),
            ("configuration", config_digest(plan.config), stored.config_digest),
        ):
            if now != then:
                raise RecordError(
                    f"{cell.name}: the digest of the {what} is {then} in the run and {now} in this version; expected "
                    "the same. Install the version that made the run."
                )
        return plan

    @property
    def boundaries(self) -> tuple[int, ...]:
        """Steps at which training pauses: save points every 5 % of the budget, and checkpoints."""
        budget = self.resolved.budget
        saves = (round(budget * i / SAVE_POINTS) for i in range(1, SAVE_POINTS + 1))
        return tuple(sorted({*saves, *self.resolved.checkpoints} - {0}))

    def build_agent(self) -> MetaAgent:
        """Returns the agent, untrained; always the same one."""
        if self.resolved.trains_on == "distribution":
            return self._build("build")
        return ScratchLearners([self._build("build", place) for place in range(self.resolved.learners)])

    def ground(
        self, boundary: int, *, steps: int, issued: int, num_threads: int, on_steps: Callable[[int], None]
    ) -> TrainingGround:
        """Returns the training ground of the segment that ends at a boundary."""
        options: dict[str, Any] = {
            "trial": self.resolved.trial,
            "budget": self.resolved.budget,
            "until": boundary,
            "key": self.key,
            "segment": self.boundaries.index(boundary),
            "steps": steps,
            "issued": issued,
            "division": self.spec.division,
            "num_threads": num_threads,
            "on_steps": on_steps,
        }
        if self.resolved.trains_on == "distribution":
            return TrainingGround(self.suite, **options)
        return ScratchGround(self.suite, self.resolved.tasks(self.resolved.primary_split), **options)

    def training_rng(self, boundary: int) -> np.random.Generator:
        """Returns the agent's stream for the segment that ends at a boundary."""
        return generator(*self.key, "train", self.boundaries.index(boundary))

    def _build(self, *purpose: str | int) -> MetaAgent:
        return self.spec.build(self.suite.spec, self.resolved.trial, self.config, generator(*self.key, *purpose))

    def manifest(self, run: int) -> Manifest:
        """Returns the manifest of a run that has not begun."""
        return Manifest(
            schema_version=SCHEMA_VERSION,
            status="partial",
            protocol=self.cell.protocol,
            suite=self.cell.suite,
            agent=self.cell.agent,
            division=self.spec.division,
            seed=self.cell.seed,
            primary_split=self.cell.primary_split,
            run=run,
            digest=self.resolved.digest(),
            covers=self.resolved.covers(),
            config=config_values(self.config),
            config_digest=config_digest(self.config),
            packages=fingerprint.packages(),
            fingerprint=fingerprint.machine(),
            source=fingerprint.source(),
            budget=self.resolved.budget,
        )


def recorded_settings(agent: str, config: dict[str, Any]) -> dict[str, Any]:
    """Returns all settings of a stored configuration: what it leaves out had its default, whatever suites take now."""
    return later_defaults(load_object(AGENTS.get(agent).config)) | config


def differences(stored: Manifest, now: Manifest) -> list[str]:
    """Returns one line for each thing that makes a stored run another run than the one asked for now."""
    lines = []
    packages = _comparable(stored.packages)
    for prefix, one, other in (
        ("", _identity(stored), _identity(now)),
        # Those of the stored run: what learns is imported later than this is asked.
        ("packages.", packages, _comparable(fingerprint.installed(packages))),
        ("rules.", stored.covers, now.covers),
        ("config.", stored.config, now.config),
    ):
        for name in sorted({*one, *other}):
            if one.get(name) != other.get(name):
                lines.append(f"{prefix}{name}: {_show(one, name)} in the folder, {_show(other, name)} now")
    return lines


def _identity(manifest: Manifest) -> dict[str, Any]:
    names = ("protocol", "suite", "agent", "division", "seed", "primary_split", "digest")
    return {name: getattr(manifest, name) for name in names}


def _comparable(packages: dict[str, str]) -> dict[str, str]:
    """Leaves out what does not change results: Python's own version, and which build a version is."""
    return {name: version.partition("+")[0] for name, version in packages.items() if name != "python"}


def _show(values: dict[str, Any], name: str) -> str:
    return json.dumps(values[name]) if name in values else "absent"
