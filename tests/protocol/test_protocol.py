"""The writing protocol, as a model, through random schedules: safe as implemented, unsafe without any of its rules."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest


def _model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protocol_model", Path(__file__).with_name("model.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


model = _model()


def found(schedules: int, **variant: object) -> Counter[str]:
    """What is found in so many schedules, or until something is."""
    for seed in range(schedules):
        if total := +model.World(seed, model.Variant(**variant)).run():
            return total
    return Counter()


def test_no_schedule_writes_a_stale_value_passes_the_limit_or_leaves_a_task_unfinished():
    assert found(600) == Counter()


def test_if_any_running_job_can_be_the_lost_job_others_can_hold_up_a_task_forever():
    assert {"unfinished"} == found(60, suspects="all").keys()


@pytest.mark.parametrize(
    ("variant", "schedules"),
    [
        ({"order": "compare"}, 300),
        ({"naming": "overwrite"}, 500),
        ({"settles_own": False}, 600),
        ({"waits_for_older": False}, 300),
    ],
    ids=["ordered by compare's end", "one latest object", "own submits not settled", "older plans not waited for"],
)
def test_removing_any_single_rule_leads_to_a_stale_value(variant, schedules):
    assert {"stale"} == found(schedules, **variant).keys()
