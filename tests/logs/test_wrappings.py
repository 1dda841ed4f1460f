"""One report comes through whatever a tool, a mail or a web page puts around its lines."""

from __future__ import annotations

import csv
import io
import json
import quopri
import re
import textwrap
from collections.abc import Callable

import pytest

from fragtui.kernel.reports.report import KernelReport
from fragtui.logs.markup import WrapJoiner
from tests.support.eras import ERAS, Era
from tests.support.explained import explain_log
from tests.support.kernel_cases import FOLDER, NOW

Wrapping = Callable[[list[str]], str | bytes]

DMESG = [line.removeprefix("node07: ") for line in (FOLDER / "clothing-c08-pdsh-prefix.txt").read_text().splitlines()]
"""The standard report, a kernel's stamp on each line."""
BARE = [line.partition("] ")[2] for line in DMESG]
SYSLOG = [f"Feb 20 10:00:00 node7 kernel: {line}" for line in DMESG]
STAMPS = [f"2026-02-20T10:00:00.{place:06d}+00:00" for place in range(len(DMESG))]


def each(prefix: str, lines: list[str] = DMESG) -> str:
    return "".join(f"{prefix}{line}\n" for line in lines)


def numbered(shape: str, lines: list[str] = DMESG) -> str:
    return "".join(shape.format(n=place, stamp=STAMPS[place - 1]) + line + "\n" for place, line in enumerate(lines, 1))


def rows(header: list[str], quoting: int, *, newest_first: bool = False) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(header)
    pairs = list(zip(STAMPS, SYSLOG, strict=True))
    writer.writerows(
        [{"time": stamp, "text": line, "host": "node7"}[name] for name in header]
        for stamp, line in (reversed(pairs) if newest_first else pairs)
    )
    return out.getvalue()


def journal(place: int, text: str) -> dict[str, str]:
    return {
        "__REALTIME_TIMESTAMP": str(1771581600000000 + place), "_TRANSPORT": "kernel", "PRIORITY": "4",
        "MESSAGE": text, "SYSLOG_IDENTIFIER": "kernel", "_HOSTNAME": "node7", "SYSLOG_FACILITY": "0",
    }  # fmt: skip


LOKI = [[f"{1771581600 * 10**9 + place}", line] for place, line in enumerate(SYSLOG)]
ENTRIES = [journal(place, text) for place, text in enumerate(BARE)]
GKE = [
    {"insertId": f"x{place}", "jsonPayload": entry, "resource": {"labels": {"node_name": "n"}}, "timestamp": stamp}
    for place, (entry, stamp) in enumerate(zip(ENTRIES, STAMPS, strict=True))
]
SHIPPED = [
    {"@timestamp": stamp, "level": "warning", "message": line} for stamp, line in zip(STAMPS, SYSLOG, strict=True)
]


def wrapped(lines: list[str], width: int = 72, quote: str = "") -> str:
    return "".join(
        f"{quote}{part}\n"
        for line in lines
        for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=False)
    )


