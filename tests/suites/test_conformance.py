"""Every registered suite keeps to the contract; manipulation/test_conformance.py checks that family."""

import pytest

from metarl_bench.registry import SUITES
from metarl_bench.testing import Check, suite_checks

# Suites whose episodes do not depend on the seed; may only shrink.
DETERMINISTIC = {"toy/sparse-point-robot-v1"}

CHECKS = [
    pytest.param(check, id=f"{spec.id}-{check}")
    for spec in SUITES.all()
    if spec.family != "manipulation"
    for check in suite_checks(spec.id, deterministic=spec.id in DETERMINISTIC)
]


@pytest.mark.parametrize("check", CHECKS)
def test_suite(check: Check) -> None:
    check()


def test_all_suites_have_references() -> None:
    assert not [spec.id for spec in SUITES.all() if spec.references is None]
