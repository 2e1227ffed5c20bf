"""Whether inner steps on different episodes of a task agree: known answers, and a run."""

from pathlib import Path

import pytest
import torch

from metarl_agents.common.gradient import agreement
from metarl_bench.errors import ConfigError
from metarl_bench.runner import run

SUITE = "toy/point-robot-v1"


def test_agreement_of_known_steps() -> None:
    # Lengths do not count. Within the first task cosines are 0, within the second 1, between them 0, 0, 1 and 1.
    found = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [0.0, 5.0]]])
    assert agreement.agreement(found) == pytest.approx((0.5, 0.5))


def test_agreement_is_the_mean_over_all_pairs() -> None:
    found = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    cosines = torch.nn.functional.cosine_similarity(found[:, :, None, None], found[None, None], dim=-1)
    same = [cosines[t, i, t, j] for t in range(3) for i in range(4) for j in range(4) if i != j]
    other = [cosines[t, :, u].mean() for t in range(3) for u in range(3) if t != u]
    expected = (float(torch.stack(same).mean()), float(torch.stack(other).mean()))
    assert agreement.agreement(found) == pytest.approx(expected, abs=1e-6)


def test_steps_on_more_episodes_of_a_task_agree_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run(protocol="smoke-v1", suite=SUITE, agent="maml", out=tmp_path).folder
    found = agreement.measure(folder, (1, 20))
    assert found["20 episodes"]["same task"] > 2 * found["1 episodes"]["same task"] > 0
    # Goals lie in all directions, so what helps one task harms another.
    assert found["20 episodes"]["other task"] < 0.5 * found["20 episodes"]["same task"]
    assert agreement.main((folder,), (20,)) == 0
    assert f'"same task": {found["20 episodes"]["same task"]}' in capsys.readouterr().out


def test_agreement_refuses_other_agents_and_sets_that_are_too_large(tmp_path: Path) -> None:
    other = run(protocol="smoke-v1", suite=SUITE, agent="random", out=tmp_path).folder
    with pytest.raises(ConfigError, match="expected one of an agent that takes inner steps"):
        agreement.measure(other, (2,))
    folder = run(protocol="smoke-v1", suite=SUITE, agent="maml", out=tmp_path).folder
    for sizes in ((), (0,), (21,)):
        with pytest.raises(ConfigError, match="expected sizes from 1 to 20"):
            agreement.measure(folder, sizes)
