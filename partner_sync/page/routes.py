"""The addresses of the page. Ids come as query values and are compared, never made into paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from partner_sync.history import History
from partner_sync.history.changes import Filters
from partner_sync.history.results import ProblemRow
from partner_sync.orchestration.locations import DAG_ID
from partner_sync.page import downloads, views
from partner_sync.page.dag import DagView, dag_view
from partner_sync.page.formats import link, story_link
from partner_sync.page.views import PageContext, RunPage, WatchedRun

router = APIRouter()
_PRINTED = 1000
"""How many changes are printed: nobody signs more."""


def _history(request: Request) -> History:
    asked: History = request.app.state.history()
    return asked


def _filters(
    kind: str = "",
    field: str = "",
    verdict: str = "",
    instance: str = "",
    q: Annotated[str, Query(max_length=500)] = "",
    hold: str = "",
) -> Filters:
    return Filters(kind or None, field or None, verdict or None, instance or None, q or None, hold or None)


_Archive = Annotated[History, Depends(_history)]
_Narrowed = Annotated[Filters, Depends(_filters)]
_PageNumber = Annotated[int, Query(ge=1, le=10**6)]
_Number = Annotated[int, Query(ge=0, le=2**53)]
_Sort = Annotated[str, Query(pattern="^(-?(plan|kind|name|verdict))?$")]


def _context_after(history: _Archive, dag: Annotated[DagView, Depends(dag_view)]) -> Callable[[], PageContext]:
    """The context of a page, known once its result is there.

    The index is checked before and after the query: if it was completed in between, the page must load again.
    """
    before = history.index()

    def context() -> PageContext:
        index = history.index()
        reading = index if index.refreshing or not index.complete else None if before.complete else before
        return PageContext(history.clock(), index.trouble, reading, dag, history.field_titles())

    return context


_Context = Annotated[Callable[[], PageContext], Depends(_context_after)]


@router.get("/")
def show_overview(history: _Archive, context: _Context, instance: str = "", page: _PageNumber = 1) -> HTMLResponse:
    overview = history.overview(instance=instance or None)
    runs = history.runs(instance=instance or None, page=page) if page > 1 else overview.runs
    return HTMLResponse(views.render_overview(overview, runs, context()))


@router.get("/recent")
def show_recent(
    history: _Archive,
    context: _Context,
    kind: str = "",
    field: str = "",
    instance: str = "",
    days: Annotated[int, Query(ge=1, le=3660)] = 1,
    edited: bool = False,
    page: _PageNumber = 1,
) -> HTMLResponse:
    since = history.clock() - timedelta(days=days)
    found = history.recent(
        since, kind=kind or None, field=field or None, instance=instance or None, edited=edited, page=page
    )
    asked = {"kind": kind, "field": field, "instance": instance, "days": days, "edited": edited or ""}
    return HTMLResponse(views.render_recent(found, asked, context()))


@router.get("/partners")
def show_partners(
    history: _Archive, context: _Context, type: str = "", instance: str = "", page: _PageNumber = 1
) -> HTMLResponse:
    found = history.partners(type_name=type or None, instance=instance or None, page=page)
    return HTMLResponse(views.render_partners(found, {"type": type, "instance": instance}, context()))


@router.get("/run")
def show_run(
    history: _Archive,
    context: _Context,
    filters: _Narrowed,
    run: str,
    dag: str = DAG_ID,
    plan: str = "",
    sort: _Sort = "",
    page: _PageNumber = 1,
    change: _Number | None = None,
) -> HTMLResponse:
    found = _page(history, filters, run, plan, sort, page=page, change=change)
    if found is not None:
        return HTMLResponse(views.render_run(found, context()))
    if dag != DAG_ID:
        text = f"This tab shows the plans of the DAG {DAG_ID}. This run belongs to another DAG."
        return HTMLResponse(views.render_message("No plan of Partner Sync", text, context()))
    text = (
        "The archive has no record of this run yet. This page shows the plan as soon as the run has compared Salesforce"
        " and Zendesk, or an error as soon as a task fails. Runs older than the retention period are not shown."
    )
    again = link("run", run=run)
    return HTMLResponse(views.render_message("No plan yet", text, context(), again), 404)


@router.get("/print")
def show_printed(
    history: _Archive, context: _Context, filters: _Narrowed, run: str, plan: str = "", sort: _Sort = ""
) -> HTMLResponse:
    found = _page(history, filters, run, plan, sort, page_size=_PRINTED)
    if found is None:
        raise HTTPException(404, "The archive does not know this run.")
    return HTMLResponse(views.render_printed(found, context()))


def _page(
    history: History,
    filters: Filters,
    run: str,
    plan: str,
    sort: str,
    *,
    page: int = 1,
    page_size: int = 50,
    change: int | None = None,
) -> RunPage | None:
    found = history.run(run)
    if found is None:
        return None
    return RunPage(
        found,
        history.changes(run, plan or None, filters, sort=sort, page=page, page_size=page_size),
        history.problems(run, instance=filters.instance) or (),
        history.withheld(run) or (),
        filters,
        sort,
        history.change(run, plan or None, change) if change is not None else None,
    )


def _watched(history: _Archive, started: str = "") -> WatchedRun:
    """The run that was started to decide."""
    return WatchedRun(started, history.run(started) if started else None)


_Watched = Annotated[WatchedRun, Depends(_watched)]


@router.get("/hold")
def show_hold(history: _Archive, watched: _Watched, context: _Context, id: str) -> HTMLResponse:
    found = history.review(id)
    if found is None:
        return _unknown("The archive does not know this hold.", link("hold", id=id, started=watched.id), context())
    return HTMLResponse(views.render_hold(found, watched, context()))


@router.get("/problems")
def show_problems(history: _Archive, watched: _Watched, context: _Context, instance: str = "") -> HTMLResponse:
    found, newest = history.open_problems(instance=instance or None), history.newest_complete()
    return HTMLResponse(views.render_problems(found, newest, {"instance": instance}, watched, context()))


@router.get("/decisions")
def show_decisions(history: _Archive, watched: _Watched, context: _Context) -> HTMLResponse:
    resting = tuple(one for one in history.open_problems() if one.kind == "resting")
    return HTMLResponse(views.render_decisions(history.decisions(), resting, watched, context()))


@router.get("/undo")
def show_undo(history: _Archive, watched: _Watched, context: _Context, run: str, account: str = "") -> HTMLResponse:
    found = history.undo(run, account or None)
    if found is None:
        return _unknown("The archive does not know this run.", link("undo", run=run, account=account), context())
    return HTMLResponse(views.render_undo(found, watched, context()))


def _unknown(text: str, address: str, context: PageContext) -> HTMLResponse:
    """A page for what the archive does not know; it loads again while the archive is read."""
    again = address if context.reading is not None else None
    return HTMLResponse(views.render_message("Not found", text, context, again), 404)


@router.get("/change")
def show_change(history: _Archive, context: _Context, run: str, n: _Number, plan: str = "") -> HTMLResponse:
    found = history.change(run, plan or None, n)
    if found is None:
        raise HTTPException(404, "The archive does not know this change.")
    return HTMLResponse(views.render_change(found, context()))


@router.get("/story")
def show_history(
    history: _Archive, context: _Context, account: str = "", instance: str = "", organization: _Number = 0
) -> HTMLResponse:
    one = history.organization(instance, organization) if organization and not account else None
    found = history.account(account) if account else (one,) if one else ()
    if not found:
        address = link("story", account=account, instance=instance, organization=organization)
        return _unknown("The archive does not know this account or organization.", address, context())
    return HTMLResponse(views.render_histories(found, history.decisions(), context(), history.field_sources()))


@router.get("/story.csv")
def download_history(
    history: _Archive, account: str = "", instance: str = "", organization: _Number = 0
) -> StreamingResponse:
    """Every change of an account or organization, the newest first."""
    one = history.organization(instance, organization, events=-1) if organization and not account else None
    found = history.account(account, events=-1) if account else (one,) if one else ()
    changes = (event.change for story in found for event in story.history if event.change is not None)
    return _file(downloads.csv_lines(changes), account or str(organization), ".csv")


@router.get("/find")
def show_search(history: _Archive, context: _Context, q: Annotated[str, Query(max_length=500)] = "") -> Response:
    """A single hit opens at once."""
    found = history.find(q)
    if len(found.hits) == 1 and not found.more:
        return RedirectResponse(story_link(found.hits[0]), 303)
    return HTMLResponse(views.render_search(found, context()))


@router.get("/changes.csv")
def download_csv(
    history: _Archive, filters: _Narrowed, run: str, plan: str = "", sort: _Sort = ""
) -> StreamingResponse:
    return _download(history, filters, run, plan, sort, "csv")


@router.get("/changes.json")
def download_json(
    history: _Archive, filters: _Narrowed, run: str, plan: str = "", sort: _Sort = ""
) -> StreamingResponse:
    return _download(history, filters, run, plan, sort, "json")


def _download(history: History, filters: Filters, run: str, plan: str, sort: str, form: str) -> StreamingResponse:
    if history.changes(run, plan or None, filters, page_size=1) is None:
        raise HTTPException(404, "This run has no plan with changes.")
    rows = downloads.change_rows(history, run, plan or None, filters, sort)
    return _file(downloads.csv_lines(rows) if form == "csv" else downloads.json_lines(rows), run, f".{form}")


@router.get("/problems.csv")
def download_problems_csv(history: _Archive, run: str, instance: str = "") -> StreamingResponse:
    return _file(downloads.problem_csv_lines(_problems(history, run, instance)), run, "-problems.csv")


@router.get("/problems.json")
def download_problems_json(history: _Archive, run: str, instance: str = "") -> StreamingResponse:
    return _file(downloads.json_lines(_problems(history, run, instance)), run, "-problems.json")


def _problems(history: History, run: str, instance: str) -> tuple[ProblemRow, ...]:
    found = history.problems(run, instance=instance or None)
    if found is None:
        raise HTTPException(404, "The archive does not know this run.")
    return found


def _file(lines: Iterator[str], run: str, ending: str) -> StreamingResponse:
    name = f'attachment; filename="partner-sync-{re.sub("[^0-9A-Za-z]+", "-", run)[:80]}{ending}"'
    kind = "text/csv" if ending.endswith("csv") else "application/json"
    return StreamingResponse(lines, media_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": name})
