"""The application over a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, cast

from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.player import Moment, Player
from fragtui.ui.app import FragtuiApp
from fragtui.ui.keys import KeyMap
from fragtui.ui.screens.replay import Played, ReplayScreen
from fragtui.ui.terminal.detection import TerminalLook
from fragtui.ui.wiring import AppDependencies


def _never(_: object) -> NoReturn:
    raise AssertionError("a replay reads nothing: all comes from its player")


class ReplayApp(FragtuiApp):
    """The full-screen view of a recording; `make_player` takes the receivers of moments and tracebacks."""

    def __init__(
        self,
        make_player: Callable[[Callable[[Moment], None], Callable[[str], None]], Player],
        order: int | None = None,
        look: TerminalLook | None = None,
        keymap: KeyMap | None = None,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
    ) -> None:
        super().__init__(
            AppDependencies(
                sampler=lambda _, crash: make_player(self._play, crash),
                kernel_log=_never,
                pods=_never,
                read_conditions=_never,
                root=Path("/"),
                live=False,
                order=order,
                thresholds=thresholds,
                read_only="a recording",
                keymap=keymap or {},
            ),
            look,
        )

    @property
    def player(self) -> Player:
        """The player."""
        return cast("Player", self.sampler)

    def make_main(self) -> ReplayScreen:
        """Return the main screen of a replay."""
        dependencies = self.dependencies
        return ReplayScreen(self.player, dependencies.order, dependencies.thresholds, dependencies.keymap)

    def _play(self, moment: Moment) -> None:
        self.post(Played(moment))
