"""The screen of a replay: a dashboard updated by a player, with keys that move in the recording."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from fragtui.model.node.verdict import Thresholds
from fragtui.player import Player, Position
from fragtui.ui.keys import REPLAY_KEYS, UNUSED, KeyMap, Keys, bindings
from fragtui.ui.panels.recording_line import RecordingLine
from fragtui.ui.screens.played import PlayedScreen
from fragtui.ui.session import RecordingPosition

DISABLED_REASON = "replaying a recording"

_STEPS = 20
"""Steps of the arrow keys over the whole recording."""


class ReplayScreen(PlayedScreen):
    """The whole state of the node on one screen, as recorded; the player is the only source."""

    KEYS: ClassVar[Keys] = REPLAY_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_KEYS)]

    def __init__(self, player: Player, order: int | None, thresholds: Thresholds, keymap: KeyMap) -> None:
        super().__init__(order, thresholds, keymap)
        self._player = player
        self._position = player.position
        self.session.disabled_reason = DISABLED_REASON
        self._set_position()

    def rest(self, unread: bool) -> None:
        """Draw and play nothing while the terminal is not read."""
        if unread != self.unread:
            self._player.resting = unread
            self._player.tick_now()
        super().rest(unread)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of remedies; those of the live screen alone do nothing here."""
        if action in {key.action.split("(")[0] for key in UNUSED}:
            return False
        return super().check_action(action, parameters)

    def take_position(self, position: Position) -> None:
        """Take the position of the newest moment."""
        self._position = position

    def update_status(self) -> None:
        """Set the session's position in the recording, its status and its line about remedies."""
        super().update_status()
        self._set_position()
        position = self._position
        clock = datetime.fromtimestamp(position.time).astimezone().strftime("%H:%M:%S")
        if position.playing:
            self.session.status = ((f"▶ replay {clock} x{position.speed} ", "text"),)
        else:
            word = "■ end" if position.at_end else "‖ paused"
            self.session.status = ((f"{word} · replay {clock} x{position.speed} ", "text"),)

    def _set_position(self) -> None:
        marks = tuple((share, mark.remedy) for share, mark in self._player.marks)
        self.session.recording = RecordingPosition(self._player.length, self._position.share, marks)

    def action_play(self) -> None:
        """Play or pause."""
        self._player.play_or_pause()

    def action_step(self, ticks: int) -> None:
        """Go to the next or previous sample."""
        self._player.step(ticks)

    def action_seek(self, steps: int) -> None:
        """Go so many twentieths of the recording ahead, or back."""
        self._player.seek_by(steps * self._player.length / _STEPS)

    def on_recording_line_clicked(self, message: RecordingLine.Clicked) -> None:
        """Go to the place on the tape that was clicked."""
        self._player.seek_by((message.share - self._player.position.share) * self._player.length)

    def action_jump(self, direction: int) -> None:
        """Go to the next or previous incident or remedy."""
        if not self._player.jump(direction):
            where = "after" if direction > 0 else "before"
            self.notify(f"No incident and no remedy {where} this moment.", timeout=2, markup=False)

    def action_speed(self, step: int) -> None:
        """Play faster, or slower."""
        self._player.change_speed(step)

    def action_edge(self, beginning: bool) -> None:
        """Go to the beginning, or to the end."""
        self._player.to_end(beginning=beginning)
