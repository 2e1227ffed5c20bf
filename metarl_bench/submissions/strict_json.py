"""JSON from strangers: parsed strictly, so that two readers can never see two different things in one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from metarl_bench.submissions.problems import Rejected, Unchecked

Model = TypeVar("Model", bound=BaseModel)
LARGEST_JSON = 4 * 2**20


def read_model(path: Path, model: type[Model]) -> Model:
    """Returns a file's content as a model.

    Raises:
        Rejected: If it is no strict JSON (also for duplicate keys, NaN, a byte order mark, endless depth or numbers),
            or does not fit the model.
        Unchecked: If it says that it was written by a newer version.
    """
    values = _parse(path)
    version, known = values.get("schema_version"), _schema_version(model)
    if isinstance(version, int) and version > known:
        raise Unchecked(f"{path.name} has schema version {version}; this version reads {known}. Use a newer one.")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise Rejected(f"{path.name}: {where}: {first['msg']}.") from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_JSON + 1)
    except OSError as error:
        raise Rejected(f"{path.name} cannot be read: {error.strerror}.") from None
    if len(content) > LARGEST_JSON:
        raise Rejected(f"{path.name} has more than {LARGEST_JSON} bytes.")
    try:
        # A byte order mark is no JSON; Python's parser says so by itself only for text.
        values = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise Rejected(f"{path.name} is nested too deeply.") from None
    except ValueError as error:
        raise Rejected(f"{path.name} is no strict JSON: {str(error)[:200]}.") from None
    if not isinstance(values, dict):
        raise Rejected(f"{path.name} holds a {type(values).__name__}; expected an object.")
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return values


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _schema_version(model: type[BaseModel]) -> int:
    (version,) = model.model_fields["schema_version"].annotation.__args__  # type: ignore[union-attr]
    return int(version)