WRAPPINGS: dict[str, str | bytes] = {
    "grep over rotated files": each("/var/log/messages-20260220:", SYSLOG),
    "zgrep": each("kern.log.2.gz:", SYSLOG),
    "grep -n": numbered("{n}:"),
    "grep -nA40": f"17:{SYSLOG[0]}\n" + "".join(f"{place}-{line}\n" for place, line in enumerate(SYSLOG[1:], 18)),
    "grep -A40 over files": f"a/b_1.log:{DMESG[0]}\n" + each("a/b_1.log-", DMESG[1:]),
    "clush": each("node[07-08]: "),
    "pdsh without stamps": each("worker-12: ", BARE),
    "glued": each("node07:"),
    "ansible -o": each("node07 | CHANGED | rc=0 | (stdout) "),
    "dsh with a pipe": each("node07 | "),
    "aws logs tail": numbered("{stamp} i-0abc123def ", SYSLOG),
    "logcli": numbered('{stamp} {{host="node7", job="syslog"}} ', SYSLOG),
    "logcli, bare": numbered('{stamp} {{job="kernel", host="node7"}} ', BARE),
    "stern": each("node-agent-x7k2p dmesg "),
    "stern without stamps": each("node-agent-x7k2p dmesg ", BARE),
    "kubectl logs --prefix --timestamps": numbered("[pod/agent-x7k2p/dmesg] {stamp} "),
    "a clock in brackets": each("[11:43:33] "),
    "a clock": each("10:00:00.123 "),
    "line numbers": numbered("{n:>6}  "),
    "line numbers with a bar": numbered("{n:>4} | "),
    "RFC 5424 without its priority": numbered("{stamp} esx-node7 kernel - - - "),
    "relayed": each("Feb 20 10:00:01 collector ", SYSLOG),
    "relayed, bare": each("Feb 20 10:00:01 collector ", [f"Feb 20 10:00:00 node7 kernel: {line}" for line in BARE]),
    "journalctl -o short-monotonic --no-hostname": "".join(
        f"{line.partition('] ')[0]}] kernel: {line.partition('] ')[2]}\n" for line in DMESG
    ),
    "double quotes": "".join(f'"{line}"\n' for line in DMESG),
    "a list in a program": "".join(f'  "{line}",\n' for line in DMESG),
    "GKE, one a line": "".join(json.dumps(entry) + "\n" for entry in GKE),
    "GKE, an array": json.dumps(GKE, indent=2),
    "GKE, an array in one line": json.dumps(GKE),
    "GKE, newest first": json.dumps(GKE[::-1], indent=2),
    "Google, textPayload pretty": json.dumps(
        [{"textPayload": line, "timestamp": stamp} for line, stamp in zip(DMESG, STAMPS, strict=True)], indent=2
    ),
    "journalctl -o json-pretty": "".join(json.dumps(entry, indent="\t") + "\n" for entry in ENTRIES),
    "journalctl -o json-sse": "".join(f"data: {json.dumps(entry)}\n\n" for entry in ENTRIES),
    "journalctl -o json-seq": "".join(f"\x1e{json.dumps(entry)}\n" for entry in ENTRIES),
    "journalctl -o json -r": "".join(json.dumps(entry) + "\n" for entry in reversed(ENTRIES)),
    "Kibana, newest first": "".join(f"Feb 20, 2026 @ 10:00:00.000\t{line}\n" for line in reversed(DMESG)),
    "Splunk, newest first": rows(["text", "time", "host"], csv.QUOTE_ALL, newest_first=True),
    "CloudWatch's console": "".join(f"{stamp}\n\t{line}\n" for stamp, line in zip(STAMPS, SYSLOG, strict=True)),
    "oc adm node-logs": each("worker-1.example.com Feb 20 10:00:00.123456 worker-1 kernel: ", BARE),
    "a table of Markdown": "".join(f"| {line} |\n" for line in DMESG),
    "Markdown has eaten the stars": each("", [line.replace("*", "") for line in DMESG]),
    "journalctl -o json | jq -s": json.dumps(ENTRIES, indent=2),
    "journalctl -o json | jq -cs": json.dumps(ENTRIES),
    "journal in lower case": "".join(
        json.dumps({key.lower(): value for key, value in entry.items()}) + "\n" for entry in ENTRIES
    ),
    "journal, JSON behind JSON": "".join(map(json.dumps, ENTRIES)),
    "logcli -o jsonl": "".join(json.dumps({"labels": {"a": "b"}, "line": line}) + "\n" for line in SYSLOG),
    "Loki's API": json.dumps(
        {"data": {"result": [{"stream": {}, "values": LOKI}]}}
    ),
    "a shipper with a level": "".join(json.dumps(entry) + "\n" for entry in SHIPPED),
    "Ansible's stdout_lines": "ok: [node07] => {\n" + json.dumps({"stdout_lines": DMESG}, indent=4)[2:] + "\n",
    "Ansible's stdout": 'node07 | CHANGED => {\n    "stdout": ' + json.dumps("\n".join(DMESG)) + "\n}\n",
    "Splunk's JSON": "".join(
        json.dumps({"preview": False, "result": {"_raw": line, "_time": stamp}}) + "\n"
        for line, stamp in zip(SYSLOG, STAMPS, strict=True)
    ),
    "docker, JSON in JSON": "".join(json.dumps({"log": json.dumps(entry) + "\n"}) + "\n" for entry in ENTRIES),
    "Elasticsearch, pretty": json.dumps(
        {"hits": {"hits": [{"_id": "x", "_source": entry, "sort": [1]} for entry in SHIPPED]}}, indent=2
    ),
    "dmesg -J | jq -c": json.dumps({"dmesg": [{"pri": 4, "time": 9120.2, "msg": text} for text in BARE]}),
    "CloudWatch Insights": rows(["time", "text"], csv.QUOTE_MINIMAL),
    "CloudWatch Insights, newest first": rows(["time", "text"], csv.QUOTE_MINIMAL, newest_first=True),
    "Splunk": rows(["text", "time", "host"], csv.QUOTE_ALL),
    "mail, wrapped": wrapped(DMESG),
    "mail, wrapped at 78": wrapped(DMESG, 78),
    "mail, quoted and wrapped": wrapped(DMESG, 70, "> "),
    "mail, syslog wrapped": wrapped(SYSLOG, 76),
    "mail, syslog quoted-printable": quopri.encodestring("\n".join(SYSLOG).encode()),
    "mail, quoted-printable": quopri.encodestring("\n".join(DMESG).encode()),
    "Markdown's escapes": each("", [re.sub(r"([*_|<])", r"\\\1", line) for line in DMESG]),
    "HTML": "<html><body><pre>" + each("", [x.replace("&", "&amp;").replace("<", "&lt;") for x in DMESG]) + "</pre>",
    "HTML, one line": "<br>".join(line.replace("<", "&lt;") for line in DMESG),
    "HTML, paragraphs": "".join(f"<p>{line.replace('<', '&lt;')}</p>\n" for line in DMESG),
    "HTML, quoted": each("&gt; ", [line.replace("<", "&lt;") for line in DMESG]),
    "UTF-16, little": ("\ufeff" + "\r\n".join(DMESG) + "\r\n").encode("utf-16-le"),
    "UTF-16, big": ("\ufeff" + "\n".join(SYSLOG) + "\n").encode("utf-16-be"),
    "fluentd": numbered("2026-02-20 10:00:00.000 +0000 kernel: ", [json.dumps({"log": x, "host": "n"}) for x in BARE]),
    "Fluent Bit": "".join(
        f"[{place}] kmsg.0: [[1771581600.1, {{}}], {json.dumps({'sequence': place, 'msg': line})}]\n"
        for place, line in enumerate(BARE)
    ),
    "rsyslog's JSON": "".join(json.dumps({"hostname": "n", "msg": f" {line}"}) + "\n" for line in DMESG),
    "stamps and tabs": numbered("{stamp}\t", BARE),
    "semicolons": numbered("{stamp};", BARE),
    "quotes and semicolons": "".join(f'"{stamp}";"{line}"\n' for stamp, line in zip(STAMPS, BARE, strict=True)),
    "CloudWatch Insights, JSON": json.dumps(
        {"results": [[{"field": "@ptr", "value": "x"}, {"field": "@message", "value": x}] for x in DMESG]}, indent=4
    ),
    "Google's YAML": "".join(
        f"---\ninsertId: x\njsonPayload:\n  MESSAGE: {json.dumps(line)}\ntimestamp: '{stamp}'\n"
        for line, stamp in zip(BARE, STAMPS, strict=True)
    ),
    "a list of YAML": "".join(f"- '{line}'\n" for line in DMESG),
    "a list of JSON in one line": json.dumps(DMESG),
    "one string of JSON": json.dumps({"output": "\n".join(DMESG)}),
    "escaped newlines": "\\n".join(DMESG),
    "a box": "".join(f"│{line}│\n" for line in DMESG),
    "spaces of a web page": each("\xa0", [line.replace(" ", "\xa0") for line in DMESG]),
    "newest first": "".join(f"{line}\n" for line in reversed(DMESG)),
    "Grafana, newest first": "".join(f"{a}\t{b}\n" for a, b in reversed(list(zip(STAMPS, SYSLOG, strict=True)))),
    "newest first, whole seconds": "".join(f"Feb 20 10:00:00 node7 kernel: {line}\n" for line in reversed(BARE)),
    "one line": " ".join(DMESG) + "\n",
    "one line of syslog": " ".join(SYSLOG) + "\n",
}  # fmt: skip


