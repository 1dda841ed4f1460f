"""The main screen's keys as data: bindings, help and palette are made from this one table."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """One key: what it does on the main screen and the words for it."""

    keys: str
    action: str
    label: str
    help: str
    group: str
    footer: bool = False

    @property
    def shown(self) -> str:
        """Return how the key is written on screen."""
        first = self.keys.split(",")[0]
        return {
            "left_square_bracket": "[",
            "right_square_bracket": "]",
            "plus": "+",
            "minus": "-",
            "space": "space",
            "question_mark": "?",
            "slash": "/",
            "full_stop": ".",
            "comma": ",",
            "greater_than_sign": ">",
            "less_than_sign": "<",
            "right": "→",
            "left": "←",
            "shift+right": "⇧→",
            "shift+left": "⇧←",
        }.get(first, first)


Keys = tuple[Key, ...]

FIX, LOOK, VIEW = "Remedies", "Looking", "The view"

KEYS = (
    Key("question_mark", "help", "Help", "All keys", VIEW, footer=True),
    Key("1", "remedy('drop-1')", "Page cache", "Drop the page cache (drop_caches 1), with or without sync first", FIX),
    Key("2", "remedy('drop-2')", "Slab", "Drop reclaimable slab: dentries, inodes (drop_caches 2)", FIX),
    Key("3", "remedy('drop-3')", "Drop caches", "Drop page cache and slab (drop_caches 3)", FIX, footer=True),
    Key("c", "remedy('compact')", "Compact", "Compact all memory (compact_memory)", FIX, footer=True),
    Key("n", "remedy('compact-node')", "Compact node", "Compact the chosen zone's NUMA node only", FIX),
    Key("w", "remedy('nudge')", "Wake kcompactd", "Start a round of background compaction (5.15 and later)", FIX),
    Key("l", "escalate", "Step by step", "Sync, drop, compact one after another until enough blocks are free", FIX),
    Key("G", "guard", "Guard", "Switch the guard on (remedies by policy, without asking) or off", FIX),
    Key("H", "history", "History", "Logged remedies, and longer-term settings", FIX),
    Key("x", "abort", "Abort", "Abort the running remedy", FIX),
    Key("r", "recovery", "Recovery", "Before and after the last remedy, its cost, what is left", FIX, footer=True),
    Key("space", "pause", "Pause", "Freeze the screen; sampling continues", VIEW, footer=True),
    Key("left_square_bracket", "order(-1)", "Order -", "Lower target order", LOOK),
    Key("right_square_bracket", "order(1)", "Order +", "Higher target order", LOOK),
    Key("a", "order_auto", "Order auto", "Target order of the last failures again", LOOK),
    Key("b", "baseline", "Baseline", "Compare the bars with this moment from now on", LOOK),
    Key("m", "by_type", "Migratetypes", "Bars by migratetype (letters) or by verdict", LOOK),
    Key("g", "page_types", "Read types", "Read /proc/pagetypeinfo now (takes a zone lock)", LOOK),
    Key("up,k", "choose(-1)", "Up", "Zone or row above", LOOK),
    Key("down,j", "choose(1)", "Down", "Zone or row below", LOOK),
    Key("enter", "open", "Open", "The whole report of a failure, the evidence of a pod", LOOK, footer=True),
    Key("slash", "filter", "Filter", "List only failures that hold a text", LOOK),
    Key("y", "copy", "Copy", "The chosen failure as JSON into the clipboard of the terminal", LOOK),
    Key("W", "save", "Save", "The listed failures as JSON lines into a file here", LOOK),
    Key("T", "ticket", "Report", "Write one page for a ticket (Markdown) into the working directory", VIEW),
    Key("tab", "app.focus_next", "Next panel", "Zones, failures, pods in turn", VIEW),
    Key("escape", "unwind", "Hide", "Hide the note that fragtui is not root", VIEW),
    Key("z", "zoom", "Zoom", "The focused panel alone, and back", VIEW),
    Key("plus,equals_sign", "interval(1)", "Slower", "Longer interval", VIEW),
    Key("minus", "interval(-1)", "Faster", "Shorter interval", VIEW),
    Key("t", "next_theme", "Theme", "Next theme", VIEW),
    Key("R", "app.record", "Record", "Record into a file here, with the minutes before; again to end it", VIEW),
    Key("ctrl+z", "app.suspend_process", "Suspend", "Back to the shell; fg comes back here", VIEW),
    Key("S", "picture", "Picture", "Save the screen as SVG in the working directory", VIEW),
)


REMEDY_OF_KEY = {key.keys: key.action[8:-2] for key in KEYS if key.action.startswith("remedy(")}
"""The remedy that each key names."""
WRITE_KEYS = frozenset((*REMEDY_OF_KEY, "l", "G"))
"""Keys that write, grey if nothing may be written."""


REPLAY = "The recording"

_OWN = (
    Key("space", "play", "Play/pause", "Play or pause; at the end, begin again", REPLAY, footer=True),
    Key("full_stop", "step(1)", "Step", "Pause, and go to the next sample", REPLAY, footer=True),
    Key("comma", "step(-1)", "Step back", "Pause, and go to the sample before", REPLAY),
    Key("right", "seek(10)", "+10s", "Ten seconds ahead", REPLAY, footer=True),
    Key("left", "seek(-10)", "-10s", "Ten seconds back", REPLAY, footer=True),
    Key("shift+right", "seek(60)", "+1m", "A minute ahead", REPLAY),
    Key("shift+left", "seek(-60)", "-1m", "A minute back", REPLAY),
    Key("greater_than_sign,N", "jump(1)", "Next event", "The next incident or remedy", REPLAY, footer=True),
    Key("less_than_sign,P", "jump(-1)", "Event before", "The incident or remedy before", REPLAY),
    Key("plus,equals_sign", "speed(1)", "Faster", "Higher speed: ×1, ×4, ×16, ×60", REPLAY, footer=True),
    Key("minus", "speed(-1)", "Slower", "Lower speed", REPLAY),
    Key("home", "edge(True)", "Beginning", "To the beginning of the recording", REPLAY),
    Key("end", "edge(False)", "End", "To its end", REPLAY),
)
_NOT_THERE = ("pause", "interval(1)", "interval(-1)", "page_types", "abort", "app.record", "unwind")
"""Actions of the live screen that a replay does not have."""
_FOOTER = ("help", "open", "recovery")

REPLAY_KEYS = (
    *(
        Key(key.keys, key.action, key.label, key.help, key.group, footer=key.action in _FOOTER)
        for key in KEYS
        if key.action not in _NOT_THERE
    ),
    *_OWN,
)
"""Every key of a replay, for bindings, help and palette."""
UNUSED = tuple(key for key in KEYS if key.action in _NOT_THERE)


def bindings(keys: tuple[Key, ...]) -> list[Binding]:
    """Return Textual's bindings for the keys."""
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown, show=key.footer, tooltip=key.help)
        for key in keys
    ]
