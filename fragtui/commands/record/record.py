"""``fragtui record``: write everything sampled and logged to a file or pipe, without the screen."""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from pathlib import Path

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error, report_progress
from fragtui.commands.cli.output_options import add_quiet
from fragtui.commands.cli.signals import EndSignals, end_signals
from fragtui.commands.cli.source_factory import kernel_log_of, pods_of
from fragtui.commands.cli.source_options import add_interval, add_source_options
from fragtui.remedies.audit.path import audit_path
from fragtui.sampler import Sampler
from fragtui.sources.files.host_files import os_reason
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.file_writer import MAX_WAITING, RecordingFile, new_file
from fragtui.sources.recording.recorder import FLUSH_SECONDS, Recorder
from fragtui.text import counted, format_bytes, format_duration, parse_duration, printable

HELP = "write everything sampled and logged to a file or pipe, for fragtui replay"
_PIPE = Path("-")
STDOUT = 1
_POLL_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file; - is standard output")
    parser.add_argument("--stream", action="store_true", help="write every sample at once: for a pipe that is watched")
    parser.add_argument("--for", dest="seconds", type=_duration, metavar="TIME", help="end after 90s, 10m, 2h or 1d")
    parser.add_argument("--name", metavar="TEXT", help="name of the node in the recording, instead of its own")
    add_quiet(parser)
    add_interval(parser)
    add_source_options(parser)
    parser.epilog = "Ctrl-C ends it"


def _duration(text: str) -> float:
    if not (seconds := parse_duration(text)):
        raise argparse.ArgumentTypeError(f"{text}: expected a time such as 90s, 10m or 2h")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Record until the time is over, a signal arrives or writing fails; return 0, or 1 if it failed."""
    with end_signals() as ended:
        return _record(args, ended)


def _record(args: argparse.Namespace, ended: EndSignals) -> int:
    reader = NodeReader(args.root)
    host = reader.host._replace(name=printable(args.name)) if args.name else reader.host
    audit = audit_path(args.audit, args.root)
    recorder = Recorder(host, kept=0, audit=audit, flush_seconds=0.0 if args.stream else FLUSH_SECONDS)
    try:
        file = recorder.write_to(_open(args.file))
    except OSError as error:
        return _failed(args, os_reason(error))
    reader.on_tick = recorder.take_tick
    sampler = Sampler(reader, lambda snapshot: None, lambda text: print(text, file=sys.stderr), args.interval)
    kernel_log = kernel_log_of(args, reader, on_stream=recorder.log_stream)
    pods = pods_of(args, reader, recorder=recorder)
    started = time.monotonic()
    for feed in (sampler, kernel_log, pods):
        feed.start()
    report_progress(args, f"recording to {_name(args)}; Ctrl-C ends it")
    while not ended.came and file.problem is None:
        left = _POLL_SECONDS if args.seconds is None else started + args.seconds - time.monotonic()
        if left <= 0:
            break
        ended.wait(min(left, _POLL_SECONDS))
    for feed in (sampler, kernel_log, pods):
        feed.stop()
    recorder.end()
    if file.problem is not None:
        return _failed(args, file.problem)
    took, samples = format_duration(time.monotonic() - started), counted(recorder.written_ticks, "sample")
    said = f"{_name(args)}: {samples} in {took}, {format_bytes(file.written)}"
    if args.file == _PIPE:
        report_progress(args, said)
    else:
        print(said)
    return Exit.DONE


def _open(path: Path) -> RecordingFile:
    """Return the file or pipe to write to. Raises OSError."""
    if path != _PIPE:
        return new_file(path)
    if os.isatty(STDOUT):
        raise OSError(errno.EINVAL, "it is a terminal, a recording is not text")
    return RecordingFile(os.dup(STDOUT), path, MAX_WAITING)


def _name(args: argparse.Namespace) -> str:
    return "standard output" if args.file == _PIPE else printable(str(args.file))


def _failed(args: argparse.Namespace, why: str) -> int:
    report_error(args, f"can't write {_name(args)}: {printable(why)}")
    return Exit.FAILED
