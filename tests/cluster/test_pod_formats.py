"""One failure in many formats: whatever a collector, pager or exporter puts around it, the facts stay the same."""

# ruff: noqa: E501

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
import yaml

from tests.cluster.test_public_texts import incidents_of
from tests.support.pod_cases import faults_of

UID = "9b1c5a3e-20d4-4f67-8a11-c0ffee123456"
ERROR = (
    "failed to create containerd task: failed to start shim: fork/exec /usr/bin/containerd-shim-runc-v2: "
    "cannot allocate memory: unknown"
)
RPC = f"rpc error: code = Unknown desc = {ERROR}"


def quoted(text: str) -> str:
    return json.dumps(text)


def klog(body: str, micro: int) -> str:
    return f"E0206 09:07:11.{micro:06d}    4242 kuberuntime.go:70] {body}"


KUBELET = [
    klog(f'"RunPodSandbox from runtime service failed" err={quoted(RPC)}', 100),
    klog(f'"Failed to create sandbox for pod" err={quoted(RPC)} pod="shop/cart-7c-x1"', 160),
    klog(f'"CreatePodSandbox for pod failed" err={quoted(RPC)} pod="shop/cart-7c-x1"', 190),
    klog(
        '"Error syncing pod, skipping" err='
        + quoted(
            f'failed to "CreatePodSandbox" for "cart-7c-x1_shop({UID})" with CreatePodSandboxError: '
            f'"Failed to create sandbox for pod \\"cart-7c-x1_shop({UID})\\": {RPC}"'
        )
        + f' pod="shop/cart-7c-x1" podUID="{UID}"',
        250,
    ),
]


def rows(line: Callable[[str], str]) -> str:
    return "".join(f"{line(text)}\n" for text in KUBELET)


