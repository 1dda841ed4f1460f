"""fragtui writes to the named path, the whole file, with its own mode, and through no planted link."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from fragtui.output_file import PRIVATE, PROGRAM, PUBLIC, replace_file, write_file
from fragtui.sources.recording.file_writer import new_file
from fragtui.ui.dialogs.command_palette import PaletteList
from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.screen import make_app, running, until
from tests.support.trusted import umask

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

FULL_DISK = """
import sys
from pathlib import Path
from fragtui.output_file import write_file
from tests.support.tiny_disk import fill, mount_tiny
folder = Path(sys.argv[1])
mount_tiny(folder, 8192)
target = folder / "report.md"
target.write_text("old")
full = fill(folder)
try:
    write_file(target, "new" * 100)
except OSError as error:
    print(error.filename, error.strerror)
print(target.read_text(), sorted(path.name for path in folder.iterdir()))
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("keep")
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.mark.parametrize("plant", ["link", "link to nothing", "hard link"])
def test_what_was_planted_in_its_place_is_replaced_and_not_written_through(plant: str, victim: Path, out: Path) -> None:
    target = out / "report.md"
    if plant == "hard link":
        target.hardlink_to(victim)
    else:
        target.symlink_to(victim if plant == "link" else out / "none")
    write_file(target, "new")
    assert victim.read_text() == "keep" and not (out / "none").exists()
    assert target.read_text() == "new" and not target.is_symlink()
    assert [path.name for path in out.iterdir()] == ["report.md"]


def test_a_fifo_a_device_and_a_directory_are_refused_at_once_and_stay(out: Path) -> None:
    os.mkfifo(out / "fifo")
    (out / "zero").symlink_to("/dev/zero")
    (out / "folder").mkdir()
    begun = time.monotonic()
    for name in ("fifo", "zero", "folder"):
        with pytest.raises(OSError, match="not a regular file") as refused:
            write_file(out / name, "new")
        assert refused.value.filename == str(out / name)
    assert time.monotonic() - begun < 1
    assert sorted(path.name for path in out.iterdir()) == ["fifo", "folder", "zero"]


def test_nothing_takes_a_name_in_dev(tmp_path: Path) -> None:
    for name in ("stdout", "fragtui-new"):
        with pytest.raises(OSError, match="not a regular file"):
            write_file(Path("/dev", name), "new")
    (tmp_path / "link").symlink_to("/dev")
    with pytest.raises(OSError, match="not a regular file"):
        write_file(tmp_path / "link/fragtui-new", "new")
    assert Path("/dev/stdout").is_symlink() and not Path("/dev/fragtui-new").exists()


@pytest.mark.parametrize("mask", [0, 0o777])
@pytest.mark.parametrize("mode", [PRIVATE, PUBLIC, PROGRAM])
def test_the_mode_is_its_own_whatever_the_umask_and_the_old_file(mode: int, mask: int, out: Path) -> None:
    (out / "x").touch(0o777)
    with umask(mask):
        write_file(out / "x", "new", mode)
    assert mode_of(out / "x") == mode


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(out: Path) -> None:
    target = write_file(out / "x", "old")

    def fail() -> None:
        with replace_file(target, PUBLIC) as file:
            file.write(b"half")
            file.flush()
            assert target.read_text() == "old" and len(list(out.iterdir())) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old" and [path.name for path in out.iterdir()] == ["x"]
    with pytest.raises(FileNotFoundError) as missing:
        write_file(out / "none/x", "new")
    assert missing.value.filename == str(out / "none/x")


@as_root
def test_a_full_disk_leaves_the_old_file_and_nothing_else(out: Path) -> None:
    command, here = [sys.executable, "-c", FULL_DISK, str(out)], REPOSITORY
    ran = subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)
    assert ran.stdout.splitlines() == [f"{out}/report.md No space left on device", "old ['full', 'report.md']"], (
        ran.stderr
    )


@pytest.mark.parametrize("mask", [0, 0o022])
def test_a_report_is_for_its_owner_alone_and_goes_through_no_link(
    mask: int, tmp_path: Path, victim: Path, out: Path
) -> None:
    HostTree.small(tmp_path / "host")
    (out / "report.md").symlink_to(victim)
    with umask(mask):
        assert main(["report", "--root", str(tmp_path / "host"), "-o", str(out / "report.md")]) == 0
    assert victim.read_text() == "keep" and "#" in (out / "report.md").read_text()
    assert mode_of(out / "report.md") == 0o600


