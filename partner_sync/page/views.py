"""Renders results as HTML. Pure; every value is escaped."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from partner_sync.gather.changed_read import FULL_READS
from partner_sync.history import labels
from partner_sync.history.changes import Filters
from partner_sync.history.decision_results import DecisionRow, HoldReview, UndoPreview
from partner_sync.history.lists import PartnerRow
from partner_sync.history.organization_results import ChangeDetail, OrganizationHistory, SearchResult
from partner_sync.history.overview_results import Overview
from partner_sync.history.results import (
    ChangeRow,
    ChangesPage,
    IndexProgress,
    ProblemRow,
    ResultPage,
    RunDetails,
    RunRow,
    WithheldRow,
)
from partner_sync.model import KINDS
from partner_sync.page import formats
from partner_sync.page.assets import asset_url
from partner_sync.page.dag import DagView
from partner_sync.page.formats import link
from partner_sync.page.headline import headline

_templates = Environment(
    loader=PackageLoader("partner_sync.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "conf": json.dumps,
    "dashed": lambda name: name.replace(" ", "-"),
    **{one.__name__: one for one in (formats.exact, formats.number, formats.ordinal, formats.short, formats.took)},
    "spaced": formats.spaced,
    "upper_first": lambda text: text[:1].upper() + text[1:],
    "value": labels.value_label,
    "problem_label": labels.problem_label,
}
_templates.globals |= {
    "ago": labels.ago,
    "asset": asset_url,
    "link": link,
    "story_link": formats.story_link,
    "plural": formats.plural,
    "kinds": KINDS,
    "kind_signs": formats.KIND_SIGNS,
    "outcome_signs": formats.OUTCOME_SIGNS,
    "state_signs": formats.STATE_SIGNS,
    "bar": formats.bar,
    "run_label": labels.run_label,
    "now_signs": formats.NOW_SIGNS,
    "now_labels": labels.STATE_LABELS,
    "outcome_labels": labels.OUTCOME_LABELS,
    "cause_labels": labels.CAUSE_LABELS,
    "hold_labels": labels.HOLD_LABELS,
    "hold_sentence": labels.hold_sentence,
    "result_labels": labels.RESULT_LABELS,
    "tickets": labels.tickets_label,
    "planning_only": labels.PLANNING_ONLY,
    "not_restored_labels": labels.NOT_RESTORED_LABELS,
    "rule_labels": labels.RULE_LABELS,
    "full_reads": FULL_READS,
}


@dataclass(frozen=True)
class PageContext:
    """When a page is rendered, why the archive cannot be read, the progress of an index that is not complete, what
    Airflow knows of the DAG, and the names of fields in Zendesk."""

    now: datetime
    trouble: str | None = None
    reading: IndexProgress | None = None
    dag: DagView = field(default_factory=DagView)
    titles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WatchedRun:
    """The run that was started to decide, by its id; `run` once the archive knows it. Without one the id is empty."""

    id: str = ""
    run: RunDetails | None = None


@dataclass(frozen=True)
class ProblemGroup:
    """Problems of a kind that have the same advice."""

    kind: str
    advice: str
    rows: list[ProblemRow]

    @property
    def new(self) -> int:
        return sum(row.new for row in self.rows)


@dataclass(frozen=True)
class RunPage:
    """A run with a page of its changes, as requested."""

    run: RunDetails
    changes: ChangesPage | None
    problems: tuple[ProblemRow, ...]
    withheld: tuple[WithheldRow, ...]
    filters: Filters
    sort: str = ""
    opened: ChangeDetail | None = None

    @property
    def asked(self) -> dict[str, str | None]:
        """The parameters of this address, without the page and the open change."""
        return {
            "run": self.run.row.run_id,
            "plan": self.changes.plan_id if self.changes else None,
            "kind": self.filters.kind,
            "field": self.filters.field,
            "verdict": self.filters.verdict,
            "instance": self.filters.instance,
            "hold": self.filters.hold,
            "q": self.filters.search,
            "sort": self.sort,
        }

    @property
    def narrowed(self) -> str:
        """The filters of the list as text."""
        asked = self.filters
        named = {
            "name or id": asked.search,
            "kind": asked.kind,
            "field": asked.field,
            "result": labels.OUTCOME_LABELS.get(asked.verdict or "", asked.verdict),
            "instance": asked.instance,
            "hold": asked.hold,
        }
        return ", ".join(f"{key} {value}" for key, value in named.items() if value)


def _render(name: str, context: PageContext, **data: Any) -> str:
    return _templates.get_template(name).render(data, **vars(context))


def render_message(title: str, text: str, context: PageContext, again: str | None = None) -> str:
    """A message; with `again`, an address that the page polls."""
    return _render("message.html", context, title=title, text=text, again=again)


def render_overview(overview: Overview, runs: ResultPage[RunRow], context: PageContext) -> str:
    return _render("overview.html", context, overview=overview, runs=runs, headline=headline(overview, context.dag))


def render_recent(found: ResultPage[ChangeRow], asked: dict[str, Any], context: PageContext) -> str:
    return _render("recent.html", context, found=found, asked=asked)


def render_partners(found: ResultPage[PartnerRow], asked: dict[str, Any], context: PageContext) -> str:
    return _render("partners.html", context, found=found, asked=asked)


def render_run(page: RunPage, context: PageContext) -> str:
    return _run("run.html", page, context)


def render_printed(page: RunPage, context: PageContext) -> str:
    """A run as a printable document."""
    return _run("print.html", page, context)


def _run(name: str, page: RunPage, context: PageContext) -> str:
    return _render(
        name,
        context,
        run=page.run,
        row=page.run.row,
        changes=page.changes,
        page=page.changes.page if page.changes and page.changes.page > 1 else None,
        problems=page.problems,
        withheld=page.withheld,
        filters=page.filters,
        asked=page.asked,
        narrowed=page.narrowed,
        opened=page.opened,
    )


def render_hold(found: HoldReview, watched: WatchedRun, context: PageContext) -> str:
    return _render("hold.html", context, one=found, hold=found.hold, watched=watched)


def render_problems(
    found: tuple[ProblemRow, ...],
    newest: str | None,
    asked: dict[str, str],
    watched: WatchedRun,
    context: PageContext,
) -> str:
    """The problems of the run `newest`, by kind and advice, groups and rows with new ones first."""
    groups: dict[tuple[str, str], ProblemGroup] = {}
    for one in sorted(found, key=lambda one: (not one.new, one.acknowledged is not None)):
        groups.setdefault((one.kind, one.advice), ProblemGroup(one.kind, one.advice, [])).rows.append(one)
    shown = {"groups": list(groups.values()), "count": len(found), "newest": newest, "asked": asked}
    return _render("problems.html", context, watched=watched, **shown)


def render_decisions(
    found: tuple[DecisionRow, ...], resting: tuple[ProblemRow, ...], watched: WatchedRun, context: PageContext
) -> str:
    return _render("decisions.html", context, decisions=found, resting=resting, watched=watched)


def render_undo(found: UndoPreview, watched: WatchedRun, context: PageContext) -> str:
    return _render("undo.html", context, one=found, watched=watched)


def render_change(found: ChangeDetail, context: PageContext) -> str:
    """The panel beside the list."""
    return _render("change.html", context, one=found)


def render_histories(
    found: tuple[OrganizationHistory, ...],
    decisions: tuple[DecisionRow, ...],
    context: PageContext,
    sources: dict[str, tuple[str, str]] | None = None,
) -> str:
    named = {one.decision.id: one.decision for one in decisions}
    return _render("story.html", context, stories=found, decisions=named, sources=sources or {})


def render_search(found: SearchResult, context: PageContext) -> str:
    return _render("found.html", context, found=found)
