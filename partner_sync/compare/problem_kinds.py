"""Every kind of problem that a plan can report, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from partner_sync.compare.change_keys import problem_id
from partner_sync.model import Problem


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What the problem is; what to do about it, and what happens until then."""

    what: str
    advice: str


PROBLEM_KINDS: Mapping[str, ProblemKind] = {
    "account_id_unknown": ProblemKind(
        "An id of account_ids belongs to no account and no organization of this run.",
        "Correct account_ids and trigger again. The other ids are handled as usual.",
    ),
    "account_listed_twice": ProblemKind(
        "Two rows of the query have the same account id.",
        "Find out in Salesforce why two accounts have the same id; the id field is probably not unique. Until then the"
        " account is not written, and its organization is left alone.",
    ),
    "account_merged": ProblemKind(
        "The account of a partner organization was merged into another account.",
        "Decide in Zendesk what becomes of the organization: usually its users and tickets move to the organization of"
        ' the other account. To mark such organizations, set merged = "mark" in the config. Until then it is left'
        " alone.",
    ),
    "account_without_id": ProblemKind(
        "A row has no id, or an organization may belong to such a row.",
        "Fill the field that the config names as accounts.id, or take the account out of the filter. Until then the"
        " account is not written, and an organization of the same name is not marked.",
    ),
    "account_without_name": ProblemKind(
        "A row has no name.",
        "Give the account a name in Salesforce. Until then it is not written, and its organization is left alone.",
    ),
    "adoption": ProblemKind(
        'Only with adoption = "problem": an organization of another type has a partner\'s id.',
        "If the organization belongs to this partner, set its partner drop-down by hand, or set adoption ="
        ' "update" in the config. If not, remove the id from it. Until then it is left alone, and no organization is'
        " created for the account.",
    ),
    "lookup_failed": ProblemKind(
        "Salesforce did not answer when it was asked about missing accounts.",
        "No action needed at first: the next run asks again. If it happens again, check that the user of the Connection"
        " may use queryAll on the object. Until then these organizations are not marked; everything else is written.",
    ),
    "malformed_id": ProblemKind(
        "An id of an account or an organization has the wrong length or checksum.",
        "Copy the id from Salesforce again: 15 characters, or 18 characters with a valid checksum, upper and lower case"
        " unchanged. Until then it matches nothing, and nothing is written or marked for its account.",
    ),
    "name_circle": ProblemKind(
        "Names swapped: each organization has the name that the next should get.",
        "Rename one of these organizations by hand to any unused name; the next runs do the rest. Until then their"
        " other fields are written, but not their names.",
    ),
    "name_taken": ProblemKind(
        "Name already in use: another organization, without this account's id, has it.",
        "If both are the same company, put the account's id into the organization's id field. Otherwise rename one of"
        " them. Until then the name is not written, no organization is created for the account, and the organization"
        " that has the name is not marked.",
    ),
    "name_waits": ProblemKind(
        "Name not free yet: another change of this plan frees it.",
        "No action needed: the first run after that change is confirmed writes the name. If the name still waits"
        " tomorrow, check the other change: it may be on hold, or account_ids may leave it out.",
    ),
    "organization_claimed_twice": ProblemKind(
        "An organization has the ids of two accounts.",
        "The organization's id field and its external_id name different accounts. Decide which account is right and"
        " correct the other field. Until then neither account is written, and no organization is created for them.",
    ),
    "organization_without_id": ProblemKind(
        "A partner organization has no account id.",
        "If the organization belongs to a partner, put the account's id into its id field. If not, change its partner"
        " drop-down. Until then it is neither updated nor marked.",
    ),
    "pinned_account_missing": ProblemKind(
        "Salesforce did not return an account that the config pins.",
        "Search for the account in Salesforce: it may be merged, deleted or hidden from the integration user. If it is"
        " gone for good, remove its id from accounts.pinned. Until then its organization is not marked.",
    ),
    "reads_disagree": ProblemKind(
        "The query did not return accounts that a lookup by id finds and that pass the filter.",
        "No action needed at first: accounts that were signed during the read look like this, and the next run reads"
        " them. If it happens again, check sharing rules and permissions of the Connection's user. Until then no"
        " organization is marked.",
    ),
    "resting": ProblemKind(
        "A value was written several times and did not stay.",
        "Find out who changes it back: another deployment, a trigger in Zendesk, a person, or Zendesk itself, which"
        " normalizes some values. Correct the value in Salesforce, or the rule in the config. Until then it is written"
        " after an hour, after six more, and then once a day.",
    ),
    "tickets_unreadable": ProblemKind(
        "The user of the Connection may not count tickets.",
        'Give the user a role that may search tickets and read organizations, or set open_tickets = "ignore" in the'
        " config. Until then these organizations are not marked; everything else is written.",
    ),
    "two_accounts_one_name": ProblemKind(
        "Two accounts want the same name.",
        "Names are unique in Zendesk, and it ignores their case. Rename one of the accounts in Salesforce. Until then"
        " the organization that has the name keeps it. The other fields of existing organizations are written, but no"
        " organization is created.",
    ),
    "two_organizations_for_one_account": ProblemKind(
        "Two organizations have the id of the same account.",
        "Decide which organization belongs to the account, and remove the id, external_id included, from the other"
        " organization. Consider merging their tickets. Until then organizations in doubt are not written or marked.",
    ),
    "unknown_option": ProblemKind(
        "A value, such as a track, has no option in the mapping.",
        "Correct the value in Salesforce, or add it to the options of this attribute in the config. Until then"
        " nothing of this account is written, and its organization is left alone.",
    ),
    "unreadable_value": ProblemKind(
        "A value has the wrong type for its rule.",
        "Correct the value in Salesforce, or the rule of this attribute in the config. Until then nothing of this"
        " account is written, and its organization is left alone.",
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
    """A problem of a known kind; its ids are sorted and unique."""
    account_ids, organization_ids = tuple(sorted(set(accounts))), tuple(sorted(set(organizations)))
    return Problem(
        kind,
        instance,
        account_ids,
        organization_ids,
        detail,
        PROBLEM_KINDS[kind].advice,
        problem_id(kind, instance, account_ids, organization_ids),
    )
