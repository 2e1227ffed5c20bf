"""Finds suites and agents: ids, entry points, lazy loading, and help with a mistyped name.

Specs are light data; the code behind them is imported when it is first needed.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from metarl_bench.agents import AgentSpec
from metarl_bench.errors import BenchError, ContractError, UnknownIdError, close_matches
from metarl_bench.tasks import Suite, SuiteSpec

SUITE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*-v[0-9]+")
AGENT_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
Spec = TypeVar("Spec", SuiteSpec, AgentSpec)


class Registry(Generic[Spec]):
    """Specs by id, from one entry-point group and from ``register``."""

    def __init__(self, kind: str, group: str, spec_type: type[Spec], pattern: re.Pattern[str]) -> None:
        self.kind = kind
        self._group = group
        self._spec_type: type[Any] = spec_type
        self._pattern = pattern
        self._specs: dict[str, Spec] = {}
        self._origins: dict[str, str] = {}
        self._discovered = False

    def register(self, spec: Spec, *, origin: str = "register()") -> None:
        """Adds a spec.

        Raises:
            ContractError: If the id is malformed or already taken by another spec.
        """
        if not isinstance(spec, self._spec_type):
            raise ContractError(f"{origin} offers a {type(spec).__name__}; expected a {self._spec_type.__name__}.")
        if not self._pattern.fullmatch(spec.id):
            raise ContractError(
                f"{origin}: the {self.kind} id {spec.id!r} is malformed; expected {self._pattern.pattern}."
            )
        known = self._specs.get(spec.id)
        if known is not None and known != spec:
            raise ContractError(
                f"{origin}: the {self.kind} id {spec.id!r} is taken by {self._origins[spec.id]}; choose another id."
            )
        self._specs[spec.id] = spec
        self._origins[spec.id] = origin

    def get(self, spec_id: str) -> Spec:
        """Returns the spec of an id.

        Raises:
            UnknownIdError: If nothing has that id; the message names what comes near.
        """
        self._discover()
        if spec_id not in self._specs:
            raise UnknownIdError(f"Unknown {self.kind} {spec_id!r}. {close_matches(spec_id, self._specs)}")
        return self._specs[spec_id]

    def all(self) -> tuple[Spec, ...]:
        """Returns all specs, ordered by id."""
        self._discover()
        return tuple(self._specs[spec_id] for spec_id in sorted(self._specs))

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        for point in sorted(entry_points(group=self._group), key=lambda point: point.value):
            for spec in _load_specs(point):
                self.register(spec, origin=f"entry point {point.value}")


SUITES: Registry[SuiteSpec] = Registry("suite", "metarl_bench.suites", SuiteSpec, SUITE_ID)
AGENTS: Registry[AgentSpec] = Registry("agent", "metarl_bench.agents", AgentSpec, AGENT_ID)


def load_object(path: str) -> Any:
    """Imports ``package.module:name``."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@functools.cache
def make_suite(suite_id: str) -> Suite:
    """Returns a suite by its id; imports its code."""
    spec = SUITES.get(suite_id)
    suite = load_object(spec.factory)(spec=spec)
    if not isinstance(suite, Suite):
        raise ContractError(f"{spec.factory} made a {type(suite).__name__}; expected a Suite.")
    return suite


def make_config(agent: AgentSpec, suite: SuiteSpec, overrides: Mapping[str, object] | None = None) -> Any:
    """Returns an agent's configuration for a suite, with some values replaced.

    Args:
        agent: Whose configuration.
        suite: Settings may depend on it.
        overrides: Values by field name; text is converted to the field's type.

    Raises:
        ConfigError: If a name is unknown or a value does not fit its field.
    """
    from metarl_bench.configs import replace_values

    config_type = load_object(agent.config)
    base = config_type.for_suite(suite) if hasattr(config_type, "for_suite") else config_type()
    return replace_values(base, overrides or {})


def _load_specs(point: EntryPoint) -> Iterable[Any]:
    try:
        loaded = point.load()
    except Exception as error:
        raise BenchError(f"The entry point {point.name} = {point.value} cannot be loaded: {error!r}.") from error
    return loaded if isinstance(loaded, (tuple, list)) else (loaded,)
