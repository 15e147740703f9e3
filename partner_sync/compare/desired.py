"""From the rows of Salesforce to what every organization should be, by the mapping of the config.

Data never raises here: a row that cannot be mapped becomes a problem, and its account is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from partner_sync.compare.canonical import CANONICAL, day, text_value
from partner_sync.compare.multimap import Multimap
from partner_sync.compare.problem_kinds import problem
from partner_sync.config.load import Config
from partner_sync.config.settings import Attribute
from partner_sync.config.validation import shown
from partner_sync.ids import id_18
from partner_sync.model import NAME, Problem, Value
from partner_sync.whitespace import WHITESPACE, control, visible


class DesiredAccount(NamedTuple):
    """What the organization of one account should be. `values` go with `OrganizationSchema.fields`.

    A tuple, since the garbage collector leaves alone what holds nothing but text and numbers.
    """

    id: str
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Desired:
    """What all organizations should be: `accounts` by id, in order of the ids.

    `blocked` are ids of accounts that a problem keeps from being written; their organizations are left alone.
    `unidentified` has names and ids (casefolded; of ids the first 15 characters) of rows without a usable id: an
    organization that carries one of them may belong to that account.
    """

    accounts: dict[str, DesiredAccount]
    blocked: frozenset[str]
    unidentified: frozenset[str]
    problems: tuple[Problem, ...]

    @property
    def known(self) -> frozenset[str]:
        """Every account id of the snapshot and every pinned id: organizations that carry them have an account."""
        return self.blocked.union(self.accounts)


class _UnmappedError(Exception):
    """A value that the mapping cannot turn into a value for Zendesk."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


Mapped = Callable[[str, object], Value]
"""From the account's id and the raw value of a Salesforce field to the desired value."""


def desired(config: Config, rows: Iterable[Mapping[str, object]]) -> Desired:
    """What every organization should be, and a problem for each row that cannot be mapped."""
    attributes = [attribute for attribute in config.attributes if attribute.field != NAME]
    rules = [(attribute.source, _mapped(config, attribute)) for attribute in attributes]
    accounts: dict[str, DesiredAccount] = {}
    problems: list[Problem] = []
    unidentified: set[str] = set()
    seen: Multimap[Mapping[str, object]] = Multimap()
    for row in rows:
        account_id = id_18(row.get(config.accounts.id))
        if account_id is None:
            problems.append(_unidentified(config, row, unidentified))
        else:
            seen.add(account_id, row)
    for account_id in sorted(seen):
        found = _account(config, account_id, seen[account_id], rules)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            accounts[account_id] = found
    for pinned in config.accounts.pinned:
        if pinned not in seen:
            detail = f"The query did not return {pinned}, which accounts.pinned lists."
            problems.append(problem("pinned_account_missing", detail, accounts=[pinned]))
    blocked = frozenset([*seen, *config.accounts.pinned]).difference(accounts)
    return Desired(accounts, blocked, frozenset(unidentified), tuple(problems))


def _account(
    config: Config, account_id: str, rows: Sequence[Mapping[str, object]], rules: Sequence[tuple[str, Mapped]]
) -> DesiredAccount | Problem:
    if len(rows) > 1:
        detail = f"{len(rows)} rows of the query have the id {account_id}."
        return problem("account_listed_twice", detail, accounts=[account_id])
    row = rows[0]
    try:
        name = _name(config.accounts.name, account_id, row)
        values = [rule(account_id, row.get(source)) for source, rule in rules]
    except _UnmappedError as unmapped:
        return problem(unmapped.kind, unmapped.detail, accounts=[account_id])
    values.append(False)  # the mark
    return DesiredAccount(account_id, name, tuple(values))


def _name(source: str, account_id: str, row: Mapping[str, object]) -> str:
    name = _copied(source)(account_id, row.get(source))
    if not isinstance(name, str):
        raise _UnmappedError("account_without_name", f"{source} of {account_id} is empty.")
    if not visible(name):
        raise _UnmappedError("account_without_name", f"{source} of {account_id} has no visible character.")
    return name


