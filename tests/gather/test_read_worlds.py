"""Full and changed reads of one world give equal snapshots, whatever happens in it.

2,000 worlds here; `make walks` takes 20,000. Most leave out the HTTP session of the client.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.gather.worlds import NoDefinitions, NoOverlap, NoWrites, OnlyOurs, OnlyZendesks, converges

PARTS, SESSIONS = 20, 5
WORLDS = 20_000 if "WALKS" in os.environ else 2_000


def walked(numbers, **how):
    """What was met in these worlds."""
    met: Counter[str] = Counter()
    for number in numbers:
        met += converges(number, **how)
    return met


@pytest.mark.parametrize("part", range(PARTS))
def test_full_and_changed_reads_of_one_world_are_equal(part, record_property):
    met = walked(range(part, WORLDS, PARTS))
    record_property("walked", dict(met))
    assert min(met[f"read full {cause}"] for cause in ("first", "rules", "refused", "due", "stuck")) > 0
    assert met["read changed"] > WORLDS / PARTS


def test_full_and_changed_reads_through_the_http_session_are_equal():
    assert walked(range(WORLDS, WORLDS + SESSIONS), direct=False)["read changed"] > 0


WITHOUT = (NoOverlap, NoDefinitions, NoWrites, OnlyOurs, OnlyZendesks)


@pytest.mark.parametrize("kind", WITHOUT, ids=lambda kind: kind.__name__)
def test_a_read_without_one_of_its_rules_is_detected(kind):
    with pytest.raises(AssertionError):
        walked(range(1_000), kind=kind)
