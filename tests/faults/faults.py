"""The columns of the fault matrix: everything that can hit a call, an access to an object, or a clock."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Literal

from tests.faults.calls import Call, Order

FOREIGN = "elsewhere.example"
AN_HOUR = 3600.0
WRONG_CLOCK = "ahead of this worker's clock|minutes before the other one"

Lasts = Literal["once", "until a task fails", "the whole run"]
How = Literal["http", "full", "gone", "cut", "killed", "killed after", "killed for good", "clock"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong; `how` says with what: `http` faults are orders to the sandbox, which `orders` has.

    `cause` is how a message names it. `lasts` says when it is over, `submit_lasts` the same where the call is a submit,
    whose outcome it leaves open. `abroad` needs a network with a foreign host, `ahead` are seconds of a wrong clock.
    """

    name: str
    orders: Callable[[Call], list[Order]] = lambda call: []
    cause: str = ""
    lasts: Lasts = "until a task fails"
    submit_lasts: Lasts = "once"
    how: How = "http"
    abroad: bool = False
    ahead: float = 0


def on_call(do: str, **more: Any) -> Callable[[Call], list[Order]]:
    return lambda call: [{"do": do, **more, **call.at}]


def refusal(call: Call) -> list[Order]:
    return [{"do": "refuse", **(call.before or {"system": call.system, "path": "/knock"})}]


def _words(call: Call, status: int) -> Any:
    """What the vendors say in the body of an error."""
    if call.form == "token":
        error = {"error": "invalid_client", "error_description": "invalid client credentials"}
        return error if status in (400, 401, 403) else {"error": "Something went wrong"}
    if call.system == "salesforce":
        codes = {401: "INVALID_SESSION_ID", 403: "API_DISABLED_FOR_ORG", 404: "NOT_FOUND"}
        return [{"message": "No.", "errorCode": codes.get(status, "UNKNOWN_EXCEPTION")}]
    names = {401: "Couldn't authenticate you", 403: "Forbidden", 404: "RecordNotFound", 409: "DatabaseConflict"}
    return {"error": names.get(status, "InternalError"), "description": "No."}


def status(code: int, **more: Any) -> Callable[[Call], list[Order]]:
    def orders(call: Call) -> list[Order]:
        body = json.dumps(_words(call, code))
        answer = {"do": "status", "status": code, "body": body, "content_type": "application/json"}
        return [{**answer, **more, **call.at}]

    return orders


def redirect(call: Call) -> list[Order]:
    """307 and 308 repeat method and body: the one that would carry a write away."""
    to = f"https://{FOREIGN}/login"
    return [{"do": "redirect", "status": 302 if call.form in ("read", "page") else 307, "location": to, **call.at}]


def skewed(call: Call) -> list[Order]:
    """A 429 that names the end of the wait by a clock which is an hour ahead, and answers dated by that clock."""
    now = time.time() + AN_HOUR
    headers = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + 1, usegmt=True)}
    at = {"times": 1, **call.at}
    return [
        {"do": "status", "status": 429, "headers": headers, **at},
        {"do": "clock_skew", "seconds": AN_HOUR, "times": None, **call.at},
    ]


FAULTS = (
    Fault("refused", refusal, "could not be reached", submit_lasts="until a task fails"),
    Fault("reset before", on_call("reset_before"), "broke the connection"),
    Fault("reset after", on_call("reset_after"), "broke the connection"),
    Fault("time-out", on_call("hang", seconds=1.3), "did not answer within 1 s"),
    Fault("slow body", on_call("slow_body", seconds=1.2), "is not an error", lasts="once"),
    Fault("cut body", on_call("truncated"), "broke the connection"),
    Fault(
        "broken JSON",
        on_call("truncated", how="body"),
        "answered broken JSON|answered something that cannot be read|answered without a token",
    ),
    Fault(
        "web page",
        on_call("html"),
        "It is no API answer|answered something (else than JSON|that cannot be read)|answered without a token",
    ),
    Fault("401", status(401), "with 401|ended the session of the query", submit_lasts="until a task fails"),
    Fault("403", status(403), "with 403", submit_lasts="until a task fails"),
    Fault("404", status(404), "with 404", submit_lasts="until a task fails"),
    Fault("409", status(409), "answered 409|with 409|had a database conflict", submit_lasts="until a task fails"),
    Fault("429", status(429), "answered 429", submit_lasts="until a task fails"),
    Fault(
        "429, wait",
        status(429, headers={"Retry-After": "1"}),
        r"answered 429 .* It asks to wait 1 s\.",
        submit_lasts="until a task fails",
    ),
    Fault("500", status(500), "answered 500"),
    Fault("502", status(502), "answered 502"),
    Fault("503", status(503), "answered 503"),
    Fault(
        "outage",
        status(503),
        "answered 503",
        lasts="the whole run",
        submit_lasts="the whole run",
    ),
    Fault("redirect", redirect, f"It redirects to {FOREIGN}", abroad=True),
    Fault(
        "foreign link",
        on_call("foreign_links", host=FOREIGN),
        FOREIGN,
        abroad=True,
    ),
    Fault(
        "foreign instance",
        on_call("foreign_links", host=FOREIGN),
        FOREIGN,
        abroad=True,
    ),
    Fault("clock skew", skewed, "answered 429", lasts="the whole run", submit_lasts="the whole run"),
    Fault("killed", how="killed"),
    Fault("killed after", how="killed after"),
    Fault("killed for good", how="killed for good"),
    Fault("disk full", cause="Object storage did not write .*: File too large", how="full"),
    Fault(
        "vanished",
        cause="points to an object that is not there any more, or is damaged|is not named in the archive",
        how="gone",
    ),
    Fault(
        "damaged",
        cause="points to an object that is not there any more, or is damaged|is not a (Plan|Memory)/",
        how="cut",
    ),
    Fault("clock ahead", cause=WRONG_CLOCK, how="clock", ahead=AN_HOUR),
    Fault("clock behind", cause=WRONG_CLOCK, how="clock", ahead=-AN_HOUR),
)
"""In order of appearance in the table. The clocks of `clock skew` are the vendors', those of the last two our own."""

NEXT_STEP = r"\b([Cc]heck|Give|Clear|[Ww]rite|Name|Look at|Add|Set|[Ff]ix|Correct|move it away|remove)\b"
