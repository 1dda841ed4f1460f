"""Getting it onto a node: the zipapp where nothing is installed, the host mounted elsewhere, the texts."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fragtui.commands.cli.parser import main
from tests.support.terminal import terminal
from tests.support.trusted import umask

pytestmark = pytest.mark.slow

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(scope="module")
def zipapp() -> Iterator[Path]:
    # Not below pytest's own directory: the user nobody may not enter it.
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        file = place / "fragtui.pyz"
        (place / "victim").write_text("keep")
        file.symlink_to(place / "victim")
        (place / "fragtui.pyz.part").symlink_to(place / "victim")
        with umask(0o077):
            assert main(["ship", "zipapp", str(file)]) == 0
        yield file


def bare_python() -> str:
    """Return a Python that has nothing installed, started so that it sees only its own library."""
    return os.path.realpath(sys.executable)


def run(command: Sequence[str | Path], where: Path, user: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=where,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )


def test_it_is_written_through_no_planted_link_and_can_be_run_by_everyone(zipapp: Path) -> None:
    assert not zipapp.is_symlink() and zipapp.stat().st_mode & 0o7777 == 0o755
    assert zipapp.with_name("victim").read_text() == "keep"


def test_check_runs_from_the_zipapp_with_an_empty_environment(zipapp: Path, tmp_path: Path) -> None:
    shutil.copy(zipapp, tmp_path / "f.pyz")
    done = run([bare_python(), "-I", "-S", tmp_path / "f.pyz", "check", "--json"], tmp_path)
    assert done.returncode in (0, 1, 2), done.stderr
    report = json.loads(done.stdout)
    assert report["zones"]
    assert report["kernel"] == os.uname().release
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.pyz"], "it leaves nothing behind"


@as_root
def test_the_zipapp_runs_as_user_nobody_or_reports_why_not(zipapp: Path, tmp_path: Path) -> None:
    candidates = [
        bare_python(),
        "/usr/bin/python3.13",
        "/usr/bin/python3.12",
        "/usr/bin/python3.11",
        "/usr/bin/python3",
    ]
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    python = next((each for each in candidates if starts_as_nobody(each, probe)), None)
    if python is None:
        pytest.skip("no Python 3.11 that the user nobody may start")
    done = run([python, zipapp, "check", "--json"], Path("/"), NOBODY)
    assert done.returncode in (0, 1, 2), done.stderr
    report = json.loads(done.stdout)
    assert report["zones"]
    done = run([python, zipapp, "doctor", "--json"], Path("/"), NOBODY)
    sources = {each["name"]: each for each in json.loads(done.stdout)["sources"]}
    assert "needs root" in sources["pagetypeinfo"]["reason"]
    done = run([python, zipapp, "compact", "--yes"], Path("/"), NOBODY)
    assert done.returncode == 3
    assert "must be root" in done.stderr


def starts_as_nobody(python: str, probe: str) -> bool:
    try:
        return run([python, "-c", probe], Path("/"), NOBODY).returncode == 0
    except OSError:
        return False


def test_every_module_is_there_as_bytecode_of_this_python_and_as_source(zipapp: Path) -> None:
    with zipfile.ZipFile(zipapp) as archive:
        names = set(archive.namelist())
    sources = {name for name in names if name.endswith(".py") and name != "__main__.py"}
    assert {name + "c" for name in sources} <= names
    assert {name.split("/")[0] for name in names} >= {"fragtui", "textual", "rich", "pygments", "markdown_it"}
    assert "fragtui/ui/widgets/fragtui.tcss" in names
    assert not [name for name in names if name.endswith(".so")]
    code = "import sys; sys.path.insert(0, sys.argv[1]); import fragtui.sources.host.reader as m; print(m.__file__)"
    done = run([bare_python(), "-I", "-S", "-c", code, zipapp], Path("/"))
    assert done.stdout.strip().endswith("reader.pyc")


def test_a_kubeconfig_is_read_from_the_zipapp_with_nothing_installed(zipapp: Path, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
    (tmp_path / "conf").write_text(
        "clusters: [{name: c, cluster: {server: 'https://api'}}]\nusers: [{name: u, user: {token: abc}}]\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from fragtui.sources.pods.kubernetes.kubeconfig_place import given_kubeconfig\n"
        "from fragtui.sources.pods.kubernetes.credentials import load_credentials\n"
        "print(load_credentials(given_kubeconfig('conf')).host, sys.modules['yaml'].__with_libyaml__)"
    )
    done = run([bare_python(), "-I", "-S", "-c", code, zipapp], tmp_path)
    assert done.stdout == "https://api False\n", done.stderr


def test_the_same_sources_make_the_same_file(zipapp: Path, tmp_path: Path) -> None:
    assert main(["ship", "zipapp", str(tmp_path / "again.pyz")]) == 0
    assert (tmp_path / "again.pyz").read_bytes() == zipapp.read_bytes()
    assert os.access(zipapp, os.X_OK)


def test_the_requirements_of_a_dependency_are_read_from_its_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []
    requires = importlib.metadata.requires
    monkeypatch.setattr(
        importlib.metadata, "requires", lambda name: [*(requires(name) or ()), *(lines if name == "textual" else ())]
    )
    for needed, why in (("absent>=1; python_version >= '3'", "absent is not installed"), ("a b", "can't be read")):
        lines[:] = [needed]
        assert main(["ship", "zipapp", str(tmp_path / "f.pyz")]) == 1
        assert why in capsys.readouterr().err
        assert not list(tmp_path.iterdir())
    lines[:] = [
        "absent; extra == 'x'",
        "absent; sys_platform == 'win32'",
        "absent; python_version < '3.11'",
        "Rich[x]>=1",
    ]
    assert main(["ship", "zipapp", str(tmp_path / "f.pyz")]) == 0


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ship", "zipapp", str(tmp_path / "no" / "f.pyz")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@as_root
def test_the_host_at_host_gives_the_same_numbers(zipapp: Path, tmp_path: Path) -> None:
    """A mount namespace with the host's root at /host, its own /proc and a root of its own, as in a container."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed (util-linux)")
    host = tmp_path / "host"
    host.mkdir()
    inside = (
        f"mount --rbind / {host} && mount -o remount,bind,ro {host} && "
        f"exec {bare_python()} -I -S {zipapp} check --json --order 5 --root {host}"
    )
    there = run(
        ["unshare", "-m", "--propagation", "private", "sh", "-c", f"PATH=/usr/bin:/bin:/usr/sbin:/sbin; {inside}"],
        tmp_path,
    )
    here = run([bare_python(), "-I", "-S", zipapp, "check", "--json", "--order", "5"], tmp_path)
    assert there.stdout, there.stderr
    theirs, ours = json.loads(there.stdout), json.loads(here.stdout)
    same = ("verdict", "order", "exit", "kernel", "page_size")
    assert [theirs[name] for name in same] == [ours[name] for name in same]
    assert [(z["node"], z["zone"], len(z["free_blocks"])) for z in theirs["zones"]] == [
        (z["node"], z["zone"], len(z["free_blocks"])) for z in ours["zones"]
    ]
    for one, other in zip(theirs["zones"], ours["zones"], strict=True):
        assert one["watermark"]["reserve_bytes"] == other["watermark"]["reserve_bytes"]
        assert abs(one["free_bytes"] - other["free_bytes"]) <= 512 << 20, "moments apart"
    assert theirs["unreadable"] == []


