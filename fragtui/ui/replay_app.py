"""The applications over a recording, and over the stream of a remote node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, cast

from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.player import Moment, Player
from fragtui.sampler import Ticker
from fragtui.streamed_node import StreamedNode
from fragtui.ui.app import FragtuiApp
from fragtui.ui.keys import KeyMap
from fragtui.ui.screens.played import Played
from fragtui.ui.screens.replay import ReplayScreen
from fragtui.ui.screens.streamed import StreamScreen
from fragtui.ui.terminal.detection import TerminalLook
from fragtui.ui.wiring import AppDependencies


def _never(_: object) -> NoReturn:
    raise AssertionError("a replay reads nothing: all comes from its player")


class _PlayedApp(FragtuiApp):
    """Its only source delivers moments; `make_source` takes the receivers of them and of tracebacks."""

    def __init__(
        self,
        make_source: Callable[[Callable[[Moment], None], Callable[[str], None]], Ticker],
        order: int | None = None,
        look: TerminalLook | None = None,
        keymap: KeyMap | None = None,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        read_only: str | None = None,
    ) -> None:
        super().__init__(
            AppDependencies(
                sampler=lambda _, crash: make_source(self._play, crash),
                kernel_log=_never,
                pods=_never,
                read_conditions=_never,
                root=Path("/"),
                live=False,
                order=order,
                thresholds=thresholds,
                read_only=read_only,
                keymap=keymap or {},
            ),
            look,
        )

    def _play(self, moment: Moment) -> None:
        self.post(Played(moment))


class ReplayApp(_PlayedApp):
    """The full-screen view of a recording; its source is a `Player`."""

    @property
    def player(self) -> Player:
        """The player."""
        return cast("Player", self.sampler)

    def make_main(self) -> ReplayScreen:
        """Return the main screen of a replay."""
        dependencies = self.dependencies
        return ReplayScreen(self.player, dependencies.order, dependencies.thresholds, dependencies.keymap)


class StreamApp(_PlayedApp):
    """The full-screen view of a remote node; its source is a `StreamedNode`."""

    @property
    def node(self) -> StreamedNode:
        """The node."""
        return cast("StreamedNode", self.sampler)

    def make_main(self) -> StreamScreen:
        """Return the main screen."""
        its = self.dependencies
        return StreamScreen(self.node, its.order, its.thresholds, its.keymap, its.disabled_reason)
