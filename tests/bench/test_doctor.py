from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from metarl_bench import doctor


def test_a_sound_machine_has_nothing_bad(tmp_path: Path) -> None:
    findings = doctor.examine(tmp_path / "runs")
    assert [finding for finding in findings if finding.status == "bad"] == []
    assert [finding.subject for finding in findings if not finding.text] == []
    assert not (tmp_path / "runs").exists()


def test_tested_versions_come_from_the_constraints() -> None:
    tested = doctor.tested_versions()
    assert tested["torch"] == "2.13.0"
    assert tested["typing-extensions"]  # pip writes it with an underscore


def test_another_version_is_named_with_the_tested_one_and_the_way_back() -> None:
    finding = doctor.check_packages({"numpy": "0.0.1"})
    assert finding.status == "note"
    assert finding.text == f"numpy {version('numpy')} (tested: 0.0.1)"
    assert "constraints.txt" in finding.mend


def test_a_folder_that_is_a_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    finding = doctor.check_folder(tmp_path / "file")
    assert finding.status == "bad"
    assert str(tmp_path / "file") in finding.text
    assert "--out" in finding.mend


def test_a_folder_whose_name_no_system_takes_is_bad(tmp_path: Path) -> None:
    finding = doctor.check_folder(tmp_path / ("x" * 300))
    assert finding.status == "bad"
    assert finding.text.endswith("File name too long")
    assert "--out" in finding.mend


def test_more_threads_than_cores_is_noted() -> None:
    assert doctor.check_threads({"OMP_NUM_THREADS": "1"}).status == "ok"
    finding = doctor.check_threads({"OMP_NUM_THREADS": "4096", "MKL_NUM_THREADS": "many"})
    assert finding.status == "note"
    assert finding.text == "OMP_NUM_THREADS=4096, MKL_NUM_THREADS=many"


def test_the_falling_sphere_is_computed_not_assumed() -> None:
    finding = doctor.check_simulator()
    assert finding.status == "ok"
    assert finding.text == f"{version('mujoco')} steps"
