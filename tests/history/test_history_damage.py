"""What an archive or a machine may hold in the way: it costs what it concerns, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.history.past import a_partner, an_update

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [2**63, 2**64, 10**5000], ids=["2**63", "2**64", "5000 digits"])
def test_numbers_that_no_id_can_be_leave_out_their_object_alone(past, number):
    past.run(-2, [an_update(1)])
    past.run(-1, [an_update(2)])
    past.run(0, [an_update(3)])
    past.read_partners(0, a_partner(4))
    root = past.archive.root
    wrong = [
        *root.glob("runs/*/*T11*/*/plan.json"),
        *root.glob("runs/*/*T12*/*/verdicts/*"),
        *root.glob("instances/*/standing/*"),
    ]
    assert 3 == len(wrong)
    sys.set_int_max_str_digits(0)
    text = str(number)
    sys.set_int_max_str_digits(4300)
    for path in wrong:
        path.write_text(re.sub(r"360000\d", text, path.read_text()))
    history = past.history()
    assert [str(path.relative_to(root)) for path in sorted(wrong, reverse=True)] == [
        one.path for one in history.unreadable()
    ]
    assert 3 == history.runs().total
    assert ["Partner 1"] == [hit.name for hit in history.find("partner 1").hits]
    assert None is history.trouble


def test_a_folder_named_like_a_day_that_there_is_not_is_not_looked_at(past):
    past.run(-1)
    wrong = past.archive.root / "runs" / "2026-13-45" / "x" / "run.json"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("{}")
    history = past.history()
    assert (1, None) == (history.runs().total, history.trouble)


def test_the_index_asks_nothing_that_sqlite_learned_after_3_37():
    sources = (REPOSITORY / "partner_sync" / "history").glob("*.py")
    assert [] == [path.name for path in sources if re.search(r"->>?\s*['\d]", path.read_text())]


def test_a_file_in_the_place_of_the_temporary_folder_is_no_obstacle(tmp_path):
    taken = tmp_path / f"partner-sync-{os.getuid()}"
    taken.write_text("anybody's")
    ask = "from partner_sync.history.files import default_folder as f; print(f('x', {'PARTNER_SYNC_HOME': '/none'}))"
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ask], env=environ, capture_output=True, text=True, cwd=REPOSITORY)
    assert "" == done.stderr
    folder = Path(done.stdout.strip())
    assert tmp_path == folder.parent.parent
    assert taken != folder.parent
    assert folder.parent.is_dir()
