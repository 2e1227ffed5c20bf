"""Runs of the small learner that many tests start from; made once."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from metarl_bench.cli import main
from metarl_bench.interrupts import SIGNALS
from metarl_bench.runner import Outcome
from tests.bench import support


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run that nothing interrupted; to be left as it is."""
    return support.go(tmp_path_factory.mktemp("reference") / "runs")


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run that stopped one save point after its first checkpoint; to be left as it is."""
    out = tmp_path_factory.mktemp("stopped") / "runs"
    support.go(out, until=4400)
    return out


@pytest.fixture
def partial(stopped: Path, tmp_path: Path) -> Path:
    """A copy of the stopped run's output folder that a test may damage."""
    return Path(shutil.copytree(stopped, tmp_path / "runs"))


@pytest.fixture
def signal_handlers() -> Iterator[None]:
    """Puts the handlers of signals back, which an interruption has ignored for good."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> support.Here:
    """Runs ``metarl-bench`` in this process: one of its own would first import for seconds."""

    def run(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        monkeypatch.setenv("COLUMNS", "200")
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run