def as_csv(text: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(["2024-02-06T09:07:11.100Z", "node-9", "daemon", "kubelet", text])
    return out.getvalue()


LINES: dict[str, str] = {
    "k0s": rows(
        lambda text: f'time="2024-02-06 09:07:11" level=info msg={quoted(text)} component=kubelet stream=stderr'
    ),
    "k0s in the journal": rows(
        lambda text: (
            f'Feb 06 09:07:11 n k0s[9]: time="2024-02-06 09:07:11" level=info msg={quoted(text)} component=kubelet'
        )
    ),
    "rancher desktop": rows(lambda text: f'time="2024-02-06T09:07:11Z" level=error msg={quoted(text)}'),
    "docker logs -t": rows(lambda text: f"2024-02-06T09:07:11.100200300Z {text}"),
    "kubectl logs --prefix": rows(lambda text: f"[pod/kubelet-9/kubelet] {text}"),
    "stern": rows(lambda text: f"kubelet-9 kubelet {text}"),
    "stern with a bar": rows(lambda text: f"kubelet-9 › kubelet | {text}"),
    "grep -n": rows(lambda text: f"var/log/kubelet.log:71:{text}"),
    "grep -H": rows(lambda text: f"/tmp/kubelet.log-20240206:{text}"),
    "minikube logs": rows(lambda text: f"* {text}"),
    "minikube's sections": rows(lambda text: f"Feb 06 09:07:11 minikube kubelet[911]: {text}"),
    "rsyslog without a colon": rows(lambda text: f"2024-02-06T09:07:11.100+00:00 node-9 kubelet 4242 - -  {text}"),
    "talosctl logs": rows(lambda text: f"10.5.0.9: {text}"),
    "talosctl's JSON": rows(
        lambda text: f"10.5.0.9: {json.dumps({'level': 'error', 'msg': text, 'service': 'kubelet'})}"
    ),
    "a serial console": rows(lambda text: f"[  812.345678] kubelet[911]: {text}"),
    "cloud-init's console": rows(lambda text: f"node-9 login: {text}"),
    "CSV": "time,host,facility,program,text\n" + rows(as_csv),
    "aws logs tail": rows(
        lambda text: f"2024-02-06T09:07:11.100000+00:00 ip-10-0-0-9.kubelet.service {json.dumps({'message': text})}"
    ),
    "aws logs tail, more members": rows(
        lambda text: (
            "2024-02-06T09:07:11+00:00 node.kubelet.service "
            + json.dumps({"hostname": "n", "systemd_unit": "kubelet.service", "message": text, "az": "b"})
        )
    ),
    "logcli": rows(lambda text: f'2024-02-06T09:07:11Z {{job="systemd-journal", unit="kubelet.service"}} {text}'),
    "a quoted mail": rows(lambda text: f"> {text}"),
    "CSV of whole lines": "_raw,_time\n"
    + rows(lambda text: '"Feb 06 09:07:11 n kubelet[9]: ' + text.replace('"', '""') + '",2024-02-06T09:07:11.000+0000'),
    "values between tabs": rows(lambda text: '2024-02-06 09:07:11\t"' + text.replace('"', '""') + '"'),
    "HTML": "<pre>\n" + rows(lambda text: f"Feb 06 09:07:11 n kubelet[9]: {text}".replace('"', "&quot;")) + "</pre>",
}
NO_UID = "pod=shop/cart-7c-x1 class=fork-refused memory=yes"


@pytest.mark.parametrize("form", LINES)
def test_a_kubelets_lines_are_one_failure_behind_any_prefix(form: str) -> None:
    assert faults_of(f"{NO_UID} uid={UID} time=2024-02-06T09:07:11", incidents_of(LINES[form].encode())) == []


CONTAINERD = (
    'time="2024-02-06T10:07:11.100200300+01:00" level=error msg="RunPodSandbox for &PodSandboxMetadata{Name:cart-7c-x1,'
    f'Uid:{UID},Namespace:shop,Attempt:3,}} failed, error" error={quoted(ERROR)}'
)


@pytest.mark.parametrize(
    "prefix",
    ["", "Feb 06 10:07:11 n containerd[7]: ", "Jul 30 23:00:01 n containerd[7]: ", "[pod/x/c] ", "c.log:7:", "* ",
     "n containerd 7 - -  ", "[  12.345678] ", "2024-02-06T09:07:11.1Z ", "> "],
)  # fmt: skip
def test_the_full_stamp_of_a_runtimes_line_is_its_time(prefix: str) -> None:
    expected = f"{NO_UID} uid={UID} time=2024-02-06T09:07:11.100200"
    assert faults_of(expected, incidents_of(f"{prefix}{CONTAINERD}\n".encode())) == []


def test_a_runtimes_line_in_the_line_of_its_supervisor_is_read() -> None:
    inner = CONTAINERD.replace("\\", "\\\\").replace('"', '\\"')
    text = f'time="2024-02-06 09:07:11" level=info msg="{inner}" component=containerd stream=stderr\n'
    assert faults_of(f"{NO_UID} uid={UID} time=2024-02-06T09:07:11", incidents_of(text.encode())) == []


def test_a_full_stamp_dates_the_year_less_lines_around_it() -> None:
    """The kernel's line stands above the line that shows year and zone: 10:07 of the node is 09:07 UTC, in 2022."""
    log = (
        "Feb 06 10:07:10 n kernel: containerd: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)\n"
        "Feb 06 10:07:10 n kernel: CPU: 3 PID: 801 Comm: containerd Not tainted 5.15.0\n"
        f"Feb 06 10:07:11 n containerd[7]: {CONTAINERD.replace('2024', '2022')}\n"
        f"Feb 06 10:07:11 n kubelet[9]: {KUBELET[3]}\n"
    )
    incidents = incidents_of(log.encode())
    assert faults_of(f"kernel line ;; {NO_UID} time=2022-02-06T09:07:11 linked=True", incidents) == []
    (kernel,) = [each for each in incidents if each.report is not None]
    assert str(kernel.to_json()["time"]).startswith("2022-02-06T09:07:10")


@pytest.mark.parametrize("other", ["2019-03-01T00:00:00Z", "2024-02-06T09:03:00Z", "2024-02-05T12:00:00Z"])
def test_a_stamp_of_another_moment_dates_nothing_else(other: str) -> None:
    log = (
        f'Feb 06 09:07:10 n app[3]: time="{other}" level=info msg="job of that day"\n'
        f'Feb 06 09:07:10 n app[3]: {{"time":"{other}","msg":"the same"}}\n'
        f"Feb 06 09:07:11 n kubelet[9]: {KUBELET[3]}\n"
    )
    assert faults_of(f"{NO_UID} time=2024-02-06T09:07:11", incidents_of(log.encode())) == []


EVENT = {
    "apiVersion": "v1", "kind": "Event", "count": 41, "type": "Warning",
    "firstTimestamp": "2024-02-06T08:00:00Z", "lastTimestamp": "2024-02-06T09:07:11Z",
    "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "cart-7c-x1", "uid": UID},
    "metadata": {"name": "cart-7c-x1.17b1", "namespace": "shop", "uid": "e1", "creationTimestamp": "2024-02-06T08:00:00Z"},
    "reason": "FailedCreatePodSandBox", "message": f"Failed to create pod sandbox: {RPC}",
}  # fmt: skip
OTHER = json.loads(json.dumps(EVENT)) | {"reason": "Scheduled", "message": "ok", "metadata": {"uid": "e2"}}
NEW = {
    key: value for key, value in EVENT.items() if key not in ("involvedObject", "message", "count", "firstTimestamp")
}
NEW |= {
    "apiVersion": "events.k8s.io/v1", "regarding": EVENT["involvedObject"], "note": EVENT["message"],
    "deprecatedCount": 41, "deprecatedFirstTimestamp": "2024-02-06T08:00:00Z",
}  # fmt: skip
WAITING = {
    "apiVersion": "v1", "kind": "Pod", "spec": {},
    "metadata": {"namespace": "shop", "name": "cart-7c-x1", "uid": UID},
    "status": {
        "phase": "Pending",
        "containerStatuses": [
            {"name": "app", "ready": False, "state": {"waiting": {"reason": "CreateContainerError", "message": ERROR}}}
        ],
    },
}  # fmt: skip
LISTS: dict[str, str] = {
    "kubectl get -o json": json.dumps({"apiVersion": "v1", "items": [EVENT, OTHER], "kind": "List"}, indent=4),
    "--raw": json.dumps({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": [OTHER, EVENT]}),
    "one": json.dumps(EVENT, indent=2),
    "one a line": f"{json.dumps(EVENT)}\n{json.dumps(OTHER)}\n",
    "-w": f"{json.dumps(OTHER, indent=4)}\n{json.dumps(EVENT, indent=4)}\n",
    "a watch": "".join(json.dumps({"type": "ADDED", "object": each}) + "\n" for each in (OTHER, EVENT)),
    "eventrouter": json.dumps({"verb": "ADDED", "event": EVENT}) + "\n",
    "eventrouter in the journal": f"Feb 06 09:07:11 n eventrouter[3]: {json.dumps({'verb': 'UPDATED', 'event': EVENT})}\n",
    "an exporter's log": f"2024-02-06T09:07:11.1Z stdout F {json.dumps(EVENT)}\n",
    "docker's file of an exporter": json.dumps({"log": json.dumps(EVENT) + "\n", "stream": "stdout"}) + "\n",
    "Cloud Logging": json.dumps([{"jsonPayload": EVENT, "resource": {"type": "k8s_pod"}}], indent=2),
    "Cloud Logging, one a line": json.dumps({"insertId": "1", "jsonPayload": EVENT}) + "\n",
    "events.k8s.io": json.dumps({"apiVersion": "v1", "kind": "List", "items": [NEW]}, indent=1),
    "cluster-info dump": "".join(
        json.dumps({"kind": kind, "apiVersion": "v1", "items": items}, indent=4) + "\n"
        for kind, items in (("NodeList", []), ("EventList", [EVENT]), ("PodList", []))
    )
    + "==== START logs for container app of pod shop/cart-7c-x1 ====\n{not json\n[info] x\n==== END\n",
    "a byte order mark": "\ufeff" + json.dumps({"apiVersion": "v1", "items": [EVENT], "kind": "List"}, indent=4),
    "RFC 7464": f"\x1e{json.dumps(EVENT)}\n",
    "YAML": yaml.safe_dump({"apiVersion": "v1", "items": [OTHER, EVENT], "kind": "EventList"}),
    "YAML of must-gather": "---\n" + yaml.safe_dump({"apiVersion": "v1", "items": [EVENT], "kind": "List"}, width=60),
    "YAML, one": yaml.safe_dump(EVENT),
    "YAML, more than one": yaml.safe_dump_all([OTHER, EVENT]),
    "YAML with deeper items": "apiVersion: v1\nkind: List\nitems:\n"
    + "".join(f"  {line}\n" for line in yaml.safe_dump([OTHER, EVENT]).splitlines()),
}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", ["kubectl get -o json", "one a line", "YAML"])
def test_what_powershell_saves_is_read(form: str, encoding: str) -> None:
    expected = f"{NO_UID} uid={UID} count=41 time=2024-02-06T08:00:00"
    assert faults_of(expected, incidents_of(f"\ufeff{LISTS[form]}".replace("\n", "\r\n").encode(encoding))) == []


@pytest.mark.parametrize("form", LISTS)
def test_an_event_is_one_failure_in_any_form(form: str) -> None:
    expected = f"{NO_UID} uid={UID} count=41 time=2024-02-06T08:00:00"
    assert faults_of(expected, incidents_of(LISTS[form].encode())) == []


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(WAITING, indent=4),
        json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [WAITING]}),
        yaml.safe_dump(WAITING),
        yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [WAITING]}),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [WAITING, EVENT]}, indent=1),
    ],
)
def test_a_pod_that_waits_with_the_runtimes_error_has_failed(text: str) -> None:
    incidents = incidents_of(text.encode())
    assert all(faults_of(f"{NO_UID} uid={UID}", [each]) == [] for each in incidents)
    assert 1 <= len(incidents) <= 2


