"""What a folder or a variable of another user could have Python or Textual run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fragtui.import_path import is_own
from tests.support.places import REPOSITORY
from tests.support.trusted import trusted_folder

PLANTED = "import pathlib\npathlib.Path({!r}).touch()\nraise SystemExit(99)\n"


def plant(folder: Path, mark: Path) -> Path:
    """Put modules that fragtui imports later than `__main__` into a folder: they leave a mark."""
    for name in ("argparse", "yaml", "zstandard", "textual", "gzip"):
        (folder / f"{name}.py").write_text(PLANTED.format(str(mark)))
    return folder


def fragtui(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it by -m, as installed: its own folder comes last on the path, as site-packages does."""
    start = f"import sys, runpy\nsys.path.append({str(REPOSITORY)!r})\nsys.argv = {['fragtui', *words]!r}\n"
    start += "sys.path.insert(0, __import__('os').getcwd())\nrunpy.run_module('fragtui', run_name='__main__')\n"
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-c", start], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    done = fragtui("gfp", "GFP_KERNEL", cwd=plant(tmp_path, mark))
    assert done.returncode == 0, done.stderr
    assert not mark.exists()


def test_nothing_is_imported_from_a_folder_of_pythonpath_that_others_can_write(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    done = fragtui("gfp", "GFP_KERNEL", cwd=Path("/"), PYTHONPATH=str(plant(place, mark)))
    assert done.returncode == 0, done.stderr
    assert not mark.exists()


def test_a_folder_of_pythonpath_that_is_ones_own_counts() -> None:
    with trusted_folder() as folder:
        (folder / "argparse.py").write_text("raise SystemExit(99)\n")
        assert fragtui("gfp", "GFP_KERNEL", cwd=Path("/"), PYTHONPATH=str(folder)).returncode == 99


def test_a_checkout_runs_from_its_own_folder() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fragtui", "gfp", "GFP_KERNEL"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_textual_presses_no_key_and_loads_no_driver_that_a_variable_names() -> None:
    code = "import fragtui.__main__, os, textual.constants as c\nprint(c.PRESS, c.DRIVER, c.LOG_FILE, sep='|')"
    code += "\nprint(sorted(name for name in os.environ if name.startswith('TEXTUAL')))"
    named = {"TEXTUAL_PRESS": "c,y", "TEXTUAL_DRIVER": "evil:Driver", "TEXTUAL_LOG": "/etc/passwd"}
    environment = {**os.environ, **named, "TEXTUAL_ANIMATIONS": "none"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["|None|None", "['TEXTUAL_ANIMATIONS']"]


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another user")
def test_a_folder_is_ones_own_only_if_all_above_it_are(tmp_path: Path) -> None:
    assert not is_own(str(tmp_path)), "everyone may write /tmp"
    assert not is_own("relative") and not is_own("")
    with trusted_folder() as folder:
        (folder / "a/b").mkdir(parents=True)
        assert is_own(str(folder / "a/b"))
        (folder / "link").symlink_to(folder / "a")
        assert not is_own(str(folder / "link/b"))
        os.chown(folder / "a", 65534, 65534)
        assert not is_own(str(folder / "a/b"))
