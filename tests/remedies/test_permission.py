import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fragtui.model.remedy.effect import Effect
from fragtui.remedies.catalogue import (
    Action,
    Remedy,
    RemedyStep,
    compact_all,
    compact_node,
    drop_caches,
    sync_only,
    wake_kcompactd,
)
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.worker import filesystem_of
from fragtui.sources.host.identity import is_live

ROOT = Path("/")
DROP = drop_caches(1, sync=False)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@as_root
def test_root_may_and_trying_changes_nothing() -> None:
    before = Path("/proc/vmstat").read_text()
    assert disabled_because(DROP, ROOT) is None and disabled_because(sync_only(), ROOT) is None
    after = Path("/proc/vmstat").read_text()
    assert [line for line in before.splitlines() if line.startswith("drop_")] == [
        line for line in after.splitlines() if line.startswith("drop_")
    ]


def test_the_callers_reason_and_the_remedys_own_come_first() -> None:
    assert disabled_because(DROP, ROOT, "--read-only") == "--read-only"
    assert "is 0" in str(disabled_because(wake_kcompactd(0, None), ROOT))


def test_a_setting_that_changed_since_it_was_read_is_not_set_back(tmp_path: Path) -> None:
    setting = tmp_path / "proc/sys/vm/compaction_proactiveness"
    setting.parent.mkdir(parents=True)
    setting.write_text("20\n")
    remedy = wake_kcompactd(20, None)
    assert "saved copy" in str(disabled_because(remedy, tmp_path))
    setting.write_text("60\n")
    assert str(disabled_because(remedy, tmp_path)) == f"{setting} has changed from 20 to 60"
    assert setting.read_text() == "60\n"


def _as_nobody(results: "multiprocessing.SimpleQueue[str | None]") -> None:
    os.seteuid(65534)
    results.put(disabled_because(DROP, ROOT))


@as_root
def test_without_root_it_reports_it() -> None:
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    worker = context.Process(target=_as_nobody, args=(results,))
    worker.start()
    assert results.get() == "must be root: effective uid is 65534"
    worker.join()


@as_root
def test_a_read_only_mount_is_distinguished_from_missing_rights() -> None:
    code = (
        "from pathlib import Path; from fragtui.remedies import permission, catalogue; "
        "print(permission.disabled_because(catalogue.compact_all(), Path('/')))"
    )
    mounts = "mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"
    script = f'{mounts} && exec {sys.executable} -c "{code}"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no mount namespace here: {done.stderr}")
    assert done.stdout.startswith("/proc/sys/vm/compact_memory is mounted read-only")


def saved(tmp_path: Path) -> Path:
    (tmp_path / "proc/sys/vm").mkdir(parents=True)
    for name in ("drop_caches", "compact_memory"):
        (tmp_path / "proc/sys/vm" / name).write_text("0")
    return tmp_path


def test_saved_files_are_never_written(tmp_path: Path) -> None:
    root = saved(tmp_path)
    assert not is_live(root)
    assert "saved copy" in str(disabled_because(DROP, root))
    assert "saved files" in str(disabled_because(sync_only(), root))
    assert (root / "proc/sys/vm/drop_caches").read_text() == "0"


@as_root
@pytest.mark.parametrize("linked", ["proc", "proc/sys", "proc/sys/vm", "proc/sys/vm/drop_caches"])
def test_a_link_in_saved_files_does_not_lead_to_this_host(linked: str, tmp_path: Path) -> None:
    path = tmp_path / linked
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(Path("/") / linked)
    assert "link" in str(disabled_because(DROP, tmp_path))
    assert not is_live(tmp_path)


def test_a_missing_file_is_a_kernel_without_compaction(tmp_path: Path) -> None:
    root = saved(tmp_path)
    (root / "proc/sys/vm/compact_memory").unlink()
    assert "CONFIG_COMPACTION" in str(disabled_because(compact_all(), root))
    assert "node9 does not exist" in str(disabled_because(compact_node(9), ROOT))
    odd = Remedy("x", "X", (RemedyStep(Action.WRITE, "proc/sys/vm/nothing", "1"),), Effect(), "", "")
    assert str(disabled_because(odd, root)).endswith("nothing does not exist")


def test_a_fifo_among_saved_files_does_not_block(tmp_path: Path) -> None:
    root = saved(tmp_path)
    (root / "proc/sys/vm/drop_caches").unlink()
    os.mkfifo(root / "proc/sys/vm/drop_caches")
    assert disabled_because(DROP, root) is not None


def test_file_systems_are_recognised_by_their_mount(tmp_path: Path) -> None:
    assert filesystem_of(Path("/proc").stat().st_dev) == "proc"
    assert filesystem_of(Path("/sys").stat().st_dev) == "sysfs"
    assert filesystem_of(tmp_path.stat().st_dev) not in ("proc", "sysfs")
    assert filesystem_of(os.makedev(4000, 12345)) is None
