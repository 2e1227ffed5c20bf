"""The registry: ids, collisions, entry points, and help with a mistyped name."""

import dataclasses
import re
from pathlib import Path

import pytest

from metarl_bench.errors import BenchError, ContractError, UnknownIdError
from metarl_bench.registry import AGENT_ID, AGENTS, SUITE_ID, SUITES, Registry, load_object, make_suite
from metarl_bench.tasks import SuiteSpec
from metarl_suites.toy.specs import POINT_ROBOT, SPARSE_POINT_ROBOT


def registry(group: str = "metarl_bench.tests.nobody") -> Registry[SuiteSpec]:
    return Registry("suite", group, SuiteSpec, SUITE_ID)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, code: str) -> Registry[SuiteSpec]:
    """Puts a distribution with one entry point on the path, and returns a registry of its group."""
    name = f"visitor_{folder.name}"
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{name}]\nvisitor = {name}:SPECS\n")
    (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    return registry(name)


def test_the_built_in_suites_and_agents_are_found() -> None:
    assert {"toy/point-robot-v1", "toy/sparse-point-robot-v1"} <= {spec.id for spec in SUITES.all()}
    assert "random" in {spec.id for spec in AGENTS.all()}


def test_a_superseded_suite_names_a_newer_version_that_there_is() -> None:
    old = [spec for spec in SUITES.all() if spec.superseded_by is not None]
    assert old
    for spec in old:
        newer = SUITES.get(str(spec.superseded_by))
        (name, _, number), (newer_name, _, newer_number) = (each.id.rpartition("-v") for each in (spec, newer))
        assert newer_name == name
        assert int(newer_number) > int(number)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("toy/point-robot", "toy/point-robot-v1"), ("toy/sparse-pointrobot-v1", "toy/sparse-point-robot-v1")],
)
def test_a_mistyped_suite_is_answered_with_what_comes_near(wrong: str, near: str) -> None:
    with pytest.raises(UnknownIdError, match=re.escape(f"Unknown suite '{wrong}'. Did you mean '{near}'")):
        make_suite(wrong)


def test_an_unknown_id_is_shown_without_the_quotes_of_a_key_error() -> None:
    with pytest.raises(UnknownIdError) as caught:
        registry().get("toy/nothing-v1")

    assert str(caught.value) == "Unknown suite 'toy/nothing-v1'. Known: none."


def test_an_id_that_is_taken_is_refused_and_both_origins_are_named() -> None:
    specs = registry()
    specs.register(POINT_ROBOT, origin="first")
    other = dataclasses.replace(POINT_ROBOT, horizon=30)

    with pytest.raises(ContractError, match=r"second: the suite id 'toy/point-robot-v1' is taken by first"):
        specs.register(other, origin="second")
    assert specs.get(POINT_ROBOT.id) == POINT_ROBOT


def test_registering_the_same_spec_twice_is_harmless() -> None:
    specs = registry()
    specs.register(POINT_ROBOT)
    specs.register(POINT_ROBOT)

    assert specs.all() == (POINT_ROBOT,)


@pytest.mark.parametrize(
    "bad", ["point-robot-v1", "toy/point-robot", "Toy/point-robot-v1", "toy/point robot-v1", "toy/-v1", "../x/y-v1", ""]
)
def test_malformed_suite_ids_are_refused(bad: str) -> None:
    with pytest.raises(ContractError, match="malformed"):
        registry().register(dataclasses.replace(POINT_ROBOT, id=bad))


@pytest.mark.parametrize("bad", ["RL2", "rl_2", "rl2-", "", "a/b", "rl2\n"])
def test_malformed_agent_ids_match_nothing(bad: str) -> None:
    assert AGENT_ID.fullmatch(bad) is None


def test_something_else_than_a_spec_is_refused() -> None:
    with pytest.raises(ContractError, match="offers a dict; expected a SuiteSpec"):
        registry().register({"id": "toy/x-v1"})  # type: ignore[arg-type]


def test_suites_are_listed_by_id_whatever_the_order_of_registration() -> None:
    specs = registry()
    for spec in (SPARSE_POINT_ROBOT, POINT_ROBOT):
        specs.register(spec)

    assert specs.all() == (POINT_ROBOT, SPARSE_POINT_ROBOT)


def test_another_package_adds_suites_by_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import dataclasses
from metarl_suites.toy.specs import POINT_ROBOT
SPECS = (dataclasses.replace(POINT_ROBOT, id="visitor/reach-v1"),)
"""

    assert install(tmp_path, monkeypatch, code=code).get("visitor/reach-v1").horizon == 20


def test_a_broken_entry_point_is_named_with_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = install(tmp_path, monkeypatch, code="raise RuntimeError('no licence')")

    with pytest.raises(BenchError, match=r"entry point visitor = .* cannot be loaded: RuntimeError\('no licence'\)"):
        specs.all()


def test_code_that_makes_no_suite_is_refused() -> None:
    SUITES.register(dataclasses.replace(POINT_ROBOT, id="toy/wrong-factory-v1", factory="builtins:dict"))
    try:
        with pytest.raises(ContractError, match="builtins:dict made a dict; expected a Suite"):
            make_suite("toy/wrong-factory-v1")
    finally:
        del SUITES._specs["toy/wrong-factory-v1"]


def test_a_suite_is_made_once() -> None:
    assert make_suite("toy/point-robot-v1") is make_suite("toy/point-robot-v1")


def test_objects_are_loaded_by_their_path() -> None:
    assert load_object("metarl_suites.toy.specs:POINT_ROBOT") is POINT_ROBOT
