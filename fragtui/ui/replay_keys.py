"""The keys of a replay: those of the main screen that make sense there, and its own."""

from __future__ import annotations

from fragtui.ui.keys import KEYS, Key

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
_NOT_THERE = ("pause", "interval(1)", "interval(-1)", "page_types", "abort", "app.record")
"""Actions of the live screen that a recording has no use for."""
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
