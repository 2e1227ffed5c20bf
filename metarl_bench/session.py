"""One process's work on a run: train to a boundary, save, rebuild from disk, meta-test at checkpoints, commit.

Interrupted or not, a run goes through the same code: after every save point the agent is rebuilt from disk and gets new
worlds from the seed tree. That is why both end byte-equal.
"""

from __future__ import annotations

import math
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from metarl_bench import fingerprint
from metarl_bench.agents import MetaAgent
from metarl_bench.cells import Plan
from metarl_bench.checkpoints import load_agent, test_split, write_checkpoint
from metarl_bench.errors import AgentError, RecordError, SuiteError
from metarl_bench.evidence import EVIDENCE, evidence_path, write_evidence
from metarl_bench.interrupts import raise_if_swallowed
from metarl_bench.metering import TrainingGround
from metarl_bench.progress import Reporter
from metarl_bench.records import (
    EPISODES,
    MANIFEST,
    SCHEMAS,
    WITHIN_TRIAL,
    Manifest,
    Rows,
    checksum,
    read_rows,
    write_manifest,
    write_rows,
)
from metarl_bench.run_folder import LOG, RunFolder, SaveState
from metarl_bench.storage import SEAL, digest, storing
from metarl_bench.trials import MetaTest

KeepWeights = Literal["all", "final"]


