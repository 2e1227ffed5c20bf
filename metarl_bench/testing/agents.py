"""``check_agent``: everything that an agent has to keep to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from metarl_bench.agents import AgentSpec
from metarl_bench.tasks import Suite
from metarl_bench.testing import agent_rules
from metarl_bench.testing.agent_subject import AgentSubject
from metarl_bench.testing.conformance import Check, run_checks

RULES: tuple[Callable[[AgentSubject], None], ...] = (
    agent_rules.actions_are_sound,
    agent_rules.meta_test_finds_no_failures,
    agent_rules.training_keeps_to_the_segment,
    agent_rules.equal_seeds_train_equal_agents,
    agent_rules.saving_and_loading_keep_the_actions,
    agent_rules.saved_files_are_safe,
    agent_rules.trials_start_afresh,
    agent_rules.forks_are_independent,
    agent_rules.worlds_do_not_depend_on_each_other,
    agent_rules.global_random_state_is_left_alone,
)


def agent_checks(
    agent: str | AgentSpec,
    *,
    suite: str | Suite,
    steps: int,
    config: Mapping[str, object] | None = None,
    deterministic: bool = False,
) -> list[Check]:
    """Returns the checks of an agent, one a rule, for ``pytest.mark.parametrize("check", ..., ids=str)``.

    Args:
        agent: The agent or its id.
        suite: Where it is checked, or the id; a toy suite is enough for most agents.
        steps: Environment steps of a training segment; should hold several iterations. Six segments are trained.
        config: Settings by name, e.g. smaller batches.
        deterministic: The agent's actions depend on what it observes alone, not on the seed; is checked.

    Raises:
        ConfigError: If the steps or the settings cannot be.
    """
    subject = AgentSubject(agent, suite, steps, config)
    about_seeds = agent_rules.seeds_change_nothing if deterministic else agent_rules.other_seeds_give_other_actions
    return [Check(rule.__name__, partial(rule, subject)) for rule in (*RULES, about_seeds)]


def check_agent(
    agent: str | AgentSpec,
    *,
    suite: str | Suite,
    steps: int,
    config: Mapping[str, object] | None = None,
    deterministic: bool = False,
) -> None:
    """Checks that an agent keeps to the contract; arguments as for ``agent_checks``.

    Raises:
        ConformanceError: If it does not; the error lists every rule that it breaks.
    """
    checks = agent_checks(agent, suite=suite, steps=steps, config=config, deterministic=deterministic)
    run_checks(agent if isinstance(agent, str) else agent.id, checks)
