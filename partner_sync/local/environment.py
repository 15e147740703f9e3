"""The settings of the local Airflow: SQLite, XCom objects and the archive in local files.

One fixed, tested set. It ignores the caller's AIRFLOW__ settings: with them, it might migrate a shared database or use
another executor. It keeps the caller's Connections (AIRFLOW_CONN_) and PARTNER_SYNC_ settings.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from partner_sync.local.home import ADMIN, Home
from partner_sync.orchestration.locations import CHECKOUT

_KEPT = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")


def ignored(environ: Mapping[str, str]) -> list[str]:
    """The caller's Airflow settings that the local Airflow ignores."""
    return sorted(name for name in environ if name.startswith(("AIRFLOW", "_AIRFLOW")) and not name.startswith(_KEPT))


def embedded(
    environ: Mapping[str, str],
    home: Home,
    connections: Mapping[str, str],
    *,
    port: int = 8080,
    tasks_port: int | None = None,
    paused: bool = False,
    checkout: Path = CHECKOUT,
) -> dict[str, str]:
    """The environment of every Airflow process: the caller's, with our Airflow settings instead of the caller's.

    `connections` are AIRFLOW_CONN_ variables. `port` is the port of the API server; tasks report to `tasks_port`, by
    default the same. `paused` is the state of the DAG when Airflow first sees it.
    """
    kept = {name: value for name, value in environ.items() if name not in set(ignored(environ))}
    address = f"http://127.0.0.1:{port}"
    return {
        **kept,
        **connections,
        "PARTNER_SYNC_HOME": str(home.root),
        "PARTNER_SYNC_ARCHIVE": environ.get("PARTNER_SYNC_ARCHIVE") or f"file://{home.archive}",
        "PYTHONPATH": _joined(str(checkout), environ.get("PYTHONPATH", "")),
        "PATH": _joined(str(Path(sys.executable).parent), environ.get("PATH", os.defpath)),
        **{name: _joined("127.0.0.1,localhost", environ.get(name, ""), ",") for name in ("NO_PROXY", "no_proxy")},
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home.airflow / 'airflow.db'}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "partner_sync.local.sqlite.CONNECT_ARGS",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC": "partner_sync.local.sqlite.CONNECT_ARGS",
        "AIRFLOW__CORE__DAGS_FOLDER": str(checkout / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(checkout / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": str(paused),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default asks the DNS server
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{tasks_port or port}/execution/",
        "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": f"file://{home.xcom}",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "1024",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": home.secret("secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": home.secret("jwt_secret"),
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",  # a slot is free one second after its task ends, not five
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home.airflow / "bundles"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home.logs / "dag_processor"),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    }


def _joined(first: str, rest: str, by: str = os.pathsep) -> str:
    return by.join(part for part in (first, rest) if part)
