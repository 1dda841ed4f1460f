"""The ways in which a kernel's messages reach a log, as functions from messages to bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

Transport = Callable[[Sequence[str]], bytes]

START = 3797.363547
EPOCH = 1785305990


def _stamps(messages: Sequence[str]) -> list[tuple[float, str]]:
    return [(START + place * 0.000021, message) for place, message in enumerate(messages)]


def _lines(prefix: Callable[[float], str], end: str = "\n") -> Transport:
    """Every line of every message under the prefix of its message, as syslog daemons and journalctl do."""

    def wrap(messages: Sequence[str]) -> bytes:
        return "".join(
            prefix(stamp) + line + end for stamp, message in _stamps(messages) for line in message.split("\n")
        ).encode()

    return wrap


def _dmesg(prefix: Callable[[float], str]) -> Transport:
    """The first line of a message under its prefix, the others indented as far, as dmesg does."""

    def wrap(messages: Sequence[str]) -> bytes:
        made = []
        for stamp, message in _stamps(messages):
            head = prefix(stamp)
            made.append(head + message.replace("\n", "\n" + " " * len(head)) + "\n")
        return "".join(made).encode()

    return wrap


def _escaped(message: str) -> str:
    return "".join(c if " " <= c <= "~" and c != "\\" else f"\\x{ord(c):02x}" for c in message)


def _kmsg(messages: Sequence[str]) -> bytes:
    made = "".join(
        f"4,{1000 + place},{int(stamp * 1e6)},-,caller=T77;{_escaped(message)}\n SUBSYSTEM=pci\n DEVICE=+pci:0\n"
        for place, (stamp, message) in enumerate(_stamps(messages))
    )
    return made.encode()


def _rsyslog(messages: Sequence[str]) -> bytes:
    return "".join(
        f"Jul 29 06:19:50 node-1 kernel: [{stamp:12.6f}] {message}".replace("\n", "#012") + "\n"
        for stamp, message in _stamps(messages)
    ).encode()


def _entry(stamp: float, message: str) -> dict[str, str]:
    return {
        "__CURSOR": f"s=1;i={stamp}", "__REALTIME_TIMESTAMP": str(int((EPOCH + stamp) * 1e6)),
        "_SOURCE_MONOTONIC_TIMESTAMP": str(int(stamp * 1e6)), "_TRANSPORT": "kernel", "SYSLOG_FACILITY": "0",
        "PRIORITY": "4", "SYSLOG_IDENTIFIER": "kernel", "_HOSTNAME": "node-1", "MESSAGE": message,
    }  # fmt: skip


def _journal_json(messages: Sequence[str]) -> bytes:
    return "".join(json.dumps(_entry(*each)) + "\n" for each in _stamps(messages)).encode()


def _journal_export(messages: Sequence[str]) -> bytes:
    made = b""
    for each in _stamps(messages):
        for name, value in _entry(*each).items():
            text = value.encode()
            binary = b"\n" + len(text).to_bytes(8, "little") + text + b"\n"
            made += name.encode() + (binary if b"\n" in text else b"=" + text + b"\n")
        made += b"\n"
    return made


def _journal_verbose(messages: Sequence[str]) -> bytes:
    """As `journalctl -o verbose` prints it."""
    made = ""
    for place, (stamp, message) in enumerate(_stamps(messages)):
        moment = f"s={9:032x};i={place:x};b={7:032x};m={int(stamp * 1e6):x};t={int((EPOCH + stamp) * 1e6):x};x=ab12"
        for line in message.split("\n"):
            made += f"Wed 2026-07-29 06:19:50.155737 UTC [{moment}]\n    PRIORITY=4\n    _BOOT_ID={7:032x}\n"
            made += "    SYSLOG_FACILITY=0\n    _MACHINE_ID=x\n    _HOSTNAME=node-1\n    SYSLOG_IDENTIFIER=kernel\n"
            made += f"    MESSAGE={line}\n    _TRANSPORT=kernel\n    _SOURCE_MONOTONIC_TIMESTAMP={int(stamp * 1e6)}\n"
    return made.encode()


def _dmesg_json(messages: Sequence[str]) -> bytes:
    entries = ",".join(
        f'{{\n         "pri": 4,\n         "time": {stamp:12.6f},\n         "msg": {json.dumps(message)}\n      }}'
        for stamp, message in _stamps(messages)
    )
    return f'{{\n   "dmesg": [\n      {entries}\n   ]\n}}\n'.encode()


def _docker(messages: Sequence[str]) -> bytes:
    return "".join(
        json.dumps({"log": f"[{stamp:12.6f}] {line}\n", "stream": "stdout", "time": "2026-07-29T06:19:50.155737Z"})
        + "\n"
        for stamp, message in _stamps(messages)
        for line in message.split("\n")
    ).encode()


def _shipped(wrap: Callable[[str, float], object]) -> Transport:
    """One JSON object a line around what syslog or the kernel wrote."""
    return lambda messages: "".join(
        json.dumps(wrap(line, stamp)) + "\n" for stamp, message in _stamps(messages) for line in message.split("\n")
    ).encode()


def _aws(messages: Sequence[str]) -> bytes:
    """As `aws logs filter-log-events` prints it."""
    events = [
        {
            "logStreamName": "node-1",
            "timestamp": 1785305990155,
            "message": f"Jul 29 06:19:50 node-1 kernel: [{stamp:12.6f}] {line}",
            "ingestionTime": 1785305990155,
            "eventId": "36048717",
        }
        for stamp, message in _stamps(messages)
        for line in message.split("\n")
    ]
    return json.dumps({"events": events, "searchedLogStreams": []}, indent=4).encode() + b"\n"


def _coloured(messages: Sequence[str]) -> bytes:
    """What dmesg colours: the stamp, and what looks like a subsystem's name."""
    name = re.compile(r"^([^:]+: )", re.MULTILINE)
    return "".join(
        f"\x1b[32m[{stamp:12.6f}] \x1b[0m{line}\n"
        for stamp, message in _stamps(messages)
        for line in name.sub("\x1b[33m\\1\x1b[0m", message).split("\n")
    ).encode()


