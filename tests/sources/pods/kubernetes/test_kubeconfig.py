"""Kubeconfigs given by the user: every kind of credential, and the errors of invalid ones."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fragtui.sources.pods.kubernetes import credential_plugin
from fragtui.sources.pods.kubernetes.credentials import Credentials, load_credentials
from fragtui.sources.pods.kubernetes.kubeconfig_place import CredentialsError, found_kubeconfig, given_kubeconfig
from fragtui.sources.pods.kubernetes.pods import UNVERIFIED
from tests.support.api_server import ApiServer, pod
from tests.support.asked_api import asked
from tests.support.certificate import needs_openssl
from tests.support.pod_sink import CollectingSink, until

pytest.importorskip("yaml", reason="PyYAML is not installed (extra: k8s)")
REDIRECTED = "redirected (HTTP status 302), which is not followed"
V1 = "client.authentication.k8s.io/v1"
NAMES = (
    "server certificate-authority certificate-authority-data tls-server-name insecure-skip-tls-verify proxy-url token "
    "tokenFile client-certificate client-key client-key-data client-certificate-data username password as as-uid "
    "as-groups as-user-extra auth-provider name extensions"
)
KEYS = st.sampled_from(NAMES.split())
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: object) -> Path:
    path = folder / "conf"
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": "https://api:6443", **cluster}}],
                "users": [{"name": "u", "user": user}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path


def loaded(path: Path) -> Credentials:
    return load_credentials(given_kubeconfig(str(path)))


def why_not(path: Path) -> str:
    with pytest.raises(CredentialsError) as raised:
        loaded(path)
    return str(raised.value)


def asking(root: Path, path: Path) -> AbstractContextManager[CollectingSink]:
    """Ask with the user's kubeconfig on node-1."""
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/hostname").write_text("node-1\n")
    return asked(root, path)


@pytest.fixture
def server(server: ApiServer) -> ApiServer:
    server.pods = [pod("web")]
    return server


def test_kubectls_own_yaml_is_read(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki/client.pem").write_text(PEM)
    (tmp_path / "conf").write_text(
        f"""
apiVersion: v1
kind: Config
preferences: {{}}
clusters:
- cluster:
    certificate-authority-data: {base64.b64encode(b"authority").decode()}
    server: https://10.0.0.1:6443
    tls-server-name: kubernetes.default
    proxy-url: http://proxy:3128
  name: one
- cluster: {{server: "https://other"}}
  name: two
contexts:
- context: {{cluster: two, user: other}}
  name: other
- context:
    cluster: one
    namespace: shop
    user: admin
  name: admin@one
current-context: admin@one   # as `kubectl config view` writes it
users:
- name: other
  user: {{}}
- name: admin
  user:
    client-certificate: pki/client.pem
    client-key-data: {base64.b64encode(b"key").decode()}
    token: null
"""
    )
    found = loaded(tmp_path / "conf")
    assert (found.host, found.authority, found.certificate, found.key) == (
        "https://10.0.0.1:6443", "authority", PEM, "key",
    )  # fmt: skip
    assert (found.server_name, found.proxy, found.verify) == ("kubernetes.default", "http://proxy:3128", True)
    assert found.headers == ()
    assert "key" not in repr(found).replace("key_", "")


@pytest.mark.parametrize(
    ("user", "headers"),
    [
        ({"token": "abc"}, (("Authorization", "Bearer abc"),)),
        ({"tokenFile": "token"}, (("Authorization", "Bearer from-file"),)),
        ({"token": "abc", "tokenFile": "token"}, (("Authorization", "Bearer from-file"),)),
        ({"username": "me", "password": "p:w"}, (("Authorization", "Basic bWU6cDp3"),)),
        ({"token": "null"}, (("Authorization", "Bearer null"),)),
        ({"token": None}, ()),
        (
            {"as": "jane", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"scopes": ["view"]}},
            (
                ("Impersonate-User", "jane"),
                ("Impersonate-Uid", "7"),
                ("Impersonate-Group", "a"),
                ("Impersonate-Group", "b"),
                ("Impersonate-Extra-scopes", "view"),
            ),
        ),
    ],
)
def test_every_kind_of_credential_is_sent(tmp_path: Path, user: dict[str, Any], headers: object) -> None:
    (tmp_path / "token").write_text("from-file\n")
    assert loaded(kubeconfig(tmp_path, user)).headers == headers


def test_the_only_context_counts_without_a_current_one_and_a_server_without_a_scheme_is_https(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {}, server="api:6443")
    path.write_text(path.read_text().replace('"current-context": "x"', '"current-context": ""'))
    assert loaded(path).host == "https://api:6443"


