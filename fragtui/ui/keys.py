"""The main screen's keys as data: bindings, help, footer and palette are made from this one table.

A key has one meaning on every screen; a replay has keys of its own in place of those that it has no use for.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """One command: its keys, what it does on the main screen and the words for it."""

    command: str
    """Its name for a configuration; it stays when keys or words change."""
    keys: str
    """Textual's names of its keys, the one that is shown first."""
    action: str
    label: str
    help: str
    group: str
    footer: bool = False

    @property
    def shown(self) -> str:
        """Return how the key is written on screen."""
        first = self.keys.split(",")[0]
        if first.startswith("ctrl+"):
            return f"Ctrl-{first[5:].upper()}"
        return _SHOWN.get(first, first)


_SHOWN = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
    "space": "space",
    "question_mark": "?",
    "slash": "/",
    "full_stop": ".",
    "comma": ",",
    "dollar_sign": "$",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "up": "Up",
    "down": "Down",
    "right": "→",
    "left": "←",
    "shift+right": "⇧→",
    "shift+left": "⇧←",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
}

Keys = tuple[Key, ...]

FIX, LISTS, LOOK, VIEW, SAVE = "Remedies", "Lists", "Sizes and bars", "The view", "Copy and save"

KEYS = (
    Key("help", "question_mark", "help", "Help", "All keys and signs", VIEW, footer=True),
    Key("drop-page-cache", "1", "remedy('drop-1')", "Page cache",
        "Drop the page cache (drop_caches 1), with or without sync first", FIX),
    Key("drop-slab", "2", "remedy('drop-2')", "Slab",
        "Drop reclaimable slab: dentries, inodes (drop_caches 2)", FIX),
    Key("drop-caches", "3", "remedy('drop-3')", "Drop caches",
        "Drop page cache and slab (drop_caches 3)", FIX, footer=True),
    Key("compact", "c", "remedy('compact')", "Compact", "Compact all memory (compact_memory)", FIX, footer=True),
    Key("compact-node", "N", "remedy('compact-node')", "Compact node",
        "Compact the chosen zone's NUMA node only", FIX),
    Key("wake-kcompactd", "w", "remedy('nudge')", "Wake kcompactd",
        "Start a round of background compaction (5.15 and later)", FIX),
    Key("step-by-step", "l", "escalate", "Step by step",
        "Sync, drop, compact one after another until enough blocks are free", FIX),
    Key("guard", "A", "guard", "Guard",
        "Switch the guard (automatic remedies by policy, without asking) on or off", FIX),
    Key("history", "H", "history", "History", "Logged remedies, and longer-term settings", FIX),
    Key("abort", "x", "abort", "Abort", "Abort the running remedy", FIX),
    Key("recovery", "r", "recovery", "Recovery",
        "Before and after the last remedy, its cost, what is left", FIX, footer=True),
    Key("pause", "space", "pause", "Pause", "Freeze the screen; sampling continues", VIEW, footer=True),
    Key("order-down", "left_square_bracket", "order(-1)", "Order -", "Lower target order", LOOK),
    Key("order-up", "right_square_bracket", "order(1)", "Order +", "Higher target order", LOOK),
    Key("order-auto", "a", "order_auto", "Order auto", "Target order of the last failures again", LOOK),
    Key("baseline", "b", "baseline", "Baseline", "Compare the bars with this moment from now on", LOOK),
    Key("migratetypes", "m", "by_type", "Migratetypes", "Bars by migratetype (letters) or by verdict", LOOK),
    Key("page-types", "p", "page_types", "Read types", "Read /proc/pagetypeinfo now (takes a zone lock)", LOOK),
    Key("up", "up,k", "choose(-1)", "Up", "Zone or row above; the wheel scrolls, a click selects", LISTS),
    Key("down", "down,j", "choose(1)", "Down", "Zone or row below", LISTS),
    Key("page-up", "pageup", "choose_page(-1)", "Page up", "A page up", LISTS),
    Key("page-down", "pagedown", "choose_page(1)", "Page down", "A page down", LISTS),
    Key("top", "g,home", "choose_end(-1)", "Top", "First row (also Home)", LISTS),
    Key("bottom", "G,end", "choose_end(1)", "Bottom", "Last row (also End)", LISTS),
    Key("open", "enter", "open", "Open",
        "Unfold a group; the report of a failure, the evidence of a pod (also a double click)", LISTS, footer=True),
    Key("unfold", "right", "unfold(True)", "Unfold", "Show each member of the selected group", LISTS),
    Key("fold", "left", "unfold(False)", "Fold", "Fold the group again", LISTS),
    Key("filter", "slash", "filter", "Filter", "List only the failures or pods that contain a text", LISTS),
    Key("unwind", "escape", "unwind", "Back", "Clear the filter, then fold, then zoom out, then unpause", LISTS),
    Key("copy", "C,ctrl+y", "copy", "Copy",
        "The selected failure as JSON into the clipboard of the terminal (also Ctrl-Y)", SAVE),
    Key("save", "W", "save", "Save", "The listed failures as JSON lines into a file here", SAVE),
    Key("ticket", "T", "ticket", "Report", "Write one page for a ticket (Markdown) into the working directory", SAVE),
    Key("next-panel", "tab", "app.focus_next", "Next panel", "Zones, failures, pods in turn", VIEW),
    Key("zoom", "z", "zoom", "Zoom", "The focused panel alone, and back", VIEW),
    Key("faster", "plus,equals_sign", "interval(-1)", "Faster", "Shorter interval", VIEW),
    Key("slower", "minus", "interval(1)", "Slower", "Longer interval", VIEW),
    Key("theme", "t", "next_theme", "Theme", "Next theme", VIEW),
    Key("messages", "M", "messages", "Messages", "What fragtui reported, the newest first", VIEW),
    Key("record", "R", "app.record", "Record",
        "Record into a file here, with the minutes before; again to end it", SAVE),
    Key("suspend", "ctrl+z", "app.suspend_process", "Suspend", "Back to the shell; fg comes back here", VIEW),
    Key("picture", "S", "picture", "Picture", "Save the screen as SVG in the working directory", SAVE),
    Key("quit", "q", "app.quit", "Quit",
        "Leave; asks first while a guard, a remedy or a recording runs", VIEW, footer=True),
)  # fmt: skip