@pytest.mark.parametrize("mask", [0, 0o077])
def test_a_textfile_is_for_everyone_and_goes_through_no_link(
    mask: int, tmp_path: Path, victim: Path, out: Path
) -> None:
    HostTree.small(tmp_path / "host")
    (out / "x.prom").symlink_to(victim)
    with umask(mask):
        assert main(["export", "--root", str(tmp_path / "host"), "--textfile", str(out / "x.prom")]) == 0
    assert victim.read_text() == "keep" and "fragtui_" in (out / "x.prom").read_text()
    assert mode_of(out / "x.prom") == 0o644


def test_a_textfile_is_not_first_written_where_it_can_be_foreseen(tmp_path: Path, victim: Path, out: Path) -> None:
    HostTree.small(tmp_path / "host")
    code = (
        "import os, sys, threading\n"
        "from pathlib import Path\n"
        "from fragtui.commands.cli.parser import main\n"
        "target, victim = sys.argv[3], sys.argv[4]\n"
        "os.symlink(victim, f'{target}.{os.getpid()}.{threading.current_thread().ident}')\n"
        "sys.exit(main(['export', '--root', sys.argv[2], '--textfile', target]))\n"
    )
    command = [sys.executable, "-c", code, "-", tmp_path / "host", out / "x.prom", victim]
    assert subprocess.run(list(map(str, command)), check=False).returncode == 0
    assert victim.read_text() == "keep" and not (out / "x.prom").is_symlink()


@pytest.mark.parametrize("mask", [0, 0o777])
def test_a_recording_is_a_new_file_for_its_owner_alone(mask: int, victim: Path, out: Path) -> None:
    with umask(mask):
        file = new_file(out / "x.rec")
    file.append(b"data")
    file.close()
    assert (out / "x.rec").read_bytes() == b"data" and mode_of(out / "x.rec") == 0o600
    (out / "link").symlink_to(victim)
    (out / "to nothing").symlink_to(out / "none")
    (out / "hard").hardlink_to(victim)
    for name in ("x.rec", "link", "to nothing", "hard"):
        with pytest.raises(FileExistsError):
            new_file(out / name)
    assert victim.read_text() == "keep" and not (out / "none").exists()


@pytest.mark.parametrize("mask", [0, 0o077])
async def test_keys_save_files_with_their_own_modes(
    mask: int, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HostTree.small(tmp_path / "host")
    monkeypatch.chdir(out)
    (tmp_path / "kern.log").write_text("<4>[  1.0] sh: page allocation failure: order:6, mode:0xdc0(GFP_KERNEL)\n")
    app = make_app(tmp_path / "host", kernel_log=str(tmp_path / "kern.log"))
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.main.session.failures.rows) == 1)
        with umask(mask):
            for key in ("p", "f"):
                await pilot.press("w", key)
                await until(pilot, lambda: app.screen is app.main)
            await until(pilot, lambda: len([path for path in out.iterdir() if path.suffix != ".tmp"]) == 2)
    modes = {path.suffix: mode_of(path) for path in out.iterdir()}
    assert modes == {".svg": 0o644, ".jsonl": 0o600}


async def test_the_name_of_the_folder_cannot_move_the_cursor_in_a_notification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HostTree.small(tmp_path / "host")
    hostile = tmp_path / "\x1b[31mred\x07"
    hostile.mkdir()
    monkeypatch.chdir(hostile)
    app = make_app(tmp_path / "host")
    async with running(app) as pilot:
        await pilot.press("w", "p")
        await until(pilot, lambda: bool(app.notices.notices))
        message = app.notices.notices[0].text
    assert "\\x1b[31mred\\x07" in message and message.isprintable()


async def test_the_palette_offers_no_picture_of_textuals_own(root: Path) -> None:
    """It would be written through a link that is planted in its place."""
    app = make_app(root)
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        titles = [command.name for command in app.screen.query_one(PaletteList).commands]
    assert "Save: Picture" in titles and "Screenshot" not in titles
