"""SOQL as far as a query over one object needs it: read, checked, and really evaluated.

    SELECT path [, path ...] FROM Account
    [WHERE condition] [ORDER BY path [ASC|DESC] [NULLS FIRST|LAST] [, ...]] [LIMIT number]

A condition compares a path by ``=``, ``!=``, ``IN (...)`` or ``NOT IN (...)`` with texts in single
quotes, numbers, ``true``, ``false`` or ``null``; conditions are joined by AND or by OR, and mixing
the two in one level without parentheses is refused, as is NOT beside either (Salesforce's SOQL
reference, "Logical Operators"). Keywords, field names and text comparison ignore case ("Comparison
Operators"). What else is valid in SOQL is refused as not supported by the sandbox, and the rest is MALFORMED_QUERY.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

from .soql_tokens import UNSUPPORTED, Token, refuse, tokens_of

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_KEYWORDS = frozenset(
    (
        "select",
        "from",
        "where",
        "and",
        "or",
        "not",
        "in",
        "order",
        "by",
        "asc",
        "desc",
        "nulls",
        "first",
        "last",
        "limit",
    )
)
# Salesforce's page on the limits of SOQL allows a WHERE of 4,000 characters. That the whole counts, not each text in
# it, is the stricter reading and an assumption, as is the text of the error.
LONGEST_WHERE = 4_000
# What Salesforce takes in these places, and the sandbox does not.
_OTHER_COMPARISONS = frozenset(("like", "includes", "excludes", "<", ">", "<=", ">=", "<>", "("))
_OTHER_CLAUSES = frozenset(("using", "with", "group", "having", "offset", "for", "update", "all"))
_DATE_LITERAL = re.compile(r"(today|yesterday|tomorrow|((last|next|this)_|n_)\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Path:
    """A field of the query: the name as written, and where."""

    text: str
    at: int


@dataclass(frozen=True)
class Comparison:
    """``path = value``, or ``path IN (values)``; ``negated`` for != and NOT IN."""

    path: Path
    values: tuple[Any, ...]
    negated: bool
    at: int


@dataclass(frozen=True)
class Junction:
    """Conditions joined by "and" or "or"."""

    word: str
    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Negation:
    """NOT condition."""

    part: Condition


Condition = Comparison | Junction | Negation


@dataclass(frozen=True)
class Ordering:
    """One column of ORDER BY."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A query that is well-formed; whether its object and fields exist is not yet known."""

    text: str
    fields: tuple[Path, ...]
    entity: Path
    where: Condition | None
    order: tuple[Ordering, ...]
    limit: int | None