def test_a_file_that_the_user_names_is_trusted_for_any_owner(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"tokenFile": "token"})
    (tmp_path / "token").write_text("of-another")
    for each in (path, tmp_path / "token"):
        each.chmod(0o666)
        if os.geteuid() == 0:
            os.chown(each, 65534, 65534)
    assert loaded(path).headers == (("Authorization", "Bearer of-another"),)


LAUGHS = "a: &a [x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
MERGES = "a: &a {k: v}\n" + "".join(
    f"{b}: &{b} {{<<: [*{a},*{a}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
ONE = "{users: [{name: u, user: {}}], clusters: [{name: c, cluster: {server: a}}], contexts: [{name: x, context: %s}]}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "uses YAML aliases, which are not supported"),
        (MERGES, "uses YAML aliases, which are not supported"),
        ("[" * 100_000, "more than 50 inside one another"),
        ("- " * 100_000, "more than 50 inside one another"),
        ("a: " + "{b: " * 100_000, "more than 50 inside one another"),
        ("a: [" + "b," * 200_000, "has more than 30000 values"),
        ("#" * (1 << 20) + "x", "is longer than 1048576 bytes"),
        ("1" * (1 << 20), "is not a kubeconfig"),
        ("1:" * (1 << 19), "is not YAML (line 1)"),
        ("", "is not a kubeconfig"),
        ("- a", "is not a kubeconfig"),
        ("a: b: c", "is not YAML (line 1)"),
        ("ok: 1\n\tx: [", "is not YAML (line 2)"),
        ("\x00", "is not YAML"),
        ("!!python/object/apply:os.system [touch /tmp/x]", "is not a kubeconfig"),
        ("{[a]: b}", "is not YAML (line 1)"),
        ("a: 1\n---\nb: 2", "is not YAML (line 2)"),
        ("clusters: 5\ncurrent-context: x", "has no context 'x'"),
        ("contexts: 5", "contexts is not a list"),
        ("contexts: [5]", "contexts is not a mapping"),
        ("current-context: [x]", "current-context is not a text"),
        ("contexts: [{name: a}, {name: b}]", "has no current-context, and 2 contexts to choose from"),
        (ONE % "{cluster: d}", "has no cluster 'd'"),
        (ONE % '{cluster: c, user: "\\e[1m"}', "has no user '\\\\x1b[1m'"),
    ],
)  # fmt: skip
def test_an_invalid_kubeconfig_is_one_line_soon(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "conf"
    path.write_text(text)
    began = time.process_time()
    assert words in why_not(path)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("user", "cluster", "words"),
    [
        ({"auth-provider": {"name": "gcp"}}, {}, "auth-provider, which is not supported: use a credential plug-in"),
        ({"tokenFile": "none"}, {}, "none: no such file or directory"),
        ({"tokenFile": "."}, {}, ".: a directory, not a file"),
        ({"tokenFile": "pipe"}, {}, "pipe: not a regular file"),
        ({"tokenFile": "/dev/zero"}, {}, "/dev/zero: not a regular file"),
        ({"tokenFile": "big"}, {}, "big is longer than 65536 bytes"),
        ({"tokenFile": "a\0b"}, {}, "a\\x00b: not a path"),
        ({"token": "a\r\nHost: b"}, {}, "authorization holds characters that are not allowed"),
        ({"as": "j\n"}, {}, "impersonate holds characters that are not allowed"),
        ({"token": 5}, {}, ""),
        ({"token": {"a": "b"}}, {}, "token is not a text"),
        ({"as-groups": "a"}, {}, "as-groups is not a list of texts"),
        ({}, {"certificate-authority-data": "a"}, "certificate-authority-data is not base64"),
        ({}, {"server": "ftp://api"}, "server is not an https URL"),
        ({}, {"server": "https://[::1"}, "server is not an https URL"),
        ({}, {"server": ""}, "server is not an https URL"),
        ({"token": "abc"}, {"server": "http://127.0.0.1:80"}, "not asked: http://127.0.0.1 is not https"),
        ({"username": "a"}, {"server": "http://[::1]:80"}, "not asked: http://::1 is not https"),
        ({"client-certificate-data": "AAAA"}, {"server": "HTTP://api"}, "not asked: http://api is not https"),
        ({"exec": {"apiVersion": V1, "command": "touch"}}, {"server": "http://api"}, "not asked: http://api"),
    ],
)
def test_an_unusable_field_is_named(tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], words: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_text("x" * 65537)
    path = kubeconfig(tmp_path, user, **cluster)
    if words:
        assert words in why_not(path)
    else:
        loaded(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("https://a:1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, max_size=12), st.dictionaries(KEYS, VALUES, max_size=12))
def test_whatever_a_kubeconfig_holds_gives_credentials_or_one_reason(
    tmp_path_factory: pytest.TempPathFactory, cluster: dict[str, Any], user: dict[str, Any]
) -> None:
    user.pop("exec", None)
    path = kubeconfig(tmp_path_factory.getbasetemp(), user, **cluster)
    with suppress(CredentialsError):
        assert loaded(path).host


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"#%@`, \n\t?", max_size=200).map(str.encode))
def test_no_text_makes_the_reader_fail(text: bytes) -> None:
    from fragtui.sources.pods.kubernetes.kubeconfig_yaml import NotRead, parse_yaml

    with suppress(NotRead):
        parse_yaml(text)


