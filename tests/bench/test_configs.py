"""Configurations: values are converted and checked, and named by a digest."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from metarl_bench.configs import config_digest, config_values, later_defaults, later_setting, replace_values
from metarl_bench.errors import ConfigError
from metarl_bench.registry import AGENTS, make_config, make_suite


@dataclass(frozen=True, kw_only=True)
class Settings:
    learning_rate: float = 3e-4
    hidden: int = 64
    layers: tuple[int, ...] = (64, 64)


@dataclass(frozen=True, kw_only=True)
class Rates:
    rates: tuple[float, ...] = (1.0,)


def test_text_is_converted_to_the_type_of_the_field() -> None:
    assert replace_values(Settings(), {"learning_rate": "1e-3", "hidden": "32"}) == Settings(
        learning_rate=1e-3, hidden=32
    )


def test_replacing_leaves_the_original_alone() -> None:
    original = Settings()

    replace_values(original, {"hidden": 1})

    assert original == Settings()


def test_an_unknown_setting_is_answered_with_what_comes_near() -> None:
    with pytest.raises(ConfigError, match=r"no setting 'learning_rat'\. Did you mean 'learning_rate'\?"):
        replace_values(Settings(), {"learning_rat": 1.0})


@pytest.mark.parametrize("value", ["many", 1.5, None, [1]])
def test_a_value_of_the_wrong_type_is_shown_with_its_name(value: object) -> None:
    with pytest.raises(ConfigError, match="hidden is"):
        replace_values(Settings(), {"hidden": value})


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"(?s)learning_rate is 'fast'.*hidden is 'many'"):
        replace_values(Settings(), {"learning_rate": "fast", "hidden": "many"})


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", math.inf, np.float64("nan")])
def test_a_number_that_is_not_finite_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(ConfigError, match=r"learning_rate is (-?inf|nan).*finite"):
        replace_values(Settings(), {"learning_rate": value})
    with pytest.raises(ConfigError, match=r"rates is \(1\.0, (-?inf|nan)\); expected finite numbers\."):
        replace_values(Rates(), {"rates": (1.0, value)})


def test_values_are_json_types() -> None:
    assert config_values(Settings()) == {"learning_rate": 3e-4, "hidden": 64, "layers": [64, 64]}


def test_the_digest_names_the_values() -> None:
    assert config_digest(Settings()) == config_digest(replace_values(Settings(), {"hidden": "64"}))
    assert config_digest(Settings()) != config_digest(Settings(hidden=65))


@dataclass(frozen=True, kw_only=True)
class Grown(Settings):
    dropout: float = later_setting(0.0)


def test_a_later_setting_leaves_older_records_as_they_were() -> None:
    assert config_digest(Grown()) == config_digest(Settings())
    changed = replace_values(Grown(), {"dropout": "0.1"})
    assert config_values(changed) == config_values(Settings()) | {"dropout": 0.1}
    assert config_digest(changed) != config_digest(Settings())
    assert replace_values(changed, later_defaults(Grown) | config_values(Settings())) == Grown()


def test_an_agent_without_settings_refuses_all_of_them() -> None:
    suite = make_suite("toy/point-robot-v1").spec

    with pytest.raises(ConfigError, match=r"RandomConfig has no setting 'hidden'\. Known: none\."):
        make_config(AGENTS.get("random"), suite, {"hidden": 1})
