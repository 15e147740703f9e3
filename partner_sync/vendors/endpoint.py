"""The connection extra `endpoint_url`: a base URL that replaces the vendor's host."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from partner_sync.errors import Finding


def endpoint_finding(endpoint_url: str) -> Finding | None:
    """The error in the `endpoint_url` of a Connection; None if it is valid."""
    key, advice = "endpoint_url", "Write https://host[:port], or http://127.0.0.1:port for a server on this machine."
    try:
        url = urlsplit(endpoint_url)
        host, _port = url.hostname, url.port
    except ValueError:
        return Finding(key, "is not a URL", advice)
    if url.scheme not in ("http", "https") or not host:
        return Finding(key, "is not an http or https URL with a host", advice)
    if url.username is not None or url.query or url.fragment:
        return Finding(key, "contains a user, a query or a fragment", advice)
    if url.scheme == "http" and not is_loopback(host):
        return Finding(key, "uses plain http, which would show the credentials to the network", advice)
    return None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Endpoint(HTTPAdapter):
    """Sends requests for the vendor's host to `base`. Responses keep the URL of the vendor's host."""

    def __init__(self, base: str) -> None:
        self._base = urlsplit(base)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        vendor_url = request.url or ""
        request.url = self._moved(urlsplit(vendor_url))
        loopback = is_loopback(self._base.hostname or "")
        kwargs["proxies"] = {} if loopback else requests.utils.get_environ_proxies(request.url)
        try:
            response = super().send(request, *args, **kwargs)
        finally:
            request.url = vendor_url  # clients recognize their own responses by it
        response.url = vendor_url
        return response

    def _moved(self, url: SplitResult) -> str:
        prefix = self._base.path.rstrip("/")
        own = url.netloc.lower() == self._base.netloc.lower() and url.path.startswith(f"{prefix}/")
        path = url.path if own else prefix + url.path
        return urlunsplit((self._base.scheme, self._base.netloc, path, url.query, ""))
