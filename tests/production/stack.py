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
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from partner_sync.local.children import end_session, members
from partner_sync.sandbox import Control
from tests.production.airflow_api import AirflowApi
from tests.production.compose import REPOSITORY, Service, services

HOSTS = ("postgres", "redis", "objects", "api-server", "statsd", "sandbox", "localhost")
PORTS = (5432, 6379, 7070, 8080, 8974, 8101, 8102, 8125)
OF_EACH_PROCESS = (8793, 8794)
"""Ports that every container has for itself."""

STARTS_SECONDS = 180
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")


def missing() -> str:
    """What this machine lacks, and how to install it; empty if it lacks nothing."""
    lacking = [name for name, there in (("postgresql", _postgres() is not None), ("redis-server", _has("redis-server"))) if not there]
    try:
        import moto.server  # noqa: F401
        import s3fs  # noqa: F401
    except ImportError:
        return "moto or s3fs is missing here; `make test-production` makes an environment that has them"
    return f"{' and '.join(lacking)} missing: apt-get install --no-install-recommends {' '.join(lacking)}" if lacking else ""


def _has(program: str) -> bool:
    return shutil.which(program) is not None


def _postgres() -> Path | None:
    """The newest PostgreSQL of Debian's packages."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One running service, the leader of a session of its own."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], log: Path, user: str | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=REPOSITORY if user is None else log.parent,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def code(self) -> int | None:
        return self._process.returncode

    def pids(self) -> list[int]:
        return members(self.pid)

    def kill(self) -> None:
        """As when its container, or its machine, is gone: every process of it at once."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
        """As `docker stop`: the leader is asked, whoever is left after that is killed."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=patience)
        end_session(self.pid)
        self._process.wait()


class Metrics:
    """Counts the metrics that come by StatsD."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.names: Counter[str] = Counter()
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except OSError:
                return
            self.names.update(line.partition(":")[0] for line in text.splitlines())

    def close(self) -> None:
        self._socket.close()


class Objects:
    """The S3 server. What it holds outlives its absence."""

    def __init__(self, port: int) -> None:
        from moto.server import ThreadedMotoServer

        self._make: Callable[[], ThreadedMotoServer] = lambda: ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self._server = self._make()
        self._server.start()

    def close(self) -> None:
        self._server.stop()

    def open(self) -> None:
        self._server = self._make()
        self._server.start()


class Stack:
    """Everything, on Celery with two workers, and the sandbox in the place of Salesforce and Zendesk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = Metrics()
        self._ports = {port: free_port() for port in PORTS} | {8125: self.metrics.port}
        self.environ = {
            **{name: secrets.token_hex(32) for name in ("POSTGRES_PASSWORD", "API_SECRET_KEY", "JWT_SECRET")},
            **{name: secrets.token_hex(16) for name in ("S3_ACCESS_KEY", "S3_SECRET_KEY", "ADMIN_PASSWORD", "REDIS_PASSWORD")},
            "FERNET_KEY": _fernet_key(),
            "AIRFLOW_EXECUTOR": "CeleryExecutor",
            "COMPOSE_PROFILES": "celery,sandbox",
            "WORKER_CONCURRENCY": "3",
            "REQUESTS_CA_BUNDLE": "/opt/partner-sync/sandbox/certificate.pem",
        }
        self._services = services(self.environ)
        self.processes: dict[str, Process] = {}
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
        self.wait_healthy("scheduler")
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

    def stop(self) -> None:
        for name in reversed(self.processes):
            process = self.processes[name]
            quick = name.startswith("worker")
            process.stop(signal.SIGINT if name == "postgres" else signal.SIGTERM, 2 if quick else 10)
        with contextlib.suppress(AttributeError):
            self.objects.close()
        self.metrics.close()

    # -- from the file to this machine ----------------------------------------------------------------------

    def command(self, name: str) -> list[str]:
        return [self.native(word, name) for word in self._service(name).command]

    def environment(self, name: str) -> dict[str, str]:
        """What a container's process has: its image's environment and the service's."""
        image = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "HOSTNAME": name,
            "LANG": "C.UTF-8",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        own = {port: free_port() for port in OF_EACH_PROCESS}
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

    def s3(self) -> dict[str, str]:
        """How a client reaches the bucket: the Connection that Airflow has."""
        return dict(yaml.safe_load(self.environment("scheduler")["AIRFLOW_CONN_PARTNER_SYNC_S3"]))

    def _service(self, name: str) -> Service:
        return self._services[re.sub(r"-\d$", "", name)]

    def _make_postgres(self, command: list[str], env: dict[str, str]) -> tuple[list[str], str | None]:
        """What the image's entry point does: a cluster with the user, password and database of the environment."""
        programs, data = _postgres(), self.folder / "postgres" / "data"
        user = "postgres" if os.geteuid() == 0 else None
        as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
        if not data.exists():
            shutil.chown(data.parent, user) if user else None
            password = data.parent / "password"
            password.write_text(env["POSTGRES_PASSWORD"])
            password.chmod(0o644)
            make = [programs / "initdb", "-D", data, "-U", env["POSTGRES_USER"], "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8"]
            subprocess.run(make, check=True, capture_output=True, cwd=data.parent, **as_user)
            script = f'CREATE DATABASE {env["POSTGRES_DB"]};\n'
            single = [programs / "postgres", "--single", "-D", data, "postgres"]
            subprocess.run(single, input=script.encode(), check=True, capture_output=True, cwd=data.parent, **as_user)
        place = ["-D", str(data), "-h", "127.0.0.1", "-p", str(self._ports[5432]), "-k", str(data.parent)]
        return [str(programs / command[0]), *command[1:], *place], user


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
