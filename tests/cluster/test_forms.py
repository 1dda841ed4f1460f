"""Klog, logfmt, identities: each form read back as written, and nothing crashes on what isn't of that form."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.cluster.api_objects import read_event, read_pod
from fragtui.cluster.crictl_json import read_sandboxes
from fragtui.cluster.error_ids import pod_group_in, pod_in
from fragtui.cluster.line_reader import read_line
from fragtui.cluster.needles import worth_reading
from fragtui.cluster.observation import PodFact
from fragtui.cluster.pod_ref import PodRef, cgroup_owner, log_directory_ref, long_ref, runtime_name_ref, slashed_ref
from fragtui.logs.go_quoting import flatten, unescape
from fragtui.logs.klog import parse_klog, seconds_near
from fragtui.logs.logfmt import parse_logfmt
from fragtui.logs.record import LogRecord
from fragtui.logs.timestamps import rfc3339_time
from tests.cluster.reading import attempts_of, observations_of
from tests.support.go_quoting import quoted

ANY_TEXT = st.text(max_size=300)
NAME = st.from_regex(r"[a-z0-9]([a-z0-9\-]{0,20}[a-z0-9])?", fullmatch=True)
UID = st.uuids().map(str)
STATIC_UID = st.text("0123456789abcdef", min_size=32, max_size=32)
ID = st.text("0123456789abcdef", min_size=64, max_size=64)
UUID = "bfeaeabc-c36c-4a99-87b2-881b379de2c9"
SANDBOX = "f47b48e3c415105d25fb316cf224c0e57b146b340c09d6847b2dfcf3b49c923c"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)
KEYS = (
    "metadata",
    "status",
    "conditions",
    "containerStatuses",
    "state",
    "waiting",
    "involvedObject",
    "source",
    "series",
)


@given(ANY_TEXT)
def test_quoting_reads_back(text: str) -> None:
    literal = quoted(text)
    assert unescape(literal[1:-1]) == text


@given(st.text(string.ascii_letters + string.digits + ' ="\\:/', max_size=80), NAME, st.integers(1, 4))
def test_nested_quotes_flatten_to_the_same_words(text: str, name: str, depth: int) -> None:
    words = " ".join(text.replace("\\", "").replace('"', "").split())
    wrapped = f'{words} "{name}" end'
    for _ in range(depth):
        wrapped = quoted(wrapped)
    assert flatten(wrapped).strip('" ') == f'{words} "{name}" end'.strip('" ')


@given(
    st.dictionaries(st.from_regex(r"[a-z][A-Za-z]{0,8}", fullmatch=True), ANY_TEXT, max_size=5),
    ANY_TEXT,
    st.sampled_from("IWEF"),
)
def test_klog_line_reads_back(fields: dict[str, str], message: str, severity: str) -> None:
    pairs = "".join(f" {key}={quoted(value)}" for key, value in fields.items())
    klog = parse_klog(f"{severity}1124 05:14:59.185269   29426 pod_workers.go:1324] {quoted(message)}{pairs}")
    assert klog is not None
    assert (klog.severity, klog.month, klog.day, klog.pid, klog.file) == (severity, 11, 24, 29426, "pod_workers.go")
    assert abs(klog.second_of_day - 18899.185269) < 1e-6
    assert klog.message == message
    assert klog.fields == fields


@given(st.dictionaries(st.from_regex(r"[a-z][a-zA-Z_.\-]{0,8}", fullmatch=True), ANY_TEXT, max_size=5), ANY_TEXT)
def test_logfmt_reads_back(fields: dict[str, str], message: str) -> None:
    fields = {**fields, "msg": message}
    line = " ".join(f"{key}={quoted(value)}" for key, value in fields.items() if key not in ("time", "level"))
    expected = {key: value for key, value in fields.items() if key not in ("time", "level")}
    assert parse_logfmt(f'time="2026-11-24T06:45:39Z" level=info {line}') == {
        "time": "2026-11-24T06:45:39Z",
        "level": "info",
        **expected,
    }
    assert parse_logfmt(json.dumps({"level": "info", **expected})) == {"level": "info", **expected}


@given(ANY_TEXT)
def test_any_text_is_read_without_a_crash(text: str) -> None:
    for form in (text, f"E1124 05:14:59.185269 1 a.go:1] {text}", f"time=x level=error msg={text}"):
        for needle in ("", "RunPodSandbox", "Failed to create pod sandbox: ", "SyncLoop "):
            read_line(LogRecord(needle + form))
            read_line(LogRecord(form + needle))
    cgroup_owner(text)
    long_ref(text)
    slashed_ref(text)
    runtime_name_ref(text)
    log_directory_ref(text)
    rfc3339_time(text)
    read_sandboxes(text)


@given(st.binary(max_size=400), st.sampled_from([b"", b"andbox ", b'time=x msg="Handler for POST ']))
def test_any_bytes_are_read_without_a_crash(blob: bytes, start: bytes) -> None:
    attempts_of(start + blob)


@given(JSON, st.lists(st.sampled_from(KEYS), max_size=4))
def test_any_object_is_read_without_a_crash(value: object, path: list[str]) -> None:
    whole: dict[str, object] = {
        "metadata": {"name": "a", "namespace": "b", "uid": "c"},
        "reason": "FailedCreatePodSandBox",
    }
    nested = value
    for key in reversed(path):
        nested = {key: [nested] if key.endswith("s") and key != "status" else nested}
    if isinstance(nested, dict):
        whole |= {str(key): each for key, each in nested.items()}
    read_pod(whole)
    read_event({**whole, "involvedObject": {"kind": "Pod", "name": "a"}})
    read_sandboxes(json.dumps({"items": [whole, value]}))


def test_a_name_that_is_no_dns_name_is_the_name_that_was_logged() -> None:
    assert slashed_ref("テナント/api-9") == PodRef("テナント", "api-9")
    assert slashed_ref("team_a/Web.1") == PodRef("team_a", "Web.1")
    assert not any(map(slashed_ref, ("/api", "a/", "a/b/c", "a b/c", "a/b (c)")))


@given(NAME, NAME, UID | STATIC_UID, ID)
def test_identity_is_found_in_every_spelling(name: str, namespace: str, uid: str, container: str) -> None:
    pod = PodRef(namespace, name, uid)
    assert long_ref(f"Error syncing {name}_{namespace}({uid})") == pod
    assert slashed_ref(f"{namespace}/{name}", uid) == pod
    assert runtime_name_ref(f'"/k8s_POD_{name}_{namespace}_{uid}_0"') == (pod, "POD")
    assert log_directory_ref(f"{namespace}_{name}_{uid}") == pod
    systemd = uid.replace("-", "_")
    for path in (
        f"/kubepods/burstable/pod{uid}/{container}",
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{systemd}.slice/cri-containerd-{container}.scope",
        f"/kubepods.slice/kubepods-pod{systemd}.slice/crio-{container}.scope",
        f"/lxc/1/kubepods.slice/kubepods-besteffort-pod{systemd}.slice/docker-{container}.scope",
        f"/system.slice/containerd.service/kubepods-burstable-pod{systemd}.slice:cri-containerd:{container}",
    ):
        owner = cgroup_owner(path)
        assert owner is not None and (owner.uid, owner.container_id) == (uid, container), path


def test_cgroup_paths_that_are_no_pods() -> None:
    assert cgroup_owner("/user.slice") is None
    assert cgroup_owner("/") is None
    alone = cgroup_owner(f"cri-containerd-{SANDBOX}.scope")
    assert alone is not None and alone.uid is None and alone.container_id == SANDBOX
    cut = cgroup_owner("/kubepods.slice/kubepods-pod968a06fb_9ab9_4819_8caf_0392ddff3d9b.slice/cri-containerd-0f32")
    assert cut is not None and cut.container_id is None and cut.uid == "968a06fb-9ab9-4819-8caf-0392ddff3d9b"


@given(st.floats(0, 4e9), st.floats(-4.9, 4.9), st.integers(-48, 56))
def test_a_line_refines_its_transports_stamp_in_any_zone(moment: float, late: float, quarters: int) -> None:
    on_the_wall = (moment + quarters * 900) % 86400
    assert abs(seconds_near(moment + late, on_the_wall) - moment) < 1e-3


def test_a_line_whose_clock_disagrees_is_not_believed() -> None:
    assert seconds_near(1000.0, 1000.0 + 60) == 1000.0


def test_old_and_new_pod_lifecycle_lines_give_the_same_observations() -> None:
    uid = "485fd485-1ed6-11e9-8661-0a587f8021ea"
    lines = (
        f'I0123 14:15:31.372181   26037 kubelet.go:1916] SyncLoop (PLEG): "web_basic({uid})", event: '
        f'&pleg.PodLifecycleEvent{{ID:"{uid}", Type:"ContainerDied", Data:"{SANDBOX}"}}',
        f'I0123 14:15:31.372181   26037 kubelet.go:1916] "SyncLoop (PLEG): event for pod" pod="basic/web" '
        f"event=&{{ID:{uid} Type:ContainerDied Data:{SANDBOX}}}",
        f'I0123 14:15:31.372181   26037 kubelet.go:1916] "SyncLoop (PLEG): event for pod" pod="basic/web" '
        f'event={{"ID":"{uid}","Type":"ContainerDied","Data":"{SANDBOX}"}}',
    )
    for line in lines:
        (observation,) = read_line(LogRecord(line))
        assert (observation.fact, observation.pod, observation.container_id) == (
            PodFact.DIED,
            PodRef("basic", "web", uid),
            SANDBOX,
        )


def test_deleted_pods_are_reported_in_both_forms() -> None:
    klog = "I1"
    for line in (
        'I1124 05:14:59.185269   29426 kubelet.go:2535] "SyncLoop DELETE" pods=["default/a","kube-system/b"]',
        'I1124 05:14:59.185269   29426 kubelet.go:2535] "SyncLoop REMOVE" source="api" pods=[default/a kube-system/b]',
        'I1124 05:14:59.185269   29426 kubelet.go:1] SyncLoop (DELETE, "api"): "a_default(), b_kube-system()"',
    ):
        found = read_line(LogRecord(line))
        assert [(each.fact, str(each.pod)) for each in found] == [
            (PodFact.GONE, "default/a"),
            (PodFact.GONE, "kube-system/b"),
        ], line
    assert read_line(LogRecord(klog)) == ()


def test_crio_reports_when_it_runs_a_sandbox() -> None:
    begins, runs = observations_of(
        b'time="2021-12-01T09:02:40.123456789Z" level=info msg="Running pod sandbox: shop/cart-1/POD" id=aa name=x\n'
        b'time="2021-12-01T09:02:41.5Z" level=info msg="Ran pod sandbox '
        + SANDBOX.encode()
        + b' with infra container: shop/cart-1/POD" id=aa\n'
    )
    assert (begins.fact, runs.fact) == (PodFact.BEGINS, PodFact.SANDBOX_RUNS)
    assert str(runs.pod) == "shop/cart-1" and runs.sandbox_id == SANDBOX
    assert runs.time == 1638349361.5


def test_a_pod_is_named_by_its_describe_header() -> None:
    (attempt,) = attempts_of(
        b"Name:             api-1\nNamespace:        shop\nStatus: Pending\nEvents:\n"
        b"  Type     Reason                  Age    From     Message\n"
        b"  Warning  FailedCreatePodSandBox  4m1s   kubelet  Failed to create pod sandbox: rpc error: code = Unknown "
        b"desc = failed to create network namespace: cannot allocate memory\n"
    )
    assert str(attempt.pod) == "shop/api-1"
    assert attempt.reason_class.name == "netns-highorder"


def test_get_events_tables_name_the_pod() -> None:
    (attempt,) = attempts_of(
        b"shop        3m39s   Warning   FailedCreatePodSandBox   pod/n-shim   Failed to create pod sandbox: rpc error: "
        b"code = Unknown desc = fork/exec /usr/bin/containerd-shim: cannot allocate memory\n"
    )
    assert str(attempt.pod) == "shop/n-shim" and attempt.reason_class.name == "fork-refused"


def test_other_kubelet_lines_are_no_failure() -> None:
    quiet = (
        '"Error syncing pod, skipping" '
        'err="failed to \\"StartContainer\\" for \\"app\\" with CrashLoopBackOff: x" pod="a/b"',
        '"Error syncing pod, skipping" '
        'err="failed to \\"KillPodSandbox\\" for \\"x\\" with KillPodSandboxError: y" pod="a/b"',
        '"SyncLoop UPDATE" source="api" pods=["a/b"]',
        '"Failed to list pod sandboxes" err="rpc error"',
        '"StopPodSandbox from runtime service failed" err="cannot allocate memory" podSandboxID="x"',
    )
    for text in quiet:
        assert read_line(LogRecord(f"E1124 05:14:59.185269 1 a.go:1] {text}")) == (), text


def test_bare_names_in_errors() -> None:
    assert pod_in('failed to create a sandbox for pod "web-1": Error') == PodRef(name="web-1")
    assert pod_in("nothing here") == PodRef()


@pytest.mark.parametrize(
    ("text", "pod"),
    [
        ('cni failed to set up pod "dns-86f-kgjbk_kube-system" network: x', PodRef("kube-system", "dns-86f-kgjbk")),
        ('Unable to mount volumes for pod "client-g0t89_default": fork/exec', PodRef("default", "client-g0t89")),
        ('failed to start sandbox container for pod "web": x', PodRef(name="web")),
        ("failed to create container for [kubepods besteffort pod" + UUID + "] : mkdir", PodRef(uid=UUID)),
        (f"mkdir /sys/fs/cgroup/memory/kubepods/besteffort/pod{UUID}: cannot allocate memory", PodRef(uid=UUID)),
        ("for pods [a] pod-7", PodRef()),
    ],
)
def test_a_pod_is_named_by_name_and_namespace_or_by_its_cgroup(text: str, pod: PodRef) -> None:
    assert (pod_in(text) or pod_group_in(text)) == pod


@pytest.mark.parametrize(
    "line",
    [
        "  Warning  FailedCreatePodContainer  6s (x22 over 4m)  kubelet  unable to ensure pod container exists: "
        f"failed to create container for [kubepods besteffort pod{UUID}] : mkdir /sys/fs/x: cannot allocate memory",
        f"unable to ensure pod container exists: failed to create container for [kubepods pod{UUID}] : mkdir /x: y",
    ],
)
def test_a_pod_without_a_cgroup_is_reported(line: str) -> None:
    assert worth_reading(line.encode())
    (observation,) = read_line(LogRecord(line))
    count = 22 if "x22" in line else None
    assert (observation.fact, observation.pod, observation.count) == (PodFact.FAILED, PodRef(uid=UUID), count)
