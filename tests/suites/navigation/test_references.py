"""The references of the drive suites: what is measured."""

from __future__ import annotations

import pytest

from metarl_bench.registry import SUITES
from metarl_bench.testing import random_return
from metarl_suites.navigation.driver import measure
from tests.suites.navigation.library import IDS


@pytest.mark.learning
@pytest.mark.parametrize("suite_id", IDS)
def test_references_are_what_is_measured(suite_id: str) -> None:
    frozen = SUITES.get(suite_id).references
    assert frozen is not None
    # Another processor may end a contact otherwise, and with it an episode.
    assert measure(suite_id).returns.mean() == pytest.approx(frozen.expert, rel=0.03)
    assert random_return(suite_id, episodes=10) == pytest.approx(frozen.random, rel=0.03, abs=0.05)
