"""A task may call itself anything: its name comes through every transport as the kernel wrote it, made printable."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from fragtui.text import printable
from tests.support.explained import explain_log

HEAD = b": page allocation failure: order:3, mode:0x40cc0(GFP_KERNEL|__GFP_COMP)"
SYSLOG = b"Jul  1 00:45:31 node kernel: "


def kmsg(text: bytes) -> bytes:
    escaped = b"".join(bytes((b,)) if 0x20 <= b < 0x7F and b != 0x5C else b"\\x%02x" % b for b in text)
    return b"4,1,1000000,-;" + escaped


def rsyslog(text: bytes) -> bytes:
    return SYSLOG + b"[ 12.345678] " + b"".join(b"#%03o" % b if b < 32 else bytes((b,)) for b in text)


def journal_json(text: bytes) -> bytes:
    """As `journalctl -o json` prints it: a text that is not printable UTF-8 as an array of bytes."""
    try:
        message: str | list[int] = text.decode() if text.decode().isprintable() else list(text)
    except UnicodeDecodeError:
        message = list(text)
    entry = {"MESSAGE": message, "_TRANSPORT": "kernel", "__REALTIME_TIMESTAMP": "1606200000000000"}
    return json.dumps(entry, separators=(",", ":")).encode()


def journal_export(text: bytes) -> bytes:
    size = len(text).to_bytes(8, "little")
    return b"__CURSOR=x\n_TRANSPORT=kernel\nMESSAGE\n" + size + text + b"\n"


TRANSPORTS: dict[str, Callable[[bytes], bytes]] = {
    "kmsg": kmsg,
    "syslog": lambda text: SYSLOG + text,
    "syslog with the kernel's stamp": lambda text: SYSLOG + b"[ 12.345678] " + text,
    "rsyslog": rsyslog,
    "iso syslog": lambda text: b"2026-11-24T05:14:59.70+00:00 node kernel: " + text,
    "dmesg": lambda text: b"[ 12.345678] " + text,
    "dmesg with callers": lambda text: b"[ 12.345678][  T460] " + text,
    "journal json": journal_json,
    "journal export": journal_export,
}


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_any_byte_anywhere_in_a_comm_comes_through(transport: Callable[[bytes], bytes]) -> None:
    for byte in set(range(1, 256)) - {ord("\n")}:
        for comm in (bytes((byte, 33)), bytes((97, byte, 33)), bytes((97, 32, byte, 98))):
            found = list(explain_log(io.BytesIO(transport(comm + HEAD) + b"\n"), now=1.79e9))
            wanted = printable(comm.decode("utf-8", "surrogateescape").replace("\t", " ")).strip(" ")
            assert [incident.comm for incident in found] == [wanted], comm
