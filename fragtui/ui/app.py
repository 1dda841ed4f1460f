"""The full-screen application: starts the readers, owns the themes, and always gives the terminal back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual import constants
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import Screen

from fragtui.model.snapshot import Snapshot
from fragtui.ui.clock import CLOCK
from fragtui.ui.driver import QuietDriver
from fragtui.ui.main_screen import MainScreen
from fragtui.ui.messages import Crashed, Sampled
from fragtui.ui.parts import Feeds, Parts
from fragtui.ui.rows import Rows
from fragtui.ui.stylesheet import stylesheet
from fragtui.ui.tape import switch
from fragtui.ui.terminal import has_true_colour, has_unicode, is_gone

TRUE_COLOUR_THEME = "tokyo-night"
ANSI_THEME = "ansi-dark"


class FragtuiApp(App[int]):
    """The full-screen view."""

    TITLE = "fragtui"
    CSS = stylesheet("fragtui.tcss")
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", id="quit", tooltip="Leave; readers are not waited for"),
        Binding("ctrl+q", "quit", "Quit", show=False, id="quit-too"),
    ]

    theme: Reactive[str] = Reactive(lambda: TRUE_COLOUR_THEME if has_true_colour() else ANSI_THEME)
    """The theme to begin with: set later, every style would be reckoned twice before the first bars."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self._failure: str | None = None
        self.sampler = parts.sampler(self._deliver, self._report_crash)
        self.feeds = Feeds(parts, self._tell)
        self.main = self.make_main()

    def get_driver_class(self) -> type[Driver]:
        """Return the terminal's driver. One that the environment names (TEXTUAL_DRIVER) is taken."""
        return QuietDriver if constants.DRIVER is None else super().get_driver_class()

    def make_main(self) -> MainScreen:
        """Return the main screen."""
        return MainScreen(self.sampler, self.parts, self.feeds)

    def get_default_screen(self) -> MainScreen:
        """Return the main screen: pushed over an empty one, both would be laid out before the first bars."""
        Rows.in_ascii = not self.is_headless and not has_unicode()
        return self.main

    def on_mount(self) -> None:
        """Start reading, unless that is begun."""
        if self.parts.theme in self.available_themes:
            self.theme = self.parts.theme
        self.set_class(Rows.in_ascii, "in-ascii")
        self._end_on_signals()
        self.sampler.start()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every key of the main screen in the command palette."""
        # Textual's own Screenshot would write through a link that is planted in its place; the key S does not.
        yield from (each for each in super().get_system_commands(screen) if each.title != "Screenshot")
        for key in self.main.KEYS:
            if key.action != "app.focus_next":
                yield SystemCommand(key.label, f"{key.help} ({key.shown})", partial(self._press, key.action))

    async def _press(self, action: str) -> None:
        await self.main.run_action(action)

    def on_unmount(self) -> None:
        """Abort a remedy, stop the readers; threads that hang in a read are left to die with the process."""
        if self.main.care is not None:
            self.main.care.close(2.0)
        self.sampler.stop()
        self.feeds.stop()
        CLOCK.show(None)
        if self.parts.tape is not None:
            self.parts.tape.end(2.0)

    def action_record(self) -> None:
        """Begin to record into a file where fragtui was started, or end it."""
        if self.parts.tape is None:
            self.notify("There is nothing to record here.", markup=False)
            return
        snapshot = self.main.session.snapshot
        switch(self, self.parts.tape, snapshot.host.name if snapshot else None)
        self.main.show()

    def _tell(self, message: Message) -> None:
        """Hand the screen what a reader's thread brought; readers may outlive the screen, which then is not there."""
        with suppress(RuntimeError):  # no application any more (NoActiveAppError), or its loop is closed
            self.main.post_message(message)

    def _deliver(self, snapshot: Snapshot) -> None:
        if not self.parts.live:
            # Ages are counted from when the files were saved.
            CLOCK.show(snapshot.time)
        self.main.early = snapshot
        self._tell(Sampled(snapshot))

    def _report_crash(self, text: str) -> None:
        self._tell(Crashed(text))

    def _end_on_signals(self) -> None:
        """Leave in good order on SIGTERM and SIGHUP, even where the parent had them ignored."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(number, self._leave)
            except (RuntimeError, ValueError):  # not on the main thread: a test's loop
                return

    def _leave(self) -> None:
        """Leave in good order, or at once where there is no terminal left to restore.

        Textual's output thread dies of the first failed write, and the next thirty-first would wait for it for ever.
        """
        if self.is_headless or not is_gone():
            self.exit()
            return
        if self.main.care is not None:
            self.main.care.close(2.0)
        os._exit(0)

    def on_terminal_lost(self) -> None:
        """Leave: where SIGHUP is ignored, nothing else tells that the terminal is gone."""
        self._leave()

    def _handle_exception(self, error: Exception) -> None:
        """Keep the traceback for after the terminal is restored: plain, and without the values of variables."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._failure = "".join(traceback.format_exception(error))
        self._close_messages_no_wait()

    def say_failure(self) -> None:
        """Print what ended the application, if something did."""
        if self._failure:
            sys.stderr.write(f"{self._failure}fragtui ended by a fault of its own; the lines above say where.\n")
