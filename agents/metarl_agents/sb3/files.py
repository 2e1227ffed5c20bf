"""The state of an algorithm of stable-baselines3 as named arrays; its own checkpoints are pickles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import BaseBuffer
from stable_baselines3.common.running_mean_std import RunningMeanStd

from metarl_agents.common.files import Arrays, module_arrays, set_module_arrays

Groups = dict[str, Arrays]

# What algorithms count, beside the hyper-parameters; those that an algorithm lacks are left out.
COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_n_calls")
MOMENTS = ("obs_rms", "ret_rms")


def acting_groups(model: BaseAlgorithm) -> Groups:
    """Returns what acting needs: the policy, and the statistics of ``VecNormalize`` where there is one."""
    return {"policy": module_arrays(model.policy)} | {
        name: {"mean": np.asarray(moments.mean), "var": np.asarray(moments.var), "count": np.array([moments.count])}
        for name, moments in _moments(model).items()
    }


def set_acting_groups(model: BaseAlgorithm, groups: Groups) -> None:
    """Takes over what ``acting_groups`` returned.

    Raises:
        RecordError: If the policy is of another shape.
    """
    set_module_arrays(model.policy, groups["policy"])
    for name, moments in _moments(model).items():
        arrays = groups[name]
        moments.mean, moments.var = (arrays[part].reshape(moments.mean.shape).copy() for part in ("mean", "var"))
        moments.count = float(arrays["count"][0])


def learning_groups(model: BaseAlgorithm) -> Groups:
    """Returns what only learning needs: optimisers, single tensors, counters and the replay buffer."""
    optimisers, variables = _names(model)
    states = model.get_parameters()
    groups = {name: _optimiser_arrays(states[name]) for name in optimisers}
    groups["variables"] = {name: getattr(model, name).detach().numpy() for name in variables}
    groups["counters"] = {name: np.array([getattr(model, name)]) for name in COUNTERS if hasattr(model, name)}
    buffer = getattr(model, "replay_buffer", None)
    return groups if buffer is None else groups | {"replay": _buffer_arrays(buffer)}


def set_learning_groups(model: BaseAlgorithm, groups: Groups) -> None:
    """Takes over what ``learning_groups`` returned."""
    optimisers, variables = _names(model)
    states: dict[str, Any] = model.get_parameters()
    # An optimiser that has taken no step leaves a group without arrays, which files do not hold.
    for name in optimisers:
        states[name]["state"] = _optimiser_state(groups.get(name, {}))
    model.set_parameters(states, exact_match=True, device="cpu")
    for name in variables:
        getattr(model, name).data = torch.from_numpy(groups["variables"][name].copy())
    for name, array in groups["counters"].items():
        setattr(model, name, int(array[0]))
    if "replay" in groups:
        _set_buffer_arrays(model.replay_buffer, groups["replay"])  # type: ignore[attr-defined]


def _names(model: BaseAlgorithm) -> tuple[list[str], list[str]]:
    """Returns where an algorithm keeps its optimisers, and its tensors that belong to no module."""
    states, variables = model._get_torch_save_params()
    return [name for name in states if name != "policy"], variables


def _moments(model: BaseAlgorithm) -> dict[str, RunningMeanStd]:
    normaliser = model.get_vec_normalize_env()
    return {name: getattr(normaliser, name) for name in MOMENTS if hasattr(normaliser, name)}


def _optimiser_arrays(state: Mapping[str, Any]) -> Arrays:
    """Returns what an optimiser keeps of each parameter; its settings are those that it is made with."""
    return {
        f"{index}.{name}": value.numpy() if isinstance(value, torch.Tensor) else np.array([value])
        for index, entry in state["state"].items()
        for name, value in entry.items()
    }


def _optimiser_state(arrays: Arrays) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, array in arrays.items():
        index, _, name = key.partition(".")
        value: Any = torch.from_numpy(array.copy())
        if name == "step":  # one number, which some optimisers keep as a tensor and some as an integer
            value = value.reshape(()) if array.dtype.kind == "f" else int(array[0])
        state.setdefault(int(index), {})[name] = value
    return state


def _buffer_arrays(buffer: BaseBuffer) -> Arrays:
    """Returns the whole state of a replay buffer, without the rows that hold nothing yet."""
    rows = {name: array[: buffer.size()] for name, array in vars(buffer).items() if isinstance(array, np.ndarray)}
    return rows | {"place": np.array([buffer.pos, buffer.full], np.int64)}


def _set_buffer_arrays(buffer: BaseBuffer, arrays: Arrays) -> None:
    for name, array in arrays.items():
        if name != "place":
            getattr(buffer, name)[: len(array)] = array
    buffer.pos, buffer.full = int(arrays["place"][0]), bool(arrays["place"][1])
