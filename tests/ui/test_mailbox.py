"""What waits for a screen that is busy: one message of each kind."""

import gc
import threading
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest
from textual.message import Message

from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.incident import Incident
from fragtui.model.failures.kernel_log_update import MAX_MERGED_INCIDENTS, KernelLogUpdate
from fragtui.model.node.history import TICKS, History
from fragtui.model.node.snapshot import Snapshot
from fragtui.player import Moment, Position, Start
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.messages import Crashed, KernelLogUpdated, Mailbox, Sampled
from tests.support.host_tree import HostTree
from tests.support.incidents import kernel_incident
from tests.support.screen import make_app, running, until


def incident(number: int, comm: str | None = None) -> Incident:
    return kernel_incident(ReportKind.ALLOCATION_FAILURE, time=float(number), comm=comm, order=3, id=str(number))


def update_of(*numbers: int, updated: tuple[Incident, ...] = (), lost: int = 0) -> KernelLogUpdate:
    return KernelLogUpdate(tuple(incident(number) for number in numbers), updated, lost, (), "kmsg", None)


@pytest.mark.slow
async def test_a_busy_screen_finds_the_newest_snapshot_and_every_incident(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    snapshot = NodeReader(tmp_path).sample()
    app = make_app(tmp_path, interval=60)

    def read() -> None:
        for number in range(1000):
            app.deliver(snapshot)
            app.post(KernelLogUpdated(update_of(number)))

    async with running(app) as pilot:
        await pilot.pause()
        reader = threading.Thread(target=read)
        reader.start()
        reader.join()  # It blocks the screen's own loop.
        gc.collect()  # Messages of earlier tests may be garbage that waits.
        waiting = [each for each in gc.get_objects() if isinstance(each, Sampled | KernelLogUpdated)]
        assert len(waiting) <= 6  # Of 2,000: one of each kind waits, one of each is handled, one was the first.
        del waiting
        await until(pilot, lambda: app.main.session.failures.failures == 1000)


def test_why_a_log_is_read_survives_later_updates() -> None:
    why = replace(update_of(1), problem="/dev/kmsg: not a kernel log")
    assert update_of(2).after(why).problem == why.problem
    assert replace(update_of(2), source="journal").after(why).problem is None
    assert why.after(update_of(2)).problem == why.problem


def test_a_message_is_announced_once_until_the_box_is_emptied() -> None:
    posted: list[Message] = []

    def post(message: Message) -> bool:
        posted.append(message)
        return True

    box = Mailbox(post)
    for text in ("one", "two", "three"):
        box.put(Crashed(text))
    assert len(posted) == 1
    assert [each.traceback for each in box.empty() if isinstance(each, Crashed)] == ["three"]
    assert box.empty() == ()
    box.put(Crashed("four"))
    assert len(posted) == 2


def test_what_comes_before_the_screen_runs_is_kept_for_it() -> None:
    posted: list[Message] = []
    runs = False

    def post(message: Message) -> bool:
        if not runs:
            raise RuntimeError("no application")
        posted.append(message)
        return True

    box = Mailbox(post)
    box.put(KernelLogUpdated(update_of(1)))
    runs = True
    box.put(KernelLogUpdated(update_of(2)))
    assert len(posted) == 1
    (merged,) = box.empty()
    assert isinstance(merged, KernelLogUpdated)
    assert [each.id for each in merged.update.incidents] == ["1", "2"]


def test_an_incident_that_became_more_complete_meanwhile_is_reported_once() -> None:
    both = update_of(3, updated=(incident(1, "runc"), incident(0, "sh")), lost=2).after(update_of(1, 2, lost=1))
    assert [(each.id, each.comm) for each in both.incidents] == [("1", "runc"), ("2", None), ("3", None)]
    assert [(each.id, each.comm) for each in both.updated] == [("0", "sh")]
    assert both.lost_records == 3


def test_of_too_many_incidents_the_newest_are_kept_and_the_others_counted() -> None:
    both = update_of(*range(MAX_MERGED_INCIDENTS, MAX_MERGED_INCIDENTS + 10)).after(
        update_of(*range(MAX_MERGED_INCIDENTS))
    )
    assert [each.id for each in both.incidents] == [str(number) for number in range(10, MAX_MERGED_INCIDENTS + 10)]
    assert both.lost_records == 10


def test_of_a_recording_everything_but_the_oldest_snapshots_is_kept(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    snapshot = NodeReader(tmp_path).sample()
    at = Position(0.0, 0.5, 1, True)
    moments = [
        Moment(None, (snapshot._replace(monotonic=float(tick)), str(tick)), None, at) for tick in range(TICKS + 5)
    ]
    both = reduce(lambda earlier, later: later.after(earlier), moments)
    assert [step.monotonic for step in both.steps if isinstance(step, Snapshot)] == [*range(5, TICKS + 5)]
    assert [step for step in both.steps if isinstance(step, str)] == [str(tick) for tick in range(TICKS + 5)]
    begins_anew = replace(moments[0], start=Start(History(), snapshot))
    assert begins_anew.after(both) is begins_anew
