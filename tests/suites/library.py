"""What tests of all suites share."""

from __future__ import annotations

# Rules about what is declared and listed, which take no simulation.
LIGHT = {
    "spec_is_sound",
    "frozen_lists_are_stable",
    "sampling_depends_on_the_generator_alone",
    "splits_do_not_overlap",
    "tasks_are_in_the_declared_ranges",
}
