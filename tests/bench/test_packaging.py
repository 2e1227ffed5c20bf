from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {"metarl_bench": ROOT, "metarl_suites": ROOT / "suites", "metarl_agents": ROOT / "agents"}
# Measured in seconds, not milliseconds; each would be felt in every command.
HEAVY = ("torch", "stable_baselines3", "pandas", "scipy", "matplotlib", "mujoco", "gymnasium", "numpy", "pyarrow")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def imported_by(code: str) -> set[str]:
    """Returns the top-level modules that a fresh interpreter has after running the code."""
    report = f"{code}\nimport sys\nprint('MODULES', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_the_wheel_installs_the_three_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(SOURCES)
    assert len(tops) == len(SOURCES) + 1


@pytest.mark.parametrize("package", SOURCES)
def test_every_file_of_a_package_is_in_the_wheel(wheel: zipfile.ZipFile, package: str) -> None:
    parent = SOURCES[package]
    kinds = (".py", ".xml", ".md", ".json", ".typed")
    there = {
        path.relative_to(parent).as_posix()
        for path in (parent / package).rglob("*")
        if path.suffix in kinds and "__pycache__" not in path.parts
    }
    assert there
    assert there <= set(wheel.namelist())


def test_models_and_cards_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    models = [name for name in wheel.namelist() if name.startswith("metarl_suites/") and name.endswith(".xml")]
    cards = [name for name in wheel.namelist() if name.endswith("README.md")]
    assert len(models) >= 1
    assert len(cards) >= 2


def test_entry_points_name_the_command_the_suites_and_the_agents(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    text = wheel.read(name).decode()
    for line in (
        "metarl-bench = metarl_bench.cli:main",
        "builtin = metarl_suites:SPECS",
        "builtin = metarl_agents:SPECS",
    ):
        assert line in text.splitlines()


def test_the_wheel_has_the_tested_versions_for_the_doctor(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("metarl_bench/constraints.txt") == (ROOT / "constraints.txt").read_bytes()


def test_constraints_pin_one_version_each_and_no_place_on_this_machine() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert "torch==2.13.0" in lines
    assert "mujoco==3.3.0" in lines
    for line in lines:
        name, equals, pin = line.partition("==")
        assert name and equals and pin and "/" not in line and "+" not in line and "@" not in line, line


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert "metarl_bench" in imported_by("import metarl_bench")
    assert imported_by("import metarl_bench").isdisjoint(HEAVY)


@pytest.mark.parametrize("words", [["--help"], [], ["run", "--help"], ["leaderboard", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "from metarl_bench.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert end.code in (0, None)"
    )
    assert imported_by(code).isdisjoint(HEAVY)


def test_the_contracts_import_no_torch() -> None:
    code = "import metarl_bench.registry, metarl_bench.trials; metarl_bench.registry.AGENTS.all()"
    assert imported_by(code).isdisjoint({"torch", "stable_baselines3"})