def parse(query: str) -> Query:
    """Read a query.

    Raises ``QueryError`` with MALFORMED_QUERY.
    """
    return _Parser(query).query()


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = tokens_of(query)
        self._place = 0

    def query(self) -> Query:
        self._expect("select")
        fields = [self._selected()]
        while self._accept_sign(","):
            fields.append(self._selected())
        self._expect("from")
        entity = self._path()
        if self._next.text == "," or (self._next.kind == "word" and self._next.text.lower() not in _KEYWORDS):
            self._unsupported(self._next)  # another object, or an alias
        where = self._where() if self._accept("where") else None
        order = self._order() if self._accept("order") else ()
        limit = self._limit() if self._accept("limit") else None
        self._refuse_any(_OTHER_CLAUSES)
        if self._next.kind != "end":
            self._unexpected()
        return Query(self._query, tuple(fields), entity, where, order, limit)

    def _selected(self) -> Path:
        """A field; functions, FIELDS(), TYPEOF and queries in the query are valid, but not supported."""
        self._refuse_any(frozenset(("typeof",)))
        if self._next.text == "(" and self._tokens[self._place + 1].is_keyword("select"):
            self._unsupported(self._next)
        path = self._path()
        self._refuse_any(frozenset(("(",)))
        return path

    def _where(self) -> Condition:
        start = self._next.at
        condition = self._level()
        if len(self._query[start : self._next.at].rstrip()) > LONGEST_WHERE:
            refuse("MALFORMED_QUERY", self._query, start, f"WHERE cannot be longer than {LONGEST_WHERE} characters")
        return condition

    def _level(self) -> Condition:
        """Everything between two parentheses: one NOT, or conditions joined by one and the same word."""
        if self._accept("not"):
            return Negation(self._term())
        parts = [self._term()]
        word = self._next.text.lower()
        if word not in ("and", "or"):
            return parts[0]
        while self._accept(word):
            parts.append(self._term())
        if self._next.is_keyword("and") or self._next.is_keyword("or"):
            self._unexpected()
        return Junction(word, tuple(parts))

    def _term(self) -> Condition:
        if self._accept_sign("("):
            inner = self._level()
            self._expect_sign(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        path = self._path()
        if self._accept_sign("="):
            return self._against(path, negated=False)
        if self._accept_sign("!="):
            return self._against(path, negated=True)
        self._refuse_any(_OTHER_COMPARISONS)
        negated = self._accept("not")
        self._expect("in")
        self._expect_sign("(")
        self._refuse_any(frozenset(("select",)))
        at = self._next.at
        values = [self._value()]
        while self._accept_sign(","):
            values.append(self._value())
        self._expect_sign(")")
        return Comparison(path, tuple(values), negated, at)

    def _against(self, path: Path, negated: bool) -> Comparison:
        at = self._next.at
        return Comparison(path, (self._value(),), negated, at)

    def _order(self) -> tuple[Ordering, ...]:
        self._expect("by")
        columns = [self._ordering()]
        while self._accept_sign(","):
            columns.append(self._ordering())
        return tuple(columns)

    def _ordering(self) -> Ordering:
        path = self._path()
        descending = self._accept("desc")
        if not descending:
            self._accept("asc")
        nulls_last = False
        if self._accept("nulls"):
            nulls_last = self._accept("last")
            if not nulls_last:
                self._expect("first")
        return Ordering(path, descending, nulls_last)

    def _limit(self) -> int:
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            self._unexpected(token)
        return int(token.text)

    def _path(self) -> Path:
        token = self._take()
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            self._unexpected(token)
        return Path(token.text, token.at)

    def _value(self) -> Any:
        token = self._take()
        if token.kind == "text":
            return self._unescaped(token)
        if token.kind == "number":
            return float(token.text)
        if token.kind == "date" or _DATE_LITERAL.fullmatch(token.text):
            self._unsupported(token)
        constants = {"true": True, "false": False, "null": None}
        if token.kind != "word" or token.text.lower() not in constants:
            self._unexpected(token)
        return constants[token.text.lower()]

    def _unescaped(self, token: Token) -> str:
        def one(match: re.Match[str]) -> str:
            letter = match.group(1)
            if letter not in _ESCAPES:
                reason = f"Illegal string literal: {token.text}. Invalid character escape sequence: '\\{letter}'"
                refuse("MALFORMED_QUERY", self._query, token.at, reason)
            return _ESCAPES[letter]

        return re.sub(r"\\(.)", one, token.text[1:-1], flags=re.DOTALL)

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        if token.kind == "end":
            self._unexpected(token)
        self._place += 1
        return token

    def _accept(self, word: str) -> bool:
        found = self._next.is_keyword(word)
        self._place += found
        return found

    def _accept_sign(self, sign: str) -> bool:
        found = self._next.kind == "sign" and self._next.text == sign
        self._place += found
        return found

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            self._unexpected()

    def _expect_sign(self, sign: str) -> None:
        if not self._accept_sign(sign):
            self._unexpected()

    def _refuse_any(self, texts: frozenset[str]) -> None:
        """Say that the next token is not supported, if it is one of these."""
        if self._next.kind in ("word", "sign") and self._next.text.lower() in texts:
            self._unsupported(self._next)

    def _unsupported(self, token: Token) -> NoReturn:
        refuse(UNSUPPORTED, self._query, token.at, f"the sandbox does not support '{token.text}' here")

    def _unexpected(self, token: Token | None = None) -> NoReturn:
        token = token or self._next
        refuse("MALFORMED_QUERY", self._query, token.at, f"unexpected token: '{token.text}'")
