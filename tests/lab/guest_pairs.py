"""PID 1 of a guest (tests/support/guest.py): makes states of memory, and prints texts of /proc and a request's answer.

With the events of a trace in TRACED, it prints that trace and vmstat's sums instead.

A row on the console is a JSON object: kernel, state, order, answer, and the texts of /proc before the request, packed.
The request is a control message: the kernel allocates it by kmalloc with GFP_KERNEL (net/core/sock.c sock_kmalloc),
from order 2 on by the page allocator itself. It runs on the standard library alone, and nowhere else: it fills all
memory.
"""

import base64
import ctypes
import errno
import fcntl
import json
import mmap
import os
import resource
import socket
import struct
import sys
import zlib

PAGE = os.sysconf("SC_PAGESIZE")
TOP = 10
TEXTS = ("buddyinfo", "zoneinfo", "pagetypeinfo", "meminfo")
STALLS = ("allocstall", "compact_stall", "pgscan_direct")
PACKET_RX_RING, TPACKET_VERSION_1 = 5, 0
SOL_PACKET = 263
POWER_OFF = 0x4321FEDC
libc = ctypes.CDLL(None, use_errno=True)


class IoVec(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class MsgHdr(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_size_t),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


def read(name: str) -> str:
    """Return the text of a file of /proc."""
    with open(f"/proc/{name}") as file:
        return file.read()


def set_value(name: str, value: int) -> None:
    """Write a sysctl."""
    with open(f"/proc/sys/{name}", "w") as file:
        file.write(str(value))


def free_bytes() -> int:
    """Return MemFree."""
    return int(read("meminfo").split("MemFree:")[1].split()[0]) * 1024


def counters() -> dict[str, int]:
    """Return what counts allocations that did not succeed at once."""
    rows = (row.split() for row in read("vmstat").splitlines())
    return {name: int(value) for name, value in rows if name.startswith((*STALLS, "oom_kill"))}


def stall_us() -> int:
    """Return the microseconds in which a task waited for memory, by PSI."""
    return int(read("pressure/memory").partition("total=")[2].split()[0])


class Requests:
    """Asks the kernel for one block of an order."""

    def __init__(self) -> None:
        self._socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]
        self._buffer = mmap.mmap(-1, PAGE << TOP)
        for page in range(0, len(self._buffer), PAGE):
            self._buffer[page] = 0
        self._address = ctypes.addressof((ctypes.c_char * len(self._buffer)).from_buffer(self._buffer))
        self._data = ctypes.create_string_buffer(b"x", 1)
        self._iov = IoVec(ctypes.addressof(self._data), 1)

    def answer(self, order: int) -> str:
        """Return what the kernel did: ``at once``, ``waited``, ``refused`` or ``oom``."""
        message = MsgHdr(None, 0, ctypes.addressof(self._iov), 1, self._address, PAGE << order, 0)
        before = counters()
        ctypes.set_errno(0)
        libc.sendmsg(self._socket.fileno(), ctypes.byref(message), 0)
        # An empty control message is invalid: the kernel finds that when it has the memory.
        refused = ctypes.get_errno() == errno.ENOBUFS
        changed = {name for name, value in counters().items() if value != before.get(name)}
        if "oom_kill" in changed:
            return "oom"
        return "refused" if refused else "waited" if changed else "at once"


def fill_with_holes(leave: int) -> list[int]:
    """Fill memory with pages of two pipes in turn, until so many bytes are free; return one's ends to read."""
    page, drained = b"x" * PAGE, []
    while free_bytes() > leave:
        (_, first), (reader, second) = os.pipe(), os.pipe()
        for end in (first, second):
            fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 256 * PAGE)
        for _ in range(256):
            os.write(first, page)
            os.write(second, page)
        drained.append(reader)
    return drained


def drain(readers: list[int]) -> None:
    """Empty these pipes: each page becomes a hole between pages that stay."""
    for reader in readers:
        os.set_blocking(reader, False)
        try:
            while os.read(reader, 1 << 20):
                pass
        except BlockingIOError:
            pass


def blocks_of(order: int) -> int:
    """Return the free blocks of exactly this order."""
    return sum(int(row.split()[4 + order]) for row in read("buddyinfo").splitlines())