@pytest.mark.slow
@needs_openssl
def test_credentials_do_not_go_over_plain_http(tmp_path: Path) -> None:
    server = ApiServer(tls=False)
    server.pods = [pod("web")]
    try:
        with asking(tmp_path, server.kubeconfig(tmp_path / "conf")) as sink:
            assert until(lambda: sink.last_state()[0] == "absent")
            assert "http://127.0.0.1 is not https, and no credentials are sent there" in sink.last_state()[1]
            assert server.requests == []
        with asking(tmp_path, server.kubeconfig(tmp_path / "conf", user={})) as sink:
            assert until(lambda: sink.stuck == ["web"])
    finally:
        server.close()


@needs_openssl
def test_credentials_do_not_follow_a_redirection(tmp_path: Path, server: ApiServer) -> None:
    other = ApiServer()
    server.location = f"{other.url}/api/v1/pods"
    try:
        with asking(tmp_path, server.kubeconfig(tmp_path / "conf")) as sink:
            assert until(lambda: sink.last_state() == ("waiting", REDIRECTED))
            assert other.requests == []
    finally:
        other.close()


@pytest.mark.slow
@needs_openssl
def test_a_server_that_is_not_verified_is_reported(tmp_path: Path, server: ApiServer) -> None:
    path = server.kubeconfig(tmp_path / "conf")
    described = json.loads(path.read_text())
    described["clusters"][0]["cluster"] = {"server": server.url, "insecure-skip-tls-verify": True}
    path.write_text(json.dumps(described))
    with asking(tmp_path, path) as sink:
        assert until(lambda: sink.stuck == ["web"])
        assert until(lambda: sink.last_state() == ("live", UNVERIFIED))


def test_the_environments_proxy_counts_for_what_is_given_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", ".inside")
    assert loaded(kubeconfig(tmp_path, {})).proxy == "http://proxy:3128"
    for host in ("127.0.0.1", "[::1]", "localhost", "api.inside"):
        assert loaded(kubeconfig(tmp_path, {}, server=f"https://{host}:6443")).proxy is None
    (tmp_path / "var/lib/kubelet").mkdir(parents=True)
    kubeconfig(tmp_path, {}).rename(tmp_path / "var/lib/kubelet/kubeconfig")
    for each in (tmp_path, *tmp_path.rglob("*")):
        each.chmod(0o700)
    with found_kubeconfig(tmp_path) as place:
        assert load_credentials(place).proxy is None


def plugin(script: str, **more: object) -> dict[str, Any]:
    return {"exec": {"apiVersion": V1, "command": "sh", "args": ["-c", script], "interactiveMode": "Never", **more}}


def answer(version: str = V1, **status: object) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


@pytest.mark.parametrize("version", [V1, "client.authentication.k8s.io/v1beta1"])
def test_a_plugins_token_and_certificate_are_taken(tmp_path: Path, version: str) -> None:
    credential = answer(
        version, token="t", clientCertificateData=PEM, clientKeyData="k", expirationTimestamp="2030-01-01T00:00:00Z"
    )
    (tmp_path / "answer").write_text(credential)
    found = loaded(kubeconfig(tmp_path, plugin(f"cat {tmp_path}/answer", apiVersion=version)))
    assert found.headers == (("Authorization", "Bearer t"),)
    assert (found.certificate, found.key) == (PEM, "k")
    assert found.expires == datetime(2030, 1, 1, tzinfo=UTC).timestamp()


