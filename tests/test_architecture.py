"""Who may import whom, and that nothing of what the house rules keep out has come in."""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "partner_sync"

FOLDERS = (
    ("errors", "model", "whitespace", "ids"),
    ("archive",),
    ("config",),
    ("compare", "vendors"),
    ("gather",),
    ("sync",),
    ("orchestration",),
    ("alerts",),
    ("history",),
    ("cli",),
    ("local", "page"),
)
"""From the bottom up: a folder imports what is below it. The first line is the vocabulary, modules that all share."""

ENTRY_POINTS = {"__init__", "__main__", "why", "decisions", "retention", "replay", "preview"}
"""What `python -m` starts: above all folders, and no more than a call."""

AIRFLOW = {
    "orchestration",
    "local",
    "dags",
    "plugins",
    "alerts/apprise",
    "alerts/callbacks",
    "page/plugin",
}
"""Folders and modules that may import Airflow."""

IMPURE = {"requests", "urllib3", "airflow", "simple_salesforce", "zenpy", "aiohttp", "os", "time", "pathlib", "socket"}
"""HTTP, Airflow, clock, files, environment."""


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


def level(name: str) -> int | None:
    return next((number for number, names in enumerate(FOLDERS) if name in names), None)


def place(path: Path) -> str:
    """Folder, or the module itself at the top of the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def sources() -> list[Path]:
    return sorted(
        [*PACKAGE.rglob("*.py"), *(REPOSITORY / "dags").glob("*.py"), *(REPOSITORY / "plugins").rglob("*.py")]
    )


def product() -> list[Path]:
    return [path for path in sources() if path.is_relative_to(PACKAGE) and "sandbox" not in path.parts]


def test_every_folder_of_the_package_has_its_level():
    found = {place(path) for path in product()} - ENTRY_POINTS
    assert {name for names in FOLDERS for name in names} == found


def below() -> list[Path]:
    """Product modules, entry points aside: these start what is above."""
    return [path for path in product() if place(path) not in ENTRY_POINTS and path.stem != "__main__"]


@pytest.mark.parametrize("path", below(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_folder_imports_only_folders_below_it(path):
    own = place(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("partner_sync.")} - {own, "__version__"}
    beside = set(FOLDERS[0]) if own in FOLDERS[0] else set()
    assert {name for name in used - beside if (at := level(name)) is None or at >= level(own)} == set()


def test_compare_is_pure():
    for path in [*(PACKAGE / "compare").glob("*.py"), *(PACKAGE / f"{name}.py" for name in FOLDERS[0])]:
        assert {name.split(".")[0] for name in imports(path)} & IMPURE == set(), path.name


def test_the_vocabulary_needs_the_standard_library_only():
    for name in FOLDERS[0]:
        roots = {found.split(".")[0] for found in imports(PACKAGE / f"{name}.py")}
        assert roots <= {*sys.stdlib_module_names, "partner_sync"}


def test_airflow_is_imported_where_the_house_says_and_nowhere_else():
    found = {path for path in sources() if any(name.split(".")[0] == "airflow" for name in imports(path))}
    named = {
        path.relative_to(REPOSITORY).as_posix().removeprefix("partner_sync/").removesuffix(".py") for path in found
    }
    assert {name for name in named if name not in AIRFLOW and name.split("/")[0] not in AIRFLOW} == set()


def test_no_file_name_is_used_twice():
    names = Counter(path.name for path in product() if not path.stem.startswith("__"))
    assert {name for name, count in names.items() if count > 1} == set()


SHARED_NAMES = {"main", "run", "log", "T"}
"""What entry points run, loggers and type variables."""


def test_no_public_name_has_two_meanings():
    places = defaultdict(list)
    for path in [path for path in sources() if "sandbox" not in path.parts]:
        for name in public_names(path):
            places[name].append(path.relative_to(REPOSITORY).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED_NAMES} == {}


def public_names(path: Path) -> Iterator[str]:
    """Functions, classes and constants that a module defines at its top."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [node.name] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else []
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names += [found.id for target in targets for found in ast.walk(target) if isinstance(found, ast.Name)]
        yield from (name for name in names if not name.startswith("_"))


def test_a_file_over_300_lines_states_the_reason():
    for path in [path for path in sources() if "sandbox" not in path.parts]:
        text = path.read_text(encoding="utf-8")
        reason = ast.get_docstring(ast.parse(text)) or ""
        assert len(text.splitlines()) <= 300 or "over 300 lines" in " ".join(reason.split()).lower(), path.name


def test_the_page_renders_without_airflow_files_or_the_index():
    for name in ("formats", "views"):
        roots = {found.split(".")[0] for found in imports(PACKAGE / "page" / f"{name}.py")}
        assert roots & (IMPURE | {"fastapi", "starlette", "sqlite3"}) == set(), name


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
