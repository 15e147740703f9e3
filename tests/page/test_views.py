"""How things are put, and what becomes of answers: pure, without a server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from partner_sync.history.changes import Filters
from partner_sync.history.labels import ago, problem_label, value_label
from partner_sync.model import UnreadInstance
from partner_sync.page import views
from partner_sync.page.formats import bar, exact, link, plural, short, took
from partner_sync.page.views import PageContext, RunPage
from tests.history.past import a_create, a_hold, a_mark, account, an_update

NOW = datetime(2026, 11, 24, 13, tzinfo=timezone.utc)
HOSTILE = ["<script>alert(1)</script>", "x" * 300, "\u202eمرحبا", "🎉 & Söhne", '" onmouseover="x', "'><img src=x>"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (3 * 86400, "3 days ago"),
        (-30, "in a moment"),
        (-2880, "in 48 minutes"),
    ],
)
def test_a_time_is_shown_by_its_distance(seconds, said):
    assert said == ago(NOW - timedelta(seconds=seconds), NOW)


def test_what_never_was_is_never():
    assert ("never", "") == (ago(None, NOW), exact(None))


def test_exact_times_name_their_zone():
    assert ("2026-11-24 13:00:00 UTC", "24 Nov 13:00 UTC") == (exact(NOW), short(NOW))


@pytest.mark.parametrize(
    ("value", "label"), [(None, "empty"), (True, "Yes"), (False, "No"), (3, "3"), ("a b", "a b"), ("", "empty")]
)
def test_values_are_shown_as_people_read_them(value, label):
    assert label == value_label(value)


def test_a_problem_has_a_title_even_if_its_kind_is_of_another_release():
    assert ("Name already in use", "Of another release") == tuple(
        problem_label(kind) for kind in ("name_taken", "of_another_release")
    )


def test_durations_and_counts_have_their_units():
    assert ("–", "14 s", "3 min") == (took(None), took(14.4), took(200))
    assert ("1 change", "20,000 changes") == (plural(1, "change"), plural(20_000, "change"))


def test_addresses_leave_out_what_is_empty_and_escape_the_rest():
    assert "run?run=a%2Bb%26c" == link("run", run="a+b&c", kind=None, field="", page=None)
    assert "./" == link("./", instance=None)


def a_run(past, **asked) -> RunPage:
    names = [a_create(number, name) for number, name in enumerate(HOSTILE)]
    evidence = [a_mark(30 + number, reason=text) for number, text in enumerate(HOSTILE)]
    hold = a_hold(*evidence, why=" ".join(HOSTILE), next_step=" ".join(HOSTILE))
    unread = [UnreadInstance("gov", " ".join(HOSTILE))]
    run = past.run(0, [*names, an_update(20)], holds=[hold], unread=unread)
    history = past.history()
    return RunPage(
        history.run(run),
        history.changes(run, None, Filters(**asked)),
        history.problems(run),
        history.withheld(run),
        Filters(**asked),
    )


class Seen(HTMLParser):
    """The elements and attributes of a page, as a browser takes them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.inline = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.inline += tag == "style" or (tag == "script" and "src" not in dict(attrs))


@pytest.mark.parametrize("show", [views.render_run, views.render_printed])
def test_no_name_becomes_an_element_an_attribute_or_a_script(past, show):
    seen = Seen(show(a_run(past), PageContext(NOW)))
    assert "img" not in seen.tags
    assert {name for name in seen.attributes if name.startswith("on") or name == "style"} == set()
    assert 0 == seen.inline


def test_the_address_of_a_run_keeps_what_it_is_narrowed_by(past):
    page = a_run(past, kind="create", search="x")
    assert {"kind": "create", "q": "x"} == {key: page.asked[key] for key in ("kind", "q")}
    assert "name or id x, kind create" == page.narrowed
    assert "kind=create&amp;q=x" in views.render_run(page, PageContext(NOW))


def test_an_archive_error_is_shown_above_everything(past):
    page = RunPage(a_run(past).run, None, (), (), Filters())
    assert "The archive x cannot be read." in views.render_run(page, PageContext(NOW, "The archive x cannot be read."))


def test_a_bar_doubles_from_step_to_step():
    assert [0, 1, 2, 2, 3, 8, 10] == [bar(count) for count in (0, 1, 2, 3, 4, 180, 20_000)]


def test_a_shortened_history_shows_where_the_rest_is(past):
    for hour in (-5, -4, -3):
        past.run(hour, [an_update(1)])
    history = past.history()
    shown = {
        events: views.render_histories(history.account(account(1), events=events), (), PageContext(NOW))
        for events in (2, 3)
    }
    assert "1 older change not shown. To see all changes: " in shown[2]
    assert "older change" not in shown[3]
