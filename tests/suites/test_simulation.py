"""The simulation core against serial MuJoCo, and its refusals."""

from pathlib import Path

import gymnasium
import mujoco
import numpy as np
import pytest

from metarl_bench.errors import ContractError
from metarl_suites.locomotion.models import load
from metarl_suites.simulation import BatchSimulator

EVERYONE = slice(None)
FRAME_SKIP = 5


def simulator(num_worlds: int, num_threads: int = 1) -> BatchSimulator:
    made = BatchSimulator([load("half_cheetah")] * num_worlds, frame_skip=FRAME_SKIP, num_threads=num_threads)
    made.state[:] = made.initial_state
    for world in range(num_worlds):
        rng = np.random.default_rng(world)
        made.qpos[world] += rng.uniform(-0.1, 0.1, 9)
        made.qvel[world] += rng.normal(0, 0.1, 9)
    return made


def serial_step(model: mujoco.MjModel, data: mujoco.MjData, control: np.ndarray) -> None:
    """One environment step under the stated rule: the warm start is zeroed at its beginning."""
    data.qacc_warmstart[:] = 0
    data.ctrl[:] = control
    for _ in range(FRAME_SKIP):
        mujoco.mj_step(model, data)


def test_equals_serial_mj_step_bit_for_bit() -> None:
    batch = simulator(3)
    model = load("half_cheetah")
    datas = [mujoco.MjData(model) for _ in range(3)]
    for world, data in enumerate(datas):
        mujoco.mj_setState(model, data, batch.state[world], mujoco.mjtState.mjSTATE_FULLPHYSICS)
    rng = np.random.default_rng(1)
    for _ in range(200):
        controls = rng.uniform(-1, 1, (3, 6))
        assert batch.step(EVERYONE, controls).all()
        for world, data in enumerate(datas):
            serial_step(model, data, controls[world])
            assert np.array_equal(batch.qpos[world], data.qpos)
            assert np.array_equal(batch.qvel[world], data.qvel)


def test_without_the_warm_start_rule_serial_steps_differ() -> None:
    """The rule matters: the parity above could not hold if it were left out."""
    batch = simulator(1)
    model = load("half_cheetah")
    data = mujoco.MjData(model)
    mujoco.mj_setState(model, data, batch.state[0], mujoco.mjtState.mjSTATE_FULLPHYSICS)
    rng = np.random.default_rng(1)
    for _ in range(200):
        control = rng.uniform(-1, 1, (1, 6))
        batch.step(EVERYONE, control)
        data.ctrl[:] = control[0]
        mujoco.mj_step(model, data, FRAME_SKIP)
    assert not np.array_equal(batch.qpos[0], data.qpos)


@pytest.mark.parametrize("num_threads", [1, 2, 3])
def test_threads_and_batch_size_change_nothing(num_threads: int) -> None:
    alone, together = simulator(1), simulator(5, num_threads)
    rng = np.random.default_rng(2)
    for _ in range(60):
        controls = rng.uniform(-1, 1, (5, 6))
        alone.step(EVERYONE, controls[:1])
        together.step(EVERYONE, controls)
    assert np.array_equal(alone.state[0], together.state[0])


def test_a_partial_step_equals_the_same_worlds_of_a_full_step() -> None:
    partly, fully = simulator(4), simulator(4)
    controls = np.random.default_rng(3).uniform(-1, 1, (4, 6))
    chosen = np.array([0, 2, 3])
    before = partly.state[1].copy()
    partly.step(chosen, controls[chosen])
    fully.step(EVERYONE, controls)
    assert np.array_equal(partly.state[chosen], fully.state[chosen])
    assert np.array_equal(partly.state[1], before)


def test_models_of_other_sizes_are_refused_before_mujoco_can_crash() -> None:
    other = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><freejoint/><geom size='0.1'/></body></worldbody></mujoco>"
    )
    with pytest.raises(ContractError, match=r"world 1 has n\w+ = .*; expected"):
        BatchSimulator([load("half_cheetah"), other], frame_skip=1)
    with pytest.raises(ContractError, match="world 0 has"):
        simulator(2).set_models(np.array([0]), [other])