def test_a_pod_that_waits_for_its_image_or_for_nothing_has_not_failed() -> None:
    pulling = json.loads(json.dumps(WAITING).replace("CreateContainerError", "ImagePullBackOff"))
    waiting = json.loads(json.dumps(WAITING).replace("CreateContainerError", "ContainerCreating"))
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [pulling, waiting]}, indent=1)
    assert incidents_of(text.encode()) == []


MESSAGE = EVENT["message"]
TABLES: dict[str, str] = {
    "get events": "LAST SEEN   TYPE      REASON                   OBJECT           MESSAGE\n"
    f"4m30s       Warning   FailedCreatePodSandBox   pod/cart-7c-x1   {MESSAGE}\n",
    "get events -A": "NAMESPACE   LAST SEEN   TYPE      REASON                   OBJECT           MESSAGE\n"
    f"shop        4m30s       Warning   FailedCreatePodSandBox   pod/cart-7c-x1   {MESSAGE}\n",
    "get events -A -o wide": "NAMESPACE   LAST SEEN   TYPE   REASON   OBJECT   SUBOBJECT   SOURCE   MESSAGE   FIRST SEEN   COUNT   NAME\n"
    f"shop   4m   Warning   FailedCreatePodSandBox   pod/cart-7c-x1      kubelet, n9   {MESSAGE}   88m   41   cart-7c-x1.17b14a0c6f3e2d11\n",
    "events -A": "NAMESPACE   LAST SEEN             TYPE      REASON                   OBJECT           MESSAGE\n"
    f"shop        4m1s (x41 over 88m)   Warning   FailedCreatePodSandBox   Pod/cart-7c-x1   {MESSAGE}\n",
    "1.5": "LASTSEEN   FIRSTSEEN   COUNT     NAME         KIND      SUBOBJECT   TYPE      REASON   SOURCE   MESSAGE\n"
    f"4m         88m         41        cart-7c-x1   Pod                   Warning   FailedCreatePodSandBox   {{kubelet n9}}   {MESSAGE}\n",
    "1.13": "LAST SEEN   FIRST SEEN   COUNT   NAME   KIND   SUBOBJECT   TYPE   REASON   SOURCE   MESSAGE\n"
    f"4m   88m   41   cart-7c-x1.17b14a0c6f3e2d11   Pod      Warning   FailedCreatePodSandBox   kubelet, n9   {MESSAGE}\n",
    "describe": "Name:         cart-7c-x1\nNamespace:    shop\nEvents:\n  Type     Reason  Age  From  Message\n  ----     ------  ----  ----  -------\n"
    f"  Warning  FailedCreatePodSandBox  4m1s (x41 over 88m)  kubelet  {MESSAGE}\n",
    "describe of 1.6": "Name:         cart-7c-x1\nNamespace:    shop\nEvents:\n"
    "  FirstSeen\tLastSeen\tCount\tFrom\tSubObjectPath\tType\tReason\tMessage\n"
    "  ---------\t--------\t-----\t----\t-------------\t--------\t------\t-------\n"
    f"  88m\t\t4m\t\t41\tkubelet, n9\t\t\tWarning\t\tFailedCreatePodSandBox\t{MESSAGE}\n",
    "k9s": "│ Name:         cart-7c-x1          │\n│ Namespace:    shop          │\n│ Events:          │\n"
    f"│   Type     Reason  Age  From  Message          │\n│   Warning  FailedCreatePodSandBox  4m1s (x41 over 88m)  kubelet  {MESSAGE}  │\n",
    "Markdown": "| NAMESPACE | LAST SEEN | TYPE | REASON | OBJECT | MESSAGE |\n|---|---|---|---|---|---|\n"
    f"| shop | 4m (x41 over 88m) | Warning | FailedCreatePodSandBox | pod/cart-7c-x1 | {MESSAGE} |\n",
    "custom columns": "NAMESPACE   REASON   OBJECT   MESSAGE\n"
    f"shop   FailedCreatePodSandBox   pod/cart-7c-x1   {MESSAGE}\n",
}


