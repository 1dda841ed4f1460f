"""One message through every transport gives one record with what that transport knows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.logs.kmsg_record import parse_kmsg_record
from fragtui.logs.parser import LogParser
from fragtui.logs.record import LogRecord
from tests.support.examples import examples

TEXT = "java: page allocation failure: order:4, mode:0x10c0d0"
NOW = 1_780_000_000.0  # 2026-05-28


def records(data: bytes, **options: float) -> list[LogRecord]:
    parser = LogParser(now=NOW, **options)
    found = [record for number, line in enumerate(data.split(b"\n"), 1) for record in parser.feed(line, number)]
    return found + list(parser.finish())


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        (TEXT, {}),
        (f"[10223.291166] {TEXT}", {"monotonic": 10223.291166}),
        (f"<4>[10223.291166] {TEXT}", {"level": 4, "facility": 0, "from_kernel": True}),
        (f"[ 1233.911539][  T460] {TEXT}", {"monotonic": 1233.911539, "caller": "T460"}),
        (f"[ 3239.898444][    C1] {TEXT}", {"caller": "C1"}),
        (f"[ 1233.911539 / 01-22 10:00:00.123] {TEXT}", {"monotonic": 1233.911539}),
        (f"[ 1233.911539 <    0.000012>] {TEXT}", {"monotonic": 1233.911539}),
        (f"[  +0.000005] {TEXT}", {}),
        (f"[Apr20 15:09] {TEXT}", {}),
        (f"[Mon Apr 20 15:09:11 2020] {TEXT}", {"host": None, "program": None}),
        (f"kern  :warn  : [10223.291166] {TEXT}", {"level": 4, "facility": 0, "from_kernel": True}),
        (f"kern  :warn  : 2025-01-21T08:41:30,287197+00:00 {TEXT}", {"time": 1737448890.287197, "level": 4}),
        (f"2025-01-21T08:41:30,287197+00:00 {TEXT}", {"time": 1737448890.287197}),
        (f"172.20.0.2: kern: warning: [2025-01-21T08:41:30.287197Z]: {TEXT}", {"time": 1737448890.287197, "level": 4}),
        (f"kern:    info: [2025-01-21T08:41:30.287197Z]: {TEXT}", {"level": 6}),
        (f"Jul  1 00:45:31 node-1 kernel: {TEXT}", {"host": "node-1", "program": "kernel", "from_kernel": None}),
        (f"Nov 12 15:15:41 kernel: {TEXT}", {"host": None, "program": "kernel"}),
        (f"Jul  1 00:45:31 node-1 kernel: [10223.291166] {TEXT}", {"monotonic": 10223.291166, "host": "node-1"}),
        (f"8月 21 10:00:00 node-1 kernel: {TEXT}", {"host": "node-1", "program": "kernel"}),
        (f"Dez 21 10:00:00 node-1 kernel: {TEXT}", {"host": "node-1"}),
        (f"août 21 10:00:00 node-1 kernel: {TEXT}", {"host": "node-1"}),
        (f"Jul  1 00:45:31 node-1 kern.warn kernel: {TEXT}", {"host": "node-1", "program": "kernel"}),
        (f"2026-07-29T06:19:50.155737+00:00 node-1 kernel: {TEXT}", {"time": 1785305990.155737, "host": "node-1"}),
        (f"2026-07-29T06:19:50+0000 node-1 kernel: {TEXT}", {"time": 1785305990.0}),
        (f"Wed 2026-07-29 06:19:50 UTC node-1 kernel: {TEXT}", {"time": 1785305990.0, "host": "node-1"}),
        (f"1785305990.155737 node-1 kernel: {TEXT}", {"time": 1785305990.155737, "host": "node-1"}),
        (f"[10223.291166] node-1 kernel: {TEXT}", {"monotonic": 10223.291166, "host": "node-1"}),
        (f"<4>1 2026-07-29T06:19:50.155737Z node-1 kernel - - - {TEXT}", {"time": 1785305990.155737, "host": "node-1"}),
        (f"2026-07-29T06:19:50.155737Z stdout F {TEXT}", {"time": 1785305990.155737}),
        (f"01-22 10:00:00.000     0     0 W         : {TEXT}", {}),
        (f"> {TEXT}", {}),
        (f"kernel: {TEXT}", {"program": "kernel"}),
        (json.dumps({"log": TEXT, "date": 1785305990155737000}), {"time": 1785305990.155737}),
        (json.dumps({"message": TEXT, "@timestamp": "2026-07-29T06:19:50.155Z", "host": {"name": "n"}}), {"host": "n"}),
        (json.dumps({"message": TEXT, "appname": "sshd", "host": "n"}), {"program": "sshd", "from_kernel": False}),
        (json.dumps({"message": TEXT, "timestamp": True, "host": 7, "appname": None}), {"time": None, "host": None}),
        (f"    kernel: {TEXT}", {"program": "kernel"}),
        (f"very-long-node-1 kernel: {TEXT}", {"program": "kernel", "host": "very-long-node-1"}),
        (f"node-1 kernel: [10223.291166] {TEXT}", {"program": "kernel", "host": "node-1", "monotonic": 10223.291166}),
        (f"2017-01-17T11:08:33.754574+03:00 {TEXT.partition(': ')[2]}", {"host": None}),
        (f"4,22743,6115623303,-,caller=T12;{TEXT}", {"sequence": 22743, "monotonic": 6115.623303, "caller": "T12"}),
        (f"12,345,3671396238,-;{TEXT}", {"facility": 1, "from_kernel": False}),
    ],
)
def test_each_line_gives_its_record(line: str, facts: dict[str, object]) -> None:
    (record,) = records(line.encode())
    assert record.text in {TEXT, TEXT.partition(": ")[2]}
    assert {name: getattr(record, name) for name in facts} == facts


def test_a_year_is_given_to_a_stamp_without_one() -> None:
    (record,) = records(f"Jul  1 00:45:31 node-1 kernel: {TEXT}".encode())
    assert record.time is not None
    assert NOW - 366 * 86400 < record.time < NOW + 86400


def test_other_programs_pass_with_their_name_and_pid() -> None:
    (record,) = records(b"Jul  1 00:45:31 node-1 microk8s.daemon-kubelite[98983]: E0608 11:04:34 x.go:1] failed")
    assert (record.program, record.pid, record.from_kernel) == ("microk8s.daemon-kubelite", 98983, False)
    assert record.text.startswith("E0608")


def test_embedded_newlines_become_records_with_one_stamp() -> None:
    found = records(b"Jul  1 00:45:31 n kernel: active_anon:1#012 active_file:2#012 free:3")
    assert [record.text.strip() for record in found] == ["active_anon:1", "active_file:2", "free:3"]
    found = list(parse_kmsg_record(b"4,7,1000000,-;a\\x0a b\\x5c\n SUBSYSTEM=pci\n"))
    assert [record.text for record in found] == ["a", " b\\"]
    found = records(b"[    1.500000] active_anon:1\n               active_file:2")
    assert [record.monotonic for record in found] == [1.5, 1.5]


def test_journal_json_and_export_give_the_same_records() -> None:
    entry = {
        "__REALTIME_TIMESTAMP": "1785305990155737", "_TRANSPORT": "kernel", "SYSLOG_FACILITY": "0", "PRIORITY": "4",
        "_SOURCE_MONOTONIC_TIMESTAMP": "6115623303", "SYSLOG_IDENTIFIER": "kernel", "MESSAGE": f"{TEXT}\nnext",
    }  # fmt: skip
    first, second = records(json.dumps(entry).encode())
    assert (first.text, second.text, first.time, first.from_kernel) == (TEXT, "next", 1785305990.155737, True)
    entry["MESSAGE"] = list(TEXT.encode())  # type: ignore[assignment]
    assert records(json.dumps(entry).encode())[0].text == TEXT
    entry["SYSLOG_FACILITY"] = "3"
    assert records(json.dumps(entry).encode())[0].from_kernel is False
    message = f"{TEXT}\nnext".encode()
    export = b"__CURSOR=x\n__REALTIME_TIMESTAMP=1785305990155737\n_TRANSPORT=kernel\nMESSAGE\n"
    export += len(message).to_bytes(8, "little") + message + b"\nPRIORITY=4\n\n__CURSOR=y\nMESSAGE=other\n"
    assert [record.text for record in records(export)] == [TEXT, "next", "other"]


def test_dmesg_json_gives_records() -> None:
    text = (
        '{\n   "dmesg": [\n      {\n         "pri": 4,\n         "time":   10.250000,\n         "msg": "'
        + TEXT
        + '"\n      },{\n         "pri": 6,\n         "time":  11.0,\n         "msg": "b"\n      }\n   ]\n}'
    )
    first, second = records(text.encode())
    assert (first.text, first.monotonic, first.level, first.facility) == (TEXT, 10.25, 4, 0)
    assert (second.text, second.monotonic) == ("b", 11.0)


def test_repeat_lines_of_both_daemons_are_counted() -> None:
    (record,) = records(b"Sep  9 23:08:02 sjoerd last message repeated 93 times")
    assert record.repeats == 93
    (record,) = records(b"Sep  9 23:08:02 h kernel: message repeated 3 times: [ " + TEXT.encode() + b"]")
    assert (record.repeats, record.text) == (3, TEXT)


@given(st.binary(max_size=300))
@examples(300)
def test_any_bytes_give_printable_records(data: bytes) -> None:
    for record in records(data):
        assert record.text.isprintable()


@given(st.binary(max_size=200))
@examples(200)
def test_kmsg_escapes_round_trip(raw: bytes) -> None:
    escaped = b"".join(bytes((b,)) if 0x20 <= b < 0x7F and b != 0x5C else b"\\x%02x" % b for b in raw)
    found = parse_kmsg_record(b"6,1,2,-;" + escaped + b"\n")
    assert len(found) == raw.count(b"\n") + 1
    if raw.isascii() and raw.replace(b"\n", b"").decode().isprintable():
        assert "\n".join(record.text for record in found).encode() == raw


@given(
    st.text(st.sampled_from("[]<>(). 0123456789TC#abc:+=%\t\x1cé"), max_size=24),
    st.sampled_from(["", "[ 12.345678]", "[    1.000001] ", "[ 12.345678][  T460] ", "[12.345678]  [", "[ 1.5] "]),
)
@examples(500)
def test_the_quick_way_for_a_known_head_reads_what_the_careful_way_reads(rest: str, stamp: str) -> None:
    line = f"Jul  1 00:45:31 node kernel: {stamp}{rest}".encode()
    careful, quick = LogParser(now=1.79e9), LogParser(now=1.79e9)
    quick.feed(b"Jul  1 00:45:31 node kernel: x", 1)
    assert quick.feed(line, 2) == careful.feed(line, 2)


def test_a_task_may_be_called_as_if_it_were_a_host_and_the_kernel() -> None:
    (record,) = records(b"a kernel: b: page allocation failure: order:4, mode:0x10c0d0")
    assert (record.text[:14], record.host, record.program) == ("a kernel: b: p", None, None)
