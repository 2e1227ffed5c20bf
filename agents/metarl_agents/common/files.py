"""Agents on disk: tensors in safetensors, never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import nn

from metarl_bench.errors import RecordError

Arrays = dict[str, NDArray[Any]]


def save_arrays(path: Path, groups: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
    """Writes groups of named arrays into one file."""
    flat = {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
    save_file({name: np.ascontiguousarray(array) for name, array in flat.items()}, path)


def load_arrays(path: Path) -> dict[str, Arrays]:
    """Reads what ``save_arrays`` wrote.

    Raises:
        RecordError: If the file is missing or not safetensors.
    """
    try:
        flat = load_file(path)
    except Exception as error:
        raise RecordError(f"{path} cannot be read as safetensors ({error}); expected the agent's own file.") from error
    groups: dict[str, Arrays] = {}
    for key, array in flat.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, {})[name] = array
    return groups


def module_arrays(module: nn.Module) -> Arrays:
    """Returns a module's parameters and buffers."""
    return {name: tensor.detach().numpy() for name, tensor in module.state_dict().items()}


def set_module_arrays(module: nn.Module, arrays: Arrays) -> None:
    """Takes over what ``module_arrays`` returned.

    Raises:
        RecordError: If names or shapes differ from the module's.
    """
    try:
        module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
    except RuntimeError as error:
        raise RecordError(f"The weights do not fit the network: {error}. Use the configuration they had.") from error


def adam_arrays(optimiser: torch.optim.Adam) -> Arrays:
    """Returns the state of Adam: moments and step of every parameter, and the learning rate."""
    state = optimiser.state_dict()
    arrays = {
        f"{index}.{name}": tensor.detach().numpy()
        for index, entry in state["state"].items()
        for name, tensor in entry.items()
    }
    return arrays | {"learning_rate": np.array([state["param_groups"][0]["lr"]])}


def set_adam_arrays(optimiser: torch.optim.Adam, arrays: Arrays) -> None:
    """Takes over what ``adam_arrays`` returned."""
    state = optimiser.state_dict()
    for key, array in arrays.items():
        index, _, name = key.partition(".")
        if name:
            state["state"].setdefault(int(index), {})[name] = torch.from_numpy(array.copy())
    state["param_groups"][0]["lr"] = float(arrays["learning_rate"][0])
    optimiser.load_state_dict(state)
