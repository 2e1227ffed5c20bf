"""Programs of the packages other than the command line itself: bad input ends them in words, with exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("module", "words", "message"),
    [
        ("metarl_agents.metric.distances", ["nowhere", "--out", "figures"], "nowhere/manifest.json cannot be read"),
        ("metarl_suites.manipulation.legacy", ["nowhere"], "nowhere holds no agent.json"),
        (
            "metarl_suites.manipulation.legacy",
            ["nowhere", "--out", __file__],
            "is a file; expected a folder to write into",
        ),
        ("metarl_suites.navigation.driver", [], "No suite was given; expected: python -m"),
        (
            "metarl_suites.navigation.driver",
            ["navigation/drive-vehicl-v3"],
            "Did you mean 'navigation/drive-vehicle-v3'",
        ),
        ("metarl_suites.navigation.driver", ["toy/point-robot-v1"], "toy/point-robot-v1 has no cars"),
    ],
)
def test_bad_input_of_a_program_is_told_without_a_traceback(
    module: str, words: list[str], message: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert not list(tmp_path.iterdir())
