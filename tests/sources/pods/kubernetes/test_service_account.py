"""In a pod: NODE_NAME names the node, and the pod's service account serves where the kubelet's credentials do not."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fragtui.remedies import site_policy
from fragtui.sources.host.identity import node_name, read_host
from fragtui.sources.pods.kubernetes import service_account as accounts
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError
from fragtui.sources.pods.kubernetes.pods import NO_EVENTS, PodWatchers
from tests.support.api_server import ApiServer, pod
from tests.support.certificate import needs_openssl
from tests.support.host_tree import HostTree
from tests.support.pod_sink import CollectingSink, until

pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a kubelet's kubeconfig counts only if it belongs to root")


@pytest.fixture
def in_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("NODE_NAME", "worker-7")


@pytest.fixture
def account(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_pod: None) -> Path:
    """The folder as the kubelet makes it: names that are links into a folder of this version."""
    folder = tmp_path / "serviceaccount"
    (folder / "..v1").mkdir(parents=True)
    (folder / "..data").symlink_to("..v1")
    assert server.authority is not None
    for name, text in (("token", "of-the-pod\n"), ("ca.crt", server.authority.read_text())):
        (folder / "..v1" / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")
    monkeypatch.setattr(accounts, "SERVICE_ACCOUNT", folder)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(urlsplit(server.url).port))
    return folder


def watched(server: ApiServer, root: Path) -> tuple[CollectingSink, set[tuple[str, str | None]]]:
    """Return what was reported once pods and events are watched, and which token asked for which resource."""
    server.pods = [pod("web")]
    sink = CollectingSink()
    threading.Thread(target=PodWatchers(root, sink, None, (1.0, None)).run, daemon=True).start()
    assert until(lambda: sink.stuck == ["web"] and server.watched == 2)
    asked = {
        (urlsplit(path).path.rsplit("/", 1)[-1], token)
        for (_, path), token in zip(server.requests, server.tokens, strict=True)
    }
    return sink, asked


@needs_openssl
def test_without_a_kubeconfig_it_lists_the_pods_of_this_node_and_its_events(
    server: ApiServer, account: Path, tmp_path: Path
) -> None:
    sink, asked = watched(server, tmp_path)
    assert asked == {("pods", "Bearer of-the-pod"), ("events", "Bearer of-the-pod")}
    selectors = {parse_qs(urlsplit(path).query)["fieldSelector"][0] for _, path in server.requests}
    assert "spec.nodeName=worker-7" in selectors
    assert NO_EVENTS not in sink.last_state()[1], "events are read"


@as_root
@needs_openssl
def test_the_kubelets_credentials_come_first_and_the_pods_list_the_events(
    server: ApiServer, account: Path, tmp_path: Path
) -> None:
    (tmp_path / "etc/kubernetes").mkdir(parents=True)
    server.kubeconfig(tmp_path / "etc/kubernetes/kubelet.conf", token="of-the-kubelet")
    _, asked = watched(server, tmp_path)
    assert asked == {("pods", "Bearer of-the-kubelet"), ("events", "Bearer of-the-pod")}


@needs_openssl
def test_the_token_is_sent_only_to_a_server_with_the_mounted_authority(account: Path) -> None:
    found = accounts.service_account()
    assert found.verify and found.authority is not None and "BEGIN CERTIFICATE" in found.authority
    assert "of-the-pod" not in repr(found)
    (account / "ca.crt").unlink()
    with pytest.raises(CredentialsError, match=r"ca\.crt: no such file"):
        accounts.service_account()


def test_outside_of_a_pod_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    monkeypatch.setattr(accounts, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert not accounts.has_service_account()


def test_an_address_of_ipv6_is_put_in_brackets(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.delenv("KUBERNETES_SERVICE_PORT")
    assert accounts.service_account().host == "https://[fd00::1]:443"


def test_the_node_of_a_pod_has_its_name_in_the_cluster(in_pod: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_policy, "site_policies", lambda _: (site_policy.SitePolicy("file", typed=True),))
    live = Path("/")
    assert (node_name(live), read_host(live).name, site_policy.typed_name(live)) == ("worker-7",) * 3
    monkeypatch.setenv("NODE_NAME", "worker\x1b[31m")
    assert node_name(live) == "worker\\x1b[31m"


def test_saved_files_keep_their_own_name(in_pod: None, tmp_path: Path) -> None:
    root = HostTree.small(tmp_path).root
    assert node_name(root) == read_host(root).name != "worker-7"


def test_a_variable_of_that_name_outside_of_a_pod_is_someone_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("NODE_NAME", "jenkins-agent")
    assert node_name(Path("/")) == os.uname().nodename