def take_blocks(order: int, rings: list[socket.socket]) -> None:
    """Take the free blocks of this order and above by packet rings, but those that the kernel keeps."""
    for size in range(TOP, order - 1, -1):
        while count := blocks_of(size):
            ring, block = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0), PAGE << size
            half = max(1, count // 2)
            request = struct.pack("IIII", block, half, 2048, block // 2048 * half)
            try:
                ring.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
            except OSError:
                ring.close()
                break
            if blocks_of(size) >= count:  # It was given single pages instead (net/packet/af_packet.c, vzalloc).
                ring.close()
                break
            rings.append(ring)


def ask_all(requests: Requests, state: str, orders: range) -> None:
    """Print a row for each order."""
    for order in orders:
        texts = {name: read(name) for name in TEXTS}
        row = {"kernel": os.uname().release, "state": state, "order": order, "answer": requests.answer(order)}
        row["texts"] = base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()
        print(json.dumps(row), flush=True)


def trace(events: list[str]) -> None:
    """Print formats and trace of these events while blocks of fragmented memory are asked for, and vmstat's sums.

    The filter is set before the events are enabled, as fragtui does it.
    """
    libc.mount(b"none", b"/sys/kernel/tracing", b"tracefs", 0, None)
    instance = "/sys/kernel/tracing/instances/guest"
    libc.mkdir(instance.encode(), 0o700)

    def put(name: str, text: str) -> None:
        with open(f"{instance}/{name}", "w") as file:
            file.write(text)

    put("buffer_size_kb", "4096")
    put("trace_clock", "mono")
    put("events/kmem/mm_page_alloc/filter", "pfn == 0xffffffffffffffff")
    requests, rings = Requests(), list[socket.socket]()
    drain(fill_with_holes(free_bytes() // 5))
    for order in (9, 7, 5):
        take_blocks(order, rings)
    for event in events:
        put(f"events/{event}/enable", "1")
    before, stalled = counters(), stall_us()
    answers = [requests.answer(order) for _ in range(40) for order in range(TOP, 3, -1)]
    after, stalled = counters(), stall_us() - stalled
    put("tracing_on", "0")
    texts = {}
    for event in events:
        with open(f"{instance}/events/{event}/format") as file:
            texts[event] = file.read()
    with open(f"{instance}/trace", "rb") as saved:
        texts["trace"] = saved.read().decode("latin-1")
    row = {"refused": answers.count("refused"), "waited": answers.count("waited"), "stall_us": stalled}
    row |= {name: sum(after[each] - before[each] for each in after if each.startswith(name)) for name in STALLS}
    packed = base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()
    print(json.dumps({**row, "texts": packed}), flush=True)


def run() -> None:
    """Go through the states, each worse than the one before."""
    for kind, place in (("proc", "/proc"), ("sysfs", "/sys")):
        libc.mount(b"none", place.encode(), kind.encode(), 0, None)
    set_value("net/core/optmem_max", 64 << 20)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 18, 1 << 18))
    libc.mlockall(1)
    if events := os.environ.get("TRACED"):
        trace(events.split(":"))
        return
    requests = Requests()
    rings: list[socket.socket] = []
    ask_all(requests, "fresh", range(2, TOP + 1))
    total = free_bytes()
    holes = fill_with_holes(total // 6)
    ask_all(requests, "filled", range(4, TOP + 1))
    drain(holes)
    ask_all(requests, "holes", range(4, TOP + 1))
    for order in (9, 7, 5, 4):
        take_blocks(order, rings)
        ask_all(requests, f"taken {order}", range(4, TOP + 1))
    usual = int(read("sys/vm/min_free_kbytes"))
    for ring in rings:
        ring.close()
    # Not more: a guest without anything to kill panics.
    for share in (70, 90, 96):
        set_value("vm/min_free_kbytes", free_bytes() // 1024 * share // 100)
        ask_all(requests, f"watermark {share} %", range(4, TOP + 1))
        set_value("vm/min_free_kbytes", usual)


if __name__ == "__main__":
    if os.getpid() != 1:
        sys.exit("guest_pairs.py fills all memory: it runs as PID 1 of a guest (tests/support/guest.py)")
    try:
        run()
        print(json.dumps({"end": "done"}), flush=True)
    except BaseException as error:
        print(json.dumps({"end": repr(error)}), flush=True)
    libc.sync()
    libc.reboot(POWER_OFF)
