"""The seed tree: every random number of a run comes from a stream that is named by its purpose.

No stream depends on global state, on the number of workers, or on the order in which streams are opened.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray
from typing_extensions import override

Key = str | int


def sequence(*key: Key) -> np.random.SeedSequence:
    """Returns the seed sequence of a path in the tree, e.g. ``(digest, "rl2", 0, "train", 3)``."""
    text = json.dumps(key, separators=(",", ":"))
    entropy = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    return np.random.SeedSequence(entropy)


def generator(*key: Key) -> np.random.Generator:
    """Returns a fresh generator for a path in the tree."""
    return np.random.Generator(np.random.PCG64(sequence(*key)))


@functools.lru_cache(maxsize=4096)  # every checkpoint of a run meta-tests with the same seeds
def world_seed(*key: Key) -> int:
    """Returns a seed in [0, 2**63) for one world, as ``Worlds.reset`` takes it."""
    return int(sequence(*key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def episode_generator(seed: int, episode: int) -> np.random.Generator:
    """Returns the generator of one world's episode.

    Counter-based (Philox), so that a world's whole random state is the two integers that name it, which makes
    snapshots exact and small.

    Args:
        seed: The world's seed, in [0, 2**63).
        episode: How many episodes that seed has begun before this one.
    """
    # Given the same key as ``key``, Philox would ask the system for entropy first, for nothing, and for longer than all
    # the rest takes.
    key = _Key(seed, episode)
    return np.random.Generator(np.random.Philox(key))  # type: ignore[arg-type] # any ISeedSequence, says BitGenerator


class _Key(ISeedSequence):
    """The two words of a Philox key."""

    def __init__(self, first: int, second: int) -> None:
        self._words = np.array([first, second], dtype=np.uint64)

    @override
    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> NDArray[np.uint64]:
        return self._words
