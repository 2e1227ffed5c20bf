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


def replace_values(config: Config, values: Mapping[str, object]) -> Config:
    """Returns the configuration with some values replaced, converted to the fields' types and checked.

    Raises:
        ConfigError: If a name is unknown or a value does not fit its field.
    """
    current = config_values(config)
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
    """Returns a configuration as JSON types."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return values


def config_digest(config: Any) -> str:
    """Returns a short hash of a configuration's values."""
    return values_digest(config_values(config))


def values_digest(values: Mapping[str, Any]) -> str:
    """Returns the digest of a configuration that is given by its values, as manifests hold it."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