TABLES["describe, quoted"] = "".join(f"> {line}\n" for line in TABLES["describe"].splitlines())
TABLES["describe, indented"] = "".join(f"    {line}\n" for line in TABLES["describe"].splitlines())
TABLES["describe, HTML"] = f"<pre>{TABLES['describe']}</pre>"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_cut_by_its_header(table: str) -> None:
    text = TABLES[table]
    space = "shop" if "shop" in text else "-"
    count = 41 if "41" in text else 1
    expected = f"pod={space}/cart-7c-x1 class=fork-refused memory=yes count={count}"
    (incident,) = incidents_of(f"{text}\nafterwards\n".encode())
    assert faults_of(expected, [incident]) == []
    assert ("last seen 4m" in (incident.explanation or "")) is (table != "custom columns")


def test_a_row_with_a_date_has_a_time() -> None:
    text = (
        "LAST SEEN   TYPE   REASON   OBJECT   MESSAGE\n"
        f"2024-02-06T09:07:11Z   Warning   FailedCreatePodSandBox   pod/cart-7c-x1   {MESSAGE}\n"
    )
    expected = "pod=-/cart-7c-x1 class=fork-refused memory=yes time=2024-02-06T09:07:11"
    assert faults_of(expected, incidents_of(text.encode())) == []
    text = f"TIME   NS   POD   REASON   MSG\n2024-02-06T09:07:11Z   shop   cart-7c-x1   Failed   {MESSAGE}\n"
    assert faults_of(expected.replace("-/", "shop/"), incidents_of(text.encode())) == []


