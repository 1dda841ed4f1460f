"""Remedies on the screen of a remote node: requested here, run by the fragtui there under its own audit log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from fragtui.model.node.snapshot import Snapshot
from fragtui.remedies.catalogue import Remedy, wake_kcompactd
from fragtui.remedies.remote_run import RemoteResult, RemoteRun, RemoteState, remote_words
from fragtui.remedies.site_policy import asks_typed_name, forbidden_because
from fragtui.render.remedy.remote_text import RemoteNames, remote_line, remote_running, remote_sentence
from fragtui.streamed_node import StreamedNode
from fragtui.text import format_block
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, RemedyDialog, RemotePlace
from fragtui.ui.dialogs.typed_name import TypedNameDialog
from fragtui.ui.screens.remedy_controller import remedy_variants
from fragtui.ui.session import Session

_HERE = Path("/")


class RemoteRemedies:
    """The remedies of one stream; used on the screen's thread."""

    def __init__(
        self, app: App[Any], session: Session, node: StreamedNode, on_change: Callable[[RemoteState | str], None]
    ) -> None:
        self._app = app
        self._session = session
        self._node = node
        self._on_change = on_change
        self._run: RemoteRun | None = None
        self._names: RemoteNames | None = None
        self._last_id: str | None = None
        """The remedy whose result the stream showed when this one was requested."""

    @property
    def running(self) -> RemoteState | None:
        """The state of the remedy that runs, None if none does."""
        return self._run.state if self._run is not None and self._run.state.end is None else None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What leaving the screen does."""
        return () if (state := self.running) is None or not self._names else (remote_running(state, self._names.node),)

    def ask(self, key: str, previous: Snapshot | None, why_old: str | None) -> None:
        """Ask whether to run the remedy that a key names; `why_old` is why the snapshot is not of now."""
        snapshot, shell = self._session.snapshot, self._node.link.shell
        if snapshot is None or shell is None:
            return
        version = snapshot.host.version
        variants = remedy_variants(self._session, key, lambda: replace(wake_kcompactd(1, version), steps=()))
        why = why_old or forbidden_because(variants[0], _HERE) or variants[0].disabled_reason
        if self.running is not None:
            why = f"another remedy is running; {self._session.key('abort')} aborts it"
        if why is not None:
            self._refuse(why)
            return
        order, there = self._session.order, snapshot.host.name or ""
        name = there or self._node.link.name
        place = RemotePlace(name, lambda remedy: shell.shown(remote_words(remedy.effect, there, order)), shell.note)
        names = RemoteNames(
            name,
            format_block(snapshot.host.page_size, order),
            shell.shown(("history", "--last", "3")),
            self._session.key("abort"),
        )
        context = DialogContext(
            snapshot, order, _HERE, _HERE, previous=previous, thresholds=self._session.thresholds, remote=place
        )

        def begin(remedy: Remedy) -> None:
            if (why := forbidden_because(remedy, _HERE)) is not None:  # The policy may have changed since it was asked.
                self._refuse(why)
                return
            self._names = names
            self._last_id = self._streamed_id
            self._run = RemoteRun(remedy, there, order, shell, self._on_change)

        self._app.push_screen(RemedyDialog(context, variants), partial(self._confirm, there, begin))

    def _confirm(self, there: str, begin: Callable[[Remedy], None], remedy: Remedy | None) -> None:
        """Call `begin`, after the node's name was typed if this machine's policy asks for it."""
        if remedy is None:
            return
        if not asks_typed_name(_HERE):
            begin(remedy)
        elif not there:
            self._refuse("the policy here asks for the node's name, which is unknown")
        else:
            self._app.push_screen(TypedNameDialog(there), lambda typed: None if typed is None else begin(remedy))

    def _refuse(self, why: str) -> None:
        self._app.notify(why, title="Can't be run", severity="warning", markup=False)

    def abort(self) -> None:
        """Abort the remedy that runs."""
        if self._run is not None:
            self._run.abort()

    def close(self, seconds: float) -> None:
        """Abort it and wait a little for its end."""
        if self._run is not None:
            self._run.close(seconds)

    def take(self, state: RemoteState) -> None:
        """Report an end that is no success in full: the line has little room."""
        if state.end is not None and state.end.result is not RemoteResult.DONE and self._names is not None:
            text = remote_sentence(state, self._names)
            self._app.notify(text[2:], title="Remote remedy", severity="warning", markup=False)

    @property
    def line(self) -> tuple[str, str] | None:
        """Return the text and the style of the line about it; None once the stream shows a newer result."""
        run = self._run
        if run is None or self._names is None or (run.state.end is not None and self._streamed_id != self._last_id):
            return None
        return remote_line(run.state, self._names, time.monotonic())

    def is_own(self, remedy_id: str) -> bool:
        """Return whether that remedy of the audit log there is the last one run from here."""
        return self._run is not None and self._run.state.id == remedy_id

    @property
    def _streamed_id(self) -> str | None:
        result = self._session.remedy_result
        return result.outcome.id if result is not None else None
