"""Whether a row of a leaderboard comes out again: its configuration with fresh seeds, and the two sets compared."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metarl_bench import seeding
from metarl_bench.cells import Cell, Plan
from metarl_bench.configs import config_digest
from metarl_bench.errors import ConfigError, RecordError, close_matches
from metarl_bench.protocols import get_protocol
from metarl_bench.records import load_cells, load_results, read_manifest
from metarl_bench.registry import make_suite
from metarl_bench.runner import Outcome
from metarl_bench.scores import score_run
from metarl_bench.statistics import iqm, permutation_p_value, seed_interval, smallest_p_value

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSet:
    """What some seeds of one configuration scored.

    Attributes:
        seeds: In rising order.
        scores: One for each seed.
        interval: 95 % interval of the interquartile mean, as in the leaderboard; None where there is none.
    """

    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """The plain mean, which the permutation test is about."""
        return float(np.mean(self.scores))

    @property
    def iqm(self) -> float:
        """The interquartile mean, which the leaderboard shows."""
        return iqm(self.scores)

    def to_json(self) -> dict[str, Any]:
        """Returns the set as JSON types."""
        return {
            "scores": {str(seed): score for seed, score in zip(self.seeds, self.scores, strict=True)},
            "mean": self.mean,
            "iqm": self.iqm,
            "interval": self.interval,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a leaderboard: the complete runs of one configuration.

    Attributes:
        plan: Of the first of its seeds.
        stored: What its seeds scored.
    """

    plan: Plan
    stored: SeedSet

    def cells(self, seeds: Sequence[int]) -> list[Cell]:
        """Returns the row's configuration with fresh seeds.

        Raises:
            ConfigError: If seeds are too few, not different, not those of results, or the row's own.
        """
        if len(seeds) < 2 or len(set(seeds)) < len(seeds):
            raise ConfigError(f"--seeds got {' '.join(map(str, seeds)) or 'nothing'}; expected two or more, each once.")
        held = sorted({*seeds} & {*self.stored.seeds})
        if held:
            raise ConfigError(
                f"--seeds got {' '.join(map(str, held))}, which the row holds; expected fresh seeds, "
                f"other than {' '.join(map(str, self.stored.seeds))}."
            )
        return [dataclasses.replace(self.plan.cell, seed=seed) for seed in sorted(seeds)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A row and its configuration with fresh seeds, compared.

    Attributes:
        p_value: Of a two-sided permutation test of the difference of the means, over seeds.
    """

    row: Row
    fresh: SeedSet
    p_value: float

    @property
    def difference(self) -> float:
        """Mean of the fresh seeds minus mean of the row."""
        return self.fresh.mean - self.row.stored.mean

    @property
    def overlap(self) -> bool | None:
        """Whether the intervals overlap; None where one of the sets has none."""
        one, other = self.row.stored.interval, self.fresh.interval
        return None if one is None or other is None else max(one[0], other[0]) <= min(one[1], other[1])

    @property
    def agrees(self) -> bool:
        """Whether the intervals overlap, or chance alone would often enough make such a difference."""
        return bool(self.overlap) or self.p_value >= SIGNIFICANT

    @property
    def smallest_p_value(self) -> float:
        """What the p-value would be if every fresh seed were better, or worse, than all of the row."""
        return smallest_p_value(len(self.row.stored.seeds), len(self.fresh.seeds))

    @property
    def can_differ(self) -> bool:
        """Whether any difference could be told from chance with so few seeds."""
        return self.smallest_p_value < SIGNIFICANT

    @property
    def seeds_needed(self) -> int:
        """The fewest fresh seeds with which a difference from this row could be told from chance."""
        size = len(self.row.stored.seeds)
        return next(count for count in itertools.count(2) if smallest_p_value(size, count) < SIGNIFICANT)

    def to_json(self) -> dict[str, Any]:
        """Returns everything as JSON types."""
        plan = self.row.plan
        return {
            "protocol": plan.cell.protocol,
            "digest": plan.resolved.digest(),
            "suite": plan.cell.suite,
            "agent": plan.cell.agent,
            "config_digest": config_digest(plan.config),
            "checkpoint_steps": plan.resolved.budget,
            "row": self.row.stored.to_json(),
            "fresh": self.fresh.to_json(),
            "intervals_overlap": self.overlap,
            "difference": self.difference,
            "p_value": self.p_value,
            "smallest_p_value": self.smallest_p_value,
            "can_differ": self.can_differ,
            "agrees": self.agrees,
        }


def find_row(root: Path, *, protocol: str, suite: str, agent: str, digest: str | None = None) -> Row:
    """Returns a row of the leaderboard of a folder with results.

    Args:
        root: The folder.
        protocol: Id of the protocol.
        suite: Id of the suite.
        agent: Id of the agent.
        digest: Beginning of the digest of the configuration; None where there is only one.

    Raises:
        BenchError: If there is no such row, or more than one, or this version cannot run its configuration.
    """
    cells = load_cells(root)
    for column, wanted in (("protocol", protocol), ("suite", suite), ("agent", agent)):
        known = sorted(set(cells[column]))
        if wanted not in known:
            raise ConfigError(f"{root} has no results of {column} {wanted!r}. {close_matches(wanted, known)}")
        cells = cells[cells[column] == wanted]
    rules = get_protocol(protocol).resolve(make_suite(suite))
    cells = cells[(cells["digest"] == rules.digest()) & (cells["status"] == "complete")]
    # As in the leaderboard, where other seeds (such as those of an earlier reproduction) do not count.
    cells = cells[cells["seed"].isin(rules.seeds)]
    if cells.empty:
        raise ConfigError(
            f"{root} has no complete run of {agent} on the test tasks of {suite} by the rules {rules.digest()}, which "
            f"{protocol} has in this version; expected two or more. Make them with: metarl-bench run"
        )
    known = sorted(set(cells["config_digest"]))
    found = [each for each in known if each.startswith(digest or "")]
    if len(found) != 1:
        raise ConfigError(
            f"--config-digest got {digest or 'nothing'}, which fits {len(found)} configurations; "
            f"expected the beginning of one of: {', '.join(known)}."
        )
    cells = cells[cells["config_digest"] == found[0]]
    seeds = " ".join(map(str, cells["seed"]))
    if len(cells) < 2 or cells["seed"].duplicated().any():
        raise ConfigError(
            f"The row in {root} has complete runs of the seeds {seeds}; expected two or more, each once. "
            "Run more seeds, or name the folder of one source of results only."
        )
    plan = Plan.of_run(read_manifest(Path(cells["folder"].iloc[0])))
    return Row(plan=plan, stored=_seed_set(plan, dict(zip(cells["seed"], cells["folder"], strict=True))))


def compare(row: Row, outcomes: Sequence[Outcome]) -> Reproduction:
    """Compares a row with the runs of its configuration with fresh seeds.

    Args:
        row: The row.
        outcomes: Of the runs of ``Row.cells``.

    Raises:
        RecordError: If one of them is not complete.
    """
    for outcome in outcomes:
        if outcome.status != "complete":
            raise RecordError(
                f"{outcome.folder} is {outcome.status}; expected a complete run. {outcome.message} "
                "Mend what is said above and run the same command again: it goes on from the last save points."
            )
    fresh = _seed_set(row.plan, {read_manifest(outcome.folder).seed: outcome.folder for outcome in outcomes})
    rng = seeding.generator("reproduction", row.plan.resolved.digest(), row.plan.cell.agent)
    return Reproduction(row=row, fresh=fresh, p_value=permutation_p_value(fresh.scores, row.stored.scores, rng=rng))


def _seed_set(plan: Plan, folders: Mapping[int, Path | str]) -> SeedSet:
    covers = plan.resolved.covers()
    scores = {seed: score_run(load_results(folders[seed]), covers).score for seed in sorted(folders)}
    # The leaderboard's own stream, so that the row has the interval that it has there.
    key = (plan.cell.protocol, plan.resolved.digest(), plan.cell.suite, plan.cell.agent, config_digest(plan.config))
    interval = seed_interval([list(scores.values())], rng=seeding.generator("intervals", *key))
    return SeedSet(seeds=tuple(scores), scores=tuple(scores.values()), interval=interval)
