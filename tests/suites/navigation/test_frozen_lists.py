"""The frozen task lists of the navigation suites."""

import pytest

from metarl_bench.registry import SUITES, make_suite
from metarl_bench.tasks import hash_tasks

IDS = [spec.id for spec in SUITES.all() if spec.family == "navigation"]
# The frozen lists: a change of numbers needs a new version of the suite, never a new hash here.
FROZEN = {
    "navigation/drive-city-v1": {
        "validation": "9409cf804b137588",
        "test": "5d52d86226848011",
        "test_ood": "6e88ad09f3cd2501",
    },
    "navigation/drive-sparse-v1": {
        "validation": "56056fb2ff736344",
        "test": "3c9562f8105d1d97",
        "test_ood": "2e2bd108df56ad5e",
    },
    "navigation/drive-traffic-v1": {
        "validation": "f1d8699ab19bc313",
        "test": "5e4a252672689538",
        "test_ood": "2673e11066d6a863",
    },
    "navigation/drive-vehicle-v1": {
        "validation": "c2726fba25a1fae3",
        "test": "25211a8b08359085",
        "test_ood": "b8ef451b104d10ae",
    },
    "navigation/drive-weather-v1": {
        "validation": "ec892d255484490d",
        "test": "ccfc7a85e7f07d36",
        "test_ood": "dd42c2b55ceac791",
    },
}


@pytest.mark.parametrize("suite_id", IDS)
def test_frozen_lists_never_change(suite_id: str) -> None:
    suite = make_suite(suite_id)
    found = {split: hash_tasks(suite.tasks(split))[:16] for split in ("validation", "test", "test_ood")}
    assert found == FROZEN[suite_id]
