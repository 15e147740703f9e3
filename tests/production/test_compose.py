"""docker-compose.yaml by itself: it fits the Compose specification, has no secret of its own, opens nothing wide."""

from __future__ import annotations

import re
import subprocess

import jsonschema
import pytest
import yaml

from tests.production.compose import EXAMPLE, REPOSITORY, Missing, example, load, services

SECRETS = {
    "POSTGRES_PASSWORD",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "FERNET_KEY",
    "API_SECRET_KEY",
    "JWT_SECRET",
    "ADMIN_PASSWORD",
}
ENDS = {"airflow-init", "sandbox-connections"}
FILLED = dict.fromkeys(SECRETS, "a-secret") | {"REDIS_PASSWORD": "a-secret"}


def test_it_fits_the_compose_specification():
    builtin = pytest.importorskip(
        "check_jsonschema.builtin_schemas",
        reason="check-jsonschema has the schema of the Compose specification; `make test-production` installs it",
    )
    jsonschema.validate(load(), builtin.get_builtin_schema("vendor.compose-spec"))


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_nothing_starts_while_a_secret_is_missing_and_the_error_says_where_to_set_it(name):
    with pytest.raises(Missing, match=rf"{name} is missing a value: set it in \.env, see \.env\.example"):
        services({key: value for key, value in FILLED.items() if key != name})


def test_the_example_names_every_variable_and_holds_no_secret():
    named = set(re.findall(r"^#?(\w+)=", EXAMPLE.read_text(), re.MULTILINE))
    used = set(re.findall(r"(?<!\$)\$\{?(\w+)", str(load()["services"])))
    passed_through = {key for key, value in load()["x-environment"].items() if value is None}
    assert used - {"HOSTNAME", "AIRFLOW__CORE__EXECUTOR", "ADMIN_PASSWORD"} <= named
    assert named == (used & named) | passed_through | {"COMPOSE_PROFILES"}
    assert dict.fromkeys(SECRETS, "") == example()


def test_no_secret_is_written_into_the_file_or_given_on_a_command_line():
    found = services(FILLED | {"AIRFLOW_EXECUTOR": "CeleryExecutor"})
    assert [name for name, service in found.items() if "a-secret" in " ".join(service.command)] == []


def test_ports_are_published_on_loopback_only():
    ports = [port for service in services(FILLED).values() for port in service.raw.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_long_running_service_has_a_health_check_and_restarts():
    for name, service in services(FILLED).items():
        if name in ENDS:
            assert service.raw["restart"] == "on-failure:3", name
        else:
            assert service.raw["restart"] == "unless-stopped", name
            assert service.healthcheck, name


def test_services_wait_until_their_dependencies_are_healthy():
    found = services(FILLED)
    for name, service in found.items():
        for needed, how in service.raw.get("depends_on", {}).items():
            waits = "service_completed_successfully" if needed in ENDS else "service_healthy"
            assert how["condition"] == waits, (name, needed)
            hidden = set(found[needed].profiles) - set(service.profiles)
            assert not hidden or how["required"] is False, (name, needed)


def test_a_long_running_service_waits_for_every_service_that_ends():
    stay = [service.raw for name, service in services(FILLED).items() if name not in ENDS]
    assert {one for service in stay for one in service.get("depends_on", {})} >= ENDS


def test_volumes_have_names():
    whole = load()
    named = {volume.split(":")[0] for service in whole["services"].values() for volume in service.get("volumes", [])}
    assert named == set(whole["volumes"])


def test_local_executor_is_the_default_and_workers_refuse_to_start_with_it():
    found = services(FILLED)
    assert found["scheduler"].environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    done = subprocess.run(
        found["worker"].command, env=found["worker"].environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Set AIRFLOW_EXECUTOR=CeleryExecutor in .env" in done.stderr


def test_profiles_are_celery_and_sandbox():
    found = {name: service.profiles for name, service in services(FILLED).items() if service.profiles}
    assert found == {
        "redis": ["celery"],
        "worker": ["celery"],
        "sandbox": ["sandbox"],
        "sandbox-connections": ["sandbox"],
    }


def test_xcoms_archive_and_logs_are_in_s3_by_one_connection():
    environment = services(FILLED)["scheduler"].environment
    assert environment["AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH"] == "s3://partner_sync_s3@partner-sync/xcom"
    assert environment["PARTNER_SYNC_ARCHIVE"] == "s3://partner_sync_s3@partner-sync/archive"
    assert environment["AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID"] == "partner_sync_s3"
    connection = yaml.safe_load(environment["AIRFLOW_CONN_PARTNER_SYNC_S3"])
    assert connection["conn_type"] == "aws"
    assert connection["extra"]["endpoint_url"] == "http://objects:7070"


def test_no_service_runs_as_root_where_its_image_allows_it():
    """Airflow's image and the exporter's have users of their own; versitygw needs root to write to a new volume."""
    found = services(FILLED)
    assert {name: service.raw["user"] for name, service in found.items() if "user" in service.raw} == {
        "postgres": "postgres",
        "redis": "redis",
    }
    dockerfile = found["scheduler"].raw["build"]["dockerfile_inline"]
    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE)[-1] == "airflow"


def test_everything_the_image_copies_exists_and_is_not_ignored():
    dockerfile = services(FILLED)["scheduler"].raw["build"]["dockerfile_inline"]
    copied = [
        name for line in re.findall(r"^COPY --chown=\S+ (.*) \S+$", dockerfile, re.MULTILINE) for name in line.split()
    ]
    assert {"dags", "plugins", "partner_sync", "requirements.txt", "constraints.txt"} <= set(copied)
    assert [name for name in copied if not (REPOSITORY / name).exists()] == []
    let_through = {line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_through == {name.split("/")[0] for name in copied}


@pytest.mark.parametrize(
    "name",
    ["requirements.txt", "requirements-dev.txt", ".docker/requirements.txt", "tests/production/requirements.txt"],
)
def test_every_requirement_is_pinned_to_the_version_of_the_lock(name):
    locked = {line.split(" ;")[0] for line in (REPOSITORY / "constraints.txt").read_text().splitlines()}
    wanted = re.findall(r"^([a-z][\w.-]*)(?:\[.*\])?==([\w.]+)", (REPOSITORY / name).read_text(), re.MULTILINE)
    assert wanted
    assert {f"{package}=={version}" for package, version in wanted} - locked == set()
