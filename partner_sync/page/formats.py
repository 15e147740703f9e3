"""Times, durations, counts and addresses as people read them. Pure."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from partner_sync.history.lists import PartnerRow
from partner_sync.history.organization_results import SearchHit

KIND_SIGNS = {"create": "+", "update": "~", "mark": "−"}
OUTCOME_SIGNS = {
    "confirmed": "✓",
    "rejected": "✕",
    "superseded": "↷",
    "unknown": "?",
    "waiting": "…",
    "not written": "–",
    "withheld": "‖",
    "left": "–",
    "dry run": "○",
    "planning only": "○",
}
STATE_SIGNS = {"success": "✓", "failed": "✕", "dry run": "○", "planning only": "○", "running": "…"}
NOW_SIGNS = {"as desired": "●", "differs": "≠", "problem": "!", "marked": "−", "not known": "?"}


def exact(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def short(at: datetime) -> str:
    """A time as the name of a run."""
    return f"{at.day} {at:%b %H:%M} UTC"


def took(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def bar(count: int) -> int:
    """The height of a run's bar, 0 to 10. It doubles from step to step, so one large run leaves the rest visible."""
    return min(10, count.bit_length())


def number(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def spaced(name: str) -> str:
    """A key as text: open_partner is "open partner"."""
    return name.replace("_", " ")


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def ordinal(count: int) -> str:
    """The place of the next: 76 is "76th"."""
    ending = "th" if 10 <= count % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count:,}{ending}"


def story_link(one: SearchHit | PartnerRow) -> str:
    """The address of an account's page, or of its organization's where no account is known."""
    if one.account_id:
        return link("story", account=one.account_id)
    return link("story", instance=one.instance, organization=one.organization_id)


def link(page: str, /, **asked: object) -> str:
    """A relative address; empty values are left out."""
    pairs = {key: one for key, one in asked.items() if one not in (None, "")}
    return f"{page}?{urlencode(pairs)}" if pairs else page
