"""Pieces of a head line that the kernel printed one by one, or that were wrapped."""

from __future__ import annotations

import re

from fragtui.kernel.reports.builder import ReportBuilder
from fragtui.kernel.reports.head_lines import parse_cpuset_line, parse_mems_line
from fragtui.kernel.reports.request import ReportedRequest, intact_part, parse_names_line, parse_request
from fragtui.logs.record import LogRecord

_BARE_WORD = re.compile(r"[^\s<\[:,(][^\s:,(]*$")


def take_head_piece(candidates: list[ReportBuilder], record: LogRecord) -> bool:
    """Give a piece to the only open report that lacks it; return whether the line was a piece.

    Seen: ``, mode:0x26040d0(...)`` alone (4.9), mode or flags on a line of their own (a wrapped paste), and
    ``COMM cpuset=`` / ``/`` / `` mems_allowed=0-1`` as three records among another CPU's (4.11 to 4.20).
    """
    text = intact_part(record.text, record.torn)
    if text.startswith((", mode:0x", "mode:0x", " mode:0x")):
        lacking = [report for report in candidates if report.request.mode is None]
        if len(lacking) == 1:
            _give(lacking[0], record, parse_request(text))
        return True
    if text.startswith(("nodemask=", "order=", "order:")):  # Wrapped by a mail program.
        lacking = [report for report in candidates if report.request.nodemask is None]
        if lacking and lacking[-1].idle <= 2:
            _give(lacking[-1], record, parse_request(text))
        return True
    if text.lstrip().startswith(("(GFP_", "(__GFP_")):
        lacking = [report for report in candidates if report.request.mode is not None and report.request.names is None]
        if lacking and lacking[-1].idle <= 1:
            _give(lacking[-1], record, ReportedRequest(names=parse_names_line(text)))
            lacking[-1].merge_request(parse_request(text))
        return True
    if "cpuset=" in text and (found := parse_cpuset_line(text)) is not None:
        comm, cpuset, mems = found
        if record.torn and "mems_allowed=" not in text:
            cpuset = None  # Its name may hold spaces: the rest may be missing.
        owners = [report for report in candidates if report.request.cpuset is None and report.comm in {comm, None}]
        if len(owners) != 1 and not (owners and owners[-1].comm == comm):
            return True
        owner = owners[-1]
        owner.wants_cpuset = cpuset is None and not record.torn
        owner.wants_mems = mems is None
        _give(owner, record, ReportedRequest(cpuset=cpuset, mems_allowed=mems))
        return True
    waiting = [report for report in candidates if report.wants_mems or report.wants_cpuset]
    if len(waiting) != 1 or record.torn:
        return False
    report = waiting[0]
    if report.wants_mems and (mems := parse_mems_line(text)) is not None:
        report.wants_mems = report.wants_cpuset = False
        _give(report, record, ReportedRequest(mems_allowed=mems))
        return True
    if report.wants_cpuset and report.idle <= 4 and _BARE_WORD.match(text):
        report.wants_cpuset = False
        _give(report, record, ReportedRequest(cpuset=text))
        return True
    return False


def _give(report: ReportBuilder, record: LogRecord, request: ReportedRequest) -> None:
    report.merge_request(request)
    report.touch(record)
