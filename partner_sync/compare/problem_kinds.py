"""The problems: every kind that a plan can report, and what a person does about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from partner_sync.model import Problem


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What a problem of this kind is; what a person does about it, and what holds until then."""

    what: str
    advice: str


PROBLEMS: Mapping[str, ProblemKind] = {
    "account_id_unknown": ProblemKind(
        "An id in account_ids that no account and no organization of this run has.",
        "No account and no organization of this run has this id: correct account_ids and trigger again. The other ids"
        " are treated as usual.",
    ),
    "account_listed_twice": ProblemKind(
        "Two rows of the query have one account id.",
        "Find out in Salesforce why two accounts of the query have one id: its id field is probably not unique. Until"
        " then neither is written, and its organization is left as it is.",
    ),
    "account_without_id": ProblemKind(
        "A row without an id, or an organization that may belong to such a row.",
        "Give the account an id in the field that the config names as accounts.id, or take it out of the filter."
        " Until then it is not written, and an organization of the same name is not marked.",
    ),
    "account_without_name": ProblemKind(
        "A row without a name.",
        "Give the account a name in Salesforce. Until then it is not written, and its organization is left as it is.",
    ),
    "adoption": ProblemKind(
        'Only with adoption = "problem": an organization of another type carries a partner\'s id.',
        'If the organization is this partner\'s, set its partner drop-down by hand, or adoption = "update" in the'
        " config; if not, take the id out of it. Until then it is left as it is, and none is created.",
    ),
    "malformed_id": ProblemKind(
        "An id whose length or checksum is wrong, on an account or on an organization.",
        "Copy the id from Salesforce again: 15 characters, or 18 of which the last three fit, in their own upper and"
        " lower case. Until then it matches nothing, and nothing is written or marked on its account.",
    ),
    "name_circle": ProblemKind(
        "Organizations that would have to swap their names.",
        "Each of these organizations holds a name that the next one is to get: rename one of them by hand to anything"
        " free, and the runs that follow do the rest. Until then their other fields are written, their names are not.",
    ),
    "name_taken": ProblemKind(
        "The wanted name is held by an organization without that account's id.",
        "If both are the same company, put the account's id into the organization's id field; otherwise rename one of"
        " them. Until then the name is not written, an account without organization gets none, and the holder is not"
        " marked.",
    ),
    "name_waits": ProblemKind(
        "The wanted name is freed by another change of this plan.",
        "Nothing to do: the name is freed by another change of this plan, and the run after that one is confirmed"
        " writes it. Should it still wait tomorrow, look at what became of the other change: it may be withheld, or not"
        " be among the account_ids that were asked for.",
    ),
    "organization_claimed_twice": ProblemKind(
        "An organization carries the ids of two accounts.",
        "The organization's id field and its external_id name different accounts: decide whose it is and make both"
        " say so. Until then neither account is written, and no organization is created for them.",
    ),
    "organization_without_id": ProblemKind(
        "A partner organization without any account id.",
        "If the organization belongs to a partner, put the account's id into its id field; if not, change its partner"
        " drop-down. Until then it is neither updated nor marked.",
    ),
    "pinned_account_missing": ProblemKind(
        "An account that the config pins was not in Salesforce's answer.",
        "Look for the account in Salesforce: it may be merged, deleted or hidden from the integration user. If it is"
        " gone for good, take its id out of accounts.pinned. Until then its organization is not marked.",
    ),
    "two_accounts_one_name": ProblemKind(
        "Two accounts want one name.",
        "Zendesk's names are unique, upper and lower case being the same: rename one of the accounts in Salesforce."
        " Until then whoever holds the name keeps it, the others' other fields are written, and none is created.",
    ),
    "two_organizations_for_one_account": ProblemKind(
        "Two organizations carry one account's id.",
        "Decide which organization is the account's, and take the id out of the other one, its external_id included;"
        " their tickets may want merging. Until then no organization that is in doubt is written or marked.",
    ),
    "unknown_option": ProblemKind(
        "A value, such as a track, for which the mapping knows no option.",
        "Correct the value in Salesforce, or add it to the options of this attribute in the config. Until then"
        " nothing of this account is written, and its organization is left as it is.",
    ),
    "unreadable_value": ProblemKind(
        "A value that is not of the type its rule needs.",
        "Correct the value in Salesforce, or the rule of this attribute in the config. Until then nothing of this"
        " account is written, and its organization is left as it is.",
    ),
}


def problem(
    kind: str,
    detail: str,
    *,
    instance: str | None = None,
    accounts: Iterable[str] = (),
    organizations: Iterable[int] = (),
) -> Problem:
    """A problem of a known kind; ids come out sorted, each once."""
    return Problem(
        kind, instance, tuple(sorted(set(accounts))), tuple(sorted(set(organizations))), detail, PROBLEMS[kind].advice
    )
