"""The full-screen applications: they start the readers, own the themes, and always restore the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import ClassVar, Generic, TypeVar

from rich.console import Console, RenderableType
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.events import Event
from textual.filter import LineFilter
from textual.theme import Theme

from fragtui.model.node.snapshot import Snapshot
from fragtui.text import shortage
from fragtui.ui.clock import CLOCK
from fragtui.ui.keys import KeyMap, Keys, with_menu
from fragtui.ui.messages import Crashed, GlyphsMeasured, GroundReported, MailboxMessage, Sampled
from fragtui.ui.screens.dashboard_screen import DashboardScreen
from fragtui.ui.screens.live import LiveScreen
from fragtui.ui.screens.main_screen import MainScreen
from fragtui.ui.terminal.detection import TerminalLook
from fragtui.ui.terminal.driver import QuietDriver, TerminalApp
from fragtui.ui.terminal.key_gate import KeyGate
from fragtui.ui.terminal.questions import TerminalQuestions
from fragtui.ui.widgets.glyphs import GlyphSet
from fragtui.ui.widgets.paint import Paint, textual_theme
from fragtui.ui.widgets.palette import THEMES
from fragtui.ui.widgets.resilient import traceback_of
from fragtui.ui.widgets.rows import LinesWidget
from fragtui.ui.widgets.stylesheet import stylesheet
from fragtui.ui.widgets.textual_private import FatalErrorApp, driver_of, screen_lines
from fragtui.ui.wiring import AppDependencies, BackgroundReaders

M = TypeVar("M", bound=MainScreen)


class ScreenApp(FatalErrorApp, TerminalApp, Generic[M]):
    """A full-screen application with a main screen; a subclass adds what it reads."""

    TITLE = "fragtui"
    CSS = stylesheet("fragtui.tcss")
    ENABLE_COMMAND_PALETTE = True
    leaves: ClassVar[bool] = False
    """Whether a signal ended an application of this process, or the loss of the terminal: none starts after it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, id="quit-too"),
    ]

    def __init__(self, look: TerminalLook | None, keymap: KeyMap) -> None:
        self.look = look = look or TerminalLook()
        # Set later, every style would be computed twice before the first bars.
        self.set_reactive(ScreenApp.theme, look.theme)
        self._use_theme(look.theme)
        super().__init__()
        self._own_keys = keymap
        LinesWidget.glyph_set = look.glyph_set
        self.add_class(f"in-{look.glyph_set.value}", update=False)  # Later, it would have every widget styled again.
        self.questions = TerminalQuestions(
            look,
            on_theme=lambda theme: self.post_message(GroundReported(theme)),
            on_width=lambda narrow: self.post_message(GlyphsMeasured(narrow)),
        )
        # Each style has the colours of the terminal's depth already: Rich must change none.
        self.console = Console(
            file=self.console.file,
            color_system="truecolor",
            highlight=False,
            emoji=False,
            legacy_windows=False,
            force_terminal=True,
            safe_box=False,
        )
        self._rest: ExitStack | None = None
        """The batch that postpones drawing while the terminal is not read; None while it is read."""
        self.key_gate = KeyGate(self)
        """Decides which keys may open or confirm a remedy."""
        self._palette_opened = 0.0
        self.main = self.make_main()
        self.main.session.notices = self.notices

    def get_driver_class(self) -> type[Driver]:
        """Return the terminal's driver."""
        return QuietDriver

    def make_main(self) -> M:
        """Return the main screen."""
        raise NotImplementedError

    @property
    def every_key(self) -> Keys:
        """The keys that the user may have changed."""
        return (*self.main.keys, *self.main.save_keys)

    def start_readers(self) -> None:
        """Start what reads, unless it runs."""

    def stop_readers(self) -> None:
        """Stop it; a thread that is blocked in a read ends with the process."""

    def get_default_screen(self) -> M:
        """Return the main screen: pushed over an empty one, both would be laid out before the first bars."""
        return self.main

    @property
    def available_themes(self) -> dict[str, Theme]:
        """The themes by name; none of Textual's, whose pairs nobody has measured at every depth."""
        return {name: textual_theme(name) for name in THEMES}

    def get_theme(self, theme_name: str) -> Theme | None:
        """Return a theme, or None for an unknown name: Textual asks a hundred times before the first bars."""
        return textual_theme(theme_name) if theme_name in THEMES else None

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return what makes Textual's own widgets come out in the terminal's colours."""
        return self._line_filters

    def watch_theme(self, name: str) -> None:
        """Draw in the colours of a theme; Textual computes the styles of its own widgets."""
        if name != LinesWidget.paint.theme:
            self._use_theme(name)
            self.refresh(layout=True)

    def _use_theme(self, name: str) -> None:
        LinesWidget.paint = Paint(name, self.look.depth)
        self._line_filters = LinesWidget.paint.line_filters()

    def on_mount(self) -> None:
        """Take the user's keys, and start what reads."""
        names = {key.command: key.keys for key in self.every_key}
        if own := {command: names[command] for command in self._own_keys if command in names}:
            self.set_keymap(own)
        self.start_readers()

    def on_ground_reported(self, message: GroundReported) -> None:
        """Take the theme for the terminal's ground, unless the user has taken one meanwhile."""
        if self.theme == self.look.theme:
            self.theme = message.theme

    def on_glyphs_measured(self, message: GlyphsMeasured) -> None:
        """Draw in ASCII if glyphs are two cells wide and would break every column, else in Unicode."""
        glyph_set = GlyphSet.UNICODE if message.narrow else GlyphSet.ASCII
        if glyph_set is not LinesWidget.glyph_set:
            self.remove_class(f"in-{LinesWidget.glyph_set.value}").add_class(f"in-{glyph_set.value}")
            LinesWidget.glyph_set = glyph_set
            self.main.call_later(self.main.show)  # The answer may be here before the panels are.
            self.refresh(layout=True)

    def action_command_palette(self) -> None:
        """List every key of the main screen and every theme by name, unless another screen is open."""
        # Its input widget takes 10 ms of CPU, which the first bars would wait for.
        from fragtui.ui.dialogs.command_palette import Command, CommandPalette  # noqa: PLC0415

        keys = with_menu(self.main.keys, self.main.save_keys)
        if self.screen is not self.main:
            return
        commands = [
            Command(key.label, key.shown, key.help, key.action) for key in keys if key.action != "app.focus_next"
        ]
        themes = [Command("Theme", "", name, f"app.take_theme({name!r})") for name in THEMES]
        self._palette_opened = time.monotonic()  # Text that is pasted into it from now on opens no remedy.
        self.push_screen(CommandPalette([*commands, *themes]), self._press)

    async def _press(self, action: str | None) -> None:
        if action is not None:
            with self.key_gate.chosen_in_palette(self._palette_opened):
                await self.main.run_action(action)

    def show_notice(self) -> None:
        """Show the newest notice in the main screen's line of messages, and in the question that it may be about."""
        if not self._has_screen:
            return
        self.main.show_notice()
        if self.screen is self.main or (notice := self.notices.newest) is None:
            return
        from fragtui.ui.widgets.modal import ModalPanel  # noqa: PLC0415  # Not for the first bars.

        if isinstance(self.screen, ModalPanel):
            self.screen.show_notice(notice)

    async def action_quit(self) -> None:
        """Leave; ask first if something runs that ends with fragtui."""
        from fragtui.ui.dialogs.quit import QuitDialog  # noqa: PLC0415  # Not for the first bars.

        if not (running := self.main.running):
            self.exit()
        elif not any(isinstance(screen, QuitDialog) for screen in self.screen_stack):
            self.push_screen(QuitDialog(running), lambda leave: self.exit() if leave else None)

    def action_help_quit(self) -> None:
        """Say how to leave: Ctrl-C is what most people try."""
        key = self.main.session.key
        text = f"Ctrl-C does not quit fragtui: press {key('quit')}. {key('suspend')} goes back to the shell."
        self.notify(text, markup=False)

    async def on_event(self, event: Event) -> None:
        """Handle an event; while a key is handled, the gate knows it as the cause of each question."""
        with self.key_gate.handling(event):
            await super().on_event(event)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Return the screen as SVG, the same in every viewer."""
        from fragtui.ui.terminal.svg import picture  # noqa: PLC0415  # needed for a picture only

        colours = self.theme_variables
        return picture(
            screen_lines(self), self.size.width, title or self.title, colours["foreground"], colours["background"]
        )

    def action_take_theme(self, name: str) -> None:
        """Set a theme."""
        self.theme = name

    def on_unmount(self) -> None:
        """Abort a remedy and stop the readers."""
        self.main.close()
        self.stop_readers()

    def post(self, message: MailboxMessage) -> None:
        """Pass a message of a reader's thread to the screen; readers may run longer than the screen."""
        self.main.mail.put(message)

    def report_crash(self, text: str) -> None:
        """Pass a reader's traceback to the screen; for any thread."""
        self.post(Crashed(text))

    def on_leave_asked(self) -> None:
        """Quit in the normal way after a signal, or without a terminal."""
        ScreenApp.leaves = True
        self.exit()

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Quit; a signal meanwhile, such as a Ctrl-C that was typed ahead, does not interrupt it."""
        if isinstance(driver := driver_of(self), QuietDriver):
            driver.note_leaving()
        super().exit(result, return_code, message)

    def on_terminal_unread(self) -> None:
        """Stop drawing and sample less often."""
        if self._rest is None:
            self._rest = ExitStack()
            self._rest.enter_context(self.batch_update())
            self.main.rest(True)

    def on_terminal_read(self) -> None:
        """Draw the whole screen again: its content is unknown."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None
            self.main.rest(False)
        self.refresh(layout=True)

    def say_failure(self) -> None:
        """Print the errors that the application survived, and the one that ended it, if any."""
        for fault in self.outlived:
            sys.stderr.write(f"{fault}fragtui met this internal error and continued.\n")
        if (error := self.fatal_error) is None:
            return
        if (lack := shortage(error)) is not None:
            sys.stderr.write(f"fragtui: {lack}\n")
        else:
            sys.stderr.write(f"{traceback_of(error)}fragtui ended by an internal error; the lines above say where.\n")


class FragtuiApp(ScreenApp[DashboardScreen]):
    """The full-screen view of a node."""

    def __init__(self, dependencies: AppDependencies, look: TerminalLook | None = None) -> None:
        self.dependencies = dependencies
        self.sampler = dependencies.sampler(self.deliver, self.report_crash)
        self.readers = BackgroundReaders(dependencies, self.post)
        super().__init__(look, dependencies.keymap)

    def make_main(self) -> DashboardScreen:
        """Return the main screen."""
        return LiveScreen(self.sampler, self.dependencies, self.readers)

    def start_readers(self) -> None:
        """Start the sampler, unless it runs."""
        self.sampler.start()

    def stop_readers(self) -> None:
        """Stop the readers and the recorder."""
        self.sampler.stop()
        self.readers.stop()
        CLOCK.show(None)
        if self.dependencies.recorder is not None:
            self.dependencies.recorder.end(2.0)

    def deliver(self, snapshot: Snapshot) -> None:
        """Pass a snapshot to the screen; called on the sampler's thread."""
        if not self.dependencies.live:
            # Ages are counted from when the files were saved.
            CLOCK.show(snapshot.time)
        self.main.early = snapshot
        self.post(Sampled(snapshot))
