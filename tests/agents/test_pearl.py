"""PEARL's posterior, against closed forms and numerical integration."""

import numpy as np
import torch

from metarl_agents.common.replay import TaskReplay
from metarl_agents.pearl.agent import Pearl, PearlInTrial
from metarl_agents.pearl.config import PearlConfig
from metarl_agents.pearl.posterior import Evidence, TransitionEncoder, divergence_from_prior, product
from metarl_bench.agents import Transition, TrialShape
from metarl_bench.registry import SUITES

SUITE = SUITES.get("toy/point-robot-v1")
TRIAL = TrialShape(adaptation_episodes=2, evaluation_episodes=1, horizon=20)


def factors(means: torch.Tensor, variances: torch.Tensor) -> Evidence:
    return Evidence(1 / variances, means / variances)


def test_product_of_gaussians_is_the_normalised_product_of_densities() -> None:
    rng = np.random.default_rng(0)
    means, variances = rng.normal(0, 1, 4), rng.uniform(0.2, 2, 4)
    grid = np.linspace(-8, 8, 20_001)
    density = np.exp(-0.5 * (grid - means[:, None]) ** 2 / variances[:, None]).prod(axis=0)
    density /= density.sum()
    expected_mean = (grid * density).sum()
    expected_variance = ((grid - expected_mean) ** 2 * density).sum()
    column = torch.from_numpy(np.stack([means, variances], axis=1))
    mean, variance = product(factors(column[:, :1], column[:, 1:])).posterior()
    assert np.allclose([mean.item(), variance.item()], [expected_mean, expected_variance], atol=1e-6)


def test_order_of_transitions_does_not_matter() -> None:
    encoder = TransitionEncoder(7, 16, 3, torch.Generator().manual_seed(0)).double()
    evidence = torch.randn(2, 10, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mean, variance = product(encoder(evidence)).posterior()
    other_mean, other_variance = product(encoder(evidence.flip(1))).posterior()
    assert torch.allclose(mean, other_mean)
    assert torch.allclose(variance, other_variance)


def test_more_transitions_make_the_posterior_narrower() -> None:
    encoder = TransitionEncoder(7, 16, 3, torch.Generator().manual_seed(0))
    evidence = torch.randn(50, 7, generator=torch.Generator().manual_seed(1))
    widths = [product(encoder(evidence[:count])).posterior()[1].mean().item() for count in (1, 5, 50)]
    assert widths[0] > widths[1] > widths[2]


def test_divergence_from_the_prior_is_that_of_torch() -> None:
    mean = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    variance = torch.rand(4, 5, generator=torch.Generator().manual_seed(1)) + 0.1
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(torch.distributions.Normal(mean, variance.sqrt()), standard)
    assert torch.allclose(divergence_from_prior(mean, variance), expected.sum(dim=-1), atol=1e-6)


def make_agent() -> Pearl:
    return Pearl(SUITE, TRIAL, PearlConfig(), np.random.default_rng(0))


def transition(worlds: int, *, active: list[bool]) -> Transition:
    rng = np.random.default_rng(5)
    return Transition(
        observation=rng.normal(size=(worlds, 2)).astype(np.float32),
        action=rng.uniform(-1, 1, (worlds, 2)),
        reward=rng.normal(size=worlds),
        terminated=np.zeros(worlds, np.bool_),
        truncated=np.zeros(worlds, np.bool_),
        next_observation=rng.normal(size=(worlds, 2)).astype(np.float32),
        active=np.array(active),
    )


def begin(trial: PearlInTrial, phase: str) -> torch.Tensor:
    trial.begin_episode(np.zeros((2, 2), np.float32), episode=0, phase=phase)  # type: ignore[arg-type]
    return trial.latents


def test_explores_by_sampling_from_the_prior_and_is_evaluated_at_the_mean() -> None:
    trial = make_agent().start_trials(2, rng=np.random.default_rng(0))
    assert isinstance(trial, PearlInTrial)
    assert begin(trial, "adaptation").abs().min() > 0
    assert begin(trial, "evaluation").abs().max() == 0


def test_posterior_of_a_trial_is_that_of_its_transitions() -> None:
    agent = make_agent()
    trial = agent.start_trials(2, rng=np.random.default_rng(0))
    assert isinstance(trial, PearlInTrial)
    met = transition(2, active=[True, False])
    trial.observe(met)
    trial.observe(met)
    evidence = agent.view.for_encoder(torch.from_numpy(agent.view.rows(met)))
    mean, _ = product(agent.encoder(evidence[:1].repeat(2, 1))).posterior()
    latents = begin(trial, "evaluation")
    assert torch.allclose(latents[0], mean, atol=1e-6)
    # The second world waited: it has learned nothing.
    assert latents[1].abs().max() == 0


def test_encoder_learns_from_the_critics_and_from_the_divergence() -> None:
    agent = make_agent()
    agent._replay = TaskReplay(3, 100, agent.view.columns)
    for task in range(3):
        agent._replay.add(task, agent.view.rows(transition(10, active=[True] * 10)))
    latents, loss = agent.infer(np.arange(3), np.random.default_rng(0))
    weights = list(agent.encoder.parameters())
    for objective in (latents.sum(), loss):
        gradients = torch.autograd.grad(objective, weights, retain_graph=True)
        assert all(gradient.abs().max() > 0 for gradient in gradients)