def _single(source: str, account_id: str, raw: object) -> object:
    """The raw value of a field. Lists and objects are refused: no rule can read them."""
    if isinstance(raw, list | dict):
        detail = f"{source} of {account_id} is {shown(raw)}, not a single value."
        raise _UnmappedError("unreadable_value", detail)
    return raw


def _unidentified(config: Config, row: Mapping[str, object], unidentified: set[str]) -> Problem:
    raw, name = text_value(row.get(config.accounts.id)), text_value(row.get(config.accounts.name))
    if isinstance(name, str):
        unidentified.add(name.casefold())
    if not isinstance(raw, str):
        return problem("account_without_id", f"An account named {name} has an empty {config.accounts.id}.")
    unidentified.add(raw[:15].casefold())
    return problem("malformed_id", f"An account named {name} has the id {raw}.", accounts=[raw])


def _mapped(config: Config, attribute: Attribute) -> Mapped:
    """The rule of one attribute as a function. Everything that depends on the config alone happens here, once."""
    match attribute.rule:
        case "id_18":
            return lambda account_id, _: account_id
        case "id_15":
            return lambda account_id, _: account_id[:15]
        case "checkbox":
            return _ticked(attribute)
        case "dropdown":
            return _chosen(config, attribute)
        case "text":
            return _copied(attribute.source)
    return _read(attribute)


def _copied(source: str) -> Mapped:
    def copied(account_id: str, raw: object) -> Value:
        if not isinstance(raw, str):
            return text_value(_single(source, account_id, raw))
        text = raw.strip(WHITESPACE)  # not `trimmed`: this is the most frequent call of all
        if not text.isprintable() and (found := control(text)):
            raise _UnmappedError("unreadable_value", f"{source} of {account_id} contains {found}, which is not text.")
        return text or None

    return copied


def _ticked(attribute: Attribute) -> Mapped:
    truths = frozenset(value for value in attribute.true_for if isinstance(value, bool))
    texts = frozenset(value.strip().casefold() for value in attribute.true_for if isinstance(value, str))

    def ticked(account_id: str, raw: object) -> Value:
        if raw is None or isinstance(raw, bool):
            return raw in truths
        text = raw if isinstance(raw, str) else str(_single(attribute.source, account_id, raw))
        return text.strip(WHITESPACE).casefold() in texts

    return ticked


def _chosen(config: Config, attribute: Attribute) -> Mapped:
    options, pinned, option = attribute.options, frozenset(config.accounts.pinned), attribute.pinned
    needed = attribute.field == config.partners.field

    def chosen(account_id: str, raw: object) -> Value:
        if option is not None and account_id in pinned:
            return option
        text = raw if isinstance(raw, str) else "" if raw is None else str(_single(attribute.source, account_id, raw))
        text = text.strip(WHITESPACE)
        found = options.get(text.casefold())
        if found is None and (text or needed):
            detail = f"{attribute.source} of {account_id} is {text or 'empty'}; {attribute.field} has no option for it."
            raise _UnmappedError("unknown_option", detail)
        return found

    return chosen


def _read(attribute: Attribute) -> Mapped:
    """Dates and numbers. Zendesk accepts nothing else in such fields."""
    valid: Callable[[Value], bool]
    if attribute.rule == "date":
        valid = lambda value: isinstance(value, str) and day(value) is not None  # noqa: E731
    else:
        valid = lambda value: isinstance(value, int | float)  # noqa: E731

    def read(account_id: str, raw: object) -> Value:
        value = CANONICAL[attribute.rule](_single(attribute.source, account_id, raw))
        if value is not None and not valid(value):
            detail = f"{attribute.source} of {account_id} is {value}, which is not a {attribute.rule}."
            raise _UnmappedError("unreadable_value", detail)
        return value

    return read
