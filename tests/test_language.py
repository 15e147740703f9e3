"""Product, documentation and page use the terms of the field, in American English: none of the words listed here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("partner_sync", "dags", "plugins", "docs")
FILES = ("README.md", "CHANGELOG.md", "Makefile", "docker-compose.yaml", ".env.example", "pyproject.toml")
SUFFIXES = {".py", ".html", ".css", ".js", ".toml", ".sh", ".md", ".yaml"}

WORDS = {
    "told|tells?|untold|retold": "reported, reports, shows",
    "mend(s|ed|ing)?": "fix",
    "mistakes?": "errors",
    "(in|out of) step": "in sync",
    "how (the )?partners stand": "partner state",
    "anew": "again",
    "whoever|whomever": "who",
    "be it": "whether",
    "a look": "a view, a check",
    "things?": "the name of it",
    "look-ups?": "a lookup, a map",
    "needs? a person": "needs attention",
    "how to go on": "View, Review",
    "words of (Zendesk|Salesforce)|(Zendesk|Salesforce)'s (own )?words": "message, response",
    "answer to its submit": "response to the submit",
    "of kind (create|update|mark)": "creates, updates, marks",
    "centre|colou?rs? of|behaviour|favour|honour|licence|grey|cancelled|labelled|travell": "the American spelling",
    r"(organ|recogn|normal|serial|canonical|summar|minim|maxim)is(e|es|ed|ing|ation)": "the American spelling",
}
"""Words that no text has, nor a name in the code, to what to write instead. Regular expressions."""

PRODUCT_WORDS = {
    "blanks?": "whitespace, empty",
    "figures?": "metrics, telemetry, numbers",
    "standings?": "partner state",
}
"""The same, except in the sandbox, which speaks as Zendesk's API does, and in paths and tables that stay readable."""

PAGE_WORDS = {
    "verdicts?": "result",
    "superseded": "skipped: edited by someone else",
    "withheld": "on hold",
    "as desired": "matches Salesforce",
    "differs?": "out of date",
    "look": "View, Review",
    "proof": "all rows read",
    "account without an organization": "new partner",
    "circle": "names swapped",
    "armed": "planning only",
}
"""The same for what the page shows."""

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", re.DOTALL)

EXCEPT = re.compile(r'target=\\?"?_blank|"standing"|/standing/|_blank\b|BlankValue')


def pattern(words: dict[str, str]) -> re.Pattern[str]:
    """Whole words of prose, and parts of names between underscores; spaces stand for underscores and line ends too."""
    spaced = "|".join(words).replace(" ", r"[\s_]+(?:# |// )?")
    return re.compile(rf"(?<![^\W_])(?:{spaced})(?![^\W_])", re.IGNORECASE)


def texts() -> list[Path]:
    found = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*") if path.suffix in SUFFIXES]
    kept = [path for path in found if not {"vendor", "__pycache__", "_build"} & set(path.parts)]
    return sorted([*kept, *(REPOSITORY / name for name in FILES)])


def avoided(path: Path) -> Iterator[str]:
    """Lines with a word to avoid, as `line: word`."""
    text = EXCEPT.sub(lambda found: " " * len(found[0]), path.read_text(encoding="utf-8"))
    for words in (WORDS,) if "sandbox" in path.parts else (WORDS, PRODUCT_WORDS):
        for found in pattern(words).finditer(text):
            yield f"{path.relative_to(REPOSITORY)}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]!r}"


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_word_is_used_that_is_to_be_avoided(path):
    assert [] == list(avoided(path))


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "partner_sync" / "page" / "templates").iterdir()), ids=lambda path: path.name
)
def test_the_page_shows_the_words_of_people(path):
    assert [] == pattern(PAGE_WORDS).findall(JINJA.sub(" ", path.read_text(encoding="utf-8")))
