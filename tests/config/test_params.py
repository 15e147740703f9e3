"""The params of a run."""

from __future__ import annotations

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError

from partner_sync.config.params import PARAMS, HoldPart, NamedProblem, Options, RunPart, options
from partner_sync.errors import ConfigError
from tests.compare.builders import PINNED, an_id
from tests.naming import named

HOLD, OTHER = "3f2a91c0de12", "0a2a91c0de12"
RUN = "manual__2026-11-30T22:33:11.061901+00:00"
EMPTY: dict[str, object] = dict.fromkeys(PARAMS)


@pytest.mark.parametrize("params", [{}, EMPTY])
def test_what_is_not_asked_has_its_default(params: dict[str, object]) -> None:
    assert options(params) == Options(dry_run=False, account_ids=(), approve=(), leave=(), undo=(), withdraw=())
    assert options(params).deciding == ()


def test_ids_come_out_as_18_characters_sorted_each_once() -> None:
    asked = options({"account_ids": [an_id(2), PINNED, "0014M00001sDiGE", f" {an_id(1)} "]})
    assert asked.account_ids == tuple(sorted([an_id(1), an_id(2), PINNED]))


def test_everything_that_can_be_asked() -> None:
    params = {
        "dry_run": True,
        "account_ids": (PINNED,),
        "approve": (HOLD,),
        "leave": (OTHER,),
        "undo": (RUN,),
        "withdraw": (OTHER,),
    }
    asked = options(params)
    assert asked == Options(True, (PINNED,), (HoldPart(HOLD),), (HoldPart(OTHER),), (RunPart(RUN),), (OTHER,))
    assert asked.deciding == ("approve", "leave", "undo", "withdraw")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (RUN, RunPart(RUN)),
        (f"{RUN}:{PINNED}", RunPart(RUN, PINNED)),
        (f" {RUN}:{PINNED[:15]} ", RunPart(RUN, PINNED)),
        ("backfill__2026-11-30T00:00:00+00:00", RunPart("backfill__2026-11-30T00:00:00+00:00")),
        ("a:b", RunPart("a:b")),
        (f"a:b:{PINNED}", RunPart("a:b", PINNED)),
        (PINNED, RunPart(PINNED)),
    ],
)
def test_the_account_of_an_undo_is_what_follows_the_last_colon_if_it_looks_like_an_id(text: str, part: RunPart) -> None:
    assert options({"undo": [text]}).undo == (part,)
    assert options({"undo": [str(part)]}).undo == (part,)


def test_a_problem_is_left_by_its_id_and_a_hold_whole_or_for_single_accounts() -> None:
    given = [f"problem:{OTHER}", f" {HOLD}:{PINNED[:15]} ", HOLD]
    left = options({"leave": given}).leave
    assert left == (HoldPart(HOLD), HoldPart(HOLD, PINNED), NamedProblem(OTHER))
    assert [str(one) for one in left] == [HOLD, f"{HOLD}:{PINNED}", f"problem:{OTHER}"]


def test_a_hold_is_approved_whole_or_for_single_accounts_each_once() -> None:
    asked = options({"approve": [f"{HOLD}:{PINNED[:15]}", f" {OTHER} ", f"{HOLD}:{PINNED}"]})
    assert asked.approve == (HoldPart(OTHER), HoldPart(HOLD, PINNED))
    assert [str(one) for one in asked.approve] == [OTHER, f"{HOLD}:{PINNED}"]


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
    ({"approve": HOLD}, "approve", "not a list"),
    ({"approve": {HOLD: 37}}, "approve", "not a list"),
    ({"approve": [HOLD, HOLD[:11]]}, "Approval 2", f'is not valid: "{HOLD[:11]}"'),
    ({"approve": [HOLD.upper()]}, "Approval 1", "Copy the id of a hold"),
    ({"approve": [37]}, "Approval 1", "is not valid: 37"),
    ({"approve": [None]}, "Approval 1", "is not valid: null"),
    ({"approve": [""]}, "Approval 1", 'is not valid: ""'),
    ({"approve": [f"{HOLD}:"]}, "Approval 1", "is not valid: "),
    ({"approve": [f"{HOLD}:0014M"]}, "Approval 1", "is not valid: "),
    ({"approve": [f"{HOLD}:{PINNED.lower()}"]}, "Approval 1", "is not valid: "),
    ({"approve": [f":{PINNED}"]}, "Approval 1", "is not valid: "),
    ({"leave": [f"problem:{HOLD[:11]}"]}, "Leave 1", "For a problem, write problem:<id>."),
    ({"leave": [f"problem:{HOLD}:{PINNED}"]}, "Leave 1", "is not valid: "),
    ({"leave": [HOLD, 7]}, "Leave 2", "is not valid: 7"),
    ({"undo": RUN}, "undo", "not a list"),
    ({"undo": [""]}, "Undo 1", 'is not valid: ""'),
    ({"undo": ["two words"]}, "Undo 1", "Copy the id of a run"),
    ({"undo": [f"{RUN}:{PINNED.lower()}"]}, "Undo 1", "is not valid: "),
    ({"withdraw": [HOLD[:11]]}, "Withdrawal 1", "Copy the id of a decision"),
    ({"withdraw": [f"{HOLD}:{PINNED}"]}, "Withdrawal 1", "is not valid: "),
    ({"allow_over_limit": {"mark": 37}}, "allow_over_limit", "is not a param"),
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
        options({"dry_run": 1, "account_ids": ["x", "y"], "approve": ["all", HOLD, "z"], "x": 1})
    assert [one.key for one in caught.value.findings] == [
        "x",
        "dry_run",
        "Account ID 1",
        "Account ID 2",
        "Approval 1",
        "Approval 3",
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


@pytest.mark.parametrize(
    ("name", "given", "refused"),
    [
        ("leave", [HOLD, f"{HOLD}:{PINNED}", f" problem:{HOLD} "], "problem:"),
        ("undo", [RUN, f"{RUN}:{PINNED}"], "two words"),
        ("withdraw", [HOLD, f" {HOLD} "], f"{HOLD}:{PINNED}"),
    ],
)
def test_the_trigger_form_takes_what_the_run_takes(name: str, given: list[str], refused: str) -> None:
    assert Param(**PARAMS[name]).resolve(given) == given
    assert len(getattr(options({name: given}), name)) == len({one.strip() for one in given})
    with pytest.raises(ParamValidationError):
        Param(**PARAMS[name]).resolve([*given, refused])


@pytest.mark.parametrize("hold", ["", HOLD[:11], HOLD.upper(), f"{HOLD}:", f"{HOLD}:0014M", f"{HOLD}0"])
def test_the_trigger_form_refuses_an_approval_of_another_shape(hold: str) -> None:
    with pytest.raises(ParamValidationError):
        Param(**PARAMS["approve"]).resolve([HOLD, hold])


def test_the_trigger_form_takes_holds_and_single_rows_of_them() -> None:
    given = [HOLD, f" {HOLD}:{PINNED} ", f"{HOLD}:{PINNED[:15]}"]
    assert Param(**PARAMS["approve"]).resolve(given) == given


def test_a_note_is_a_text():
    assert ("as agreed", "") == (options({"note": " as agreed "}).note, options({"note": None}).note)
    with pytest.raises(ConfigError, match="note is 3, not a text"):
        options({"note": 3})
