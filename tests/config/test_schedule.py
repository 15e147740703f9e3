"""The schedule: what cron and Airflow understand, and a DAG file that can always be parsed."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import product

import pytest
from croniter import croniter

from partner_sync.config.load import load
from partner_sync.config.schedule import HOURLY, PRESETS, schedule_of, wrong_schedule
from partner_sync.errors import ConfigError
from tests.compare.builders import TOML

VALID = [
    "*/5 * * * *",
    "0 * * * *",
    "7,37 6-20 * * mon-fri",
    "0 3 29 2 *",
    "0 3 31 2 1",
    "59 23 31 DEC 7",
    "0-30/10 */2 1-15 1,6 0",
]
WRONG = {
    "@continuous": "is not a preset",
    "@once": "is not a preset",
    "": "has 0 fields",
    "*/5 * * *": "has 4 fields",
    "0 0 * * * *": "has 6 fields",
    "60 * * * *": "minute",
    "*/0 * * * *": "minute",
    "5/10 * * * *": "minute",
    "-5 * * * *": "minute",
    "30-10 * * * *": "minute",
    "0 24 * * *": "hour",
    "0 0 0 * *": "day of the month",
    "0 0 L * *": "day of the month",
    "0 0 * 13 *": "month",
    "0 0 * * 8": "day of the week",
    "0 0 * * monday": "day of the week",
    "0 0 31 4,6 *": "a day that no such month has",
    "0 0 30 feb *": "a day that no such month has",
    "every hour": "has 2 fields",
}
PARTS = ("*", "5", "1-3", "*/3", "1,4", "2-6/2", "0", "7", "31", "jan", "sun", "61", "3-1", "x", "*/0", "")


def read(text):
    return load(TOML.replace('schedule = "@hourly"', f'schedule = "{text}"'), "partner_sync.toml")


@pytest.mark.parametrize("text", [*VALID, *PRESETS])
def test_a_schedule_of_cron_or_a_preset_is_taken_as_it_is(text):
    assert text == read(text).schedule


@pytest.mark.parametrize("text", WRONG)
def test_any_other_schedule_is_an_error_that_says_what_to_write(text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    (finding,) = caught.value.findings
    assert "schedule" == finding.key
    assert WRONG[text] in finding.wrong
    assert '"*/5 * * * *"' in finding.advice


def test_what_is_taken_has_a_next_run_in_airflow():
    now, taken = datetime(2026, 11, 24, tzinfo=timezone.utc), 0
    for parts in product(PARTS, repeat=3):
        for text in ("{} {} {} * *", "0 0 {} {} {}"):
            schedule = text.format(*parts)
            if wrong_schedule(schedule) is None:
                taken += 1
                assert croniter(schedule, now).get_next(datetime) > now
    assert taken > 500


def test_the_dag_file_gets_the_schedule_of_the_config(tmp_path):
    path = tmp_path / "partner_sync.toml"
    path.write_text('\ufeffschedule = "*/5 * * * *"\n')
    assert "*/5 * * * *" == schedule_of(path)


@pytest.mark.parametrize("text", ["", "schedule = ", 'schedule = "often"', "schedule = 5", "[accounts]", "\xff"])
def test_a_config_without_a_valid_schedule_leaves_the_dag_hourly(tmp_path, text):
    path = tmp_path / "partner_sync.toml"
    path.write_bytes(text.encode("latin-1"))
    assert HOURLY == schedule_of(path)
    assert HOURLY == schedule_of(tmp_path / "missing.toml")