def test_the_texts_name_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ship", "debug-line", "--node", "web-3", "--image", "reg/f:1"]) == 0
    line, *comments = capsys.readouterr().out.splitlines()
    assert line == (
        "kubectl debug node/web-3 -it --image=reg/f:1 --image-pull-policy=IfNotPresent --profile=sysadmin"
        " -- /usr/local/bin/fragtui --root /host"
    )
    assert any("add --read-only" in comment for comment in comments), "any profile can write /host/proc/sys"


def test_the_command_of_the_manifest_runs_from_the_zipapp(zipapp: Path, tmp_path: Path) -> None:
    """The image's entry point with the manifest's arguments, a port of loopback in the place of theirs."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
    pytest.importorskip("prometheus_client", reason="prometheus-client is not installed (extra: prom)")
    assert main(["ship", "manifests", str(tmp_path / "m"), "-q"]) == 0
    daemon = yaml.safe_load((tmp_path / "m/watch/daemonset.yaml").read_text())
    (container,) = daemon["spec"]["template"]["spec"]["containers"]
    words = [word.replace("$(POD_IP):9917", "127.0.0.1:0") for word in container["args"]]
    command = [bare_python(), "-I", "-S", str(zipapp), "--root", "/", *words]
    process = subprocess.Popen(command, cwd=tmp_path, env={}, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        found = re.search(r"http://(127\.0\.0\.1:\d+)/metrics", process.stderr.readline())
        assert found
        with urllib.request.urlopen(f"http://{found[1]}/metrics", timeout=20) as page:
            assert b"fragtui_order_available{" in page.read()
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_the_full_screen_runs_from_the_zipapp(zipapp: Path, tmp_path: Path) -> None:
    bare = ["env", "-i", "TERM=xterm-256color", "LC_ALL=C.UTF-8", bare_python(), "-I", "-S", str(zipapp)]
    with terminal(argv=bare) as shown:
        shown.until("N0 ")
        shown.press("q")
        assert shown.wait() == 0
