"""The main screen's keys as data: bindings, help, footer and palette are made from this one table.

A key has one meaning on every screen; a replay has keys of its own in place of those that it has no use for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character
from textual.keys import Keys as KeyNames


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
        return _shown(self.keys.split(",")[0])

    @property
    def all_shown(self) -> str:
        """Return how all its keys are written."""
        return " ".join(map(_shown, self.keys.split(",")))


def _shown(name: str) -> str:
    return f"Ctrl-{name[5:].upper()}" if name.startswith("ctrl+") else _SHOWN.get(name, name)


_SHOWN = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
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
    Key("wake-kcompactd", "K", "remedy('nudge')", "Wake kcompactd",
        "Start a round of background compaction (5.15 and later)", FIX),
    Key("step-by-step", "l", "escalate", "Step by step",
        "Remedies one after another, the gentlest that is expected to suffice first", FIX),
    Key("reclaim-pod", "R", "reclaim", "Reclaim a pod",
        "Reclaim the page cache of one pod or other cgroup only", FIX),
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
    Key("all-zones", "D", "all_zones", "All zones", "Show or hide zones that normal requests can't use: DMA", LOOK),
    Key("worst-first", "o", "worst_first", "Worst first", "Zones without the target size first, or by number", LOOK),
    Key("long-history", "h", "long_history", "History", "The last 5 minutes, or all that is kept", LOOK),
    Key("migratetypes", "m", "by_type", "Migratetypes", "Bars by migratetype (letters) or by verdict", LOOK),
    Key("page-cache", "P", "page_cache", "Page cache",
        "Who holds the page cache: pods and other cgroups, read now", LOOK),
    Key("page-types", "p", "page_types", "Read types", "Read /proc/pagetypeinfo now (takes a zone lock)", LOOK),
    Key("trace", "T", "trace", "Trace",
        "Denials, fragmenting tasks, waits", LOOK),
    Key("up", "up,k", "choose(-1)", "Up", "Zone or row above; the wheel scrolls, a click selects", LISTS),
    Key("down", "down,j", "choose(1)", "Down", "Zone or row below", LISTS),
    Key("page-up", "pageup", "choose_page(-1)", "Page up", "A page up", LISTS),
    Key("page-down", "pagedown", "choose_page(1)", "Page down", "A page down", LISTS),
    Key("top", "g,home", "choose_end(-1)", "Top", "First row", LISTS),
    Key("bottom", "G,end", "choose_end(1)", "Bottom", "Last row", LISTS),
    Key("open", "enter", "open", "Open",
        "Unfold a group; the report of a failure, the evidence of a pod (also a double click)", LISTS, footer=True),
    Key("unfold", "right", "unfold(True)", "Unfold", "Show each member of the selected group", LISTS),
    Key("fold", "left", "unfold(False)", "Fold", "Fold the group again", LISTS),
    Key("filter", "slash", "filter", "Filter", "List only the failures or pods that contain a text", LISTS),
    Key("unwind", "escape", "unwind", "Back",
        "Clear the filter, then fold, then zoom out, then unpause, then hide the note about root", LISTS),
    Key("copy", "C,ctrl+y", "copy", "Copy", "The selected failure as JSON into the clipboard of the terminal", SAVE),
    Key("save", "w", "save", "Save", "A report, a picture, the failures or a recording: asks which", SAVE, footer=True),
    Key("next-panel", "tab", "app.focus_next", "Next panel", "Zones, failures, pods in turn", VIEW),
    Key("zoom", "z", "zoom", "Zoom", "The focused panel alone, and back", VIEW),
    Key("faster", "plus,equals_sign", "interval(-1)", "Faster", "Shorter interval", VIEW),
    Key("slower", "minus", "interval(1)", "Slower", "Longer interval", VIEW),
    Key("theme", "t", "next_theme", "Theme", "Next theme", VIEW),
    Key("messages", "M", "messages", "Messages", "What fragtui reported, the newest first", VIEW),
    Key("suspend", "ctrl+z", "app.suspend_process", "Suspend", "Back to the shell; fg comes back here", VIEW),
    Key("quit", "q", "app.quit", "Quit",
        "Leave; asks first while a guard, a remedy or a recording runs", VIEW, footer=True),
)  # fmt: skip

SAVE_MENU = (
    Key("save-report", "t", "choose('save-report')", "Report", "One page for a ticket, as Markdown", SAVE),
    Key("save-picture", "p", "choose('save-picture')", "Picture", "The screen as an SVG picture", SAVE),
    Key("save-failures", "f", "choose('save-failures')", "Failures", "The listed failures as JSON lines", SAVE),
    Key("record", "r", "choose('record')", "Record",
        "A recording for a replay, with the minutes before; again to end it", SAVE),
)  # fmt: skip
"""The keys of the save menu."""


_WRITING = ("guard", "step-by-step", "reclaim-pod")


def write_keys(keys: Keys) -> frozenset[str]:
    """Return the keys that write, grey if nothing may be written."""
    writing = (key for key in keys if key.command in _WRITING or key.action.startswith("remedy("))
    return frozenset(name for key in writing for name in key.keys.split(","))


REPLAY = "The recording"

_OWN = (
    Key("play", "space", "play", "Play/pause", "Play or pause; at the end, begin again", REPLAY, footer=True),
    Key("step", "full_stop", "step(1)", "Step", "Pause, and go to the next sample", REPLAY, footer=True),
    Key("step-back", "comma", "step(-1)", "Step back", "Pause, and go to the sample before", REPLAY),
    Key("seek", "right", "seek(1)", "Ahead", "A twentieth of the recording ahead", REPLAY, footer=True),
    Key(
        "seek-back", "left", "seek(-1)", "Back", "A twentieth back; a click on the tape works too", REPLAY, footer=True
    ),
    Key("seek-far", "shift+right", "seek(5)", "Far ahead", "A quarter of the recording ahead", REPLAY),
    Key("seek-far-back", "shift+left", "seek(-5)", "Far back", "A quarter back", REPLAY),
    Key("next-event", "greater_than_sign", "jump(1)", "Next event", "The next incident or remedy", REPLAY, footer=True),
    Key("event-before", "less_than_sign", "jump(-1)", "Event before", "The incident or remedy before", REPLAY),
    Key("faster", "plus,equals_sign", "speed(1)", "Faster", "Higher speed: ×1, ×4, ×16, ×60", REPLAY, footer=True),
    Key("slower", "minus", "speed(-1)", "Slower", "Lower speed", REPLAY),
    Key("beginning", "0", "edge(True)", "Beginning", "To the beginning of the recording", REPLAY),
    Key("end", "dollar_sign", "edge(False)", "End", "To its end", REPLAY),
)
_NOT_THERE = frozenset(("pause", "faster", "slower", "page-types", "abort", "unfold", "fold", "page-cache"))
"""Commands of the live screen that a recording has no use for, or has another key for."""
_FOOTER = ("help", "open", "recovery", "quit")

REPLAY_KEYS = (
    *(Key(*key[:-1], footer=key.command in _FOOTER) for key in KEYS if key.command not in _NOT_THERE),
    *_OWN,
)
"""Every key of a replay, for bindings, help and palette."""
UNUSED = tuple(key for key in KEYS if key.command in _NOT_THERE)


_NOT_STREAMED = frozenset(("faster", "slower", "page-types", "page-cache"))
"""Commands of the live screen that need the node itself."""
STREAM_KEYS = tuple(key for key in KEYS if key.command not in _NOT_STREAMED)
UNSTREAMED = tuple(key for key in KEYS if key.command in _NOT_STREAMED)


_OF_NODE = (
    "help", "up", "down", "page-up", "page-down", "top", "bottom", "order-down", "order-up", "all-zones", "worst-first",
    "theme", "messages", "suspend",
)  # fmt: skip
"""Commands of the live screen that the screen of one node of a fleet has, too."""
_OF_FLEET = (
    "help", "up", "down", "page-up", "page-down", "top", "bottom", "unfold", "fold", "faster", "slower", "theme",
    "messages", "suspend",
)  # fmt: skip
_LEAVE = Key("quit", "q", "app.quit", "Quit", "Leave", VIEW, footer=True)
_UPDATE = Key("update", "u,f5", "update", "Update", "Ask the server now", VIEW, footer=True)


def _named(*commands: str) -> Keys:
    keys = {key.command: key for key in KEYS}
    return tuple(keys[command] for command in commands)


FLEET_KEYS = (
    *_named(*_OF_FLEET),
    Key("open", "enter", "open", "Open",
        "Unfold a group; a node by itself: its bars and its history (also a double click)", LISTS, footer=True),
    Key("filter", "slash", "filter", "Filter",
        "Only nodes with these words in name, state or labels; label=word for one label", LISTS, footer=True),
    Key("group", "L", "group", "Group", "Group by the next label, after the last one not at all", LISTS, footer=True),
    Key("unwind", "escape", "unwind", "Back", "Clear the filter, then fold, then do not group", LISTS),
    _UPDATE,
    _LEAVE,
)  # fmt: skip
"""Every key of a fleet."""
NODE_KEYS = (
    *_named(*_OF_NODE),
    Key("open", "enter", "open", "Live", "Show the node live, over your own ssh or kubectl", LISTS, footer=True),
    Key("long-history", "h", "long_history", "History", "The last hour, or the last day", LOOK, footer=True),
    Key("unwind", "escape", "unwind", "Fleet", "Back to the fleet", LISTS, footer=True),
    _UPDATE,
    _LEAVE,
)
"""Every key of one node of a fleet."""


KeyMap = Mapping[str, Sequence[str]]
"""Other keys for commands, by the command's name."""
_RESERVED = ("ctrl+c", "ctrl+p", "ctrl+q")
"""Keys of the application, which stay."""
_RESERVED_IN_MENU = ("escape", "q", "up", "down", "enter")
"""Keys of the save menu itself."""


