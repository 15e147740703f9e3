"""The words of a SOQL query, and how a query is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<date>\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:?\d{2}))?(?![\w:-])|[A-Za-z_]+:\d+)
      | (?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
      | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w:-]))
      | (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<sign>!=|<=|>=|<>|=|<|>|\(|\)|,)""",
    re.VERBOSE | re.DOTALL,
)
# A row of the recorded error shows the query around the place; how much of it is an assumption.
_FRAGMENT = 40
# The code of a query that Salesforce would take and the sandbox does not: none of Salesforce's own.
UNSUPPORTED = "SANDBOX_UNSUPPORTED"


class QueryError(Exception):
    """A refused query: ``code`` is Salesforce's errorCode, the text its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Token:
    """A word, number, date, text or sign, where it stands, and what it means."""

    kind: str
    text: str
    at: int

    def is_keyword(self, word: str) -> bool:
        """Whether this is the given keyword, in any case."""
        return self.kind == "word" and self.text.lower() == word


def refuse(code: str, query: str, at: int, reason: str) -> NoReturn:
    """Raise the error in the recorded form: a line break, the query around the place, a caret, row and column."""
    row = query.count("\n", 0, at)
    start = query.rfind("\n", 0, at) + 1
    end = query.find("\n", at)
    line = query[start:] if end < 0 else query[start:end]
    column = at - start
    cut = max(0, column - _FRAGMENT)
    fragment = line[cut : column + _FRAGMENT]
    caret = " " * (column - cut) + "^"
    place = f"ERROR at Row:{row + 1}:Column:{column + 1}"
    raise QueryError(code, f"\n{fragment}\n{caret}\n{place}\n{reason}")


def tokens_of(query: str) -> list[Token]:
    """The tokens of a query, an end after them. Raises ``QueryError`` with MALFORMED_QUERY."""
    tokens: list[Token] = []
    at = 0
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None:
            reason = f"line 1:{at} no viable alternative at character '{query[at]}'"
            raise QueryError("MALFORMED_QUERY", reason)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    tokens.append(Token("end", "<EOF>", len(query)))
    return tokens
