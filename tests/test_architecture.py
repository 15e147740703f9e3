"""Who may import whom, and that nothing of what the house rules keep out has come in."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "partner_sync"

RINGS = {
    "words": {"model", "errors"},
    "core": {
        "ids",
    },
    "edges": {},
    "seam": {"retention"},
    "command": {"__main__"},
}
"""From the inside out: a module imports its own ring and those before it."""

PURE = {"requests", "urllib3", "airflow", "simple_salesforce", "zenpy", "aiohttp", "os", "time", "pathlib", "socket"}
"""What no word and no part of the core imports: HTTP, Airflow, clock, files, environment."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def imports(path: Path) -> Iterator[str]:
    """Every imported module of a file, those inside functions too, as absolute dotted names."""
    package = path.relative_to(REPOSITORY).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            source = base if node.level else node.module or ""
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def ring_of(name: str) -> int | None:
    return next((number for number, ring in enumerate(RINGS.values()) if name in ring), None)


def sources() -> list[Path]:
    return sorted(
        [*PACKAGE.rglob("*.py"), *(REPOSITORY / "dags").glob("*.py"), *(REPOSITORY / "plugins").rglob("*.py")]
    )


def test_every_module_of_the_product_has_its_ring():
    assert set().union(*RINGS.values()) == {path.stem for path in modules()}


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_a_module_imports_its_own_ring_and_those_further_in(path):
    own = ring_of(path.stem)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("partner_sync.")}
    outward = {name for name in used if (ring := ring_of(name)) is not None and own is not None and ring > own}
    assert outward == set()
    assert used & {"local", "sandbox"} == set()


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.stem in RINGS["words"] | RINGS["core"]], ids=lambda path: path.stem
)
def test_words_and_core_know_no_http_no_airflow_no_clock_and_no_files(path):
    assert {name.split(".")[0] for name in imports(path)} & PURE == set()


@pytest.mark.parametrize("name", sorted(RINGS["words"]))
def test_words_need_the_standard_library_only(name):
    roots = {found.split(".")[0] for found in imports(PACKAGE / f"{name}.py")}
    assert roots <= {*sys.stdlib_module_names, "partner_sync"}


def test_airflow_is_imported_by_the_seam_the_launcher_the_dag_and_the_page_alone():
    outside = {
        path.relative_to(REPOSITORY).as_posix()
        for path in sources()
        if any(name.split(".")[0] == "airflow" for name in imports(path))
    }
    allowed = {f"partner_sync/{name}.py" for name in RINGS["seam"]} | {"dags/partner_sync_dag.py"}
    allowed |= {"partner_sync/page/access.py"}
    assert {name for name in outside if not name.startswith(("partner_sync/local/", "plugins/"))} <= allowed


def test_the_history_reads_the_archive_and_knows_no_vendor():
    inner = RINGS["words"] | RINGS["core"] | {"archive", "history", "objects"}
    for path in (PACKAGE / "history").glob("*.py"):
        if path.stem == "__main__":
            continue  # a command finds the archive by itself, as a task does
        product = {name.split(".")[1] for name in imports(path) if name.startswith("partner_sync.")}
        assert product - inner == set(), path.name
        assert {name.split(".")[0] for name in imports(path)} & {"requests", "airflow", "rich"} == set(), path.name


def test_the_page_is_made_of_what_the_history_answers_and_only_its_seam_knows_airflow_or_where_the_archive_is():
    for path in (PACKAGE / "page").glob("*.py"):
        product = {name.split(".")[1] for name in imports(path) if name.startswith("partner_sync.")}
        seam = {"stores"} if path.stem == "access" else set()
        assert product - RINGS["words"] - {"history", "page"} - seam == set(), path.name
    for name in ("formats", "charts", "views"):
        roots = {found.split(".")[0] for found in imports(PACKAGE / "page" / f"{name}.py")}
        assert roots & (PURE | {"fastapi", "starlette", "sqlite3"}) == set(), name


def test_the_sandbox_is_a_second_program_that_shares_no_code():
    for path in (PACKAGE / "sandbox").glob("*.py"):
        product = {name for name in imports(path) if name.startswith("partner_sync")}
        assert {name for name in product if not name.startswith("partner_sync.sandbox")} == set(), path.name


def test_the_dag_file_holds_wiring_only():
    tree = ast.parse((REPOSITORY / "dags" / "partner_sync_dag.py").read_text(encoding="utf-8"))
    assert [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef)] == []


def test_nothing_in_dags_or_plugins_is_named_like_the_package():
    named = [*(REPOSITORY / "dags").rglob("*"), *(REPOSITORY / "plugins").rglob("*")]
    assert [path for path in named if path.stem == "partner_sync" and path.suffix in ("", ".py")] == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_file_catches_everything_or_is_named_for_nothing(path):
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
            assert all(
                name is not None and getattr(name, "id", "") not in ("Exception", "BaseException") for name in caught
            )


def test_no_test_patches_our_own_code():
    words = ("mock" + ".patch", "monkeypatch" + ".setattr", "unittest" + ".mock")
    found = [path.name for path in (REPOSITORY / "tests").rglob("*.py") for word in words if word in path.read_text()]
    assert found == []