def test_a_plugin_gets_its_arguments_environment_and_the_cluster_but_no_input(tmp_path: Path) -> None:
    script = f"cat; env > {tmp_path}/env; echo '{answer(token='t')}'"
    extensions = [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "me"}}]
    user = plugin(script, env=[{"name": "WHO", "value": "me"}], provideClusterInfo=True)
    path = kubeconfig(tmp_path, user, extensions=extensions, **{"certificate-authority-data": "QUFB"})
    assert loaded(path).headers
    env = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert env["WHO"] == "me"
    assert json.loads(env["KUBERNETES_EXEC_INFO"]) == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://api:6443",
                "certificate-authority-data": "QUFB",
                "config": {"audience": "me"},
            },
        },
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("user", "words"),
    [
        (plugin("exit 3"), "the credential plug-in sh ended with status 3"),
        (plugin("echo first >&2; echo '\x1b[1mno\u202e' >&2; exit 1"), "ended with status 1: \\x1b[1mno\\u202e"),
        (plugin("kill -9 $$"), "ended with status -9"),
        (plugin("head -c 2000000 /dev/zero"), "wrote more than 1048576 bytes"),
        (plugin("head -c 2000000 /dev/zero >&2; exit 1"), "ended with status 1: \\x00"),
        (plugin("exec sleep 100"), "gave no credentials within 1 s"),
        (plugin("exec >&- 2>&-; exec sleep 100"), "did not end within 1 s"),
        (plugin("yes >&2"), "gave no credentials within 1 s"),
        (plugin("echo hi"), "answer is not JSON"),
        (plugin("echo 5"), "answer is not an ExecCredential of client.authentication.k8s.io/v1"),
        (plugin(f"echo '{answer('v2', token='t')}'"), "answer is not an ExecCredential"),
        (plugin(f"echo '{answer()}'"), "gave neither a token nor a certificate with its key"),
        (plugin(f"echo '{answer(clientCertificateData='c')}'"), "gave neither a token nor a certificate with its key"),
        (plugin(f"echo '{answer(token='t', expirationTimestamp='soon')}'"), "expirationTimestamp is not a time"),
        (plugin("", interactiveMode="Always"), "wants a terminal (interactiveMode: Always)"),
        (plugin("", apiVersion="client.authentication.k8s.io/v1alpha1"), "apiVersion is not client.authentication"),
        (plugin("", command=""), "has no command"),
        (plugin("", command="no-such-program"), "the credential plug-in no-such-program is not in PATH"),
        (plugin("", command="./none"), "the credential plug-in ./none can't be run: no such file or directory"),
        (plugin("", args=["a\0b"]), "the credential plug-in sh can't be run: an argument holds a zero byte"),
        (plugin("", args="a"), "args is not a list of texts"),
    ],
)  # fmt: skip
def test_a_plugin_that_gives_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(credential_plugin, "_LIMIT_SECONDS", 1.0)
    assert words in why_not(kubeconfig(tmp_path, user))


def test_processes_that_a_plugin_leaves_are_ended(tmp_path: Path) -> None:
    script = f"sleep 300 >&- 2>&- & echo $! > {tmp_path}/pid; echo '{answer(token='t')}'"
    assert loaded(kubeconfig(tmp_path, plugin(script))).headers
    pid = (tmp_path / "pid").read_text().strip()
    assert until(lambda: not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text(), 5)


@pytest.mark.slow
@needs_openssl
def test_a_plugin_is_asked_again_before_its_token_ends(tmp_path: Path, server: ApiServer) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    credential = answer(token="number-$(wc -c < count)", expirationTimestamp=soon).replace('"', '\\"')
    script = f'cd {tmp_path}; printf x >> count; echo "{credential}"'
    with asking(tmp_path, server.kubeconfig(tmp_path / "conf", user=plugin(script))) as sink:
        assert until(lambda: sink.stuck == ["web"])

        def asked_again() -> bool:
            server.end_watches()  # More than once: a watch that opens after the first call would not end.
            return len(set(server.tokens)) > 2

        assert until(asked_again), server.tokens


@needs_openssl
def test_a_pipe_in_place_of_a_kubeconfig_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "conf")
    with asking(tmp_path, tmp_path / "conf") as sink:
        assert until(lambda: sink.last_state() == ("absent", f"{tmp_path}/conf: not a regular file"), 5)


def test_the_message_without_pyyaml_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fragtui.sources.pods.kubernetes.kubeconfig_yaml", None)
    assert why_not(kubeconfig(tmp_path, {})) == (
        "PyYAML, which reads the kubeconfig, is not installed: pip install 'fragtui[k8s]'"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="makes a mount namespace")
def test_a_path_through_another_process_resolves_as_the_kernel_does(tmp_path: Path) -> None:
    """A kubelet in a container: /proc/PID/root leads to the files that only it sees."""
    inside, seen = tmp_path / "inside", tmp_path / "seen"
    inside.mkdir()
    seen.mkdir()
    (inside / "conf").write_text("the container's")
    (seen / "conf").write_text("the host's")
    mounting = ["unshare", "--mount", "sh", "-c", f"mount --bind {inside} {seen} && echo && read line"]
    with subprocess.Popen(mounting, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            pytest.skip("no mount namespace can be made here")
        place = given_kubeconfig(f"/proc/{process.pid}/root{seen}/conf")
        assert place.read(place.path, 100) == b"the container's"
        process.communicate()
