"""The references of the drive suites: frozen, and what is measured."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from metarl_bench.registry import SUITES
from metarl_bench.tasks import References
from metarl_bench.testing import random_return
from metarl_suites.navigation.driver import measure
from tests.suites.navigation.library import IDS

# Scores are normalised by them: other numbers need a new version of the suite, never a new hash here.
FROZEN = {
    "navigation/drive-city-v1": "7fc3fdfb33e5df6a",
    "navigation/drive-sparse-v1": "d0ef6a8d21fc561e",
    "navigation/drive-sparse-v2": "464dbfe9809f13aa",
    "navigation/drive-traffic-v1": "f944d6971c213bbe",
    "navigation/drive-vehicle-v1": "a9effe2b228071f8",
    "navigation/drive-weather-v1": "32ffc182de414395",
}


def references(suite_id: str) -> References:
    found = SUITES.get(suite_id).references
    assert found is not None
    return found


@pytest.mark.parametrize("suite_id", IDS)
def test_references_never_change(suite_id: str) -> None:
    text = repr(dataclasses.astuple(references(suite_id)))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == FROZEN[suite_id]


@pytest.mark.learning
@pytest.mark.parametrize("suite_id", IDS)
def test_references_are_what_is_measured(suite_id: str) -> None:
    frozen = references(suite_id)
    # Another processor may end a contact otherwise, and with it an episode.
    assert measure(suite_id).returns.mean() == pytest.approx(frozen.expert, rel=0.03)
    assert random_return(suite_id, episodes=10) == pytest.approx(frozen.random, rel=0.03, abs=0.05)
