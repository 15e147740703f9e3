"""`python -m partner_sync.preview`: exit codes, what each format shows, and what it keeps to itself."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from partner_sync.archive.archive import Archive
from partner_sync.cli.show_effect import main
from partner_sync.model import Plan
from tests.compare.builders import TOML, edited
from tests.sync.stage import Stage

OWNER = 'field = "account_owner"\nfrom = "Account_Owner_Calc__c"'
SWAPPED = edited(OWNER, OWNER.replace("Account_Owner_Calc__c", "Technical_Account_Manager_Name__c"))


@pytest.fixture
def archive(stage: Stage, plan: Plan) -> Archive:
    return stage.archive


def preview(archive: Archive, text: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error for a config with this text."""
    path = Path(archive.root) / "new.toml"
    path.write_text(text, encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    code = main(["--config", str(path), "--archive", str(archive.root), *arguments], {}, out, err)
    return code, out.getvalue(), err.getvalue()


def test_the_same_config_changes_nothing(archive: Archive, plan: Plan) -> None:
    code, out, _ = preview(archive, TOML)
    assert (0, True) == (code, "Nothing changes: the same rows are planned." in out)
    assert f"Compared with run {plan.run_id}, read 2026-03-01 " in out


@pytest.mark.parametrize("format_", ["text", "markdown", "json"])
def test_names_and_values_are_shown_only_if_they_are_asked_for(stage: Stage, plan: Plan, format_: str) -> None:
    people = {str(row["Account_Owner_Calc__c"]) for row in stage.sandbox.accounts()}
    people |= {str(row["Name"]).strip() for row in stage.sandbox.accounts()}
    code, out, _ = preview(stage.archive, SWAPPED, "--format", format_)
    assert 2 == code
    assert "account_owner" in out
    assert [one for one in people if one in out] == []
    code, out, _ = preview(stage.archive, SWAPPED, "--format", format_, "--names")
    assert 2 == code
    assert [one for one in people if one in out] != []


def test_the_text_counts_rows_by_kind_and_field_and_says_whether_they_are_held(archive: Archive) -> None:
    code, out, _ = preview(archive, SWAPPED)
    assert 2 == code
    (line,) = [
        line.split()
        for line in out.splitlines()
        if line.strip().startswith("update ") and " account_owner " in line and len(line.split()) == 5
    ]
    assert sum(map(int, line[2:])) >= 3
    assert "The next run holds" in out
    assert "the changed config alone causes" in out


def test_markdown_has_no_text_that_could_be_markup(stage: Stage) -> None:
    account = stage.sandbox.accounts()[1]["Id"]
    stage.sandbox.put_account(Id=account, Technical_Account_Manager_Name__c="`</details>|[x](y)`\u202e")
    stage.plan()
    _, out, _ = preview(stage.archive, SWAPPED, "--format", "markdown", "--names")
    assert "`'</details>/[x](y)'" in out
    assert "\u202e" not in out


def test_a_config_with_errors_lists_all_of_them(archive: Archive) -> None:
    text = TOML.replace('rule = "dropdown"', 'rule = "list"').replace("grace_days = 0", "grace_days = -1")
    code, out, err = preview(archive, text)
    assert (1, "") == (code, out)
    assert "Did you mean" in err or "rule" in err
    assert "grace_days" in err


@pytest.mark.parametrize(
    ("text", "kind", "subject"),
    [
        (edited(OWNER, OWNER.replace("Account_Owner_Calc__c", "Owner__c")), "source", "account_owner"),
        (edited(OWNER, OWNER.replace('"account_owner"', '"owner"')), "target", "owner"),
        (edited('Type = "Partner"', 'Type = "Partner"\nRegion__c = "EMEA"'), "filter", "Region__c"),
        (edited('["Open", "Select"]', '["Open", "Select", "Technology"]'), "wider", "Partner_Track__c"),
        (edited('Type = "Partner"\n', ""), "wider", "Type"),
        (
            edited("pinned = [", 'pinned = ["0014M00001Abc01QAE", ').replace("0014M00001Abc01QAE", "0014M00001Abc01"),
            "wider",
            "pinned",
        ),
        (edited('name = "global"', 'name = "emea"'), "instance", "emea"),
    ],
    ids=["source", "target", "filter", "wider", "a line less", "pinned", "instance"],
)
def test_what_the_snapshots_cannot_show_is_named(archive: Archive, text: str, kind: str, subject: str) -> None:
    code, out, _ = preview(archive, text, "--format", "json")
    assert 2 == code
    assert (kind, subject) in {(one["kind"], one["subject"]) for one in json.loads(out)["unknown"]}
    _, shown, _ = preview(archive, text)
    assert f"  {subject}: " in shown


def test_an_edit_of_what_everything_is_read_by_has_no_preview(archive: Archive) -> None:
    code, _, err = preview(archive, edited('object = "Account"', 'object = "Partner__c"'))
    assert 1 == code
    assert "Review the first run with it as a dry run." in err


def test_a_run_can_be_chosen(stage: Stage, plan: Plan) -> None:
    later = stage.plan()
    assert f"run {later.run_id}," in preview(stage.archive, TOML)[1]
    assert f"run {plan.run_id}," in preview(stage.archive, TOML, "--run", plan.run_id)[1]
    code, _, err = preview(stage.archive, TOML, "--run", "nobody")
    assert (1, True) == (code, "has no run nobody" in err)


def test_an_archive_without_a_run_has_no_preview(tmp_path: Path) -> None:
    code, _, err = preview(Archive(tmp_path), TOML)
    assert (1, True) == (code, "has no complete run yet" in err)


def test_wrong_arguments_are_an_error_like_any_other() -> None:
    with pytest.raises(SystemExit) as refused:
        main([], {}, io.StringIO(), io.StringIO())
    assert 1 == refused.value.code
