"""Meta-World's own environment classes, on models without what is only there to be looked at."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import mujoco
import numpy as np
from metaworld.env_dict import ALL_V3_ENVIRONMENTS
from metaworld.sawyer_xyz_env import SawyerXYZEnv
from numpy.typing import NDArray

from metarl_suites.manipulation import caging
from metarl_suites.manipulation.fast import REPLACEMENTS

# Geoms that look pretty, but whose pose a kind observes.
_OBSERVED_GEOMS = {
    "coffee-pull": "mug",
    "coffee-push": "mug",
    "door-close": "handle",
    "door-open": "handle",
    "lever-pull": "objGeom",
}
# Kinds whose success depends on the contacts of the fingers; elsewhere these are diagnostics, and take most of a step.
_TOUCH_DECIDES = ("stick-push",)
# Kinds whose rewards look up in the model where the task has put a body.
_MODEL_DECIDES = ("disassemble",)


def model_path(kind: str) -> str:
    """Returns where Meta-World keeps a kind's model."""
    path: Any = inspect.getattr_static(ALL_V3_ENVIRONMENTS[f"{kind}-v3"], "model_name")
    return str(path.fget(None))


def light_spec(kind: str) -> mujoco.MjSpec:
    """Returns what a kind's model without textures and visual geoms is compiled from.

    MuJoCo discards by itself what is only there to be looked at, but after it has worked through all meshes of the arm,
    which is most of a compilation. Here they go first, which gives the same model: no visual geom counts towards an
    inertia.
    """
    spec = mujoco.MjSpec.from_file(model_path(kind))
    spec.compiler.discardvisual = True
    observed = _OBSERVED_GEOMS.get(kind)
    if observed is not None:
        # MuJoCo keeps what is referred to.
        spec.add_sensor(type=mujoco.mjtSensor.mjSENS_FRAMEPOS, objtype=mujoco.mjtObj.mjOBJ_GEOM, objname=observed)
    for geom in list(spec.geoms):
        if not (geom.contype or geom.conaffinity or geom.name == observed):
            geom.delete()
    used = {geom.meshname for geom in spec.geoms}
    for mesh in list(spec.meshes):
        if mesh.name not in used:
            mesh.delete()
    return spec


@functools.cache
def light_model(kind: str) -> mujoco.MjModel:
    """Returns a kind's model without textures and visual geoms: the same dynamics in 3 instead of 20 MB."""
    return light_spec(kind).compile()


@functools.cache
def environment_class(kind: str) -> type[SawyerXYZEnv]:
    """Returns a kind's class, which computes the same numbers faster, and no diagnostics about contacts.

    Every function that Meta-World wrote for it finds the faster forms of ``fast`` under the names that it calls.
    """
    original = ALL_V3_ENVIRONMENTS[f"{kind}-v3"]
    members: dict[str, Any] = {}
    modules: dict[str, dict[str, Any]] = {}
    for base in reversed(original.__mro__):
        if base.__module__.startswith("metaworld"):
            for name, member in vars(base).items():
                if (function := _function(member)) is not None:
                    names = modules.setdefault(base.__module__, function.__globals__ | REPLACEMENTS)
                    faster = _with_globals(function, names)
                    members[name] = staticmethod(faster) if isinstance(member, staticmethod) else faster
        if base is SawyerXYZEnv:
            members["_gripper_caging_reward"] = caging.caging_reward
    if kind in caging.OWN:
        members["_gripper_caging_reward"] = caging.OWN[kind]
    if kind in _TOUCH_DECIDES:
        members["feels_object"] = inspect.getattr_static(original, "touching_main_object").fget
    members["reads_model"] = kind in _MODEL_DECIDES
    made: type[SawyerXYZEnv] = type(original.__name__, (_Light, original), members)
    for names in modules.values():
        names[original.__name__] = made  # some call their own static functions by the class's name
    return made


class _Light:
    """What the faster classes do in another way."""

    data: Any
    reads_model: bool

    def __init__(self, model: mujoco.MjModel) -> None:
        self._light_model = model  # before Meta-World's constructor, which asks for it
        self.held_tcp: NDArray[np.float64] | None = None
        self.touching = False
        super().__init__()

    def _initialize_simulation(self) -> tuple[mujoco.MjModel, mujoco.MjData]:
        return self._light_model, mujoco.MjData(self._light_model)

    @property
    def tcp_center(self) -> NDArray[np.float64]:
        """The point between the fingers, which rewards ask for several times a step."""
        if self.held_tcp is not None:
            return self.held_tcp
        right, left = self.data.site("rightEndEffector").xpos, self.data.site("leftEndEffector").xpos
        center: NDArray[np.float64] = (right + left) / 2.0
        return center

    @property
    def touching_main_object(self) -> bool:
        """What ``feels_object`` said after the step."""
        return self.touching

    def feels_object(self) -> bool:
        """Not computed: in most kinds it only shows in a step's diagnostics, which are not asked for."""
        return False


def make_environment(kind: str) -> SawyerXYZEnv:
    """Returns an environment of a kind, with a model and data of its own and hidden goals."""
    return prepared(environment_class(kind), light_model(kind))


def prepared(made_by: Any, model: mujoco.MjModel) -> SawyerXYZEnv:
    """Returns an environment of a class, with a copy of a model, whose resets begin tasks that it is given."""
    environment: SawyerXYZEnv = made_by(copy.copy(model))
    environment._set_task_called = True
    environment._freeze_rand_vec = True
    return environment


class DataViews:
    """An MjData whose named parts are looked up once; the arrays stay the same for the data's whole life."""

    def __init__(self, data: mujoco.MjData) -> None:
        self._data = data
        self._parts: dict[tuple[str, str], _Part] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._data, name)

    def body(self, name: str) -> _Part:
        """A body's arrays."""
        return self._part("body", name)

    def geom(self, name: str) -> _Part:
        """A geom's arrays."""
        return self._part("geom", name)

    def site(self, name: str) -> _Part:
        """A site's arrays."""
        return self._part("site", name)

    def joint(self, name: str) -> _Part:
        """A joint's arrays."""
        return self._part("joint", name)

    def _part(self, sort: str, name: str) -> _Part:
        key = sort, name
        if key not in self._parts:
            self._parts[key] = _Part(getattr(self._data, sort)(name))
        return self._parts[key]


class _Part:
    """Attributes of a named part of the data, each looked up once."""

    def __init__(self, part: Any) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        setattr(self, name, value)
        return value


def _function(member: Any) -> FunctionType | None:
    """Returns the function behind a member that can be copied, without the check that a task was set."""
    function = member.__func__ if isinstance(member, staticmethod) else member
    if not isinstance(function, FunctionType) or function.__name__.startswith("__"):
        return None
    if function.__name__ == "inner" and function.__closure__ is not None:
        inner: FunctionType = function.__closure__[0].cell_contents
        return inner
    return function


def _with_globals(function: FunctionType, names: dict[str, Any]) -> Callable[..., Any]:
    function_copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    function_copy.__kwdefaults__ = function.__kwdefaults__
    return function_copy
