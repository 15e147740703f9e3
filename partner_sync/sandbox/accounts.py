"""Salesforce accounts, the fields they are known to have, and queries over them.

An account is a flat JSON object by field name. A relationship (``Solutions_Architect_Lookup__r``) is
an object of its own, ``{"Id": "005...", "Name": "..."}``, or null when the lookup is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .ids import is_salesforce_id, numbered_id
from .soql import Comparison, Condition, Junction, Negation, Ordering, Path, Query, parse, refuse
from .storage import Storage

Account = dict[str, Any]

ENTITY = "Account"
# The one kind of record that the lookups of an account point to.
RELATED_ENTITY = "User"
FIELD_TYPES = ("id", "string", "boolean", "double", "date", "datetime")
# SOQL's != and NOT IN also find rows whose field is null, unlike SQL's: assumption.
NULL_IS_UNEQUAL = True
_ID_FIELD = "Account_ID_18__c"


class Accounts:
    """All accounts by their ``Id``, in the order in which they came."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.rows: dict[str, Account] = {}
        self.fields: dict[str, str] = {}
        self.load()

    def load(self) -> None:
        """Take over what the storage holds."""
        self.rows = dict(self._storage.load("account"))
        self.fields = dict(self._storage.load("account_field"))

    def define(self, fields: Mapping[str, str]) -> None:
        """Make fields known by path (``Region__c``, ``Owner__r.Name``) and type, one of FIELD_TYPES.

        Raises ``ValueError`` for an unknown type.
        """
        for path, kind in fields.items():
            if kind not in FIELD_TYPES:
                raise ValueError(f"{path}: unknown type {kind!r}; known are {', '.join(FIELD_TYPES)}")
        for path, kind in fields.items():
            self.fields[path] = kind
            self._storage.put("account_field", path, kind)

    def forget_field(self, path: str) -> None:
        """Make a field unknown, so that a query for it is INVALID_FIELD. Raises ``KeyError``."""
        del self.fields[path]
        self._storage.delete("account_field", path)

    def put(self, accounts: Iterable[Mapping[str, Any]]) -> list[str]:
        """Add accounts, or change those whose ``Id`` is there already; fields left out stay as they are.

        Fields that no account had before become known. The ``Id`` may be left out for a new account; it is then its
        ``Account_ID_18__c``, or made up. Answers the ids.
        """
        ids = []
        for account in accounts:
            key = str(account.get("Id") or self._id_for(account))
            row = self.rows.setdefault(key, {"Id": key})
            row.update(account)
            row["Id"] = key
            self.define({p: k for p, k in _paths_and_types(row).items() if p not in self.fields})
            self._storage.put("account", key, row)
            ids.append(key)
        return ids

    def _id_for(self, account: Mapping[str, Any]) -> str:
        wanted = account.get(_ID_FIELD)
        if isinstance(wanted, str) and len(wanted) == 18 and is_salesforce_id(wanted):
            return wanted
        number = len(self.rows) + 1
        while (made := numbered_id("0015e00009", number)) in self.rows:
            number += 1
        return made

    def delete(self, account_id: str) -> None:
        """Remove one by ``Id`` or ``Account_ID_18__c``. Raises ``KeyError``."""
        key = account_id
        if key not in self.rows:
            key = next((k for k, row in self.rows.items() if row.get(_ID_FIELD) == account_id), account_id)
        del self.rows[key]
        self._storage.delete("account", key)

    def select(self, text: str, version: str) -> list[dict[str, Any]]:
        """The records that a query answers, in the vendor's form.

        *version* goes into each record's url. Raises ``QueryError``: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD.
        """
        query = parse(text)
        if query.entity.text.lower() != ENTITY.lower():
            reason = (
                f"sObject type '{query.entity.text}' is not supported. If you are attempting to use a custom object, "
                "be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call "
                "for the appropriate names."
            )
            refuse("INVALID_TYPE", text, query.entity.at, reason)
        check = _Checked(query, self.fields)
        matching = [row for row in self.rows.values() if check.matches(row)]
        for ordering in reversed(query.order):
            matching = check.ordered(matching, ordering)
        return [check.projected(row, version) for row in matching[: query.limit]]


class _Checked:
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
            relationship, dot, field = path.rpartition(".")
            if not dot:
                record[path] = row.get(path)
                continue
            related = row.get(relationship)
            if related is None:
                record[relationship] = None
                continue
            attributes = _attributes(RELATED_ENTITY, related.get("Id", ""), version)
            record.setdefault(relationship, {"attributes": attributes})[field] = related.get(field)
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


def _paths_and_types(account: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in account.items():
        if isinstance(value, dict):
            found.update({f"{name}.{inner}": kind for inner, kind in _paths_and_types(value).items()})
        elif isinstance(value, bool):
            found[name] = "boolean"
        elif isinstance(value, (int, float)):
            found[name] = "double"
        elif not name.endswith("__r"):
            found[name] = "id" if name == "Id" else "string"
    return found
