"""Small networks are fastest on one thread, and two compete with whatever else runs."""

from collections.abc import Iterator

import pytest

from metarl_agents.common.networks import torch_threads


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield
