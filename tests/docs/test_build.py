"""The documentation builds without warnings, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import PAGES, README, REPOSITORY


def test_sphinx_builds_every_page_without_a_warning(tmp_path: Path):
    options = ["-q", "-W", "--keep-going", "-b", "html", "-d", str(tmp_path / "trees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "docs", str(tmp_path / "html")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (built.returncode, built.stderr) == (0, "")
    html = {path.stem for path in (tmp_path / "html").glob("*.html")}
    assert {page.stem for page in PAGES if page.name != "README.md"} <= html


def test_every_page_is_in_the_table_of_contents():
    index = (REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z-]+)$", "".join(re.findall(r"```{toctree}(.*?)```", index, re.DOTALL)), re.MULTILINE)
    assert sorted(entries) == sorted(page.stem for page in PAGES if page.stem not in ("README", "index"))


def test_every_relative_link_leads_to_a_file_and_its_heading():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            if "://" not in target and not (file.exists() and (not anchor or anchor in anchors(file))):
                broken.append(f"{page.name}: {target}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_has_at_most_150_lines():
    assert len(README.splitlines()) <= 150
