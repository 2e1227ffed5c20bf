"""What a conformance check is, and how many of them are run and reported together."""

from __future__ import annotations

import random
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from unittest import SkipTest

import numpy as np

from metarl_bench.errors import BenchError


class CheckFailed(BenchError):  # noqa: N818 - what it says
    """One rule that a suite or an agent breaks."""


class ConformanceError(BenchError):
    """All rules that a suite or an agent breaks.

    Attributes:
        failures: Message by the name of the check.
    """

    def __init__(self, subject: str, failures: Mapping[str, str]) -> None:
        self.failures = dict(failures)
        lines = "\n".join(f"- {name}: {message}" for name, message in failures.items())
        super().__init__(f"{subject} breaks {len(failures)} rules of the contract:\n{lines}")


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, ready to be checked: call it. ``str`` gives its name, for test ids."""

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Checks the rule; raises ``CheckFailed``, or what the code under test raises, if it is broken."""
        self.run()

    def __str__(self) -> str:
        return self.name


def expect(condition: object, message: str) -> None:
    """Raises ``CheckFailed`` with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def expect_error(action: Callable[[], object], error: type[Exception], situation: str) -> None:
    """Raises ``CheckFailed`` unless the action raises the error."""
    try:
        action()
    except error:
        return
    except Exception as other:
        raise CheckFailed(f"{situation} raised {other!r}; expected {error.__name__}.") from other
    raise CheckFailed(f"{situation} went through; expected {error.__name__}.")


def run_checks(subject: str, checks: Sequence[Check]) -> None:
    """Runs all checks and reports all failures at once.

    Raises:
        ConformanceError: If a check fails; it lists all that do.
    """
    failures = {}
    for check in checks:
        try:
            check()
        except SkipTest as reason:
            warnings.warn(f"{subject}: {check} was skipped: {reason}", stacklevel=3)
        except CheckFailed as failure:
            failures[check.name] = str(failure)
        except Exception:  # noqa: BLE001 - the code under test may raise anything, which is a failure too
            failures[check.name] = "raised\n" + traceback.format_exc(limit=-3)
    if failures:
        raise ConformanceError(subject, failures)


def global_random_state() -> tuple[object, ...]:
    """Returns the global random states of Python, numpy and, where it is loaded, torch; compare with ``==``."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - read to prove that nothing else touches it
    torch = sys.modules.get("torch")
    torch_state = torch.random.get_rng_state().numpy().tobytes() if torch else b""
    return random.getstate(), (name, np.asarray(keys).tobytes(), *rest), torch_state