def test_an_extra_geom_of_a_model_is_refused() -> None:
    spec = "<mujoco><worldbody>{}<body><joint/><geom size='0.1'/></body></worldbody></mujoco>"
    one = mujoco.MjModel.from_xml_string(spec.format(""))
    two = mujoco.MjModel.from_xml_string(spec.format("<geom size='0.1'/>"))
    assert one.nq == two.nq
    with pytest.raises(ContractError, match=r"n\w+ = 2; expected 1"):
        BatchSimulator([one, two], frame_skip=1)


def test_models_with_fewer_geoms_than_the_first_are_stepped_as_if_alone() -> None:
    """Data are laid out for the first: neither another model's steps nor what follows a broken world may differ."""
    scene = (
        "<mujoco><worldbody>{}<body pos='0 0 0.3'><joint name='along' type='slide' axis='1 0 0'/>"
        "<joint type='slide' axis='0 0 1'/><geom size='0.1'/></body></worldbody>"
        "<actuator><motor joint='along' gear='60'/></actuator></mujoco>"
    )
    boxes = "".join(f"<geom type='box' size='1 1 0.5' pos='{2 * place} 0 -0.5'/>" for place in range(8))
    many = mujoco.MjModel.from_xml_string(scene.format(boxes))
    few = mujoco.MjModel.from_xml_string(scene.format("<geom type='plane' size='9 9 1'/>"))
    assert few.ngeom < many.ngeom
    mixed, alone = BatchSimulator([many, few, few], frame_skip=FRAME_SKIP), BatchSimulator([few], frame_skip=FRAME_SKIP)
    mixed.state[:], alone.state[:] = mixed.initial_state, alone.initial_state
    for step in range(60):
        if step == 30:
            mixed.qvel[1] = np.nan
        sound = mixed.step(EVERYONE, np.ones((3, 1)))
        alone.step(EVERYONE, np.ones((1, 1)))
        assert sound[[0, 2]].all()
        assert np.array_equal(mixed.state[2], alone.state[0])
    assert alone.qpos[0, 0] > 0.5, "it slides along"


def test_different_models_of_equal_sizes_give_different_worlds() -> None:
    heavy = mujoco.MjModel.from_xml_string(gymnasium_xml().replace('settotalmass="14"', 'settotalmass="28"'))
    light = mujoco.MjModel.from_xml_string(gymnasium_xml())
    batch = BatchSimulator([light, heavy], frame_skip=5)
    batch.state[:] = batch.initial_state
    batch.step(EVERYONE, np.ones((2, 6)))
    assert not np.allclose(batch.qvel[0], batch.qvel[1])


def test_a_world_with_nan_is_reported_and_its_neighbours_go_on() -> None:
    batch, reference = simulator(3), simulator(3)
    batch.qvel[1, 0] = np.nan
    controls = np.zeros((3, 6))
    reference.step(EVERYONE, controls)
    assert batch.step(EVERYONE, controls).tolist() == [True, False, True]
    assert np.array_equal(batch.state[[0, 2]], reference.state[[0, 2]])


def gymnasium_xml() -> str:
    folder = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"
    return (folder / "half_cheetah.xml").read_text(encoding="utf-8")


def test_the_history_of_sensors_is_that_of_every_substep() -> None:
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><joint name='slide' type='slide' axis='0 0 1'/><geom size='0.1'/></body></worldbody>"
        "<sensor><jointvel joint='slide'/></sensor></mujoco>"
    )
    simulator = BatchSimulator([model] * 3, frame_skip=4, num_threads=2)
    simulator.state[:] = simulator.initial_state
    simulator.step(slice(None), np.zeros((3, 0)))
    simulator.step(np.array([1]), np.zeros((1, 0)))
    speeds = -9.81 * model.opt.timestep * np.arange(8)
    assert simulator.sensor_history[0, :, 0] == pytest.approx(speeds[:4])
    assert simulator.sensor_history[1, :, 0] == pytest.approx(speeds[4:])
    assert simulator.sensors[:, 0] == pytest.approx(speeds[[3, 7, 3]])
