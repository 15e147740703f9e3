"""The ids of new organizations: not in rising order, but from shuffled blocks.

Recorded jobs of zenpy and node-zendesk that create organizations show descents in blocks of 128 ids, and organizations
of later days with lower ids. How far back they go is an assumption.
"""

from __future__ import annotations

import random
from functools import lru_cache

FIRST_ID = 31_000_000_000_000
BLOCK = 128
# How many blocks are mixed with each other: assumption.
BLOCKS_MIXED = 4
_STEP = 137


class OrganizationIds:
    """Gives out ids; the same seed gives the same ids. *made* of them are taken."""

    def __init__(self, seed: int, made: int = 0) -> None:
        self.seed = seed
        self.made = made

    def next(self) -> int:
        """An id that was not given out before."""
        block, place = divmod(self.made, BLOCK)
        self.made += 1
        group, turn = divmod(block, BLOCKS_MIXED)
        block = group * BLOCKS_MIXED + _shuffled(self.seed, f"group {group}", BLOCKS_MIXED)[turn]
        return FIRST_ID + _STEP * (1 + block * BLOCK + _shuffled(self.seed, f"block {block}", BLOCK)[place])


@lru_cache
def _shuffled(seed: int, what: str, size: int) -> list[int]:
    return random.Random(f"{seed} {what}").sample(range(size), size)  # noqa: S311 - nothing here is secret
