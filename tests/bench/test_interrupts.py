import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metarl_bench.interrupts import SIGNALS, Interrupted, interruptible, raise_if_swallowed, telling
from metarl_bench.runner import Outcome
from tests.bench import support


@pytest.mark.parametrize(("name", "code"), [("int", 130), ("term", 143), ("int twice", 130)])
def test_a_signal_stops_at_once_and_says_what_is_lost(reference: Outcome, tmp_path: Path, name: str, code: int) -> None:
    out = tmp_path / "my runs"
    stopped = support.go_in_process(out, fault=f"train/{name}:5700")
    assert stopped.returncode == code
    # The save point at 5600 has 5520 steps, since the agent's rounds take 120.
    assert "180 steps since the last save point are lost" in stopped.stderr
    assert "Resume with: metarl-bench run --protocol smoke-v1" in stopped.stderr
    assert f"--out '{out}'" in stopped.stderr
    outcome = support.go(out)
    assert outcome.resumed
    assert support.table_bytes(outcome) == support.table_bytes(reference)


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.1])
def test_a_second_signal_while_the_first_unwinds_leaves_the_run_consistent(
    reference: Outcome, tmp_path: Path, pause: float
) -> None:
    code = f"from tests.bench import support; support.main('test-learner', {str(tmp_path)!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=support.REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
    )
    log = support.cell().folder(tmp_path) / "training.jsonl"
    while process.poll() is None and not log.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    time.sleep(pause)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted by SIGINT." in told
    assert "steps since the last save point are lost" in told
    assert "Resume with: metarl-bench run --protocol smoke-v1" in told
    assert support.table_bytes(support.go(tmp_path)) == support.table_bytes(reference)


@pytest.mark.usefixtures("signal_handlers")
def test_a_second_signal_raises_the_first_interruption_with_all_that_it_tells() -> None:
    told: list[str] = []
    with pytest.raises(Interrupted) as caught, interruptible(), contextlib.ExitStack() as unwinding:
        unwinding.callback(signal.raise_signal, signal.SIGTERM)  # when nobody is left to ask
        unwinding.enter_context(telling(lambda: told))
        unwinding.callback(signal.raise_signal, signal.SIGTERM)
        told.append("all is lost")
        signal.raise_signal(signal.SIGINT)
    assert str(caught.value) == "Interrupted by SIGINT.\nall is lost"
    assert caught.value.exit_code == 130
    for number in SIGNALS:
        signal.raise_signal(number)  # nothing is left to be interrupted


@pytest.mark.usefixtures("signal_handlers")
def test_the_handlers_that_were_there_come_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(ZeroDivisionError), interruptible():
        assert [signal.getsignal(number) for number in SIGNALS] != before
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_no_handler_of_ordinary_errors_swallows_an_interruption() -> None:
    assert not issubclass(Interrupted, Exception)


@pytest.mark.usefixtures("signal_handlers")
def test_an_interruption_that_a_library_swallows_comes_again() -> None:
    with pytest.raises(Interrupted) as caught, interruptible():
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        raise_if_swallowed()
    assert caught.value.exit_code == 143
    raise_if_swallowed()
