"""The params of a run."""

from __future__ import annotations

import pytest

from partner_sync.config.params import Options, options
from partner_sync.errors import ConfigError
from tests.compare.builders import PINNED, an_id
from tests.naming import named


@pytest.mark.parametrize("params", [{}, {"dry_run": None, "account_ids": None, "allow_over_limit": None}])
def test_what_is_not_asked_has_its_default(params: dict[str, object]) -> None:
    assert options(params) == Options(dry_run=False, account_ids=(), allow_over_limit={})


def test_ids_come_out_as_18_characters_sorted_each_once() -> None:
    asked = options({"account_ids": [an_id(2), PINNED, "0014M00001sDiGE", f" {an_id(1)} "]})
    assert asked.account_ids == tuple(sorted([an_id(1), an_id(2), PINNED]))


def test_everything_that_can_be_asked() -> None:
    params = {"dry_run": True, "account_ids": (PINNED,), "allow_over_limit": {"mark": 120, "create": 0}}
    assert options(params) == Options(True, (PINNED,), {"mark": 120, "create": 0})


WRONG = [
    ({"dryrun": True}, "dryrun", 'Did you mean "dry_run"?'),
    ({"dry_run": "true"}, "dry_run", "Write true or false."),
    ({"dry_run": 1}, "dry_run", "is 1"),
    ({"dry_run": []}, "dry_run", "is []"),
    ({"account_ids": PINNED}, "account_ids", "not a list"),
    ({"account_ids": [PINNED, "0014M"]}, "account_ids[1]", "which is no account id"),
    ({"account_ids": {PINNED: True}}, "account_ids", "not a list"),
    ({"account_ids": [7]}, "account_ids[0]", "is 7"),
    ({"account_ids": [None]}, "account_ids[0]", "is null"),
    ({"account_ids": [[PINNED]]}, "account_ids[0]", "which is no account id"),
    ({"account_ids": [""]}, "account_ids[0]", 'is ""'),
    ({"account_ids": ["0014M00001sDiGEQA1"]}, "account_ids[0]", "of which the last three fit"),
    ({"account_ids": [PINNED.lower()]}, "account_ids[0]", "of which the last three fit"),
    ({"account_ids": ["0014M00001sDi\u200bGE"]}, "account_ids[0]", "which is no account id"),
    ({"allow_over_limit": 120}, "allow_over_limit", "not a table"),
    ({"allow_over_limit": {"marks": 1}}, "allow_over_limit.marks", 'Did you mean "mark"?'),
    ({"allow_over_limit": {1: 1}}, "allow_over_limit.1", "is no kind of change"),
    ({"allow_over_limit": {"mark": True}}, "allow_over_limit.mark", "is true"),
    ({"allow_over_limit": {"mark": -1}}, "allow_over_limit.mark", "is -1"),
    ({"allow_over_limit": {"mark": 1.5}}, "allow_over_limit.mark", "is 1.5"),
    ({"allow_over_limit": {"mark": "120"}}, "allow_over_limit.mark", 'is "120"'),
    ({"allow_over_limit": {"mark": None}}, "allow_over_limit.mark", "is null"),
    ({"allow_over_limit": ["mark"]}, "allow_over_limit", "not a table"),
]


@pytest.mark.parametrize(("params", "key", "said"), WRONG)
def test_a_wrong_param_is_named_with_what_to_write(params: dict[str, object], key: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        options(params)
    assert caught.value.where == "params"
    ((named_key, told),) = named(caught.value).items()
    assert named_key == key
    assert said in told


def test_all_wrong_params_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        options({"dry_run": 1, "account_ids": ["x", "y"], "allow_over_limit": {"mark": "all", "delete": 1}, "x": 1})
    assert [one.key for one in caught.value.findings] == [
        "x",
        "dry_run",
        "account_ids[0]",
        "account_ids[1]",
        "allow_over_limit.mark",
        "allow_over_limit.delete",
    ]


def test_ids_are_taken_with_blanks_around_them() -> None:
    assert options({"account_ids": [f"\u00a0{PINNED}\u200b\n"]}).account_ids == (PINNED,)
