"""The fixtures of the vendors, which reads go through."""

from tests.vendors.conftest import clock, notes, salesforce_session, sandbox, serving, session, zendesk, zendesk_session  # noqa: F401 - pytest finds fixtures by their names in a conftest
