"""The stack of docker-compose.yaml, started without Docker: the same commands with the same environment.

What is replaced, and nothing else: the names of other services by 127.0.0.1, ports by free ones, the folders of a
container by folders of this run, and the programs of three images: PostgreSQL and Redis come from Debian's packages, S3
is moto's server. What the exporter of metrics would get, a socket counts. Every process has a session of its own and is
ended by it; a killed one is started again as `restart: unless-stopped` would.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from airflow.utils.net import get_hostname
from cryptography.fernet import Fernet

from partner_sync.archive.archive import Archive
from partner_sync.orchestration.locations import root
from partner_sync.sandbox import Control
from tests.forgetting import forget
from tests.production import machine
from tests.production.airflow_api import AirflowApi
from tests.production.compose import REPOSITORY, Service, services
from tests.production.parts import Metrics, Objects, Process, Restarts

HOSTS = ("postgres", "redis", "objects", "api-server", "statsd", "sandbox", "localhost")
PORTS = (5432, 6379, 7070, 8080, 8974, 8101, 8102, 8125)
OF_EACH_PROCESS = (8793, 8794)
"""Ports that every container has for itself."""

STARTS_SECONDS = 180


class Stack:
    """Everything, on Celery with two workers, and the sandbox in the place of Salesforce and Zendesk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = Metrics()
        self._ports = {port: machine.free_port() for port in PORTS} | {8125: self.metrics.port}
        self.environ = {
            **{name: secrets.token_hex(32) for name in ("POSTGRES_PASSWORD", "API_SECRET_KEY", "JWT_SECRET")},
            **{name: secrets.token_hex(16) for name in ("S3_ACCESS_KEY", "S3_SECRET_KEY", "REDIS_PASSWORD")},
            "ADMIN_PASSWORD": secrets.token_hex(16),
            "FERNET_KEY": Fernet.generate_key().decode(),
            "AIRFLOW_EXECUTOR": "CeleryExecutor",
            "COMPOSE_PROFILES": "celery,sandbox",
            "WORKER_CONCURRENCY": "3",
            "REQUESTS_CA_BUNDLE": "/opt/partner-sync/sandbox/certificate.pem",
        }
        self._services = services(self.environ)
        self.processes: dict[str, Process] = {}
        self.objects: Objects | None = None
        self.restarts: Restarts | None = None
        self.certificate = folder / "sandbox" / "certificate.pem"
        for name in ("airflow/logs", "sandbox", "tmp", "logs", "home", "redis", "postgres"):
            (folder / name).mkdir(parents=True)

    # -- what Compose would do ------------------------------------------------------------------------------

    def start(self) -> None:
        """In the order of `depends_on`, each after the health of what it needs."""
        for name in ("postgres", "objects", "redis", "sandbox"):
            self.run(name)
        os.environ["SSL_CERT_FILE"] = str(self.certificate)
        for name in ("postgres", "redis", "sandbox"):
            self.wait_healthy(name)
        self.once("airflow-init")
        self.once("sandbox-connections")
        for name in ("api-server", "dag-processor"):
            self.run(name)
        self.wait_healthy("api-server")
        for name in ("scheduler", "triggerer", "worker-1", "worker-2"):
            self.run(name)
        self.restarts = Restarts(self.processes, self.run)
        for name in ("scheduler", "worker-1", "worker-2"):
            self.wait_healthy(name)
        self.api = AirflowApi(self.address(8080), "admin", self.environ["ADMIN_PASSWORD"])
        self.control = Control(f"https://127.0.0.1:{self._ports[8102]}")

    def run(self, name: str) -> None:
        """Starts a service, or starts it again. `worker-2` is the second container of `worker`."""
        log = self.folder / "logs" / f"{name}.log"
        if name == "objects":
            self.objects = Objects(self._ports[7070])
            return
        command, env = self.command(name), self.environment(name)
        user = None
        if name == "postgres":
            command, user = self._make_postgres(command, env)
        self.processes[name] = Process(name, command, env, log, user)

    def once(self, name: str) -> None:
        """Runs a service that ends, to its end."""
        self.run(name)
        process = self.processes.pop(name)
        until = time.monotonic() + STARTS_SECONDS
        while not process.ended and time.monotonic() < until:
            time.sleep(0.2)
        process.stop()
        if process.code:
            raise AssertionError(f"{name} failed:\n{process.log.read_text()[-3000:]}")

    def wait_healthy(self, name: str) -> None:
        """Until the health check of the file says so."""
        until = time.monotonic() + STARTS_SECONDS
        while not self.healthy(name):
            if time.monotonic() > until or self.processes[name].ended:
                raise AssertionError(f"{name} is not healthy:\n{self.processes[name].log.read_text()[-3000:]}")
            time.sleep(0.5)

    def healthy(self, name: str) -> bool:
        test = self.native(self._service(name).healthcheck, name)
        done = subprocess.run(["sh", "-c", test], env=self.environment(name), capture_output=True, check=False)
        return done.returncode == 0

    def restart(self, name: str) -> None:
        """`docker compose restart`: asked to end, started again, healthy again."""
        self.restarts.stopped.add(name)
        self._end(name)
        self.run(name)
        self.restarts.stopped.discard(name)
        self.wait_healthy(name)

    def kill(self, name: str) -> None:
        """As when its machine loses power. It is started again by itself."""
        self.processes[name].kill()

    def stop(self) -> None:
        if self.restarts:
            self.restarts.close()
        for name in reversed(self.processes):
            self._end(name)
        if self.objects:
            self.objects.close()
        self.metrics.close()

    def _end(self, name: str) -> None:
        """With the signal of its image, and the patience that a test has."""
        number = signal.SIGINT if name == "postgres" else signal.SIGTERM
        self.processes[name].stop(number, 2 if name.startswith("worker") else 10)

    def execute(self, *command: str) -> str:
        """`docker compose run --rm scheduler …`: what the command said. Raises AssertionError where it failed."""
        env = self.environment("scheduler")
        done = subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout + done.stderr

    def dump(self) -> bytes:
        """The whole database."""
        server, env = self._service("postgres").environment, {"PGPASSWORD": self.environ["POSTGRES_PASSWORD"]}
        where = ["-h", "127.0.0.1", "-p", str(self._ports[5432]), "-U", server["POSTGRES_USER"]]
        command = [machine.postgres() / "pg_dump", *where, server["POSTGRES_DB"]]
        return subprocess.run(command, env=env, capture_output=True, check=True).stdout

    def executing(self) -> dict[str, int]:
        """The processes that execute tasks on the two workers, by the ids that Airflow writes into their titles."""
        found = {}
        for name in ("worker-1", "worker-2"):
            for pid in self.processes[name].pids():
                with contextlib.suppress(OSError):
                    title = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
                    if title.startswith("airflow worker -- "):
                        found[title.removeprefix("airflow worker -- ")] = pid
        return found

    # -- from the file to this machine ----------------------------------------------------------------------

    def command(self, name: str) -> list[str]:
        return [self.native(word, name) for word in self._service(name).command]

    def environment(self, name: str) -> dict[str, str]:
        """What a container's process has: its image's environment and the service's."""
        image = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "HOSTNAME": name if name.startswith("worker") else get_hostname(),  # as a container has its own
            "LANG": "C.UTF-8",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        own = {port: machine.free_port() for port in OF_EACH_PROCESS}
        given = self._service(name).environment
        texts = {key: "127.0.0.1" if value in HOSTS else value for key, value in given.items()}
        return image | {key: self.native(value, name, own) for key, value in texts.items()}

    def native(self, text: str, name: str, own: Mapping[int, int] | None = None) -> str:
        """One text of the file, as it is right here; `own` are the ports that this process has for itself."""
        text = text.replace("0.0.0.0", "127.0.0.1")
        text = re.sub(rf"(?<=[/@=])({'|'.join(HOSTS)})(?=:\d)", "127.0.0.1", text)
        for port, free in (self._ports | dict(own or {})).items():
            text = re.sub(rf"(?<![\w.]){port}(?![\w.])", str(free), text)
        folders = {
            "/opt/partner-sync/sandbox": self.folder / "sandbox",
            "/opt/partner-sync": REPOSITORY,
            "/opt/airflow": self.folder / "airflow",
            "/tmp": self.folder / "tmp",
            "/data": self.folder / name,
        }
        return re.sub("|".join(folders), lambda match: str(folders[match[0]]), text)

    def address(self, port: int) -> str:
        return f"http://127.0.0.1:{self._ports[port]}"

    def archive(self) -> Archive:
        """The archive, by the URL and the Connection that the workers have."""
        given = self.environment("worker-1")
        os.environ["AIRFLOW_CONN_PARTNER_SYNC_S3"] = given["AIRFLOW_CONN_PARTNER_SYNC_S3"]
        return Archive(root(given["PARTNER_SYNC_ARCHIVE"]))

    def new_world(self, **values: object) -> None:
        """Another world in the sandbox, that no run remembers."""
        self.control.reset(**values)
        forget(self.archive().root)

    def _service(self, name: str) -> Service:
        return self._services[re.sub(r"-\d$", "", name)]

    def _make_postgres(self, command: list[str], env: dict[str, str]) -> tuple[list[str], str | None]:
        """What the image's entry point does: a cluster with the user, password and database of the environment."""
        programs, data = machine.postgres(), self.folder / "postgres" / "data"
        user = "postgres" if os.geteuid() == 0 else None  # it refuses to be root
        as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
        if not data.exists():
            if user:
                shutil.chown(data.parent, user)
            password = data.parent / "password"
            password.write_text(env["POSTGRES_PASSWORD"])
            password.chmod(0o644)
            given = ["-D", data, "-U", env["POSTGRES_USER"], f"--pwfile={password}", "-E", "UTF8"]
            make = [programs / "initdb", *given, "--auth=scram-sha-256"]
            subprocess.run(make, check=True, capture_output=True, cwd=data.parent, **as_user)
            password.unlink()
            script = f"CREATE DATABASE {env['POSTGRES_DB']};\n"
            single = [programs / "postgres", "--single", "-D", data, "postgres"]
            subprocess.run(single, input=script.encode(), check=True, capture_output=True, cwd=data.parent, **as_user)
        place = ["-D", str(data), "-h", "127.0.0.1", "-p", str(self._ports[5432]), "-k", str(data.parent)]
        return [str(programs / command[0]), *command[1:], *place], user


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
