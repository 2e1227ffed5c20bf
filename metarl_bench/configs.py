"""Agent configurations: frozen dataclasses whose values are checked when a user changes them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from metarl_bench.errors import ConfigError, close_matches

Config = TypeVar("Config")
_LATER = "later"


def later_setting(default: Any) -> Any:
    """Returns a dataclass field for a setting that came after runs were published, with a default that changes nothing.

    Records leave it out where it has its default, so that runs from before keep their digest and can be replayed.
    """
    return dataclasses.field(default=default, metadata={_LATER: True})


def replace_values(config: Config, values: Mapping[str, object]) -> Config:
    """Returns the configuration with some values replaced, converted to the fields' types and checked.

    Raises:
        ConfigError: If a name is unknown, or a value does not fit its field or is not finite.
    """
    current = dataclasses.asdict(config)  # type: ignore[call-overload]
    for name in values:
        if name not in current:
            raise ConfigError(f"{type(config).__name__} has no setting {name!r}. {close_matches(name, current)}")
    try:
        replaced = TypeAdapter(type(config)).validate_python({**current, **values})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}: {problem['msg'].lower()}"
            for problem in error.errors()
        )
        raise ConfigError(f"Bad {type(config).__name__}: {problems}.") from None
    _refuse_endless(replaced)
    return replaced


def config_values(config: Any) -> dict[str, Any]:
    """Returns a configuration as JSON types, without later settings that have their default."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    for name, default in later_defaults(config).items():
        if values[name] == default:
            del values[name]
    return values


def later_defaults(config: Any) -> dict[str, Any]:
    """Returns what a record means that does not tell of later settings: their defaults, by name."""
    return {field.name: field.default for field in dataclasses.fields(config) if _LATER in field.metadata}


def config_digest(config: Any) -> str:
    """Returns a short hash of a configuration's values."""
    return values_digest(config_values(config))


def values_digest(values: Mapping[str, Any]) -> str:
    """Returns the digest of a configuration that is given by its values, as manifests hold it."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _refuse_endless(config: Any) -> None:
    """Raises ``ConfigError`` for NaN and infinity: no agent learns with them, and manifests have no word for them."""
    endless = [f"{name} is {value}" for name, value in dataclasses.asdict(config).items() if not _all_finite(value)]
    if endless:
        raise ConfigError(f"Bad {type(config).__name__}: {'; '.join(endless)}; expected finite numbers.")


def _all_finite(value: object) -> bool:
    """Returns whether a value, or everything in a sequence, is finite, or no number at all."""
    if isinstance(value, (list, tuple)):
        return all(map(_all_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
