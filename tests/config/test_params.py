"""The params of a run."""

from __future__ import annotations

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from partner_sync.config.params import PARAMS, Options, options
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
    ({"account_ids": [PINNED, "0014M"]}, "Account ID 2", 'is not valid: "0014M"'),
    ({"account_ids": {PINNED: True}}, "account_ids", "not a list"),
    ({"account_ids": [7]}, "Account ID 1", "is not valid: 7"),
    ({"account_ids": [None]}, "Account ID 1", "is not valid: null"),
    ({"account_ids": [[PINNED]]}, "Account ID 1", "is not valid: "),
    ({"account_ids": [""]}, "Account ID 1", 'is not valid: ""'),
    ({"account_ids": ["0014M00001sDiGEQA1"]}, "Account ID 1", "18 characters with a valid checksum"),
    ({"account_ids": [PINNED.lower()]}, "Account ID 1", "18 characters with a valid checksum"),
    ({"account_ids": ["0014M00001sDi\u200bGE"]}, "Account ID 1", "is not valid: "),
    ({"allow_over_limit": 120}, "allow_over_limit", "not a table"),
    ({"allow_over_limit": {"marks": 1}}, "allow_over_limit.marks", 'Did you mean "mark"?'),
    ({"allow_over_limit": {1: 1}}, "allow_over_limit.1", "is not a kind of change"),
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
    assert caught.value.where == "The run's conf"
    ((named_key, told),) = named(caught.value).items()
    assert named_key == key
    assert said in told


def test_all_wrong_params_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        options({"dry_run": 1, "account_ids": ["x", "y"], "allow_over_limit": {"mark": "all", "delete": 1}, "x": 1})
    assert [one.key for one in caught.value.findings] == [
        "x",
        "dry_run",
        "Account ID 1",
        "Account ID 2",
        "allow_over_limit.mark",
        "allow_over_limit.delete",
    ]


@pytest.mark.parametrize("name", PARAMS)
def test_the_trigger_form_shows_no_param_as_required(name: str) -> None:
    assert "null" in PARAMS[name]["type"]
    assert Param(**PARAMS[name]).resolve(None) is None


@pytest.mark.parametrize("account_id", ["0014M", "0014M00001sDiGEQA", "0014M00001sDi-GE", ""])
def test_the_trigger_form_refuses_an_account_id_of_another_shape(account_id: str) -> None:
    with pytest.raises(ParamValidationError):
        Param(**PARAMS["account_ids"]).resolve([PINNED, account_id])


def test_the_trigger_form_takes_account_ids_of_15_and_18_characters() -> None:
    given = [PINNED, PINNED[:15], f"\u00a0{PINNED}\u200b"]
    assert Param(**PARAMS["account_ids"]).resolve(given) == given


def test_ids_are_taken_with_blanks_around_them() -> None:
    assert options({"account_ids": [f"\u00a0{PINNED}\u200b\n"]}).account_ids == (PINNED,)
