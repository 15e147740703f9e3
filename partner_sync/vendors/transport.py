"""The HTTP session for both systems: bounded timeouts and retries, a reserve of the quota, no foreign host.

Retried:

    GET, token requests   broken connections (truncated bodies too), 409, 429, 502, 503, 504
    everything else       429, and connections that were never established: neither has an effect

A write waits at most `WRITE_WAIT_SECONDS`: after a longer wait, its caller must read again what it overwrites.

Without a response, the session raises an `UnavailableError`, whose `effect` says whether the request may have been
carried out. It never follows redirects: they turn a write into a read, and send credentials to other hosts. All other
responses, 4xx included, are returned to the caller.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLCertVerificationError
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, LocationValueError, NameResolutionError, NewConnectionError

from partner_sync import __version__
from partner_sync.config.settings import Calls
from partner_sync.errors import (
    ConfigError,
    Finding,
    RejectedError,
    TooManyJobsError,
    UnavailableError,
    UnknownHostError,
)
from partner_sync.vendors.endpoint import Endpoint, endpoint_finding
from partner_sync.vendors.quota import Quota, date_of, quota_of, retry_after

log = logging.getLogger(__name__)

TOKEN_PATHS = ("/oauth/tokens", "/services/oauth2/token", "/services/Soap/u/")
"""POSTs that are safe to retry: an extra token has no effect. The last path is Salesforce's SOAP login."""
SOAP_LOGIN = TOKEN_PATHS[2]
WRITE_WAIT_SECONDS = 2
"""The longest wait before a write is sent, or sent again."""
QUOTA_STEP = "find out who uses up the quota, or lower calls.reserve_percent in the config."
BUSY = frozenset({409, 429, 502, 503, 504})
"""Status codes after which a repeatable request is retried. 409 is Zendesk's "database collision"."""