def facts(report: KernelReport | None) -> dict[str, object]:
    assert report is not None
    names = ("kind", "comm", "pid", "cpu", "order", "mode", "names", "nodemask", "cpuset", "mems_allowed", "release")
    return {name: getattr(report, name) for name in (*names, "stack", "zones", "suppressed", "repeated")}


def reports(text: str | bytes) -> list[dict[str, object]]:
    data = text.encode() if isinstance(text, str) else text
    return [facts(incident.report) for incident in explain_log(io.BytesIO(data), now=NOW)]


(STANDARD,) = reports(each(""))


@pytest.mark.parametrize("text", WRAPPINGS.values(), ids=WRAPPINGS.keys())
def test_a_report_in_any_wrapping_has_all_its_facts(text: str | bytes) -> None:
    assert reports(text) == [STANDARD]


@pytest.mark.parametrize("prefix", ["{}: ", "{}:", "{} | ", "2026-02-20T10:00:00Z {} ", "[{}] "])
@pytest.mark.parametrize("lines", [DMESG, BARE], ids=["with stamps", "bare"])
def test_the_lines_of_two_nodes_are_kept_apart(prefix: str, lines: list[str]) -> None:
    other = [
        line.replace("40211", "777").replace("26040*4kB", "26038*4kB 1*8kB").replace(" 4200*8kB", "") for line in lines
    ]
    one, two = prefix.format("node07"), prefix.format("node08")
    mixed = "".join(f"{one}{a}\n{two}{b}\n" for a, b in zip(lines, other, strict=True))
    first, second = reports(mixed)
    assert first == STANDARD
    assert (second["pid"], second["stack"], second["cpuset"]) == (777, STANDARD["stack"], "/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{\n",
        '{\n  "a": [\n    {\n      "kind": "Pod",\n      "message": "page allocation"\n    }\n  ]\n}\n',
        '{\n  "log": "x",\nFeb 20 10:00:00 node7 sshd[1]: hello\n',
        "[{]\n[[[[[\n",
        '"""""\n","\n,\n',
        "data: {\ndata: [1,\n",
        "a=\n" * 9,
        f"{'x' * 75}=\n" * 9,
    ],
)
def test_a_report_between_other_things_is_read_as_well(text: str) -> None:
    assert reports(text + each("") + text) == [STANDARD]


