"""Agent configurations: frozen dataclasses whose values are checked when a user changes them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from metarl_bench.errors import ConfigError, close_matches

Config = TypeVar("Config")
# Metadata of a field, for a setting that an agent got after results were published: at its default it is not written
# down, so that the configurations of those results keep their digests.
ADDED_LATER: Mapping[str, bool] = {"added_later": True}


def replace_values(config: Config, values: Mapping[str, object]) -> Config:
    """Returns the configuration with some values replaced, converted to the fields' types and checked.

    Raises:
        ConfigError: If a name is unknown or a value does not fit its field.
    """
    current = _all_values(config)
    for name in values:
        if name not in current:
            raise ConfigError(f"{type(config).__name__} has no setting {name!r}. {close_matches(name, current)}")
    try:
        return TypeAdapter(type(config)).validate_python({**current, **values})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}: {problem['msg'].lower()}"
            for problem in error.errors()
        )
        raise ConfigError(f"Bad {type(config).__name__}: {problems}.") from None


def config_values(config: Any) -> dict[str, Any]:
    """Returns a configuration as JSON types, without settings that were added later and are at their default."""
    silent = {field.name for field in dataclasses.fields(config) if _is_silent(field, config)}
    return {name: value for name, value in _all_values(config).items() if name not in silent}


def config_digest(config: Any) -> str:
    """Returns a short hash of a configuration's values."""
    text = json.dumps(config_values(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _all_values(config: Any) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return values


def _is_silent(field: dataclasses.Field[Any], config: Any) -> bool:
    return bool(field.metadata.get("added_later")) and getattr(config, field.name) == field.default
