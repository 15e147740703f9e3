"""Who may look, by Airflow's own word: the real permission check, with tokens of the real auth manager."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from partner_sync.page.app import page_app
from tests.history.past import a_create, a_hold, a_mark


@pytest.fixture(scope="module")
def manager(database) -> Iterator[object]:
    from airflow.api_fastapi.app import init_auth_manager

    return init_auth_manager()


@pytest.fixture
def asked(past, manager):
    """The page with Airflow's check, asked by somebody of a role; None is a stranger."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from partner_sync.page.plugin import may_look

    past.run(0, [a_create(1)])
    history = past.history()

    def by(role: str | None, cookie: bool = True) -> TestClient:
        client = TestClient(page_app(lambda: history, may_look))
        if role is not None:
            token = manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role=role))
            if cookie:
                client.cookies.set("_token", token)
            else:
                client.headers["Authorization"] = f"Bearer {token}"
        return client

    return by


def test_a_visitor_without_a_login_is_asked_to_log_in(asked):
    answer = asked(None).get("/", headers={"Accept": "text/html"})
    assert 401 == answer.status_code
    assert "Log in first" in answer.text
    assert 401 == asked(None).get("/static/page.css").status_code


def test_a_user_without_permission_on_the_dag_sees_nothing(asked):
    answer = asked("").get("/", headers={"Accept": "text/html"})
    assert 403 == answer.status_code
    assert "No permission" in answer.text
    assert 403 == asked("").get("/problems.csv?run=x").status_code


@pytest.mark.parametrize("cookie", [True, False], ids=["cookie", "bearer"])
def test_a_viewer_may_look(asked, cookie):
    answer = asked("viewer", cookie).get("/")
    assert 200 == answer.status_code
    assert "Partner Sync" in answer.text


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("user", True), ("admin", True)])
def test_who_may_start_runs_in_airflow_may_decide_on_the_page(past, manager, role, may):
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from partner_sync.page.plugin import may_look, view_for

    hold = a_hold(a_mark(1))
    past.run(0, holds=[hold])
    history = past.history()
    client = TestClient(page_app(lambda: history, may_look, view_for))
    client.cookies.set("_token", manager.generate_jwt(SimpleAuthManagerUser(username="somebody", role=role)))
    answer = client.get("/hold", params={"id": hold.id})
    assert 200 == answer.status_code
    assert may == ('name="does" value="approve"' in answer.text)


def test_a_forged_token_is_refused(asked):
    client = asked(None)
    client.cookies.set("_token", "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.AAAA")
    assert client.get("/").status_code in (401, 403)


def test_an_archive_whose_connection_is_missing_is_a_plain_message_and_nobody_goes_there_anonymously(
    monkeypatch, database
):
    from partner_sync.page import plugin

    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", "s3://nobody@bucket/archive")
    plugin.history.cache_clear()
    answer = TestClient(page_app(plugin.history, lambda: None)).get("/")
    assert 503 == answer.status_code
    assert "names the Connection nobody, which is not there" in answer.text
    plugin.history.cache_clear()


def test_the_archive_and_its_index_are_those_of_the_environment(monkeypatch, past, tmp_path):
    from partner_sync.page import plugin

    run = past.run(0, [a_create(1)])
    monkeypatch.setenv("PARTNER_SYNC_ARCHIVE", past.archive.root.as_uri())
    monkeypatch.setenv("PARTNER_SYNC_HOME", str(tmp_path))
    plugin.history.cache_clear()
    client, until = TestClient(page_app(plugin.history, lambda: None)), time.monotonic() + 60
    try:
        while client.get("/run", params={"run": run}).status_code == 404 and time.monotonic() < until:
            time.sleep(0.1)  # read in the background
        assert 200 == client.get("/run", params={"run": run}).status_code
        assert plugin.history().folder.is_relative_to(tmp_path)
    finally:
        plugin.history().close()
        plugin.history.cache_clear()


def test_the_plugin_has_an_entry_in_the_navigation_and_a_tab_on_a_run():
    import importlib.util
    from pathlib import Path

    path = Path(__file__).parents[2] / "plugins" / "partner_sync_page.py"
    spec = importlib.util.spec_from_file_location("partner_sync_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    views = {view["name"]: (view["destination"], view["href"]) for view in module.PartnerSyncPage.external_views}
    assert {
        "Partner Sync": ("nav", "partner-sync/"),
        "Plan": ("dag_run", "partner-sync/run?dag={DAG_ID}&run={RUN_ID}"),
    } == views
