"""The layers of the house, kept by import-linter and by asking a fresh Python."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.places import REPOSITORY

HEAVY = ("textual", "rich", "prometheus_client", "asyncio")


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"],
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    return set(done.stdout.splitlines())


def packages(folder: str) -> list[str]:
    package = REPOSITORY / "fragtui"
    return [
        "fragtui." + ".".join(path.relative_to(package).with_suffix("").parts)
        for path in sorted((package / folder).rglob("*.py"))
        if path.stem[0] != "_"
    ]


@pytest.mark.parametrize("folder", ["kernel", "cluster", "logs", "model"])
def test_the_pure_parts_import_no_io(folder: str) -> None:
    code = "import " + ", ".join(packages(folder))
    brought = modules_after(code) - modules_after("pass")
    assert not {name for name in brought if name.split(".")[0] in (*HEAVY, "psutil", "subprocess", "socket", "select")}
    assert not {name for name in brought if name.startswith(("fragtui.ui", "fragtui.sources", "fragtui.remedies"))}


@pytest.mark.parametrize("folder", ["sources", "remedies", "commands"])
def test_no_reader_remedy_or_verb_imports_textual(folder: str) -> None:
    brought = modules_after("import " + ", ".join(packages(folder)))
    assert not {name for name in brought if name.split(".")[0] in HEAVY[:3]}


def test_the_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        pytest.skip("import-linter is not installed (extra: dev)")
    done = subprocess.run([str(linter), "--no-cache"], check=False, capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout


def test_no_file_of_the_package_is_too_long_to_read_in_one_sitting() -> None:
    long = {
        str(path.relative_to(REPOSITORY)): count
        for path in (REPOSITORY / "fragtui").rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_no_folder_of_the_package_has_more_than_18_files() -> None:
    folders = [path for path in (REPOSITORY / "fragtui").rglob("*") if path.is_dir()]
    full = {str(folder): count for folder in folders if (count := len(list(folder.glob("*.py")))) > 18}
    assert len(folders) > 20 and not full


def test_private_modules_of_textual_are_imported_in_one_place() -> None:
    package = REPOSITORY / "fragtui"
    users = {str(path.relative_to(package)) for path in package.rglob("*.py") if "textual._" in path.read_text()}
    assert users == {"ui/widgets/textual_private.py"}


def test_private_names_of_textual_are_used_in_one_place() -> None:
    users = {name for name in packages("ui") if foreign_private_names(name)}
    assert users == {"fragtui.ui.widgets.textual_private"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in ("_replace", "_asdict", "_fields")


def parsed(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def foreign_private_names(name: str) -> set[str]:
    """Return the private attributes of other objects, and those of Textual's classes in their subclasses."""
    found = {
        node.attr
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.Attribute) and is_private(node.attr) and not is_self(node.value)
    }
    module = importlib.import_module(name)
    for own in vars(module).values():
        if inspect.isclass(own) and own.__module__ == name:
            private = private_names_of_classes(name)[own.__name__]
            for base in own.__mro__:
                if base.__module__.partition(".")[0] == "textual":
                    found |= private & private_names_of_classes(base.__module__)[base.__name__]
    return found


def is_self(node: ast.expr) -> bool:
    """Return whether it is `self`, `cls`, or `super()` in one of its forms."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


@cache
def private_names_of_classes(module: str) -> dict[str, set[str]]:
    """Return, by class, the private names that the body of a class defines or uses of itself."""
    classes = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.ClassDef)]
    return {node.name: set(filter(is_private, names_in(node))) for node in classes}


def names_in(body: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(body):
        if isinstance(node, ast.Attribute) and is_self(node.value):
            yield node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_every_module_that_the_guide_for_contributors_names_exists() -> None:
    text = (REPOSITORY / ".github/CONTRIBUTING.md").read_text()
    names = set(re.findall(r"`((?:[\w.-]+/)+\w+\.py)`", text))
    places = (REPOSITORY, REPOSITORY / "fragtui")
    assert len(names) > 60 and not [name for name in names if not any((place / name).exists() for place in places)]
