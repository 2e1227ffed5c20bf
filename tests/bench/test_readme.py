from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from metarl_bench.cli.text import fill_marked

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", TEXT, re.M | re.S))


def run_example(name: str, folder: Path) -> str:
    (folder / name).write_text(EXAMPLES[name])
    done = subprocess.run([sys.executable, name], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_python_block_is_an_example_that_is_run_here() -> None:
    assert TEXT.count("```python") == len(EXAMPLES)
    assert set(EXAMPLES) == {"best_constant.py", "hidden_target.py", "api.py", "with_gymnasium.py"}


def test_the_example_agent_keeps_its_contract_and_runs(tmp_path: Path) -> None:
    assert run_example("best_constant.py", tmp_path).splitlines() == ["complete"]


def test_the_example_agents_two_classes_have_about_20_lines() -> None:
    code = EXAMPLES["best_constant.py"]
    body = code[code.index("class BestConstant") : code.index("SPEC =")]
    assert len([line for line in body.splitlines() if line.strip()]) <= 22


def test_the_example_suite_keeps_its_contract(tmp_path: Path) -> None:
    assert run_example("hidden_target.py", tmp_path).splitlines() == ["all rules kept"]


@pytest.mark.parametrize("name", ["api.py", "with_gymnasium.py"])
def test_the_other_examples_run(name: str, tmp_path: Path) -> None:
    assert run_example(name, tmp_path)


def test_the_leaderboard_has_its_place() -> None:
    assert "\n\nrows\n\n" in fill_marked(README, "leaderboard", "rows")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:agents|suites|tests)/[\w/.]+)`", TEXT))))
def test_every_path_that_is_named_exists(path: str) -> None:
    assert (README.parent / path).exists()
