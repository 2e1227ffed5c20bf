"""Agent settings as words of a command: ``--set name=value ...``."""

from __future__ import annotations

from typing import Annotated

import tyro

from metarl_bench.errors import ConfigError

Settings = Annotated[tuple[str, ...], tyro.conf.arg(name="set", metavar="NAME=VALUE [NAME=VALUE ...]")]


def parse_settings(settings: tuple[str, ...]) -> tuple[tuple[str, object], ...]:
    """Returns name=value texts as pairs.

    Raises:
        ConfigError: If a text has no "=", or a name stands twice.
    """
    values: dict[str, object] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ConfigError(f"--set got {text!r}; expected name=value, such as learning_rate=0.001.")
        if name in values:
            raise ConfigError(f"--set got {name!r} twice; expected each name once.")
        values[name] = value.strip()
    return tuple(sorted(values.items()))
