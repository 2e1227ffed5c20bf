"""The errors that users meet: each says what was got, what was expected, and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Base of all errors that a user can mend; the command line prints them without a traceback."""


class UnknownIdError(BenchError, KeyError):
    """An id that no registry knows."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would put the whole message into quotes.
        return str(self.args[0])


class ConfigError(BenchError, ValueError):
    """A configuration value of the wrong name, type or range."""


class ContractError(BenchError, ValueError):
    """A suite or an agent that breaks a contract (shapes, order of calls, types)."""


class BudgetExceeded(BenchError, RuntimeError):  # noqa: N818 - the protocol's own word for it
    """A training step beyond the budget; it was not executed."""


class SplitViolation(BenchError, RuntimeError):  # noqa: N818 - the protocol's own word for it
    """Training asked for something that only the meta-test may use."""


class RecordError(BenchError, RuntimeError):
    """A run folder that is locked, corrupt, unwritable or belongs to another cell."""


class AgentError(BenchError, RuntimeError):
    """An agent that raised where its run cannot go on."""


class SuiteError(BenchError, RuntimeError):
    """A suite that raised in a meta-test."""


def close_matches(word: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the nearest known words, or all of them where none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(name) for name in near)}?"
    return f"Known: {', '.join(known) if known else 'none'}."
