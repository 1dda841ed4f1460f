"""Files of a kubelet that fragtui finds by itself are used only if root alone can have made them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError, found_kubeconfig
from fragtui.sources.pods.kubernetes.kubelet import running_kubelet
from tests.sources.pods.kubernetes.test_planted_kubelet import NOBODY, kubelet, place
from tests.support.api_server import ApiServer, pod
from tests.support.asked_api import asked
from tests.support.certificate import make_certificate, needs_openssl, server_certificate
from tests.support.pod_sink import until
from tests.support.trusted import trusted_folder, umask

__all__ = ["place"]
pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
pytestmark = [
    needs_openssl,
    pytest.mark.skipif(
        os.geteuid() != 0 or Path("/etc/kubernetes").exists() or Path("/var/lib/kubelet").exists(),
        reason="needs root on a machine that is no node of a cluster",
    ),
]
ANSWER = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'


@pytest.fixture(autouse=True)
def mask() -> Iterator[None]:
    """Make files that no other user may write, for any umask of the caller."""
    with umask(0o022):
        yield


@pytest.fixture
def own() -> Iterator[Path]:
    """A folder that only root can change, with all folders above it."""
    with trusted_folder() as folder:
        yield folder


@pytest.fixture
def server(server: ApiServer) -> ApiServer:
    server.pods = [pod("web")]
    return server


def why_not(root: Path = Path("/")) -> str:
    """Return why no kubeconfig is used."""
    with pytest.raises(CredentialsError) as raised, found_kubeconfig(root):
        pass
    return str(raised.value)


def by_token(server: ApiServer, folder: Path) -> dict[str, Any]:
    (folder / "token").write_text("s3cr3t-token\n")
    return {"tokenFile": "token"}


def by_certificate(server: ApiServer, folder: Path) -> dict[str, Any]:
    make_certificate(folder, "client")
    return {"client-certificate": "client.crt", "client-key": str(folder / "client.key")}


def by_plugin(server: ApiServer, folder: Path) -> dict[str, Any]:
    plugin = folder / "bin/plugin"
    plugin.parent.mkdir(exist_ok=True)
    plugin.write_text(f"#!/bin/sh\necho '{ANSWER % 's3cr3t-token'}'\n")
    plugin.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "bin/plugin"}}


@pytest.mark.slow
@pytest.mark.parametrize("by", [by_token, by_certificate, by_plugin])
def test_roots_kubelet_with_files_of_root_alone_is_asked_for(
    own: Path, place: Path, server: ApiServer, by: Any
) -> None:
    path = server.kubeconfig(own / "kubelet.conf", user=by(server, own))
    with kubelet(place, str(path)), asked(Path("/")) as sink:
        assert until(lambda: sink.stuck == ["web"]), sink.states
    assert set(server.tokens) == ({None} if by is by_certificate else {"Bearer s3cr3t-token"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "name"),
    [
        (by_token, "kubelet.conf"),
        (by_token, "token"),
        (by_token, "ca.crt"),
        (by_certificate, "client.crt"),
        (by_certificate, "client.key"),
        (by_plugin, "bin/plugin"),
        (by_plugin, "bin"),
        (by_plugin, ""),
    ],
)
@pytest.mark.parametrize("how", ["owner", "mode"])
def test_a_file_that_others_can_change_is_neither_read_nor_run_nor_sent(
    own: Path, place: Path, server: ApiServer, by: Any, name: str, how: str
) -> None:
    conf = own / "conf"
    conf.mkdir(mode=0o755)
    authority = conf / "ca.crt"
    shutil.copy(server_certificate()[0], authority)
    path = server.kubeconfig(conf / "kubelet.conf", authority, user=by(server, conf))
    if how == "owner":
        os.chown(conf / name, NOBODY, NOBODY)
        reason = f"{conf / name} belongs to uid 65534, not to root"
    else:
        os.chown(conf / name, 0, 7)
        (conf / name).chmod(0o775)
        reason = f"{conf / name} can be written by others than root (mode 0775)"
    with kubelet(place, str(path)), asked(Path("/")) as sink:
        assert until(lambda: sink.last_state()[0] == "absent"), sink.states
        assert f"not asked: {reason}" in sink.last_state()[1]
    assert server.requests == []


def test_a_link_of_another_user_on_the_way_is_refused(own: Path, place: Path, server: ApiServer) -> None:
    path = server.kubeconfig(own / "real.conf")
    (own / "kubelet.conf").symlink_to(path)
    os.chown(own / "kubelet.conf", NOBODY, NOBODY, follow_symlinks=False)
    with kubelet(place, str(own / "kubelet.conf")):
        assert f"not asked: {own}/kubelet.conf belongs to uid 65534" in why_not()


def test_a_kubeconfig_in_a_folder_of_everyone_is_refused(place: Path, server: ApiServer) -> None:
    path = server.kubeconfig(place / "kubelet.conf")
    with kubelet(place, str(path)):
        assert "not asked: /tmp can be written by others than root (mode 1777)" in why_not()


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (["unshare", "--pid", "--fork"], "runs in its own PID namespace"),
        (["unshare", "--user", "--map-root-user"], "runs in its own user namespace"),
        (["unshare", "--user"], "runs in its own user namespace"),
        (["setpriv", "--bounding-set=-sys_admin"], "has no CAP_SYS_ADMIN, which a kubelet needs,"),
    ],
)
def test_a_uid_0_that_is_not_the_hosts_root_is_refused(
    own: Path, place: Path, server: ApiServer, before: list[str], reason: str
) -> None:
    if shutil.which(before[0]) is None:
        pytest.skip(f"{before[0]} is not installed (util-linux)")
    path = server.kubeconfig(own / "kubelet.conf")
    with kubelet(place, str(path), *before):
        assert until(lambda: f"{reason} and was not trusted" in why_not()), why_not()


def test_a_set_user_id_program_is_refused_since_its_caller_chose_the_arguments(
    own: Path, place: Path, server: ApiServer
) -> None:
    path = server.kubeconfig(own / "kubelet.conf")
    with kubelet(place, str(path), mode=0o4755):
        assert "runs a set-user-ID program and was not trusted" in why_not()


def test_another_users_kubelet_does_not_hide_roots(own: Path, place: Path, server: ApiServer) -> None:
    path = server.kubeconfig(own / "kubelet.conf")
    with kubelet(place, "/nowhere", user=NOBODY), kubelet(place, str(path)), found_kubeconfig(Path("/")) as found:
        assert found.path == str(path)
        assert found.runs


def test_a_relative_kubeconfig_is_in_the_kubelets_folder(own: Path, place: Path, server: ApiServer) -> None:
    server.kubeconfig(own / "kubelet.conf")
    with kubelet(place, "./kubelet.conf", cwd=str(own)), found_kubeconfig(Path("/")) as found:
        assert json.loads(found.read(found.path, 1 << 20))["current-context"] == "x"


@pytest.mark.slow
@pytest.mark.parametrize("by", [by_token, by_plugin])
def test_a_kubelet_with_mounts_of_its_own_is_read_through_its_root_but_its_programs_are_not_run(
    own: Path, place: Path, server: ApiServer, by: Any
) -> None:
    """As in a snap or a container: only the kubelet sees the files."""
    inside, seen = own / "inside", own / "seen"
    inside.mkdir(mode=0o755)
    seen.mkdir(mode=0o755)
    server.kubeconfig(inside / "kubelet.conf", user=by(server, inside))
    mounting = ["unshare", "--mount", "sh", "-c", f'mount --bind {inside} {seen}; exec "$@"', "sh"]
    with kubelet(place, f"{seen}/kubelet.conf", *mounting), asked(Path("/")) as sink:
        if by is by_token:
            assert until(lambda: sink.stuck == ["web"]), sink.states
        else:
            assert until(lambda: "which only runs on the node itself" in sink.last_state()[1]), sink.states
            assert server.requests == []


def test_a_bare_command_is_not_looked_for_in_the_callers_path(
    own: Path, place: Path, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "sh").write_text(f"#!/bin/sh\necho '{ANSWER % 'planted'}'\n")
    (place / "sh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    monkeypatch.setenv("SECRET", "of the caller")
    script = f"[ -z \"$SECRET\" ] && echo '{ANSWER % 's3cr3t-token'}'"
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script]}
    path = server.kubeconfig(own / "kubelet.conf", user={"exec": plugin})
    with kubelet(place, str(path)), asked(Path("/")) as sink:
        assert until(lambda: sink.stuck == ["web"]), sink.states
    assert set(server.tokens) == {"Bearer s3cr3t-token"}


def test_a_known_place_that_another_user_can_change_is_skipped_and_named_if_there_is_no_other(
    own: Path, server: ApiServer
) -> None:
    planted, roots = own / "etc/kubernetes/kubelet.conf", own / "var/lib/kubelet/kubeconfig"
    for each in (planted, roots):
        each.parent.mkdir(parents=True)
    server.kubeconfig(planted)
    planted.chmod(0o666)
    assert why_not(own) == ("not asked: /etc/kubernetes/kubelet.conf can be written by others than root (mode 0666)")
    server.kubeconfig(roots)
    with found_kubeconfig(own) as found:
        assert found.path == "/var/lib/kubelet/kubeconfig"
        assert not found.runs, "the programs of another root are not here"


def test_a_copied_proc_has_no_kubelet(tmp_path: Path) -> None:
    """The processes of a saved tree are not trusted: the maker of the tree wrote them."""
    process = tmp_path / "proc/4321"
    process.mkdir(parents=True)
    (process / "comm").write_text("kubelet\n")
    (process / "status").write_text("Uid:\t0\t0\t0\t0\nNSpid:\t4321\nCapEff:\t000001ffffffffff\n")
    (process / "uid_map").write_text("0 0 4294967295\n")
    (tmp_path / "proc/1").mkdir()
    (tmp_path / "proc/1/uid_map").write_text("0 0 4294967295\n")
    (process / "cmdline").write_bytes(b"kubelet\0--kubeconfig=/etc/shadow\0")
    (process / "root").symlink_to("/")
    (process / "cwd").symlink_to("/")
    (process / "exe").symlink_to("/bin/sh")
    (process / "ns").mkdir()
    (process / "ns/mnt").symlink_to("/proc/self/ns/mnt")
    with running_kubelet(tmp_path) as found:
        assert found is None


def test_a_process_that_makes_readers_of_its_arguments_wait_is_not_read(place: Path) -> None:
    """The kernel reads a command line from the memory of its process: only root's is read."""
    with kubelet(place, "/nowhere", user=NOBODY) as pid:
        refused: list[str] = []
        opened: list[str] = []

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "open" and listening:
                opened.append(str(arguments[0]))

        listening = True
        sys.addaudithook(watch)
        with running_kubelet(Path("/"), refused) as found:
            listening = False
        assert found is None
        assert f"(pid {pid})" in refused[0]
        assert "status" in opened
        assert "cmdline" not in opened