class KeyMapError(ValueError):
    """A key map that does not work: `command` has the entry, the message what is wrong with it."""

    def __init__(self, command: str, why: str) -> None:
        super().__init__(why)
        self.command = command


def rebound(keys: Keys, keymap: KeyMap) -> Keys:
    """Return the keys with those of the map. Raises KeyMapError for a key that two commands have, or that is none."""
    if not keymap:
        return keys
    names = {command: ",".join(_key_name(command, text) for text in given) for command, given in keymap.items()}
    result = tuple(Key(key.command, names.get(key.command, key.keys), *key[2:]) for key in keys)
    owners = dict.fromkeys((*_RESERVED, *(_RESERVED_IN_MENU if keys is SAVE_MENU else ())), "fragtui itself")
    for key in result:
        for name in key.keys.split(","):
            if (owner := owners.get(name)) is not None:
                mapped, other = (key.command, owner) if key.command in names else (owner, key.command)
                raise KeyMapError(mapped, f"{name} is a key of {other}, too")
            owners[name] = key.command
    return result


def check_keymap(keymap: KeyMap) -> None:
    """Raise KeyMapError if the map has an unknown command or key, or a conflict on any screen."""
    known = {key.command for key in (*KEYS, *REPLAY_KEYS, *FLEET_KEYS, *SAVE_MENU)}
    for command in keymap:
        if command not in known:
            raise KeyMapError(command, f"expected one of {', '.join(sorted(known))}")
    for keys in (KEYS, REPLAY_KEYS, FLEET_KEYS, NODE_KEYS, SAVE_MENU):
        rebound(keys, keymap)


