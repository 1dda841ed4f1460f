"""The layers of the house, kept by import-linter and by asking a fresh Python."""

import subprocess
import sys
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
def test_the_pure_parts_bring_no_io_with_them(folder: str) -> None:
    code = "import " + ", ".join(packages(folder))
    brought = modules_after(code) - modules_after("pass")
    assert not {name for name in brought if name.split(".")[0] in (*HEAVY, "psutil", "subprocess", "socket", "select")}
    assert not {name for name in brought if name.startswith(("fragtui.ui", "fragtui.sources", "fragtui.remedies"))}


@pytest.mark.parametrize("folder", ["sources", "remedies", "commands"])
def test_no_reader_remedy_or_verb_brings_textual(folder: str) -> None:
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
    assert users == {"ui/terminal/textual_private.py"}
