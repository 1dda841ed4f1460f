"""The one gate before every action that opens or confirms a remedy: a key counts only if a person pressed it.

A key or a click counts if it arrived alone, outside a paste and not just after one, and after the text that it answers
was on the screen. Text that is pasted, typed ahead or sent by a program fails at least one of these.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

from textual import events
from textual.widget import Widget

from fragtui.ui.terminal.driver import QuietDriver
from fragtui.ui.terminal.input import kind_of
from fragtui.ui.terminal.key_arrivals import AFTER_PASTE, ALONE, KeyArrivals, Press
from fragtui.ui.widgets.resilient import ResilientApp
from fragtui.ui.widgets.textual_private import driver_of

ANSWER_DELAY_SECONDS = 0.4
"""Seconds that a question must be on the screen before its answer counts."""
_NEXT_NOTICE = 2.0
"""Seconds between two notices of ignored keys: a paste can have a thousand."""
_TOGETHER = f"it came with other input, as pasted text does; press it alone, {ALONE:g} s before and after all else"


class KeyGate:
    """Decides which keys count for one application; used on the screen's thread."""

    def __init__(self, app: ResilientApp) -> None:
        self._app = app
        self._own = KeyArrivals()
        self._cause: Press | None = None
        self._palette = -math.inf
        self._noticed = -math.inf

    @property
    def arrivals(self) -> KeyArrivals:
        """The recent input: the driver's, which has exact times and knows of unread input, else that of events."""
        driver = driver_of(self._app)
        return driver.arrivals if isinstance(driver, QuietDriver) else self._own

    @contextmanager
    def handling(self, event: events.Event) -> Iterator[None]:
        """Note an event of the application while it is handled: a key is the cause of the questions that it opens."""
        if self.arrivals is self._own and not event.is_forwarded:
            if isinstance(event, events.Paste):
                self._own.note_paste(event.time)
            elif isinstance(event, events.InputEvent) and type(event) is not events.MouseMove:
                self._own.note(event.time, kind_of(event))
        self._cause = Press(event.time, event.time) if isinstance(event, events.Key) else None
        try:
            yield
        finally:
            self._cause = None

    @contextmanager
    def chosen_in_palette(self, opened: float) -> Iterator[None]:
        """Mark the handling of a choice in a command palette that was opened at that time (monotonic clock, s)."""
        self._palette = opened
        try:
            yield
        finally:
            self._palette = -math.inf

    def then(self, act: Callable[[], object], *, asked: float | None = None, shown: float | None = None) -> None:
        """Call `act` once it is certain that the input being handled arrived alone; else show the reason.

        A confirmation gives the time at which its question was `asked` and at which its text was `shown` (monotonic
        clock, s; None is not yet). An action that opens a question gives neither.
        """
        press, screen = self._cause or self.arrivals.newest(), self._app.screen
        if asked is None:
            asked = shown = self._palette

        def decide() -> None:
            """Check again after the wait, unless another screen was opened meanwhile."""
            if self._app.screen is not screen:
                return
            if (why := self._why_not(press, asked, shown)) is not None:
                self._say(why)
                return
            try:
                act()
            except Exception as fault:  # It runs outside the action that requested it.
                self._app.survive(fault)

        if (why := self._why_not(press, asked, shown)) is not None or press is None:
            self._say(why or _TOGETHER)
            return
        wait = max(0.0, press.last + ALONE - time.monotonic())
        asyncio.get_running_loop().call_later(wait, self._app.call_later, decide)

    def once_seen(self, act: Callable[[], None], wait: float = 0.02) -> None:
        """Call `act` once the terminal has read all output: text that it has not read was not seen."""
        driver = driver_of(self._app)
        if isinstance(driver, QuietDriver) and driver.is_behind:
            asyncio.get_running_loop().call_later(wait, self.once_seen, act, min(1.0, 2 * wait))
        else:
            act()

    def _why_not(self, press: Press | None, asked: float, shown: float | None) -> str | None:
        """Return why a key or click does not count, as far as is known now; None if it counts."""
        pasted = self.arrivals.pasted
        if asked > -math.inf and pasted >= asked - AFTER_PASTE:
            return "text was pasted while this was asked, so it can only be cancelled; ask again"
        if press is None:
            return _TOGETHER
        if pasted >= press.first - AFTER_PASTE:
            return f"text was pasted less than {AFTER_PASTE:g} s before; press it again"
        if shown is None or press.first < shown + ANSWER_DELAY_SECONDS:
            return "it came before the question was on the screen; press it again"
        return None if self.arrivals.is_alone(press) else _TOGETHER

    def _say(self, why: str) -> None:
        if (now := time.monotonic()) - self._noticed >= _NEXT_NOTICE:
            self._noticed = now
            self._app.notify(why, title="Not taken", severity="warning", markup=False)


class _GatedApp(Protocol):
    """An application with a key gate."""

    @property
    def key_gate(self) -> KeyGate:
        """Its gate."""


def key_gate_of(widget: Widget) -> KeyGate:
    """Return the gate of a widget's application."""
    return cast("_GatedApp", widget.app).key_gate