@pytest.mark.parametrize(
    "before", ["[Warning] FailedCreatePodSandBox: pod shop/cart-7c-x1: ", "Pod: shop/cart-7c-x1 - "]
)
def test_a_pod_that_a_program_names_before_the_error_is_named(before: str) -> None:
    assert faults_of(NO_UID, incidents_of(f"{before}{MESSAGE}\n".encode())) == []


REASONS: dict[tuple[str, str], str] = {
    ("Failed", "Error: fork/exec /usr/bin/runc: cannot allocate memory"): "fork-refused",
    ("Failed", "Error: context deadline exceeded"): "timeout",
    ("Failed", 'Error: configmap "cart-conf" not found'): "container-config",
    ("FailedSync", "error determining status: rpc error: code = Unknown desc = context deadline exceeded"): "timeout",
    ("FailedSync", "Error syncing pod, skipping: network is not ready: cni config uninitialized"): "cni",
    ("FailedMount", 'MountVolume.SetUp failed for volume "c" : secret "tls" not found'): "volume",
    ("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[d]: timed out waiting for the condition"): "volume",
    ("FailedAttachVolume", 'Multi-Attach error for volume "pvc-3"'): "volume",
    ("FailedMapVolume", "MapVolume.MapPodDevice failed"): "volume",
    ("FailedPrepareDynamicResources", "Failed to prepare dynamic resources: context deadline exceeded"): "timeout",
    ("NetworkNotReady", "network is not ready: container runtime network not ready: NetworkReady=false"): "cni",
    ("FailedCreatePodContainer", "unable to ensure pod container exists: mkdir /sys/fs/cgroup/x: no space left on device"):
        "cgroup-ids",
    ("FailedPodSandBoxStatus", "Unable to get pod sandbox status: rpc error: code = Unknown desc = exit status 2"):
        "runc-init-died",
}  # fmt: skip
HARMLESS = (
    ("Failed", "Error: ImagePullBackOff"),
    ("Failed", 'Failed to pull image "x": not found'),
    ("BackOff", "Back-off restarting failed container"),
    ("FailedSync", "Error syncing pod"),
    ("FailedScheduling", "0/3 nodes are available: 3 Insufficient memory."),
    ("Unhealthy", "Readiness probe failed: OCI runtime exec failed: cannot allocate memory"),
    ("FailedPostStartHook", "exit status 1"),
)


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_every_reason_of_a_pod_that_cant_be_created_is_read(reason: tuple[str, str]) -> None:
    event = EVENT | {"reason": reason[0], "message": reason[1]}
    head = "Name:         cart-7c-x1\nNamespace:    shop\nEvents:\n  Type     Reason  Age  From  Message\n"
    for text in (
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [event]}, indent=1),
        yaml.safe_dump(event),
        f"{head}  Warning  {reason[0]}  4m1s (x41 over 88m)  kubelet  {reason[1]}\n",
        f"{head}  Normal  Scheduled  9m  default-scheduler  ok\n  Warning  {reason[0]}  4m (x41 over 88m)  kubelet  {reason[1]}\n",
    ):
        expected = f"pod=shop/cart-7c-x1 class={REASONS[reason]} count=41"
        assert faults_of(expected, incidents_of(text.encode())) == [], text


@pytest.mark.parametrize("reason", HARMLESS, ids=str)
def test_other_reasons_are_no_failed_creation(reason: tuple[str, str]) -> None:
    event = EVENT | {"reason": reason[0], "message": reason[1]}
    table = f"Name:  cart-7c-x1\nNamespace:  shop\nEvents:\n  Type  Reason  Age  From  Message\n  Warning  {reason[0]}  4m  kubelet  "
    assert incidents_of(json.dumps(event, indent=1).encode()) == []
    assert incidents_of(f"{table}{reason[1]}\n".encode()) == []