def of_any_era(text: str | bytes) -> list[dict[str, object]]:
    data = text.encode() if isinstance(text, str) else text
    derived = ("id", "linked", "lines", "time", "explanation", "memory")
    found = [incident.to_json() for incident in explain_log(io.BytesIO(data), now=NOW)]
    return [{name: value for name, value in incident.items() if name not in derived} for incident in found]


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS, ids=[era.name for era in ERAS])
def test_the_reports_of_every_era_come_through(era: Era) -> None:
    bare = [line for message in era.messages for line in message.split("\n")]
    lines = [f"[{9120.2 + place * 0.000021:12.6f}] {line}" for place, line in enumerate(bare)]
    wanted = of_any_era(each("", lines))
    out = io.StringIO()
    csv.writer(out).writerows(enumerate(f"Feb 20 10:00:00 node7 kernel: {line}" for line in lines))
    worn: dict[str, str | bytes] = {
        "a node's name": each("node07: ", lines),
        "line numbers": "".join(f"{place:>6}  {line}\n" for place, line in enumerate(lines, 1)),
        "JSON": json.dumps([{"textPayload": line} for line in lines], indent=1),
        "CSV": out.getvalue(),
        "HTML": each("", [line.replace("&", "&amp;").replace("<", "&lt;") + "<br>" for line in lines]),
        "newest first": each("", lines[::-1]),
        "one line": " ".join(lines) + "\n",
        "UTF-16": ("\ufeff" + each("", lines)).encode("utf-16-le"),
        "mail, wrapped": wrapped(lines),
        "mail, quoted": wrapped(lines, 70, "> "),
        "mail, flowed": "".join(f"{line}\n" for line in wrapped([f"> {line}" for line in lines], 78).splitlines()),
        "mail, syslog": wrapped([f"Feb 20 10:00:00 node7 kernel: {line}" for line in lines], 76),
        "quoted-printable": quopri.encodestring(each("", lines).encode()),
        "quoted-printable, Windows": quopri.encodestring(each("", lines).encode()).replace(b"\n", b"\r\n"),
    }
    assert {name: of_any_era(text) == wanted for name, text in worn.items()} == dict.fromkeys(worn, True)


def test_a_quote_inside_a_quote_leaves_the_outer_one_open() -> None:
    joiner = WrapJoiner(80)
    head, rest = b'message: "failed to create the sandbox: runc create of \\"pause-7f', b'x\\" ended"'
    assert joiner.feed(head, 1, False) == ()
    assert (*joiner.feed(rest, 2, False), *joiner.finish()) == ((head + b" " + rest, 1, False),)