def _key_name(command: str, text: str) -> str:
    """Return Textual's name of a key: ``plus`` for ``+``; letters, digits and names stay."""
    if len(text) == 1 and not text.isalnum():
        name = unicodedata.name(text, "").lower().replace("-", "_").replace(" ", "_")
        text = {" ": "space"}.get(text) or KEY_NAME_REPLACEMENTS.get(name, name)
    named = "_" in text and key_to_character(text) is not None
    if (len(text) == 1 and text.isascii() and text.isalnum()) or text in _named_keys() or named:
        return text
    raise KeyMapError(command, f"expected a key such as C, +, f5, ctrl+g or shift+up, found {text}")


def _named_keys() -> frozenset[str]:
    return frozenset((*(key.value for key in KeyNames), *_SHOWN, *KEY_NAME_REPLACEMENTS.values()))


def key_names(keys: Keys) -> dict[str, str]:
    """Return how the first key of each command is written."""
    return {key.command: key.shown for key in keys}


def with_menu(keys: Keys, menu: Keys) -> Keys:
    """Return the keys of a screen and, as commands of it, those of its save menu, if it has one: ``w p``."""
    if not menu:
        return keys
    save = next(key for key in keys if key.command == "save")
    return *keys, *(
        key._replace(keys=f"{save.shown} {key.shown}", action=f"save({key.command!r})", label=f"Save: {key.label}")
        for key in menu
    )


def bindings(keys: tuple[Key, ...]) -> list[Binding]:
    """Return Textual's bindings for the keys."""
    return [
        Binding(
            key.keys, key.action, key.label, key_display=key.shown, show=key.footer, tooltip=key.help, id=key.command
        )
        for key in keys
    ]