def _quoted(transport: Transport, mark: str) -> Transport:
    return lambda messages: b"".join(mark.encode() + line + b"\n" for line in transport(messages).splitlines())


DMESG = _dmesg(lambda stamp: f"[{stamp:12.6f}] ")
SYSLOG = _lines(lambda stamp: f"Jul 29 06:19:50 node-1 kernel: [{stamp:12.6f}] ")

TRANSPORTS: dict[str, Transport] = {
    "kmsg": _kmsg,
    "bare": _lines(lambda _: ""),
    "bare, Windows": _lines(lambda _: "", "\r\n"),
    "dmesg": DMESG,
    "dmesg, byte order mark": lambda messages: b"\xef\xbb\xbf" + DMESG(messages),
    "dmesg, Windows": _lines(lambda stamp: f"[{stamp:12.6f}] ", "\r\n"),
    "dmesg -T": _dmesg(lambda _: "[Wed Jul 29 06:19:50 2026] "),
    "dmesg -T, German": _dmesg(lambda _: "[Mi Jul 29 06:19:50 2026] "),
    "dmesg -T, French": _dmesg(lambda _: "[mer. juil. 29 06:19:50 2026] "),
    "dmesg -T, Chinese": _dmesg(lambda _: "[三 7月 29 06:19:50 2026] "),
    "dmesg -T, Japanese": _dmesg(lambda _: "[水  7月 29 06:19:50 2026] "),
    "dmesg -T, Spanish": _dmesg(lambda _: "[mié jul 29 06:19:50 2026] "),
    "dmesg -x": _dmesg(lambda stamp: f"kern  :warn  : [{stamp:12.6f}] "),
    "dmesg -r": _lines(lambda stamp: f"<4>[{stamp:12.6f}] "),
    "dmesg -d": _dmesg(lambda stamp: f"[{stamp:12.6f} <    0.000021>] "),
    "dmesg -e": _dmesg(lambda _: "[Jul29 06:19] "),
    "dmesg --time-format iso": _dmesg(lambda _: "2026-07-29T06:19:50,155737+00:00 "),
    "dmesg -x --time-format iso": _dmesg(lambda _: "kern  :warn  : 2026-07-29T06:19:50,155737+00:00 "),
    "dmesg -J": _dmesg_json,
    "dmesg, callers": _dmesg(lambda stamp: f"[{stamp:12.6f}][  T460] "),
    "dmesg, a CPU as caller": _dmesg(lambda stamp: f"[{stamp:12.6f}][    C1] "),
    "double stamp": _lines(lambda stamp: f"[{stamp:12.6f} / 07-29 06:19:50.155] "),
    "RFC 3164": _lines(lambda _: "Jul 29 06:19:50 node-1 kernel: "),
    "RFC 3164, the kernel's stamp": SYSLOG,
    "RFC 3164, no host": _lines(lambda _: "Jul 29 06:19:50 kernel: "),
    "RFC 3164, priority": _lines(lambda stamp: f"<4>Jul 29 06:19:50 node-1 kernel: [{stamp:12.6f}] "),
    "RFC 3164, German": _lines(lambda _: "Mär 29 06:19:50 node-1 kernel: "),
    "RFC 3164, French": _lines(lambda _: "juil. 29 06:19:50 node-1 kernel: "),
    "RFC 3164, Chinese": _lines(lambda _: "7月 29 06:19:50 node-1 kernel: "),
    "RFC 3164, Japanese": _lines(lambda _: " 7月 29 06:19:50 node-1 kernel: "),
    "RFC 3164, Spanish": _lines(lambda _: "ene 29 06:19:50 node-1 kernel: "),
    "rsyslog with #012": _rsyslog,
    "RFC 5424": _lines(lambda stamp: f"<4>1 2026-07-29T06:19:50.155737Z node-1 kernel - - - [{stamp:12.6f}] "),
    "ISO syslog": _lines(lambda stamp: f"2026-07-29T06:19:50.155737+00:00 node-1 kernel: [{stamp:12.6f}] "),
    "journalctl short-iso": _lines(lambda _: "2026-07-29T06:19:50+0000 node-1 kernel: "),
    "journalctl short-full": _lines(lambda _: "Wed 2026-07-29 06:19:50 UTC node-1 kernel: "),
    "journalctl short-unix": _lines(lambda stamp: f"{EPOCH + stamp:.6f} node-1 kernel: "),
    "journalctl short-monotonic": _lines(lambda stamp: f"[{stamp:12.6f}] node-1 kernel: "),
    "journalctl json": _journal_json,
    "journalctl export": _journal_export,
    "journalctl verbose": _journal_verbose,
    "Talos": _lines(lambda _: "172.20.0.2: kern: warning: [2026-07-29T06:19:50.155737Z]: "),
    "busybox": _lines(lambda stamp: f"Jul 29 06:19:50 node-1 kern.warn kernel: [{stamp:12.6f}] "),
    "CRI": _lines(lambda stamp: f"2026-07-29T06:19:50.155737Z stdout F [{stamp:12.6f}] "),
    "docker json-file": _docker,
    "dmesg --color=always": _coloured,
    "syslog, its date cut off": _lines(lambda stamp: f"node-1 kernel: [{stamp:12.6f}] "),
    "Filebeat": _shipped(
        lambda line, stamp: {
            "@timestamp": "2026-07-29T06:19:50.155Z",
            "log": {"file": {"path": "/var/log/kern.log"}},
            "message": f"Jul 29 06:19:50 node-1 kernel: [{stamp:12.6f}] {line}",
            "host": {"name": "node-1"},
        }
    ),
    "Elasticsearch, exported": _shipped(
        lambda line, stamp: {"_id": "x", "_source": {"@timestamp": "2026-07-29T06:19:50.155Z", "message": line}}
    ),
    "Vector": _shipped(
        lambda line, _: {
            "appname": "kernel",
            "hostname": "node-1",
            "message": line,
            "timestamp": "2026-07-29T06:19:50.155737Z",
        }
    ),
    "Fluent Bit": _shipped(lambda line, stamp: {"date": EPOCH + stamp, "log": f"[{stamp:12.6f}] {line}"}),
    "Google, textPayload": _shipped(
        lambda line, stamp: {"textPayload": f"[{stamp:12.6f}] {line}", "timestamp": "2026-07-29T06:19:50.155737Z"}
    ),
    "AWS, a member a line": _aws,
    "Google, jsonPayload": _shipped(
        lambda line, _: {"jsonPayload": {"message": line}, "timestamp": "2026-07-29T06:19:50.155737Z"}
    ),
    "quoted mail, dmesg": _quoted(DMESG, "> "),
    "quoted twice, syslog": _quoted(SYSLOG, ">> "),
    "pasted with a tab": _quoted(SYSLOG, "\t"),
}
