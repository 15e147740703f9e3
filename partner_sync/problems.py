"""The problems: every kind that a plan can report, and what a person does about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from partner_sync.model import Problem

PROBLEM_ADVICE: Mapping[str, str] = {
    "account_id_unknown": (
        "No account and no organization of this run has this id: correct account_ids and trigger again."
        " The other ids are treated as usual."
    ),
    "account_listed_twice": (
        "Find out in Salesforce why two accounts of the query have one id: its id field is probably not unique."
        " Until then neither is written, and its organization is left as it is."
    ),
    "account_without_id": (
        "Give the account an id in the field that the config names as accounts.id, or take it out of the filter."
        " Until then it is not written, and an organization of the same name is not marked."
    ),
    "account_without_name": (
        "Give the account a name in Salesforce. Until then it is not written, and its organization is left as it is."
    ),
    "adoption": (
        'If the organization is this partner\'s, set its partner drop-down by hand, or adoption = "update" in the'
        " config; if not, take the id out of it. Until then it is left as it is, and none is created."
    ),
    "malformed_id": (
        "Copy the id from Salesforce again: 15 characters, or 18 of which the last three fit, in their own upper and"
        " lower case. Until then it matches nothing, and nothing is written or marked on its account."
    ),
    "name_circle": (
        "Each of these organizations holds a name that the next one is to get: rename one of them by hand to anything"
        " free, and the runs that follow do the rest. Until then their other fields are written, their names are not."
    ),
    "name_taken": (
        "If both are the same company, put the account's id into the organization's id field; otherwise rename one of"
        " them. Until then the name is not written, an account without organization gets none, and the holder is not"
        " marked."
    ),
    "name_waits": (
        "Nothing to do: the name is freed by another change of this plan, and the run after that one is confirmed"
        " writes it. Should it still wait tomorrow, look at what became of the other change."
    ),
    "organization_claimed_twice": (
        "The organization's id field and its external_id name different accounts: decide whose it is and make both"
        " say so. Until then neither account is written, and no organization is created for them."
    ),
    "organization_without_id": (
        "If the organization belongs to a partner, put the account's id into its id field; if not, change its partner"
        " drop-down. Until then it is neither updated nor marked."
    ),
    "pinned_account_missing": (
        "Look for the account in Salesforce: it may be merged, deleted or hidden from the integration user. If it is"
        " gone for good, take its id out of accounts.pinned. Until then its organization is not marked."
    ),
    "two_accounts_one_name": (
        "Zendesk's names are unique, upper and lower case being the same: rename one of the accounts in Salesforce."
        " Until then whoever holds the name keeps it, the others' other fields are written, and none is created."
    ),
    "two_organizations_for_one_account": (
        "Decide which organization is the account's, and take the id out of the other one, its external_id included;"
        " their tickets may want merging. Until then no organization that is in doubt is written or marked."
    ),
    "unknown_option": (
        "Correct the value in Salesforce, or add it to the options of this attribute in the config. Until then nothing"
        " of this account is written, and its organization is left as it is."
    ),
    "unreadable_value": (
        "Correct the value in Salesforce, or the rule of this attribute in the config. Until then nothing of this"
        " account is written, and its organization is left as it is."
    ),
}
"""Kind of problem to what a person does about it, and what holds until then."""


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
        kind, instance, tuple(sorted(set(accounts))), tuple(sorted(set(organizations))), detail, PROBLEM_ADVICE[kind]
    )
