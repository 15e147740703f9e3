"""Connections as people define them outside of the database."""

from __future__ import annotations

import json

import pytest

from tests.vendors.conftest import sandbox  # noqa: F401 - pytest finds fixtures by their names in a conftest


@pytest.fixture
def define(monkeypatch):
    """Defines a Connection as people do outside of the database: by an environment variable."""

    def define(conn_id, connection):
        text = connection if isinstance(connection, str) else json.dumps(connection)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)

    return define
