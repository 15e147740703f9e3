"""The script that posts a preview on a pull request, against a server on loopback that keeps comments."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

REPOSITORY = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("post_preview", REPOSITORY / ".ci" / "post_preview.py")
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


class Forge(HTTPServer):
    """Comments by id, and the last request."""

    comments: dict[int, str]
    last: tuple[str, str, dict[str, str]]
    status = 200


class Handler(BaseHTTPRequestHandler):
    server: Forge

    def do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = self.path.split("?")[0]
        self.server.last = self.command, path, dict(self.headers)
        if self.command == "POST":
            self.server.comments[len(self.server.comments) + 1] = body["body"]
        elif body is not None:
            self.server.comments[int(path.rsplit("/", 1)[1])] = body["body"]
        answer = json.dumps([{"id": one, "body": text} for one, text in self.server.comments.items()]).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do  # noqa: N815 - the names that the server calls

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge(("127.0.0.1", 0), Handler) as server:
        server.comments = {1: "Somebody's comment"}
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def github(forge: Forge) -> dict[str, str]:
    url = f"http://127.0.0.1:{forge.server_port}"
    return {"PULL_REQUEST": "7", "GITHUB_API_URL": url, "GITHUB_REPOSITORY": "acme/sync", "GITHUB_TOKEN": "secret"}


def gitlab(forge: Forge) -> dict[str, str]:
    url = f"http://127.0.0.1:{forge.server_port}"
    return {"CI_MERGE_REQUEST_IID": "7", "CI_API_V4_URL": url, "CI_PROJECT_ID": "12", "GITLAB_TOKEN": "secret"}


@pytest.mark.parametrize(
    ("environ", "method", "posted", "changed", "header"),
    [
        (github, "PATCH", "/repos/acme/sync/issues/7/comments", "/repos/acme/sync/issues/comments/2", "Authorization"),
        (
            gitlab,
            "PUT",
            "/projects/12/merge_requests/7/notes",
            "/projects/12/merge_requests/7/notes/2",
            "PRIVATE-TOKEN",
        ),
    ],
    ids=["GitHub", "GitLab"],
)
def test_a_preview_is_one_comment_which_the_next_push_replaces(forge, environ, method, posted, changed, header):
    found = script.thread(environ(forge))
    script.post(found, "12 rows differ")
    assert ("POST", posted) == forge.last[:2]
    assert "secret" in forge.last[2][header]
    script.post(found, "3 rows differ")
    assert (method, changed) == forge.last[:2]
    assert {1: "Somebody's comment", 2: f"{script.MARK}\n3 rows differ"} == forge.comments


def test_a_refused_comment_fails_the_job(forge):
    forge.status = 403
    with pytest.raises(requests.HTTPError):
        script.post(script.thread(github(forge)), "12 rows differ")


def test_a_config_with_errors_is_posted_with_its_errors_and_fails_the_job(forge, tmp_path):
    config = tmp_path / "new.toml"
    config.write_text("problems = 1\n```\n")
    assert 1 == script.main([str(config)], github(forge))
    assert "There is no preview." in forge.comments[2]
    assert str(config) in forge.comments[2]


def test_without_a_pull_request_the_preview_is_printed(tmp_path, capsys):
    config = tmp_path / "new.toml"
    config.write_text("problems = 1\n")
    assert 1 == script.main([str(config)], {})
    assert "There is no preview." in capsys.readouterr().out
