"""Pieces of which logs are made for reading them by windows: reports in every format, the lines between, cut lines."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.support.eras import ERAS, Era
from tests.support.transports import SYSLOG, TRANSPORTS

STAMP = b"Jul 29 06:19:50 node-1 "
FAILED = (
    b'kubelet[3]: E1124 05:14:59.796006   29426 kuberuntime_sandbox.go:72] "Failed to create sandbox for pod" err="rpc'
    b" error: code = Unknown desc = failed to create containerd task: OCI runtime create failed: runc create failed:"
    b' unable to start container process: can\'t get final child\'s PID from pipe: EOF: unknown" pod="shop/api-%d"\n'
)
SINGLE = [
    STAMP + b"app[7]: nothing of interest\n",
    STAMP + b"app[7]: it could not alloc anything\n",
    STAMP + b"kernel: IPv6: ADDRCONF(NETDEV_UP): veth123abc: link is not ready\n",
    STAMP + b"kernel: warn_alloc: 59 callbacks suppressed\n",
    STAMP + b"kernel: __ratelimit: 7 callbacks suppressed\n",
    STAMP + b"kernel: Killed process 12 (x) total-vm:1kB, anon-rss:1kB\n",
    STAMP + b"kernel: oom_reaper: reaped process 12 (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n",
    STAMP + b"kernel: Call Trace:\n",
    STAMP + b"kernel:  __alloc_skb+0x12/0x34\n",
    STAMP + b"kernel: CPU: 1 PID: 5 Comm: x Not tainted 5.4.0\n",
    STAMP + b"kernel: [<c0012345>] (frame_one) from [<c0012345>] (frame_two)\n",
    STAMP + b"kernel: Mem-Info:\n",
    STAMP + b"kernel: x: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n",
    STAMP + b"kernel: x: page allocation failure. order:3, mode:0x20\n",
    STAMP + b"last message repeated 3 times\n",
    STAMP + b"kubelet[3]: wrapped\n",
    b" a rest of a line that somebody wrapped\n",
    b"Name:  api-3\n",
    b"Namespace:  shop\n",
    b"  Warning  FailedCreatePodSandBox  3s  kubelet  Failed to create pod sandbox: cannot allocate memory\n",
    b'{"pri": 4, "msg": "x"}\n',
    b'    "time": 5,\n',
    b"}\n",
    b"__CURSOR=s=1\nMESSAGE=alloc\n\n",
    b"MESSAGE=alloc\n",
    b"MESSAGE\n",
    b"\n",
]


def report(era: Era, transport: str) -> bytes:
    return TRANSPORTS[transport](era.messages)


def wrapped(place: int, width: int) -> bytes:
    """A message of kubelet that a terminal of that width broke."""
    line = STAMP + FAILED % place
    return b"\n".join(line[at : at + width] for at in range(0, len(line), width))


def two_callers(one: Era, two: Era, run: int) -> bytes:
    """Two reports that run through each other, their callers before each line."""
    sides = [
        [line.replace(b"] ", b"][" + caller + b"] ", 1) for line in TRANSPORTS["dmesg -r"](era.messages).splitlines()]
        for era, caller in ((one, b"   T460"), (two, b"     C1"))
    ]
    return _woven(sides, run)


def two_cpus(one: Era, two: Era, run: int) -> bytes:
    """The same without callers."""
    return _woven([SYSLOG(era.messages).splitlines() for era in (one, two)], run)


def _woven(sides: list[list[bytes]], run: int) -> bytes:
    """Return the lines of all sides in turn, `run` of each at a time."""
    lines: list[bytes] = []
    while any(sides):
        for side in sides:
            lines += side[:run]
            del side[:run]
    return b"\n".join(lines) + b"\n"


ERA = st.sampled_from(ERAS)
NOISE = st.tuples(st.sampled_from(SINGLE[:3]), st.sampled_from([1, 3, 7, 9, 20, 70, 120])).map(
    lambda each: each[0] * each[1]
)
REPORTS = st.builds(report, ERA, st.sampled_from(sorted(TRANSPORTS)))
CUT = st.tuples(REPORTS, st.floats(0, 1), st.floats(0, 1)).map(
    lambda each: each[0][int(len(each[0]) * min(each[1:])) : int(len(each[0]) * max(each[1:]))] + b"\n\n"
)
"""An empty line ends a journal entry that is cut off: else it would swallow what follows."""
SINGLES = st.sampled_from(SINGLE)
PIECES = st.one_of(
    SINGLES,
    SINGLES,
    NOISE,
    REPORTS,
    CUT,
    st.builds(wrapped, st.integers(1, 3), st.sampled_from([60, 120, 400])),
    st.builds(two_callers, ERA, ERA, st.integers(1, 9)),
    st.builds(two_cpus, ERA, ERA, st.integers(1, 9)),
)
APART = st.sampled_from([SINGLE[0] * 130, SINGLE[0] * 130, SINGLE[0] * 75, SINGLE[0] * 12, SINGLE[2] * 3, b""])
"""Most often enough for what is open to be over."""
LOGS = st.tuples(
    st.lists(st.tuples(st.lists(PIECES, min_size=1, max_size=3).map(b"".join), APART), max_size=7), st.booleans()
).map(lambda made: b"".join(map(b"".join, made[0]))[: None if made[1] else -7])
