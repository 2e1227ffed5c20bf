"""An agent that hangs costs its episode, never the run, and the limit leaves other users of signals alone."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from metarl_bench import time_limit
from metarl_bench.interrupts import Interrupted, interruptible
from metarl_bench.registry import make_suite
from metarl_bench.testing import Script, ScriptedAgent, play_trials
from metarl_bench.trials import MetaTest

SUITE = make_suite("toy/point-robot-v1")
HORIZON = SUITE.spec.horizon


@pytest.fixture(autouse=True)
def alarm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A short limit; takes the alarm from pytest's own time limit, and gives it back."""
    monkeypatch.setattr(time_limit, "ACT_SECONDS", 1.0)
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    previous = signal.getsignal(signal.SIGALRM)
    yield
    signal.signal(signal.SIGALRM, previous)
    signal.setitimer(signal.ITIMER_REAL, left)


def play(script: Script) -> MetaTest:
    return play_trials(ScriptedAgent(script), SUITE, adaptation_episodes=1, num_tasks=4)


def still(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
    return np.zeros_like(observations)


def at_step_three(deed: Callable[[], Any]) -> Script:
    """Returns a script that stands still, but does something first at the fourth step of the second episode."""

    def script(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        if episode == 1 and step == 3:
            deed()
        return still(observations, episode, step)

    return script


def sleep() -> None:
    time.sleep(3600)


def spin() -> None:
    while True:
        pass


def swallow_and_sleep() -> None:
    try:
        sleep()
    except Exception:  # noqa: BLE001 - the misdeed itself
        sleep()


@pytest.mark.parametrize("hang", [sleep, spin, swallow_and_sleep])
def test_an_agent_that_hangs_fails_the_episode_and_the_run_goes_on(hang: Callable[[], None]) -> None:
    found = play(at_step_three(hang))

    # Episode 1 is the evaluation after the adaptation episode.
    for row in found.rows:
        hung = row["phase"] == "evaluation" and row["shot"] == 1
        assert row["failed"] == hung
        assert (row["return"] == SUITE.spec.failure_return) == hung
        assert row["length"] == (3 if hung else HORIZON)
    (error,) = found.errors
    assert "TimeoutError: act took more than 1 s" in error
    assert hang.__name__ in error


def test_the_limit_is_of_one_step_and_not_of_the_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "ACT_SECONDS", 0.5)

    def slow(observations: np.ndarray, episode: int, step: int) -> np.ndarray:
        time.sleep(0.05)
        return still(observations, episode, step)

    assert play(slow).rows == play(still).rows


def test_an_alarm_of_somebody_else_goes_on_afterwards() -> None:
    rang: list[int] = []
    signal.signal(signal.SIGALRM, lambda number, frame: rang.append(number))
    signal.setitimer(signal.ITIMER_REAL, 1000, 7)

    play(still)

    left, interval = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < left <= 1000
    assert interval == 7
    signal.raise_signal(signal.SIGALRM)
    assert rang == [signal.SIGALRM]


@pytest.mark.usefixtures("signal_handlers")
def test_a_signal_in_the_middle_of_act_stops_the_run_and_the_alarm() -> None:
    with pytest.raises(Interrupted), interruptible():
        play(at_step_three(lambda: os.kill(os.getpid(), signal.SIGTERM)))

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_meta_test_in_another_thread_has_no_limit() -> None:
    found: list[MetaTest] = []
    thread = threading.Thread(target=lambda: found.append(play(at_step_three(lambda: time.sleep(1.5)))))
    thread.start()
    thread.join()

    assert found[0].rows == play(still).rows
