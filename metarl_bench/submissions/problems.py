"""How a check ends if it does not pass."""

from __future__ import annotations


class Rejected(Exception):  # noqa: N818 - the verdict's own word
    """The submission is not what it says it is, or breaks a rule."""


class Unchecked(Exception):  # noqa: N818 - the verdict's own word
    """The check cannot be made here: something is missing, or of another version."""


class NoResult(Rejected):
    """The run is not complete, not on test tasks, or does not lie where its manifest says: nothing to check yet."""
