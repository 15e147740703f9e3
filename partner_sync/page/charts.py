"""The numbers of the overview's charts. Pure."""

from __future__ import annotations

from partner_sync.history.results import Overview
from partner_sync.page.formats import exact, link, took


def chart_numbers(overview: Overview) -> dict[str, object]:
    """Runs, the oldest first, and partners by day. Every column links to its run."""
    return {
        "runs": [
            {
                "at": exact(row.begun),
                "label": f"{row.begun.day} {row.begun:%b %H:%M}",
                "caption": f"{row.state}, {took(row.seconds)}",
                "href": link("run", run=row.run_id, instance=overview.instance),
                "created": row.written["create"],
                "updated": row.written["update"],
                "marked": row.written["mark"],
                "rejected": row.verdicts.get("rejected", 0),
                "problems": row.problems,
                "seconds": row.seconds,
                "calls": row.calls,
            }
            for row in overview.chart
        ],
        "partners": [
            {"label": f"{one.at.day} {one.at:%b}", "types": one.by_type} for one in overview.partners_over_time
        ],
    }
