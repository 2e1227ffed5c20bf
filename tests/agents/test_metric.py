"""The metric agent's loss and prototypes: known answers, and whether distances mean something."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from metarl_agents.metric import distances
from metarl_agents.metric.config import MetricConfig
from metarl_agents.metric.embedding import POINT_REACH, Embedding, Points, metric_loss
from metarl_agents.metric.prototypes import Prototypes
from metarl_bench.errors import ConfigError
from metarl_bench.registry import make_suite
from metarl_bench.runner import run


def test_loss_of_three_points() -> None:
    first = torch.tensor([[0.0], [1.0]])
    second = torch.tensor([[0.5], [1.0]])
    # Same task: .25 and 0; different tasks: 1 and .25.
    expected = 0.125 + (1 / 1.1 + 1 / 0.35) / 2
    assert torch.isclose(metric_loss(first, second, tasks=torch.tensor([0, 1]), softening=0.1), torch.tensor(expected))


def test_rows_of_one_task_do_not_repel_each_other() -> None:
    first, second = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [1.0]])
    assert metric_loss(first, second, tasks=torch.tensor([7, 7]), softening=0.1) == 0.5


def test_gradient_of_the_loss_is_that_of_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    views = [torch.randn(3, 2, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    tasks = torch.tensor([0, 1, 2])
    assert torch.autograd.gradcheck(lambda a, b: metric_loss(a, b, tasks=tasks, softening=0.1), views)


def test_transitions_count_by_their_weight() -> None:
    points = Points(torch.tensor([[[0.0], [0.8]]]), torch.tensor([[[0.25], [0.75]]]))
    mean = points.mean(dim=1)
    assert torch.allclose(mean.place, torch.tensor([[0.6]]))
    assert torch.allclose(mean.weight, torch.tensor([[1.0]]))


def test_distances_order_the_tasks_of_a_family_with_one_parameter() -> None:
    """Tasks differ in a goal that only the reward shows: minus the distance to it, from random places."""
    rng = np.random.default_rng(0)
    goals = rng.uniform(0, 3, 100).astype(np.float32)

    def evidence(tasks: np.ndarray, count: int) -> torch.Tensor:
        places = rng.uniform(0, 3, (len(tasks), count)).astype(np.float32)
        rewards = -np.abs(places - goals[tasks, None]) + 0.1 * rng.standard_normal(places.shape)
        return torch.from_numpy(np.stack([places, rewards], axis=-1).astype(np.float32))

    embedding = Embedding(2, 32, MetricConfig().latent, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(embedding.parameters(), lr=1e-3)
    for _ in range(1000):
        tasks = rng.choice(100, 16, replace=False)
        (first, excess), (second, other) = (embedding.reached(evidence(tasks, 32)) for _ in range(2))
        views = first.mean(dim=1).place, second.mean(dim=1).place
        loss = metric_loss(*views, tasks=torch.from_numpy(tasks), softening=MetricConfig().softening) + excess + other
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        points = embedding(evidence(np.arange(100), 256)).mean(dim=1).place
    pairs = np.triu_indices(100, k=1)
    learned = torch.cdist(points, points).numpy()[pairs]
    true = np.abs(goals[:, None] - goals[None, :])[pairs]
    assert spearmanr(learned, true).statistic >= 0.8


@pytest.mark.parametrize("bounded", [True, False])
def test_points_and_weights_stay_where_their_gradient_can_lead_back(bounded: bool) -> None:
    rng = np.random.default_rng(0)
    tasks = np.repeat([0, 1], 8)

    def evidence() -> torch.Tensor:
        places = rng.uniform(-1, 1, (len(tasks), 16)).astype(np.float32)
        rewards = np.where(tasks, 1, -1)[:, None] * places
        return torch.from_numpy(np.stack([places, rewards], axis=-1).astype(np.float32))

    embedding = Embedding(2, 32, MetricConfig().latent, torch.Generator().manual_seed(0))
    with torch.no_grad():
        embedding.net[-1].bias[-1] = -20.0  # weights that have drifted to almost nothing: only their ratios count
    optimiser = torch.optim.Adam(embedding.parameters(), lr=3e-3)
    for _ in range(1000):
        (first, excess), (second, other) = (embedding.reached(evidence()) for _ in range(2))
        views = first.mean(dim=1).place, second.mean(dim=1).place
        loss = metric_loss(*views, tasks=torch.from_numpy(tasks), softening=1.0) + bounded * (excess + other)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        found = embedding(evidence())
    means = found.mean(dim=1).place
    assert ((means[0] - means[-1]).square().sum() > 1.0) == bounded
    assert (found.weight.mean() > 0.01) == bounded
    assert not bounded or found.place.abs().max() < np.tanh(POINT_REACH + 0.3)


def alike(places: torch.Tensor) -> Points:
    """Returns points of weight 1."""
    return Points(places, torch.ones_like(places[..., :1]))


def seen(place: float, weight: float) -> Points:
    return Points(torch.tensor([[place]]), torch.tensor([[weight]]))


def prototypes(*points: float, noise: float) -> Prototypes:
    made = Prototypes(len(points), 1, rate=0.05)
    made.update(torch.arange(len(points)), alike(torch.tensor(points)[:, None, None]))
    made.noise.fill_(noise)
    return made


def test_transfer_is_the_posterior_mean_under_the_mixture() -> None:
    made = prototypes(-1.0, 0.0, 0.5, noise=0.8)
    place, count = 0.3, 4
    grid = np.linspace(-6, 6, 40_001)
    # Squared distances to the nearest other prototype: 1, .25, .25.
    spread = 0.5
    prior = sum(np.exp(-0.5 * (grid - point) ** 2 / spread) for point in (-1.0, 0.0, 0.5))
    posterior = prior * np.exp(-0.5 * (place - grid) ** 2 / (0.8 / count))
    expected = (grid * posterior).sum() / posterior.sum()
    found = made.transfer(seen(place, float(count)))
    assert np.isclose(found.item(), expected, atol=1e-4)


def test_without_evidence_all_known_prototypes_count_alike() -> None:
    made = Prototypes(4, 1, rate=0.05)
    made.update(torch.arange(2), alike(torch.tensor([[[-1.0]], [[0.5]]])))
    weights = made.similarity(seen(0.0, 0.0), made.spread())
    assert torch.allclose(weights, torch.tensor([[0.5, 0.5, 0.0, 0.0]]), atol=1e-3)


def test_evidence_moves_the_transfer_from_the_prototypes_to_what_was_seen() -> None:
    made = prototypes(-1.0, 0.0, 1.0, noise=2.0)
    found = [made.transfer(seen(0.4, n)).item() for n in (0.0, 1.0, 10.0, 1e6)]
    assert abs(found[0]) < 1e-2
    assert found[0] < found[1] < found[2] < found[3]
    assert np.isclose(found[3], 0.4, atol=1e-3)


def test_exploration_draws_prototypes_by_similarity() -> None:
    made = prototypes(-1.0, 0.0, 1.0, noise=2.0)
    uniform = torch.from_numpy(np.random.default_rng(0).random((3000, 1), dtype=np.float32))
    weights = made.similarity(seen(0.9, 1.0), made.spread())[0]
    drawn = made.draw(alike(torch.full((3000, 1), 0.9)), uniform)
    # Each prototype, moved towards what was seen by s / (s + v) = 1 / 3.
    for point, weight in zip((-1.0, 0.0, 1.0), weights, strict=True):
        share = torch.isclose(drawn, torch.tensor(point + (0.9 - point) / 3), atol=1e-5).float().mean()
        assert np.isclose(share, weight, atol=0.03)


def test_prototypes_follow_their_tasks() -> None:
    made = prototypes(0.0, 1.0, noise=1.0)
    for _ in range(200):
        made.update(torch.tensor([0]), alike(torch.full((1, 3, 1), -0.5)))
    assert torch.allclose(made.points[:, 0], torch.tensor([-0.5, 1.0]), atol=1e-3)


def test_true_distances_are_in_units_of_the_training_range() -> None:
    suite = make_suite("locomotion/cheetah-velocity-v1")
    slow, fast = suite.task("test", 0, velocity=0.5), suite.task("test", 1, velocity=2.0)
    assert np.allclose(distances.true_distances(suite.spec, (slow, fast)), [[0.0, 0.5], [0.5, 0.0]])


def test_true_distances_know_kinds_of_task() -> None:
    suite = make_suite("manipulation/ml10-v1")
    tasks = suite.tasks("test")
    same, other = tasks[:2], (tasks[0], tasks[-1])
    near, far = (distances.true_distances(suite.spec, pair)[0, 1] for pair in (same, other))
    assert same[0]["kind"] == same[1]["kind"] != other[1]["kind"]
    assert 0.0 < near < np.sqrt(2.0) < far
    assert np.isfinite(distances.true_distances(suite.spec, tasks)).all()


def test_distances_of_runs_of_two_suites_or_none_are_refused(tmp_path: Path) -> None:
    for suites in ((), ("toy/point-robot-v1", "toy/sparse-point-robot-v1")):
        runs = [run(protocol="smoke-v1", suite=suite, agent="random", out=tmp_path).folder for suite in suites]
        with pytest.raises(ConfigError, match="expected run folders of one suite"):
            distances.main(tuple(runs), tmp_path / "figures")


def test_distances_of_a_run_are_measured_and_drawn(tmp_path: Path) -> None:
    folder = run(protocol="smoke-v1", suite="toy/point-robot-v1", agent="metric", out=tmp_path / "runs").folder
    distances.main((folder,), tmp_path / "figures")
    found = distances.measure(folder)
    assert np.allclose(found.learned, found.learned.T)
    assert (found.learned.diagonal() == 0).all()
    assert (tmp_path / "figures" / "point-robot-v1.png").read_bytes().startswith(b"\x89PNG")
    assert (
        f'"seed 0": {found.rank_correlation:.3f}'.rstrip("0") in (tmp_path / "figures/point-robot-v1.json").read_text()
    )


def test_distances_of_another_agent_are_refused(tmp_path: Path) -> None:
    folder = run(protocol="smoke-v1", suite="toy/point-robot-v1", agent="random", out=tmp_path / "runs").folder
    with pytest.raises(ConfigError, match="expected one of the agent metric"):
        distances.measure(folder)