_WRITING = ("guard", "step-by-step")
WRITE_KEYS = frozenset(
    name for key in KEYS if key.command in _WRITING or key.action.startswith("remedy(") for name in key.keys.split(",")
)
"""Keys that write, grey if nothing may be written."""


REPLAY = "The recording"

_OWN = (
    Key("play", "space", "play", "Play/pause", "Play or pause; at the end, begin again", REPLAY, footer=True),
    Key("step", "full_stop", "step(1)", "Step", "Pause, and go to the next sample", REPLAY, footer=True),
    Key("step-back", "comma", "step(-1)", "Step back", "Pause, and go to the sample before", REPLAY),
    Key("seek", "right", "seek(10)", "+10s", "Ten seconds ahead", REPLAY, footer=True),
    Key("seek-back", "left", "seek(-10)", "-10s", "Ten seconds back", REPLAY, footer=True),
    Key("seek-minute", "shift+right", "seek(60)", "+1m", "A minute ahead", REPLAY),
    Key("seek-minute-back", "shift+left", "seek(-60)", "-1m", "A minute back", REPLAY),
    Key("next-event", "greater_than_sign", "jump(1)", "Next event", "The next incident or remedy", REPLAY, footer=True),
    Key("event-before", "less_than_sign", "jump(-1)", "Event before", "The incident or remedy before", REPLAY),
    Key("faster", "plus,equals_sign", "speed(1)", "Faster", "Higher speed: ×1, ×4, ×16, ×60", REPLAY, footer=True),
    Key("slower", "minus", "speed(-1)", "Slower", "Lower speed", REPLAY),
    Key("beginning", "0", "edge(True)", "Beginning", "To the beginning of the recording", REPLAY),
    Key("end", "dollar_sign", "edge(False)", "End", "To its end", REPLAY),
)
_NOT_THERE = frozenset(("pause", "faster", "slower", "page-types", "abort", "record", "unfold", "fold"))
"""Commands of the live screen that a recording has no use for, or has another key for."""
_FOOTER = ("help", "open", "recovery", "quit")

REPLAY_KEYS = (
    *(Key(*key[:-1], footer=key.command in _FOOTER) for key in KEYS if key.command not in _NOT_THERE),
    *_OWN,
)
"""Every key of a replay, for bindings, help and palette."""
UNUSED = tuple(key for key in KEYS if key.command in _NOT_THERE)


def bindings(keys: tuple[Key, ...]) -> list[Binding]:
    """Return Textual's bindings for the keys."""
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown, show=key.footer, tooltip=key.help)
        for key in keys
    ]
