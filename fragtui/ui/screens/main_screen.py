"""The base of every main screen: its keys, a mailbox for the readers' threads, notices and pages."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar

from textual.events import ScreenResume
from textual.screen import Screen

from fragtui.ui.keys import KEYS, KeyMap, Keys, key_names, rebound
from fragtui.ui.messages import Crashed, Mailbox
from fragtui.ui.screen_state import ScreenState
from fragtui.ui.widgets.palette import THEMES
from fragtui.ui.widgets.resilient import surviving_errors

if TYPE_CHECKING:  # What a key opens is imported then: 8 ms of CPU that the first bars would wait for.
    from fragtui.ui.widgets.page import Build


class MainScreen(Screen[None]):
    """Owns a mailbox and the keys; a subclass has the panels."""

    KEYS: ClassVar[Keys] = KEYS

    def __init__(self, session: ScreenState, keymap: KeyMap, save_keys: Keys = ()) -> None:
        super().__init__()
        self.session = session
        self.keys = rebound(self.KEYS, keymap)
        """The keys of the user."""
        self.save_keys = rebound(save_keys, keymap)
        """Those of the save menu."""
        session.key_names = key_names(self.keys)
        self.mail = Mailbox(self.post_message)
        """The mailbox for other threads' messages to the screen."""
        self._notice_timer: asyncio.TimerHandle | None = None
        self._resumed = False
        """Whether the screen was shown before."""
        self.unread = False
        """Whether the terminal is not read, so that nothing is drawn."""

    def show(self) -> None:
        """Redraw the panels that changed, unless the terminal is not read."""
        raise NotImplementedError

    def show_messages(self) -> None:
        """Draw the newest message, in its row or over the top line."""
        raise NotImplementedError

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Keep the styles that each widget got when it was mounted: computed again, the first bars would wait 4 ms."""
        event.refresh_styles &= self._resumed
        self._resumed = True

    def on_unmount(self) -> None:
        """Stop the timer."""
        if self._notice_timer is not None:
            self._notice_timer.cancel()

    def on_mail_arrived(self) -> None:
        """Handle the messages in the mailbox; to post each to this screen would take as long as to redraw a panel."""
        for message in self.mail.empty():
            if handler := getattr(self, message.handler_name, None):
                handler(message)

    @surviving_errors
    def on_crashed(self, message: Crashed) -> None:
        """Report that a reader failed, with its traceback."""
        self.notify(message.traceback.strip().splitlines()[-1], title="A reader failed", severity="error", markup=False)

    def rest(self, unread: bool) -> None:
        """Draw nothing while the terminal is not read."""
        if unread != self.unread:
            self.unread = unread
            self.show()

    def close(self) -> None:
        """Stop what the screen started."""

    @property
    def running(self) -> tuple[str, ...]:
        """A sentence for each thing that runs and would end with fragtui."""
        return ()

    @surviving_errors
    def show_notice(self) -> None:
        """Draw the newest message, and draw again when it is no longer fresh."""
        if self._notice_timer is not None:
            self._notice_timer.cancel()
            self._notice_timer = None
        if self.unread or not self.is_mounted:
            return
        self.show_messages()
        if not self.session.notice_row and (notice := self.session.notices.fresh) is not None:
            wait = notice.ends - time.monotonic() + 0.05
            self._notice_timer = asyncio.get_running_loop().call_later(wait, self.call_next, self.show_notice)

    def open_page(self, title: str, lines: Build) -> None:
        """Show a page over this screen."""
        from fragtui.ui.widgets.page import PageScreen  # noqa: PLC0415

        self.app.push_screen(PageScreen(title, lines))

    def action_messages(self) -> None:
        """Show what was reported."""
        from fragtui.ui.pages.notices_page import notice_lines  # noqa: PLC0415

        notices = self.session.notices
        self.open_page("Messages", lambda width: notice_lines(notices, width))

    def action_next_theme(self) -> None:
        """Take the next theme."""
        self.app.theme = THEMES[(THEMES.index(self.app.theme) + 1) % len(THEMES)]
        self.notify(self.app.theme, timeout=2, markup=False)
