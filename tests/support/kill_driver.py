"""Kills and stops fragtui and its child at random instants while it runs remedies, and counts violations.

Run as root: ``kill_driver.py FOLDER ROUNDS SEED``; prints a JSON object. It makes a mount namespace of its own in which
drop_caches and compact_memory are this process's coredump_filter, a kernel file that does no harm.
"""

import ctypes
import json
import os
import random
import signal
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from fragtui.model.remedy.remedy_history import EndEntry, IntentEntry
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import compact_all, drop_caches
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
PR_SET_CHILD_SUBREAPER, IN_MODIFY = 36, 2
SYSCTLS = ("/proc/sys/vm/drop_caches", "/proc/sys/vm/compact_memory")
FILTER = Path(f"/proc/{os.getpid()}/coredump_filter")
UNTOUCHED = 0x33
"""No remedy writes this."""
LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def make_harmless() -> None:
    checked(LIBC.unshare(CLONE_NEWNS))
    checked(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    checked(LIBC.mount(b"tmpfs", b"/run", b"tmpfs", 0, None))
    for path in SYSCTLS:
        checked(LIBC.mount(str(FILTER).encode(), path.encode(), None, MS_BIND, None))
        FILTER.write_text(hex(UNTOUCHED))
        assert int(Path(path).read_text(), 16) == UNTOUCHED, f"{path} is the kernel's own"


class Order:
    """Which of the files was written first: inotify reports both in one queue."""

    def __init__(self, log: Path) -> None:
        self._queue = checked(LIBC.inotify_init1(os.O_NONBLOCK))
        self._log = checked(LIBC.inotify_add_watch(self._queue, str(log).encode(), IN_MODIFY))
        checked(LIBC.inotify_add_watch(self._queue, SYSCTLS[0].encode(), IN_MODIFY))

    def events(self) -> list[str]:
        """Return "log" and "write" as they came since the last call."""
        found: list[str] = []
        with suppress(BlockingIOError):
            while data := os.read(self._queue, 1 << 16):
                while data:
                    watch, _, _, length = struct.unpack_from("iIII", data)
                    found.append("log" if watch == self._log else "write")
                    data = data[16 + length :]
        return found


def start(log: Path, turn: int) -> int:
    """Run a remedy in a process of its own, as fragtui does; return its pid."""
    if pid := os.fork():
        return pid
    status = 70
    try:
        # The reaper of orphans is of another session, as init is: the kernel then ends a child that is stopped.
        os.setsid()
        remedy = compact_all() if turn % 4 == 3 else drop_caches(1 + turn % 4, sync=False)
        running = RemedyRun.start(remedy, Path("/"), AuditLog(log), RunRequest("screen"))
        while running.wait(1.0) is None:
            pass
        status = 0
    except RunRefused as refused:
        print(refused, file=sys.stderr)
        status = 3
    finally:
        os._exit(status)


def child_of(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    return None


def send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def reap(statuses: dict[int, int], seconds: float, until: int | None = None) -> bool:
    """Wait for the end of `until`, or of all below this process, orphans included; return whether it came in time."""
    end = time.monotonic() + seconds
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid:
            statuses[pid] = status
        if until is not None and until in statuses:
            return True
        if not pid:
            if time.monotonic() >= end:
                return False
            time.sleep(0.001)


def main(folder: Path, rounds: int, seed: int) -> None:
    make_harmless()
    checked(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    chance, counts, log = random.Random(seed), Counter[str](), folder / "audit.jsonl"
    statuses: dict[int, int] = {}
    begun = time.monotonic()
    for turn in range(3):
        assert reap(statuses, 20, start(log, turn))
    longest = (time.monotonic() - begun) / 3
    order, record = Order(log), AuditLog(log)
    known = {entry.id for entry in record.read().entries}
    for turn in range(rounds):
        FILTER.write_text(hex(UNTOUCHED))
        order.events()
        statuses.clear()
        fragtui = start(log, turn)
        time.sleep(chance.uniform(0, longest))
        child = child_of(fragtui)
        at_child = child is not None and chance.random() < 0.5
        target = child if at_child and child is not None else fragtui
        number = chance.choice((signal.SIGKILL, signal.SIGSTOP))
        counts[f"{number.name} of the {'child' if at_child else 'parent'}"] += 1
        send(target, number)
        lives = at_child
        if number is signal.SIGSTOP:
            time.sleep(chance.uniform(0, longest))
            if lives := chance.random() < 0.5:
                send(target, signal.SIGCONT)
            else:
                send(fragtui, signal.SIGKILL)
                if target != fragtui and not reap(statuses, 1.0):
                    # It was stopped before it could ask to be killed with fragtui: it may go on, and must then end.
                    counts["ended once they went on"] += 1
                    send(target, signal.SIGCONT)
        if lives:
            # It was not killed itself: it must end by itself and log that.
            if not reap(statuses, 30, fragtui):
                counts["hung"] += 1
                send(fragtui, signal.SIGKILL)
            elif os.waitstatus_to_exitcode(statuses[fragtui]) != 0:
                counts["failed"] += 1
        if not reap(statuses, 1.0):
            counts["left"] += 1
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                with suppress(OSError):
                    state = Path(f"/proc/{pid}/stat").read_text().split()
                    words = f"turn {turn}: {number.name} of {target}, fragtui was {fragtui}, left: {state[:6]}"
                    print(words, Path(f"/proc/{pid}/cmdline").read_bytes()[-120:], file=sys.stderr)
                send(int(pid), signal.SIGKILL)
            reap(statuses, 10)
        events = order.events()
        new = [entry for entry in record.read().entries if entry.id not in known]
        intents = [entry for entry in new if isinstance(entry, IntentEntry)]
        known |= {entry.id for entry in new}
        counts["intents"] += len(intents)
        counts["ends"] += sum(isinstance(entry, EndEntry) for entry in new)
        if int(FILTER.read_text(), 16) != UNTOUCHED:
            counts["writes"] += 1
            counts["writes without an intent"] += not intents
            counts["writes before their intent"] += "log" not in events[: events.index("write")]
        elif "write" in events:
            counts["writes unseen"] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
