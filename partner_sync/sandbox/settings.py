"""How the two systems behave: sizes, limits and times, each one declared once.

The same names are the command line's flags, the keyword arguments of ``Sandbox`` and the keys of
``PATCH /_sandbox/settings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .tokens import SALESFORCE_HOST, ZENDESK_HOST


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass
class Settings:
    """Every setting with its unit in ``meaning``; a limit of 0 means no limit."""

    latency: float = _setting(0.0, "seconds that each vendor call takes")
    job_seconds: float = _setting(0.5, "seconds that a bulk job takes, its time in the queue included")
    job_limit: int = _setting(30, "bulk jobs that may be queued or working at a time")
    jobs_kept_seconds: float = _setting(86_400.0, "seconds after which an ended job is forgotten")
    salesforce_page_size: int = _setting(2_000, "most records on a page of a query")
    salesforce_token_seconds: float = _setting(7_200.0, "life of a Salesforce session in seconds")
    # One report of it, which the vendor does not document: assumption.
    salesforce_bound_locators: int = _setting(
        1, "1: only the session that asked a query can have its next pages; 0: every session can"
    )
    salesforce_calls_per_day: int = _setting(100_000, "Salesforce API calls in 24 hours")
    salesforce_instance_url: str = _setting(
        f"https://{SALESFORCE_HOST}", "the instance_url in the response to a Salesforce login"
    )
    zendesk_calls_per_minute: int = _setting(2_500, "Zendesk API calls in a window")
    zendesk_window_seconds: float = _setting(60.0, "seconds in a window of Zendesk's rate limit")
    zendesk_token_seconds: float = _setting(1_800.0, "life in seconds of a Zendesk token whose request names none")
    zendesk_canonical_url: str = _setting(
        f"https://z3n-{ZENDESK_HOST}", "the base of links and urls in Zendesk's responses"
    )
    zendesk_search_lag_seconds: float = _setting(0.0, "seconds until Zendesk's search knows of new tickets")
    zendesk_updates_per_minute: int = _setting(5, "single updates of one organization in a window")
    zendesk_exports_per_minute: int = _setting(10, "pages of incremental exports in a window")
    zendesk_export_delay_seconds: float = _setting(
        60.0, "age in seconds from which on a change is in an incremental export, and its start_time is accepted"
    )
    zendesk_count_cached_above: int = _setting(
        100_000, "number of organizations above which their count can be a day old"
    )

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set the named settings, all of them or none.

        Raises ``ValueError`` for an unknown name, a wrong type or a negative number.
        """
        accepted: dict[str, Any] = {}
        defaults = {each.name: each.default for each in fields(self)}
        for name, value in changes.items():
            if name not in defaults:
                raise ValueError(f"unknown setting {name!r}; known are {', '.join(sorted(defaults))}")
            accepted[name] = _checked(name, value, defaults[name])
        for name, value in accepted.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """All settings by name."""
        return asdict(self)


def _checked(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, str):
        if not isinstance(value, str) or not value:
            raise ValueError(f"setting {name!r} must be a text, not {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"setting {name!r} must be a number from 0, not {value!r}")
    if isinstance(default, int) and value != int(value):
        raise ValueError(f"setting {name!r} must be a whole number, not {value!r}")
    return type(default)(value)
