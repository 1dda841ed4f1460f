"""An application that no key, message or notification ends, with the workarounds for faults of Textual."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from textual import events
from textual.actions import ActionParseResult
from textual.app import App
from textual.dom import DOMNode, NoScreen
from textual.widget import Widget

from fragtui.text import printable
from fragtui.ui.notices import NoticeLog, NoticeSeverity

FAULTS_IN_A_ROW = 5
"""Failed actions, without one that succeeded between them, after which the application ends as it did at the first."""
MAX_NOTICE = 1000
"""Characters of a notice."""
_KEPT = 5


class ResilientApp(App[int]):
    """Runs actions only if the screen that they are meant for is active, and survives those that fail.

    An action fails inside its own call, so it closes no message pump of Textual and the screen can continue.
    """

    ALLOW_SELECT = False
    """No text can be selected with the mouse: panels draw their lines themselves, and what Textual marks in other
    widgets needs the component class `screen--selection`, which our main screen does not have (KeyError)."""

    def __init__(self) -> None:
        super().__init__()
        self.outlived: list[str] = []
        """Tracebacks of the first few different faults that the screen survived."""
        self._in_a_row = 0
        self.notices = NoticeLog()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: NoticeSeverity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Report something in one line, without markup, and remember it; Textual's own boxes would cover the pods.

        Its text is made printable: it may hold the path of a folder that another user named.
        """
        text = f"{title}: {message}" if title else message
        self.notices.add(printable(text, MAX_NOTICE), severity, timeout)
        self.call_next(self.show_notice)

    def show_notice(self) -> None:
        """Show the newest notice; for subclasses."""

    async def on_event(self, event: events.Event) -> None:
        """Handle an event, but no key, click or paste while the application ends: Textual raises then."""
        if not isinstance(event, events.InputEvent | events.Paste) or self._has_screen:
            await super().on_event(event)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Run an action; return whether it was handled. Every key, click and command comes this way.

        An action before its screen is laid out, or after another one has covered it, is ignored.
        """
        if not self._is_for_now(default_namespace):
            return True
        try:
            handled = await super().run_action(action, default_namespace, namespaces)
        except Exception as fault:
            self._in_a_row += 1
            if self._in_a_row >= FAULTS_IN_A_ROW:
                raise
            self.survive(fault)
            return True
        self._in_a_row = 0
        return handled

    @property
    def _has_screen(self) -> bool:
        """Whether there is a screen that is not being removed: while the application ends, nothing is laid out."""
        return bool(self.screen_stack) and self.screen.is_attached

    def _is_for_now(self, namespace: DOMNode | None) -> bool:
        if not self._has_screen or not self.screen.is_mounted:
            return False
        try:
            return namespace is None or namespace.screen is self.screen
        except NoScreen:
            return False

    def survive(self, fault: Exception) -> None:
        """Report an error in one line, each only once; its traceback is printed when the terminal is restored."""
        lines = traceback_of(fault)
        if lines in self.outlived or len(self.outlived) >= _KEPT:
            return
        self.outlived.append(lines)
        line = printable(traceback.format_exception_only(fault)[-1].strip(), 200)
        self.notify(f"{line}. The screen continues.", title="Internal error", severity="error", markup=False)


def traceback_of(fault: BaseException) -> str:
    """Return an error's traceback as lines that end with a newline, without the values of variables, safe to print."""
    lines = "".join(traceback.format_exception(fault)).splitlines()
    return "".join(f"{printable(line, 1_000)}\n" for line in lines)


H = TypeVar("H", bound=Callable[..., None])


def surviving_errors(handler: H) -> H:
    """Return a widget's message handler that reports what it raises: else Textual would end the application."""

    @wraps(handler)
    def handle(self: Widget, *arguments: object) -> None:
        try:
            handler(self, *arguments)
        except Exception as fault:
            survive(self, fault)

    return cast("H", handle)


def survive(widget: Widget, fault: Exception) -> None:
    """Report an error of a widget, or raise it if the application is not a `ResilientApp`."""
    app: App[Any] = widget.app
    if not isinstance(app, ResilientApp):
        raise fault
    app.survive(fault)
