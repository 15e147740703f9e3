"""What must be true of a Zendesk instance before anything is read: its fields, and that its jobs can be seen.

A module of its own: it decides about permissions and definitions, and reads no organization.
"""

from __future__ import annotations

from collections.abc import Sequence

from partner_sync.compare.change_keys import field_digest
from partner_sync.compare.organization_schema import ExpectedField
from partner_sync.errors import AuthenticationError, Finding, RejectedError, SchemaError
from partner_sync.vendors.zendesk_api import Row
from partner_sync.vendors.zendesk_client import Zendesk


def check_jobs(zendesk: Zendesk) -> None:
    """Raises RejectedError for a user who may not see jobs: what such a user submits can never be confirmed."""
    try:
        zendesk.newest_job()
    except AuthenticationError:
        raise
    except RejectedError as error:
        if error.status != 403:
            raise
        step = (
            "An instance that does not show its bulk jobs cannot be written. Give the user of the Connection of"
            f" {zendesk.instance} a role that may see job statuses, and its OAuth client a scope that includes them,"
            ' such as "read"; or set write = false for this instance.'
        )
        raise RejectedError(error.system, error.method, error.path, error.status, error.vendor_message, step) from None


def definition_digest(field: Row) -> str:
    """The digest of what a field accepts; its title and position may change."""
    options = sorted(str(option.get("value")) for option in field.get("custom_field_options") or ())
    return field_digest(field.get("type"), field.get("regexp_for_validation"), options)


def check_fields(fields: Sequence[Row], expected: Sequence[ExpectedField], instance: str) -> None:
    """Raises SchemaError with every difference between Zendesk's fields and what the mapping needs."""
    known = {str(field.get("key")): field for field in fields}
    findings = [finding for want in expected for finding in _findings(known.get(want.key), want)]
    if findings:
        raise SchemaError(f"Zendesk {instance}", findings)


def _findings(field: Row | None, want: ExpectedField) -> list[Finding]:
    types = " or ".join(want.types)
    if field is None:
        return [Finding(want.key, "is not an organization field", f"Create it with type {types}.")]
    findings = []
    if field.get("type") not in want.types:
        wrong = f"has type {field.get('type')}, not {types}"
        findings.append(
            Finding(want.key, wrong, "Change the rule in the config: the type of a field cannot be changed.")
        )
    if field.get("active") is not True:
        findings.append(Finding(want.key, "is inactive", "Activate it in Zendesk's Admin Center."))
    options = {str(option.get("value")) for option in field.get("custom_field_options") or ()}
    findings += [
        Finding(want.key, f"has no option with the value {value}", "Add this option to the drop-down.")
        for value in want.options
        if value not in options
    ]
    return findings