@dataclass(frozen=True)
class Answer:
    """The last request and the status of its response, for messages: no host, no query."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class _Failure:
    """Why an attempt had no usable response. `harmless`: it had no effect. `again`: it may be retried."""

    happened: str
    harmless: bool
    again: bool
    wait: float | None = None
    vendor_message: str = ""


class Session(requests.Session):
    """A `requests` session for one system.

    `host` is the configured host; `domain`, if given, also allows every https host below it. `calls` counts attempts on
    the wire, `token_calls` the token requests among them. `where` names the Connection in messages. After
    `write_until`, a time of `clock`, no attempt of a write begins. `earliest` is the earliest time in a header `Date`.
    """

    def __init__(
        self,
        system: str,
        host: str,
        settings: Calls,
        *,
        where: str = "",
        domain: str | None = None,
        endpoint_url: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.system, self.host, self.where = system, host.lower(), where or f"the Connection of {system}"
        self.calls, self.token_calls = 0, 0
        self.write_until = math.inf
        self.earliest: datetime | None = None
        self.last = Answer("", "", 0)
        self._settings, self._domain, self._sleep, self._clock = settings, domain, sleep, clock
        self._quota: tuple[Quota, float] | None = None
        self._endpoint = urlsplit(endpoint_url) if endpoint_url else None
        if endpoint_url:
            if finding := endpoint_finding(endpoint_url):
                raise ConfigError(self.where, [finding])
            self.mount("https://", Endpoint(endpoint_url))
            self.mount("http://", Endpoint(endpoint_url))
        self.headers["User-Agent"] = f"partner-sync/{__version__}"
        self.auth = as_it_is  # or requests would replace our credentials by a login from ~/.netrc
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)  # its DEBUG lines contain query strings

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Sends the request until there is a response for the caller, or a retry cannot help."""
        url = urlsplit(request.url or "")
        method, path = request.method or "", url.path
        self.refuse_foreign(url)
        token = method == "POST" and path.startswith(TOKEN_PATHS)
        repeatable = token or method in ("GET", "HEAD")
        kwargs |= {"allow_redirects": False, "timeout": (self._settings.connect_seconds, self._settings.read_seconds)}
        kwargs["verify"] = kwargs.get("verify") or True
        failure = _Failure("was not called", harmless=True, again=False)
        longest = (
            self._settings.max_wait_seconds if repeatable else min(self._settings.max_wait_seconds, WRITE_WAIT_SECONDS)
        )
        for wait in [*self._waits(longest), None]:
            self._keep_reserve(method, path, longest)
            if not repeatable and self._clock() > self.write_until:
                failure = _Failure("was not asked in time", harmless=True, again=False, wait=0)
                break
            if token:
                self.token_calls += 1
            else:
                self.calls += 1
            outcome = self._attempt(request, repeatable, kwargs)
            if isinstance(outcome, requests.Response):
                return outcome
            failure = outcome
            asked = failure.wait
            if wait is None or not failure.again or (asked or 0) > longest:
                break
            wait = wait if asked is None else asked
            log.info("%s %s at %s %s; trying again in %.1f s", self.system, failure.happened, method, path, wait)
            self._sleep(wait)
        raise UnavailableError(
            self.system,
            method,
            path,
            failure.happened,
            effect="none" if repeatable or failure.harmless else "unknown",
            retry_after=failure.wait,
            vendor_message=failure.vendor_message,
        )

    def _waits(self, longest: float) -> Iterator[float]:
        """Seconds between attempts, one fewer than there are attempts."""
        for attempt in range(self._settings.attempts - 1):
            yield min(self._settings.first_wait_seconds * 2**attempt, longest)

    def _attempt(
        self, request: requests.PreparedRequest, repeatable: bool, kwargs: dict[str, Any]
    ) -> requests.Response | _Failure:
        """One attempt on the wire, its body read to the end."""
        problem: requests.RequestException | LocationValueError
        try:
            response = super().send(request, **kwargs)
        except (requests.RequestException, LocationValueError) as error:
            problem = error
        else:
            return self._checked(request, response, repeatable)
        # Outside of the except, since the exception's message contains the query string.
        return self._broken(request, problem, repeatable)

    def _broken(
        self,
        request: requests.PreparedRequest,
        problem: requests.RequestException | LocationValueError,
        repeatable: bool,
    ) -> _Failure:
        wrapped = list(_causes(problem))
        causes = set(map(type, wrapped))
        if isinstance(problem, LocationValueError):
            advice = "Each part between dots has 1 to 63 characters; check endpoint_url too, if it is set."
            raise ConfigError(self.where, [Finding("host", "is not a possible host name", advice)])
        if any(issubclass(cause, SSLCertVerificationError) for cause in causes):
            advice = "Add its authority to the file that REQUESTS_CA_BUNDLE names; the check cannot be turned off."
            raise ConfigError(self.where, [Finding("host", "has a TLS certificate that is not trusted here", advice)])
        if lookup := next((cause for cause in wrapped if isinstance(cause, NameResolutionError)), None):
            absent = isinstance(lookup.__cause__, socket.gaierror) and lookup.__cause__.errno == socket.EAI_NONAME
            method, path, host = request.method or "", urlsplit(request.url or "").path, lookup.conn.host
            raise UnknownHostError(self.system, method, path, host, self.where, absent=absent)
        if any(issubclass(cause, NewConnectionError | ConnectTimeoutError) for cause in causes):
            return _Failure("could not be reached", harmless=True, again=True)
        if isinstance(problem, requests.Timeout):
            happened = f"did not answer within {self._settings.read_seconds:g} s"
        else:
            happened = "broke the connection"
        return _Failure(happened, harmless=False, again=repeatable)

    def _checked(
        self, request: requests.PreparedRequest, response: requests.Response, repeatable: bool
    ) -> requests.Response | _Failure:
        """The response for the caller; a failure if the system is busy or broken."""
        method, path, status = request.method or "", urlsplit(request.url or "").path, response.status_code
        self.last = Answer(method, path, status)
        self.earliest = min(filter(None, (self.earliest, date_of(response.headers))), default=None)
        quota = quota_of(response.headers)
        self._quota = (quota, self._clock()) if quota else self._quota
        if response.is_redirect:
            self._refuse_redirect(response, method, path)
        wait, vendor_message = retry_after(response.headers), response.text[:2000] if status >= 400 else ""
        if not repeatable and zendesk_error(response) == "TooManyJobs":  # whatever its status, which is undocumented
            busy, message = "has too many jobs queued or running", vendor_message
            raise TooManyJobsError(
                self.system, method, path, busy, effect="none", retry_after=wait, vendor_message=message
            )
        if status == 429 or (repeatable and status in BUSY):
            return _Failure(
                f"answered {status}", harmless=status == 429, again=True, wait=wait, vendor_message=vendor_message
            )
        if status >= 500 and not (status == 500 and path.startswith(SOAP_LOGIN)):  # a SOAP fault is a 500
            return _Failure(f"answered {status}", harmless=False, again=False, wait=wait, vendor_message=vendor_message)
        return response

    def _keep_reserve(self, method: str, path: str, longest: float) -> None:
        """Waits, or raises, while no more of the quota is left than the reserve for others."""
        if self._quota is None:
            return
        quota, at = self._quota
        percent = self._settings.reserve_percent
        if not quota.under(percent):
            return
        left = f"has {quota.remaining} of {quota.limit} requests left, under the reserve of {percent:g} % for others,"
        wait = at + quota.resets_in - self._clock()
        if wait > longest:
            raise UnavailableError(
                self.system, method, path, left, effect="none", retry_after=wait, next_step=QUOTA_STEP
            )
        self._quota = None
        if wait > 0:
            log.info("%s %s waiting %.0f s for the reset", self.system, left, wait)
            self._sleep(wait)

    def _refuse_redirect(self, response: requests.Response, method: str, path: str) -> None:
        try:
            target = urlsplit(requests.compat.urljoin(response.url, response.headers.get("location", ""))).hostname
        except ValueError:
            target = None
        raise RejectedError(
            self.system,
            method,
            path,
            response.status_code,
            response.text,
            f"It redirects to {target or 'an invalid URL'}, where nothing was sent. Redirects are not followed: set the"
            f" final host in {self.where}, and check that the account is not suspended.",
        )

    def get_redirect_target(self, response: requests.Response) -> None:
        """None: requests parses the target of a redirect even if it may not follow it, and fails on invalid URLs."""

    def refuse_foreign(self, url: SplitResult) -> None:
        """Raises ConfigError for a host that only a response names, and not the Connection."""
        host, plain = url.hostname or "", url.scheme == "https" and url.port in (None, 443) and "@" not in url.netloc
        if plain and (host == self.host or (self._domain is not None and host.endswith(f".{self._domain}"))):
            return
        if self._endpoint is not None and url.netloc.lower() == self._endpoint.netloc.lower():
            return
        allowed = f"https://{self.host}" + (f" or an https host below .{self._domain}" if self._domain else "")
        wrong = f"conflicts with a request for {url.scheme}://{host}, not for {allowed}; nothing was sent there"
        advice = "Correct the host there; if it is right, find out which server responds in its place."
        raise ConfigError(self.where, [Finding("host", wrong, advice)])


def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The `auth` of a request that already has its credential, or needs none."""
    return request


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that `error` wraps, at any depth: urllib3 has them as a reason, requests as an argument.

    `__cause__` and `__context__` are ignored: they can belong to another request that the caller was handling.
    """
    yield error
    for wrapped in (*error.args, getattr(error, "reason", None)):
        if isinstance(wrapped, BaseException):
            yield from _causes(wrapped)


def zendesk_error(response: requests.Response) -> object:
    """Zendesk's code for an error, for example "TooManyJobs"; None for a body without one."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return None
    return body.get("error") if isinstance(body, dict) else None
