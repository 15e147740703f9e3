"""The sandbox shows a person the record that a vendor's link leads to, as its own page."""

from __future__ import annotations

import requests

from partner_sync.sandbox import Sandbox, an_empty_world
from tests.sandbox.conftest import TIMEOUT


def page(url: str) -> requests.Response:
    return requests.get(url, timeout=TIMEOUT)


def test_an_organization_is_shown_with_fields_and_tags_without_a_credential(sandbox):
    sandbox.add_organization_field(key="tier", type="text")
    acme = {"name": "Acme", "external_id": "0014M00001sDiGEQA0", "tags": ["vip"]}
    [organization] = sandbox.add_organizations([{**acme, "organization_fields": {"tier": "gold"}}])
    shown = page(f"{sandbox.zendesk_url}/agent/organizations/{organization}")
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for cell in ("Acme", "0014M00001sDiGEQA0", "vip", "gold", "Sandbox."):
        assert cell in shown.text


def test_an_account_is_shown_by_both_forms_of_its_id(sandbox):
    sandbox.put_account(Id="0014M00001sDiGEQA0", Name="Acme", Owner={"Name": "Dana Cole"}, Is_Partner__c=True)
    for account_id in ("0014M00001sDiGEQA0", "0014M00001sDiGE"):
        shown = page(f"{sandbox.salesforce_url}/lightning/r/Account/{account_id}/view")
        assert shown.status_code == 200
        for cell in ("<h1>Acme</h1>", "Dana Cole", "<td>yes</td>"):
            assert cell in shown.text


def test_names_are_text_and_no_markup(sandbox):
    [organization] = sandbox.add_organizations([{"name": "<script>alert(1)</script>", "tags": ["<b>"]}])
    shown = page(f"{sandbox.zendesk_url}/agent/organizations/{organization}").text
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_record_that_does_not_exist_is_404(sandbox):
    assert page(f"{sandbox.zendesk_url}/agent/organizations/1").status_code == 404
    assert page(f"{sandbox.salesforce_url}/lightning/r/Account/0014M00001sDiGEQA0/view").status_code == 404


def test_looking_is_no_vendor_call(sandbox):
    [organization] = sandbox.add_organizations([{"name": "Acme"}])
    page(f"{sandbox.zendesk_url}/agent/organizations/{organization}")
    assert sandbox.calls() == []


def test_links_outlive_the_process_that_made_them(tmp_path):
    state = tmp_path / "world.sqlite"
    with Sandbox(an_empty_world(), state=state) as first:
        first.reset(world="empty")
        urls = first.salesforce_url, first.zendesk_url
    with Sandbox(state=state) as second:
        assert (second.salesforce_url, second.zendesk_url) == urls


def test_a_port_that_another_process_has_taken_is_left_to_it(tmp_path):
    state = tmp_path / "world.sqlite"
    with Sandbox(an_empty_world(), state=state) as first:
        copy = tmp_path / "copy.sqlite"
        copy.write_bytes(state.read_bytes())
        with Sandbox(state=copy) as second:
            assert second.zendesk_url != first.zendesk_url
