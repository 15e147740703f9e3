"""Posts the preview of a config on its pull request or merge request: one comment, which later pushes update.

    python .ci/post_preview.py dags/partner_sync.toml

GitHub Actions and GitLab CI set most of the variables. Elsewhere, the preview is printed. Exit code 1: there is no
preview, for example because the config has errors; they are posted as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

import requests

MARK = "<!-- partner-sync-preview -->"
"""Begins our comment, so that the next push finds it."""
SECONDS = 30


class Thread(NamedTuple):
    """The comments of a pull request: where they are listed, where one of them is changed, and how."""

    comments: str
    comment: str
    headers: Mapping[str, str]
    change: str


def thread(environ: Mapping[str, str]) -> Thread | None:
    """The thread of this pipeline; None if it is not about a pull request."""
    if number := environ.get("PULL_REQUEST"):
        issues = f"{environ['GITHUB_API_URL']}/repos/{environ['GITHUB_REPOSITORY']}/issues"
        headers = {"Authorization": f"Bearer {environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
        return Thread(f"{issues}/{number}/comments", f"{issues}/comments", headers, "PATCH")
    if number := environ.get("CI_MERGE_REQUEST_IID"):
        notes = f"{environ['CI_API_V4_URL']}/projects/{environ['CI_PROJECT_ID']}/merge_requests/{number}/notes"
        return Thread(notes, notes, {"PRIVATE-TOKEN": environ["GITLAB_TOKEN"]}, "PUT")
    return None


def preview(config: str) -> tuple[int, str]:
    """The exit code of the command, and what it shows as Markdown."""
    command = [sys.executable, "-m", "partner_sync.preview", "--config", config, "--format", "markdown"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode in (0, 2):
        return 0, done.stdout
    return 1, f"### Effect of this config\n\nThere is no preview.\n\n```text\n{done.stderr.replace('```', '')}\n```\n"


def post(found: Thread, text: str) -> None:
    """Posts the text, or replaces the comment that an earlier push posted. Raises requests.RequestException."""
    with requests.Session() as session:
        session.headers.update(found.headers)
        body = {"body": f"{MARK}\n{text}"}
        listed = session.get(found.comments, params={"per_page": 100}, timeout=SECONDS)
        listed.raise_for_status()
        ours = [one["id"] for one in listed.json() if str(one["body"]).startswith(MARK)]
        method, url = (found.change, f"{found.comment}/{ours[0]}") if ours else ("POST", found.comments)
        session.request(method, url, json=body, timeout=SECONDS).raise_for_status()


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    code, text = preview(arguments[0] if arguments else "dags/partner_sync.toml")
    found = thread(environ)
    if found is None:
        sys.stdout.write(text)
    else:
        post(found, text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
