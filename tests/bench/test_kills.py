"""Runs that are killed again and again, at seeded moments and at any, end with the bytes of one that was left alone."""

import contextlib
import multiprocessing
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from metarl_bench.runner import Outcome
from tests.bench import support

KILLS = 4  # of each kind
# Moments, and how many of each a whole run has, nearly.
SEEDED = {
    "train/kill": 7900,
    "write-save/kill": 190,
    "write-checkpoint/tear": 16,
    "write-results/tear": 60,
}


@pytest.fixture(scope="module")
def server() -> multiprocessing.context.ForkServerContext:
    """Forks processes that have imported everything, which is most of what a short run costs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "tests.bench.support"])
    return context


def start(server: multiprocessing.context.ForkServerContext, out: Path, fault: str) -> BaseProcess:
    process = server.Process(target=support.main_with_fault, args=(str(out), fault))
    process.start()
    return process


def killed(process: BaseProcess) -> bool:
    """Returns whether a process was killed; it must have ended well otherwise."""
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("fault", SEEDED)
def test_kills_at_seeded_moments_change_nothing(
    reference: Outcome, tmp_path: Path, server: multiprocessing.context.ForkServerContext, fault: str
) -> None:
    rng = random.Random(fault)
    out, kills = tmp_path / "0", 0
    while kills < KILLS:
        if killed(start(server, out, f"{fault}:{rng.randint(1, SEEDED[fault])}")):
            kills += 1
        else:
            support.assert_same_end(reference, support.go(out))
            out = tmp_path / str(int(out.name) + 1)
    support.assert_same_end(reference, support.go(out))


def test_kills_at_any_time_change_nothing(
    reference: Outcome, tmp_path: Path, server: multiprocessing.context.ForkServerContext
) -> None:
    rng = random.Random(0)
    out, kills = tmp_path / "0", 0
    while kills < KILLS:
        process = start(server, out, "")
        while process.is_alive() and not (support.run_folder(out) / ".lock").exists():
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.5))
        with contextlib.suppress(ProcessLookupError):  # it was faster
            process.kill()
        if killed(process):
            kills += 1
        else:
            out = tmp_path / str(int(out.name) + 1)
    support.assert_same_end(reference, support.go(out))