class Session:
    """Takes a run from where it stands to a boundary.

    Attributes:
        manifest: As last committed.
        resumed: Whether there was something to go on from.
    """

    def __init__(self, plan: Plan, folder: RunFolder, manifest: Manifest, reporter: Reporter, num_threads: int) -> None:
        self.manifest = manifest
        self.resumed = False
        self._plan = plan
        self._folder = folder
        self._reporter = reporter
        self._num_threads = num_threads
        self._state = SaveState(boundary=0, steps=0, issued=0, train_seconds=0.0)
        self._ground: TrainingGround | None = None
        self._rows: dict[str, Rows] = {}
        self._evidence: dict[str, str] = {}  # checksums
        # Agents that cannot be resumed live on between segments; all others are rebuilt from their save point.
        self._survivor: MetaAgent | None = None

    @property
    def lost_steps(self) -> int:
        """Steps since the last save point."""
        return max(self._ground.steps - self._state.steps, 0) if self._ground is not None else 0

    def train(self, until: int) -> None:
        """Goes on from the newest save point to the last boundary up to ``until``."""
        self._resume()
        if self._state.boundary:
            self._commit()
        for boundary in self._plan.boundaries:
            if self._state.boundary < boundary <= until:
                agent, state = self._segment(boundary)
                self._save(agent, state)
                self._commit()

    def complete(self, keep_weights: KeepWeights) -> None:
        """Marks the run as complete, then drops what only a resume needs."""
        older = self.manifest.checkpoints[:-1] if keep_weights == "final" else []
        gone = {f"checkpoints/{steps}" for steps in older}
        kept = {name: value for name, value in self.manifest.checksums.items() if name not in gone}
        self._write(status="complete", checksums=kept)
        with storing(self._folder.path):
            for steps in older:
                shutil.rmtree(self._checkpoint(steps), ignore_errors=True)
        self._folder.drop_saves()

    # -- where the run stands ----------------------------------------------------------------------------------------

    def _resume(self) -> None:
        """Takes up what is stored, leaving out whatever is newer than the newest sound save point."""
        if self.manifest.committed and not self._plan.spec.resumable:
            self._reporter.message(f"{self._plan.spec.id} cannot resume its training; it starts over.")
            self.manifest = self._plan.manifest(self.manifest.run)
        stored = self._folder.newest_save(self.manifest.committed, self.manifest.steps)
        if stored is not None:
            self._state = stored
            self.resumed = True
        self._folder.trim_log(self._state.boundary)
        checkpoints = [steps for steps in self.manifest.checkpoints if steps <= self._state.boundary]
        for name in SCHEMAS:
            rows = read_rows(self._folder.path, name, self.manifest)
            self._rows[name] = [row for row in rows if row["checkpoint_steps"] in checkpoints]
        if self._plan.resolved.budget in checkpoints:
            known = self.manifest.checksums
            self._evidence = {name: value for name, value in known.items() if name.startswith(f"{EVIDENCE}/")}
        self.manifest = self.manifest.model_copy(
            update={
                "status": "partial",
                "failure": "",
                "fingerprint": self._machine(),
                **self._tested(checkpoints),
            }
        )

    def _machine(self) -> dict[str, str | int]:
        machine = fingerprint.machine()
        if machine != self.manifest.fingerprint:
            self._reporter.message(
                "The run was begun on another machine: its results are sound, but need not repeat byte for byte."
            )
        return machine

    # -- one segment -------------------------------------------------------------------------------------------------

    def _segment(self, boundary: int) -> tuple[MetaAgent, SaveState]:
        """Trains up to a boundary; returns the agent and where training stands then."""
        plan = self._plan
        self._ground = ground = plan.ground(
            boundary,
            steps=self._state.steps,
            issued=self._state.issued,
            num_threads=self._num_threads,
            on_steps=self._on_steps,
        )
        with closing(ground), self._blaming_agent():
            agent = self._survivor or self._rebuild()
            begun = time.perf_counter()
            agent.meta_train(ground, until=boundary, rng=plan.training_rng(boundary))
            seconds = time.perf_counter() - begun
            figures = {name: float(value) for name, value in agent.training_log().items()}
        finite = {name: value if math.isfinite(value) else None for name, value in figures.items()}
        self._folder.log({"boundary": boundary, "steps": ground.steps, "seconds": round(seconds, 3)} | finite)
        seconds += self._state.train_seconds
        return agent, SaveState(
            boundary=boundary, steps=ground.steps, issued=ground.issued, train_seconds=round(seconds, 3)
        )

    def _on_steps(self, steps: int) -> None:
        raise_if_swallowed()
        self._reporter.steps(steps)

    def _rebuild(self) -> MetaAgent:
        """Returns the agent as the newest save point has it."""
        agent = self._plan.build_agent()
        if self._state.boundary:
            point = self._folder.save_point(self._state.boundary)
            agent.load(point.weights)
            agent.load_training(point.training)
        return agent

    def _save(self, agent: MetaAgent, state: SaveState) -> None:
        if self._plan.spec.resumable:
            with self._blaming_agent(OSError, RecordError):
                self._folder.save(state, agent.save, agent.save_training)
        else:
            self._survivor = agent
        self._state = state

    # -- results -----------------------------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Meta-tests if a checkpoint is due, then stores where the run stands; may be repeated after a crash."""
        state = self._state
        due = state.boundary in self._plan.resolved.checkpoints and state.boundary not in self.manifest.checkpoints
        changes: dict[str, Any] = self._test() if due else {}
        self._write(
            steps=state.steps,
            issued=state.issued,
            committed=state.boundary,
            train_seconds=state.train_seconds,
            steps_per_second=round(state.steps / state.train_seconds, 1) if state.train_seconds else 0.0,
            packages=fingerprint.packages(),
            peak_memory_mib=max(self.manifest.peak_memory_mib, fingerprint.peak_memory_mib()),
            **changes,
        )

    def _test(self) -> dict[str, Any]:
        """Freezes the agent, meta-tests what is on disk, stores the rows; returns what the manifest adds."""
        state, plan = self._state, self._plan
        begun = time.perf_counter()
        with self._blaming_agent(OSError, RecordError):
            write_checkpoint(
                self._checkpoint(state.boundary),
                plan,
                self._write_weights,
                steps=state.boundary,
                environment_steps=state.steps,
            )
        last = state.boundary == plan.resolved.budget
        errors = list(self.manifest.errors)
        for split in plan.resolved.splits if last else plan.resolved.splits[:1]:
            with self._blaming_agent(OSError, RecordError):
                agent = load_agent(self._checkpoint(state.boundary), plan)
            try:
                found = test_split(
                    agent, plan, split, steps=state.boundary, num_threads=self._num_threads, record_evidence=last
                )
            except SuiteError:
                self._note_failure()
                raise
            self._add_rows(split, found)
            if found.evidence is not None:
                name = evidence_path(state.boundary, split)
                self._evidence[name] = write_evidence(self._folder.path / name, found.evidence)
            for text in map(fingerprint.without_paths, found.errors):
                if text not in errors:
                    errors.append(text)
                    self._reporter.message(
                        f"{plan.spec.id} failed in the meta-test after {state.boundary:,} steps: "
                        f"{text.strip().splitlines()[-1]} "
                        f"(all of it stands under errors in {self._folder.path / MANIFEST})"
                    )
        for name, rows in self._rows.items():
            write_rows(self._folder.path, name, rows)
        seconds = self.manifest.meta_test_seconds + time.perf_counter() - begun
        checkpoints = [*self.manifest.checkpoints, state.boundary]
        return {"errors": errors, "meta_test_seconds": round(seconds, 3), **self._tested(checkpoints)}

    def _write_weights(self, folder: Path) -> None:
        if self._survivor is not None:
            self._survivor.save(folder)
        else:
            shutil.copytree(self._folder.save_point(self._state.boundary).weights, folder, dirs_exist_ok=True)

    def _add_rows(self, split: str, found: MetaTest) -> None:
        steps = self._state.boundary
        self._rows[EPISODES] += [{"checkpoint_steps": steps, **row} for row in found.rows]
        self._rows[WITHIN_TRIAL] += [
            {"checkpoint_steps": steps, "split": split, "time": time_step, "reward": float(reward)}
            for time_step, reward in enumerate(found.within_trial)
            if np.isfinite(reward)
        ]

    # -- the manifest ------------------------------------------------------------------------------------------------

    def _write(self, **changes: object) -> None:
        self.manifest = self.manifest.model_copy(update=changes)
        write_manifest(self._folder.path, self.manifest)

    def _tested(self, checkpoints: list[int]) -> dict[str, Any]:
        """Returns what the manifest says about the checkpoints whose rows are held."""
        tables = {name: checksum(name, rows) for name, rows in self._rows.items()} if checkpoints else {}
        names = [f"checkpoints/{steps}" for steps in checkpoints]
        # What was committed before is carried over, not computed again: later damage must not look intended.
        known = self.manifest.checksums
        folders = {name: known.get(name) or digest(self._folder.path / name / SEAL) for name in names}
        return {
            "checkpoints": checkpoints,
            "checksums": tables | folders | self._evidence,
            "failed_episodes": sum(row["failed"] for row in self._rows[EPISODES]),
        }

    def _checkpoint(self, steps: int) -> Path:
        return self._folder.path / "checkpoints" / str(steps)

    def _note_failure(self) -> None:
        """Records the exception being handled as the run's failure."""
        self._write(status="failed", failure=fingerprint.without_paths(traceback.format_exc()))

    @contextmanager
    def _blaming_agent(self, *passing: type[Exception]) -> Iterator[None]:
        """Records what the agent raises as the run's failure; exceptions of the given types pass."""
        try:
            yield
        except passing:
            raise
        except Exception as error:
            # What a signal raises while torch is imported can come out as an error of the import.
            raise_if_swallowed()
            self._note_failure()
            steps = self._ground.steps if self._ground is not None else self._state.steps
            folder = self._folder.path
            raise AgentError(
                f"{self._plan.spec.id} raised {type(error).__name__} after {steps:,} steps: {error} "
                f"The traceback is in {folder / MANIFEST}, the figures until then in {folder / LOG}. "
                "Mend the agent and run the same command again: it goes on from the last save point. "
                "Other settings need --force-new-run."
            ) from error
