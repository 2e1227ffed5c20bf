"""What the locomotion suites declare about themselves; loads without MuJoCo."""

from __future__ import annotations

from metarl_bench.tasks import SuiteSpec
from metarl_suites.locomotion.ant_specs import ANT_SPECS
from metarl_suites.locomotion.cheetah_specs import CHEETAH_SPECS
from metarl_suites.locomotion.params_specs import PARAMS_SPECS

SPECS: tuple[SuiteSpec, ...] = (*CHEETAH_SPECS, *ANT_SPECS, *PARAMS_SPECS)
