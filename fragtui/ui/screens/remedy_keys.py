"""The half of the main screen that is about remedies: their keys, and the news of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.events import Key
from textual.screen import Screen

from fragtui.sampler import Ticker
from fragtui.ui.keys import WRITE_KEYS
from fragtui.ui.mailbox import Mailbox
from fragtui.ui.messages import Crashed, HistoryLoaded, RemediesUpdated
from fragtui.ui.panels.footer import KeyFooter
from fragtui.ui.session import Session
from fragtui.ui.widgets.blank import BlankBackground
from fragtui.ui.widgets.steady import surviving_errors

if TYPE_CHECKING:
    from fragtui.remedies.service import HistoryView, RemedyState
    from fragtui.ui.app import FragtuiApp
    from fragtui.ui.screens.remedy_controller import RemedyController
    from fragtui.ui.wiring import AppDependencies, BackgroundReaders


class RemedyKeys(BlankBackground, Screen[None]):
    """A screen over one session, with remedies at its keys."""

    def __init__(self, sampler: Ticker, parts: AppDependencies, feeds: BackgroundReaders) -> None:
        super().__init__()
        self.mail = Mailbox(self.post_message)
        """Where other threads put what they have for the screen."""
        self._unread = False
        self.session = Session(manual_order=parts.order)
        self.care: RemedyController | None = None
        """The remedies; None until the first bars are on screen."""
        self._sampler = sampler
        self._parts = parts
        self._feeds = feeds
        self._barred: str | None = None

    def rest(self, unread: bool) -> None:
        """Draw nothing while the terminal is not read, and sample as slowly as what still needs the samples allows."""
        if unread != self._unread:
            self._unread = unread
            self._sampler.resting = unread and not self._needs_samples
            self._sampler.tick_now()
            self.show()

    @property
    def _needs_samples(self) -> bool:
        tape = self._parts.tape
        recording = tape is not None and tape.file is not None
        return recording or (self.care is not None and (self.care.state.busy or self.care.state.guard is not None))

    def on_mail_arrived(self) -> None:
        """Take what the threads have put into the mailbox."""
        for news in self.mail.empty():
            self.post_message(news)

    def show(self) -> None:
        """Have every panel draw what changed."""
        raise NotImplementedError

    def _ready_care(self) -> RemedyController:
        """Return the remedies, begun by the first key that asks for them or soon after the first bars."""
        if self.care is None:
            from fragtui.remedies.audit.log import AuditLog
            from fragtui.remedies.audit.path import audit_path
            from fragtui.ui.screens.remedy_controller import RemedyController

            parts = self._parts
            audit = AuditLog(audit_path(parts.audit, parts.root))
            self.care = RemedyController(
                self.app, self.session, parts.root, audit, parts.disabled_reason, self._tell_care
            )
            self._barred = self.care.disabled_reason
            self.query_one(KeyFooter).rebuild()
            self.show()
        return self.care

    def _tell_care(self, news: RemedyState | str) -> None:
        self.mail.put(Crashed(news) if isinstance(news, str) else RemediesUpdated(news))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey the keys of remedies that can't be run here."""
        if action in ("remedy", "ladder", "guard") and self._barred:
            return None
        return True

    def on_key(self, event: Key) -> None:
        """Say why a greyed key does nothing."""
        if self._barred and event.key in WRITE_KEYS:
            self.notify(self._barred, title="No remedy can be run here", severity="warning", markup=False)

    def action_remedy(self, name: str) -> None:
        """Ask whether to run a remedy."""
        self._if_deliberate(lambda: self._ready_care().ask(name))

    def action_ladder(self) -> None:
        """Ask whether to run remedies step by step."""
        self._if_deliberate(lambda: self._ready_care().ask_ladder())

    def action_guard(self) -> None:
        """Switch the guard on or off."""
        self._if_deliberate(lambda: self._ready_care().switch_guard())

    def _if_deliberate(self, act: Callable[[], None]) -> None:
        cast("FragtuiApp", self.app).deliberate.then(act)

    def action_abort(self) -> None:
        """Abort the remedy under way."""
        if self.care is not None:
            self.care.abort()

    def action_recovery(self) -> None:
        """Show what the last remedy brought."""
        self._ready_care().show_recovery()

    def action_history(self) -> None:
        """Show the remedies on record."""
        self._ready_care().show_history(self._tell_recalled)

    def _tell_recalled(self, recalled: HistoryView) -> None:
        self.mail.put(HistoryLoaded(recalled))

    @surviving_errors
    def on_history_loaded(self, message: HistoryLoaded) -> None:
        """Open the page once the record has been read, unless something else was opened meanwhile.

        Each screen draws those below it, so pages that pile up end in a RecursionError.
        """
        if self.care is not None and self.is_active:
            self.care.open_history(message.recalled)

    @surviving_errors
    def on_remedies_updated(self, message: RemediesUpdated) -> None:
        """Take news of the remedies."""
        if self.care is None:
            return
        new = self.care.take(message.state)
        if self.care.state.busy != self._sampler.hurried:
            self._sampler.hurried = self.care.state.busy
            self._sampler.tick_now(page_types=self.care.state.settling)
        if new and self.care.state.remedy_result is not None:
            if (feed := self._feeds.pods) is not None:
                feed.remedy_ran(self.care.state.remedy_result.outcome.remedy.title)
            self._sampler.tick_now(page_types=True)
            if self.is_active:
                self.care.show_recovery()
        self.show()
