"""The real texts that are made hostile, by what reads them."""

from __future__ import annotations

import gzip
import random
import tempfile
from dataclasses import replace
from datetime import time
from pathlib import Path

from fragtui.model.remedy.audit_entry import format_entry
from fragtui.model.remedy.remedy_history import EndEntry, EvidenceEntry, IntentEntry, Result
from fragtui.remedies.guard.policy import Policy, QuietHours, format_policy
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.recorder import Recorder
from tests.cluster.written_texts import CASES
from tests.support.eras import ERAS
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.log_pieces import FAILED, SINGLE, STAMP
from tests.support.places import FIXTURES, SHARED
from tests.support.transports import TRANSPORTS

_MOST = 4 << 10
PRINT_FMT = (
    b'print fmt: "gfp_flags=%s", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, "|", {(unsigned long)((( gfp_t)'
    b'(0x400u|0x800u)) | (( gfp_t)0x40u)), "GFP_KERNEL"}, {( unsigned long)(1UL << 5), "__GFP_HIGH"}) : "none"\n'
)


def kernel_logs() -> list[bytes]:
    """Every era in some transports, every transport with some eras, and the samples, where they are."""
    chance = random.Random(1)
    made = [TRANSPORTS[name](chance.choice(ERAS).messages) for name in TRANSPORTS for _ in range(3)]
    made += [TRANSPORTS[chance.choice(list(TRANSPORTS))](era.messages) for era in ERAS]
    made += [b"".join(chance.choices(SINGLE, k=12)) for _ in range(40)]
    made += [path.read_bytes()[:_MOST] for path in _shared("samples", "kmsg-*") + _shared("cases/kernel", "*.txt")]
    return [text[:_MOST] for text in made]


def kmsg_records() -> list[bytes]:
    """Records of /dev/kmsg, one text each."""
    return [line for era in ERAS for line in TRANSPORTS["kmsg"](era.messages).splitlines(keepends=True)]


def pod_logs() -> list[bytes]:
    """Lines of kubelet and runtimes in all their forms."""
    made = [case.text.encode() for case in CASES]
    made += [path.read_bytes()[:_MOST] for path in sorted(FIXTURES.glob("*.log"))]
    made += [path.read_bytes()[:_MOST] for path in _shared("cases/pods", "*.log") + _shared("cases/pods", "*.txt")]
    made += [STAMP + FAILED % number for number in range(3)]
    return [line for text in made for line in [text, *text.splitlines()[:40]]]


def api_texts() -> list[bytes]:
    """Lists, objects and watch events of the Kubernetes API, and what crictl prints."""
    return [path.read_bytes() for path in sorted(FIXTURES.glob("*.json*"))] + [
        line for path in sorted(FIXTURES.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]


def proc_texts() -> list[bytes]:
    """The files that a tick reads."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        HostTree.small(root / "small").write()
        HostTree.numa(root / "numa", 2).write()
        made = [path.read_bytes() for path in sorted(root.glob("*/proc/*")) if path.is_file()]
        made += [path.read_bytes() for path in sorted(root.glob("*/proc/pressure/*"))]
    made += [path.read_bytes() for path in _shared("cases/machines", "*/proc/*") if path.is_file()]
    return [PRINT_FMT, *(text[:_MOST] for text in made)]


def audit_lines() -> list[bytes]:
    """Entries of every kind."""
    intent = IntentEntry("a1", 1.7e9, "compact", ("writes '1'",), ("/x",), "screen", 7, 0, order=4, blocks=3, host="n")
    ended = EndEntry("a1", 1.7e9, Result.DONE, 2.5, cpu=1.5, step=0, error="EBUSY")
    evidence = EvidenceEntry("a1", 1.7e9, 60.0, 4, 80, stalled=0.5, refaults=7, read=4096, half_life=90.0)
    entries = (intent, replace(intent, blocks=None), ended, evidence, replace(evidence, after=0.0))
    return [format_entry(entry) for entry in entries] + [b"".join(format_entry(entry) for entry in entries)]


def policies() -> list[bytes]:
    """Policies as `fragtui guard` writes them."""
    quiet = (QuietHours(time(22, 30), time(6, 0)),)
    return [format_policy(policy).encode() for policy in (Policy(quiet=quiet), Policy(period=3600.0, hold=1.5))]


def recordings() -> list[bytes]:
    """The lines of a recording with ticks and every kind of event, unpacked, together and one by one."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tree = HostTree.small(root / "host")
        tree.write()
        reader = NodeReader(root / "host")
        recorder = Recorder(reader.host)
        reader.on_tick = recorder.take_tick
        log, pods = recorder.log_stream(), recorder.log()
        reader.sample(page_types=True)
        log(("open", "kmsg", "6.8.0", 1.7e9, None))
        for place, record in enumerate(kmsg_records()[:60]):
            log(("kmsg", record))
            log(("line", place, False, record))
        log(("news", "/dev/kmsg", 0, None, None, None))
        pods([STAMP + FAILED % 3])
        tree.zones[1].free_blocks = FRAGMENTED
        tree.write()
        reader.sample()
        recorder.save(root / "x.rec")
        recorder.end()
        lines = [line for line in gzip.decompress((root / "x.rec").read_bytes()).splitlines(keepends=True)
                 if not line.startswith(b'["C"')]  # fmt: skip
    return [b"".join(lines), *(lines[0] + line for line in lines[1:])]


def _shared(folder: str, pattern: str) -> list[Path]:
    """Return the files of the shared samples and cases; none where they are not there."""
    return sorted((SHARED / folder).glob(pattern))
