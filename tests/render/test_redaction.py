"""Names that must be redacted, in the texts that contain them."""

from __future__ import annotations

import re
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.render.redaction import Redaction, redaction_of

UID = "485fd485-1ed6-11e9-8661-0a587f8021ea"
OTHER = "11111111-1ed6-11e9-8661-0a587f802122"
ID = "5b9be8c5bb121264899fac8d9d36b02150269d41ce96ba6ad36d70b8640cb01c"


def redaction() -> Redaction:
    return redaction_of(
        hosts=("DB-9.prod.example.com",),
        namespaces=("shop", "default"),
        pods=(("cart-7", UID),),
        texts=(f'conflict with pod="pay/ledger-0" on node "ip-10-0-0-7", k8s_POD_web-1_acme_{OTHER}_0',),
        places=("/cases/acme-corp/x", "/"),
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            f"cart-7_shop({UID}) on db-9, DB-9.PROD.example.com",
            "pod-1_namespace-1(pod-1-uid) on host-1, host-1",
        ),
        (f"/kubepods/burstable/pod{UID}/{ID}", "/kubepods/burstable/podpod-1-uid/id-1"),
        (f"/kubepods/besteffort/pod{OTHER}/x", "/kubepods/besteffort/poduid-1/x"),
        (
            f"/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/cri-containerd-{ID}.scope",
            "/kubepods.slice/kubepods-podpod-1-uid.slice/cri-containerd-id-1.scope",
        ),
        ("dial tcp 10.1.2.3:6443, 10.1.2.3, 10.1.2.4", "dial tcp ip-1:6443, ip-1, ip-2"),
        ("[fe80::1%eth0] 2001:db8::8a2e:370:7334 ::1", "[ip-1%eth0] ip-2 ip-3"),
        ("link aa:bb:cc:dd:ee:ff", "link mac-1"),
        ('pull "registry.corp.example/team/app:1.2.3"', 'pull "image-1"'),
        ("docker.io/library/busybox@sha256:aabbccddeeff0011", "image-1"),
        ("https://api.cluster.acme.io:6443/x", "https://host-3:6443/x"),
        ("ledger-0 in pay on ip-10-0-0-7, web-1", "pod-2 in namespace-2 on host-2, pod-3"),
        ("sandbox 09a23f79c963", "sandbox id-1"),
        (
            "/system.slice/billing@eu-1.service, cpuset=big.service, billing.service, /tenant.slice/x.scope",
            "/system.slice/mail-1, cpuset=unit-1.service, unit-2.service, /unit-3.slice/unit-4.scope",
        ),
        ("alice@corp.example.org", "mail-1"),
        ("/cases/acme-corp/x/proc/buddyinfo, /home/alice/y", "ROOT/proc/buddyinfo, /home/user-1/y"),
        (f"/var/log/pods/pay_ledger-0_{OTHER}/a.log", "/var/log/pods/namespace-2_pod-2_uid-1/a.log"),
    ],
)
def test_every_private_name_is_replaced(text: str, shown: str) -> None:
    assert redaction().text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "5.14.0-427.13.1.el9_4.x86_64 3.10.0-1160.49.1.el7.x86_64 6.18.44-fc 4.18.0-372.9.1.rt7.166.el8.x86_64",
        "copy_net_ns < create_new_namespaces.isra.0 < foo.constprop.0 < foo.part.0.cold",
        "2026-11-24T15:51:51+00:00 12:33:45 0xffffffff81234567 order 10 (4M), 8.86G free",
        "container_linux.go:367: starting container process caused io.containerd.runtime.v2.task",
        "GFP_KERNEL|__GFP_COMP, memory in kube-system by default",
        "/kubepods.slice/kubepods-besteffort.slice, kubelet.service, /user.slice/user-1000.slice/session-3.scope",
        "raise vm.min_free_kbytes, /proc/sys/vm/drop_caches, runc:[1:CHILD]",
    ],
)
def test_public_words_are_not_redacted(text: str) -> None:
    assert redaction().text(text) == text


def test_the_same_thing_has_the_same_token_in_every_text() -> None:
    found = redaction()
    assert found.text("10.0.0.1 10.0.0.2") == "ip-1 ip-2"
    assert found.text("10.0.0.2") == "ip-2"
    assert Redaction().text("10.0.0.2 web") == "10.0.0.2 web"


def test_a_token_costs_the_same_however_many_there_are() -> None:
    def seconds(addresses: int) -> float:
        text = " ".join(f"10.{number >> 8 & 255}.{number & 255}.7" for number in range(addresses))
        best = float("inf")
        for _ in range(3):
            found, begin = redaction(), thread_time()
            assert found.text(text).endswith(f"ip-{addresses}")
            best = min(best, thread_time() - begin)
        return best

    assert seconds(2400) < 8 * seconds(600)


NAME = st.from_regex(r"[a-z0-9]([a-z0-9-]{1,20}[a-z0-9])?", fullmatch=True).filter(
    lambda name: not re.fullmatch(r"(?:host|pod|namespace|id|ip|uid|mac|mail|image|user)(?:-\d*)?|\d+|uid|root", name)
)


@given(NAME, NAME, NAME, st.sampled_from(["{}", "x {}", "/{}/", "{}_a(", "({})", "a={},b", '"{}"', "pod {}: {}"]))
def test_no_known_name_is_left(host: str, space: str, pod: str, form: str) -> None:
    names = {host, space, pod} - {"default", "localhost"}
    found = redaction_of((host,), (space,), ((pod, UID),))
    for name in names:
        shown = found.text(form.format(name, UID))
        assert (
            not re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", shown)
            or shown == ""
            or (name in " ".join(found.tokens.values()))
        )
        assert UID not in shown
