"""Every registered suite keeps to the contract; manipulation/test_conformance.py checks that family."""

from __future__ import annotations

import pytest

from metarl_bench.registry import SUITES
from metarl_bench.tasks import SuiteSpec
from metarl_bench.testing import Check, suite_checks
from tests.suites.library import LIGHT

# Suites whose episodes do not depend on the seed; may only shrink.
DETERMINISTIC = {"toy/sparse-point-robot-v1"}
# Rules about rewards alone, which a sighted suite has from its blind one.
PAY = {"failing_never_pays", "ending_early_never_pays"}


def is_quick(spec: SuiteSpec, check: str) -> bool:
    """Returns whether `make test` runs a check; `make results` runs them all.

    What a superseded suite does cannot change: ``test_pinned_dynamics.py`` holds it to its rewards.
    """
    if check in LIGHT:
        return True
    return spec.superseded_by is None and not ("-sighted-" in spec.id and check in PAY)


CHECKS = [
    pytest.param(check, id=f"{spec.id}-{check}", marks=() if is_quick(spec, str(check)) else pytest.mark.learning)
    for spec in SUITES.all()
    if spec.family != "manipulation"
    for check in suite_checks(spec.id, deterministic=spec.id in DETERMINISTIC)
]


@pytest.mark.parametrize("check", CHECKS)
def test_suite(check: Check) -> None:
    check()


def test_all_suites_have_references() -> None:
    assert not [spec.id for spec in SUITES.all() if spec.references is None]
