"""Who wrote the lines of a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.logs.line_writers import BINARY, KERNEL, NOT_UNDERSTOOD, writers_of
from tests.support.examples import examples
from tests.support.places import FIXTURES
from tests.support.transports import TRANSPORTS

NAMELESS = ("bare", "bare, Windows", "Elasticsearch, exported", "Google, jsonPayload")
"""Formats of which no line says that it is the kernel's."""
MESSAGES = ("IPv6: ADDRCONF(NETDEV_UP): veth1: link is not ready", "eth0: link up", "usb 1-1: new device") * 3


def lines_of(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@pytest.mark.parametrize("name", TRANSPORTS)
def test_the_lines_of_the_kernel_are_known_in_every_format(name: str) -> None:
    lines = lines_of(TRANSPORTS[name](MESSAGES))
    found = writers_of(lines)
    assert found.total() == len(lines)
    if name in NAMELESS:
        assert found == {NOT_UNDERSTOOD: len(lines)}
    else:
        assert found[KERNEL] >= len(lines) - 5, found


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("eof-kubelet.log", "kubelet"),
        ("layers-kubelet.log", "kubelet"),
        ("layers-containerd.log", "container runtime"),
    ],
)
def test_the_lines_of_kubelet_and_runtime_are_known(name: str, writer: str) -> None:
    lines = lines_of((FIXTURES / name).read_bytes())
    assert writers_of(lines) == {writer: len(lines)}


def test_text_binary_data_and_empty_lines() -> None:
    assert writers_of([]) == {}
    assert writers_of([b"", b""]) == {NOT_UNDERSTOOD: 2}
    assert writers_of([b"hello", b"[x]", b"", b"\x7fELF\x02\x01\x01\0\0", b""]) == {NOT_UNDERSTOOD: 3, BINARY: 2}
    assert writers_of([b"Jul  1 10:00:00 n sshd[1]: hello", b"", b"[    1.000000] eth0: up"]) == {"sshd": 2, KERNEL: 1}


@examples(200)
@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from((b"MESSAGE=x", b"__CURSOR=a", b"{", b'"a": 1,', b"")), max_size=40
    )
)
def test_every_line_has_one_writer(lines: list[bytes]) -> None:
    assert writers_of(lines).total() == len(lines)
