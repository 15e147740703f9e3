"""A query over accounts: checked against the known fields, then evaluated row by row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .soql import Comparison, Condition, Junction, Negation, Ordering, Path, Query
from .soql_tokens import refuse

Account = dict[str, Any]

ENTITY = "Account"
# The one kind of record that the lookups of an account point to.
RELATED_ENTITY = "User"
# SOQL's != and NOT IN also find rows whose field is null, unlike SQL's: assumption.
NULL_IS_UNEQUAL = True
# What an account that was never deleted has in fields that only the system sets.
_LIVING = {"IsDeleted": False}
# That the checksum of an 18-character id does not matter here is an assumption.
_ID = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?")


class AccountQuery:
    """A query against known fields: each path resolved, each literal of the right type."""

    def __init__(self, query: Query, fields: Mapping[str, str]) -> None:
        self._query = query
        self._known = {path.lower(): path for path in fields}
        self._types = fields
        self._fields = [self._resolve(path) for path in query.fields]
        for place, path in enumerate(query.fields):
            if self._fields[place] in self._fields[:place]:
                refuse("MALFORMED_QUERY", query.text, path.at, f"duplicate field selected: {path.text}")
        self.matches = _everything if query.where is None else self._test(query.where)

    def _resolve(self, path: Path) -> str:
        known = self._known.get(path.text.lower())
        if known is None:
            refuse("INVALID_FIELD", self._query.text, path.at, self._why_unknown(path))
        return known

    def _why_unknown(self, path: Path) -> str:
        relationship, dot, field = path.text.rpartition(".")
        if not dot:
            return _no_such_column(path.text, ENTITY)
        if any(known.startswith(relationship.lower() + ".") for known in self._known):
            return _no_such_column(field, RELATED_ENTITY)
        return (
            f"Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL "
            "or the describe call for the appropriate names."
        )

    def _test(self, condition: Condition) -> Callable[[Account], bool]:
        if isinstance(condition, Negation):
            part = self._test(condition.part)
            return lambda row: not part(row)
        if isinstance(condition, Junction):
            parts = [self._test(each) for each in condition.parts]
            join = all if condition.word == "and" else any
            return lambda row: join(part(row) for part in parts)
        return self._compare(condition)

    def _compare(self, comparison: Comparison) -> Callable[[Account], bool]:
        path = self._resolve(comparison.path)
        kind = self._types[path]
        for value in comparison.values:
            self._check_literal(comparison, value, kind)
        wanted = {_comparable(value, kind) for value in comparison.values}
        negated = comparison.negated

        def holds(row: Account) -> bool:
            value = _comparable(_value(row, path), kind)
            if negated and value is None and None not in wanted:
                return NULL_IS_UNEQUAL
            return (value in wanted) != negated

        return holds

    def _check_literal(self, comparison: Comparison, value: Any, kind: str) -> None:
        quoted = isinstance(value, str)
        if kind == "id" and quoted and not _ID.fullmatch(value):
            # Salesforce's documented code for a value that cannot be an id; the text is an assumption.
            reason = f"invalid ID field: {value}"
            refuse("INVALID_QUERY_FILTER_OPERATOR", self._query.text, comparison.at, reason)
        wants_quotes = kind in ("id", "string")
        fits = {"boolean": bool, "double": float}.get(kind, str)
        if value is None or isinstance(value, fits):
            return
        if wants_quotes and not quoted:
            rule = f"must be of type {kind} and should be enclosed in quotes"
        else:
            rule = f"must be of type {kind} and should not be enclosed in quotes"
        reason = f"value of filter criterion for field '{comparison.path.text}' {rule}"
        refuse("INVALID_FIELD", self._query.text, comparison.at, reason)

    def ordered(self, rows: list[Account], ordering: Ordering) -> list[Account]:
        """Rows by one column of ORDER BY; nulls come first unless the query says NULLS LAST."""
        path = self._resolve(ordering.path)
        kind = self._types[path]
        empty = [row for row in rows if _value(row, path) is None]
        full = [row for row in rows if _value(row, path) is not None]
        full.sort(key=lambda row: _comparable(_value(row, path), kind), reverse=ordering.descending)
        return full + empty if ordering.nulls_last else empty + full

    def projected(self, row: Account, version: str) -> dict[str, Any]:
        """A record: attributes, then what was selected, relationships as objects or null."""
        record: dict[str, Any] = {"attributes": _attributes(ENTITY, row["Id"], version)}
        for path in self._fields:
            *lookups, field = path.split(".")
            found, shown = row, record
            for lookup in lookups:
                related = found.get(lookup)
                if related is None:
                    shown[lookup] = None
                    break
                attributes = _attributes(RELATED_ENTITY, related.get("Id", ""), version)
                found, shown = related, shown.setdefault(lookup, {"attributes": attributes})
            else:
                shown[field] = found.get(field, None if lookups else _LIVING.get(path))
        return record


def _everything(_row: Account) -> bool:
    return True


def _no_such_column(field: str, entity: str) -> str:
    return (
        f"No such column '{field}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )


def _attributes(entity: str, record_id: str, version: str) -> dict[str, str]:
    return {"type": entity, "url": f"/services/data/v{version}/sobjects/{entity}/{record_id}"}


def _value(row: Account, path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value


def _comparable(value: Any, kind: str) -> Any:
    if kind == "boolean":
        # Salesforce has no null boolean: an unset one is false.
        return bool(value)
    if value is None:
        return None
    if kind == "id":
        return str(value)[:15]
    if kind == "double":
        return float(value)
    return str(value).casefold()
