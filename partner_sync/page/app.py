"""The page as a FastAPI application, given a history and an access check. No Airflow."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from partner_sync.errors import ConfigError
from partner_sync.history import History
from partner_sync.page.assets import FILES
from partner_sync.page.dag import DagView, dag_view
from partner_sync.page.routes import router
from partner_sync.page.views import PageContext, render_message

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
REFUSED = {
    401: (
        "Log in first",
        "Partner Sync is available to users who are logged in to Airflow. Log in and reload this page.",
    ),
    403: (
        "No permission",
        "You do not have permission to see the runs of the DAG partner_sync. Ask your Airflow administrator.",
    ),
}


def page_app(
    history: Callable[[], History], may_look: Callable[..., Any], dag: Callable[..., DagView] = dag_view
) -> FastAPI:
    """`may_look` is a dependency of every route, static files included; `dag` is the dependency that asks Airflow."""
    made = FastAPI(dependencies=[Depends(may_look)], docs_url=None, redoc_url=None, openapi_url=None)
    made.dependency_overrides[dag_view] = dag
    made.state.history = history

    @made.middleware("http")
    async def with_headers(request: Request, follow: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await follow(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    _answer_errors(made)

    @made.get("/static/{name:path}")
    def static(name: str) -> FileResponse:
        if name not in FILES:
            raise HTTPException(404, "There is no such file.")
        kept = {"Cache-Control": "private, max-age=31536000, immutable"}
        return FileResponse(FILES[name], media_type=mimetypes.guess_type(name)[0], headers=kept)

    made.include_router(router)
    return made


def _answer_errors(made: FastAPI) -> None:
    """Errors become plain messages, HTML in a browser."""

    @made.exception_handler(ConfigError)
    def not_configured(request: Request, error: ConfigError) -> HTMLResponse:  # noqa: ARG001 - FastAPI passes it
        return HTMLResponse(_error_page("The archive cannot be opened", str(error)), 503)

    @made.exception_handler(RequestValidationError)
    def misspelled(request: Request, error: RequestValidationError) -> HTMLResponse:  # noqa: ARG001 - FastAPI passes it
        wrong = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
        return HTMLResponse(_error_page("Invalid address", f"These parts of the address are not valid: {wrong}."), 422)

    @made.exception_handler(AnyHTTPException)  # FastAPI's own too, such as an unknown address
    def refused(request: Request, error: AnyHTTPException) -> Response:
        if "text/html" not in request.headers.get("Accept", "") and error.status_code != 404:
            return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)
        title, text = REFUSED.get(error.status_code, ("Not found", str(error.detail)))
        return HTMLResponse(_error_page(title, text), error.status_code, headers=error.headers)


def _error_page(title: str, text: str) -> str:
    return render_message(title, text, PageContext(datetime.now(timezone.utc)))
