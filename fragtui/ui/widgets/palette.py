"""The colours of every role, theme and depth: explicit pairs, so that no library blends or guesses one.

Each row is a role: foreground and ground as 24-bit, 256 and 16 colours; ``-`` is the ground of the place it stands
in. `GROUNDS` lists the places. In 16 colours 8 is for borders and grid only, never for words: on VGA's palette it has
2.8:1 on black. Contrast of each pair, with xterm's and VGA's palettes: `tests/ui/widgets/test_palette.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

GROUNDS = ("screen", "line", "target", "raised")
"""Places: the screen, its first and last line, the row of the size that was asked for, dialogs and pages."""
BOLD = frozenset(
    (
        *("strong", "title", "focus", "key", "keycap", "bad", "warn", "selected"),
        *("cell-few", "cell-none", "cell-asked"),
        *("badge-ok", "badge-bad", "badge-low", "badge-recovering", "badge-unknown"),
    )
)
REVERSED = frozenset(
    ("keycap", "selected", "cell-asked", "badge-bad", "badge-low", "badge-recovering", "badge-unknown")
)
"""Roles that are shown in reverse where there is no colour."""

_DARK = """
screen           -       #10141c  -   233  -  0
line             -       #1a212d  -   235  -  0
target           -       #1e2533  -   236  -  0
raised           -       #161b26  -   234  -  0
text             #d6dce9 -        253 -    7  -
strong           #ffffff -        231 -    15 -
title            #ffffff -        231 -    15 -
muted            #9ba6be -        248 -    7  -
border           #616d88 -        242 -    8  -
grid             #6d7891 -        244 -    8  -
focus            #74b6ff -        111 -    14 -
key              #8cc4ff -        117 -    14 -
keycap           #06121f #8cc4ff  233 117  0  14
bar              #5d80b8 -        67  -    12 -
gained           #76dc94 -        114 -    10 -
lost             #6d7891 -        244 -    8  -
bad              #ff8585 -        210 -    9  -
bad-text         #ff9a9a -        210 -    9  -
warn             #f0c264 -        221 -    11 -
good             #84e9a0 -        120 -    10 -
unknown          #cdb2ff -        183 -    13 -
badge-ok         #84e9a0 -        120 -    10 -
badge-bad        #ffffff #c3272f  231 160  15 1
badge-low        #1c1400 #f0c264  233 221  0  11
badge-recovering #03151a #63d3e6  233 80   0  14
badge-unknown    #160b2b #cdb2ff  233 183  0  13
cell-many        #dcebfa #2b4c72  255 24   15 0
cell-enough      #cfe0f2 #223b58  255 17   15 0
cell-few         #ffd987 #43340f  229 58   11 0
cell-none        #ff9d9d #451a20  217 52   9  0
cell-asked       #ffffff #b4262f  231 160  15 1
history-plenty   #5270a3 -        67  -    12 -
history-some     #7193cb -        110 -    12 -
history-few      #e0b050 -        178 -    11 -
history-none     #f0666c -        203 -    9  -
selected         #ffffff #263852  231 24   0  7
behind           #5f6a82 -        242 -    8  -
"""
_LIGHT = """
screen           -       #fbfbf8  -   231  -  15
line             -       #e9ecf0  -   255  -  15
target           -       #eceff3  -   255  -  15
raised           -       #f4f6f8  -   255  -  15
text             #20242c -        235 -    0  -
strong           #000000 -        16  -    0  -
title            #000000 -        16  -    0  -
muted            #596273 -        241 -    0  -
border           #78808e -        243 -    8  -
grid             #78808e -        243 -    8  -
focus            #0b5fc0 -        25  -    4  -
key              #0b5fc0 -        25  -    4  -
keycap           #ffffff #0b5fc0  231 25   15 4
bar              #4f78b4 -        67  -    4  -
gained           #127a3a -        29  -    0  -
lost             #78808e -        243 -    8  -
bad              #b3131f -        124 -    1  -
bad-text         #b3131f -        124 -    1  -
warn             #7d5600 -        94  -    0  11
good             #11703a -        23  -    0  -
unknown          #6a35b8 -        61  -    5  -
badge-ok         #11703a -        23  -    0  -
badge-bad        #ffffff #c01a26  231 124  15 1
badge-low        #221800 #ffcf5c  233 221  0  11
badge-recovering #ffffff #0b6f86  231 24   15 4
badge-unknown    #ffffff #6a35b8  231 61   15 5
cell-many        #10253f #b5cff0  235 153  0  15
cell-enough      #13263c #cfe0f5  235 189  0  15
cell-few         #5c3f00 #ffe7a6  58  223  0  11
cell-none        #9d1520 #fbd9da  124 224  1  15
cell-asked       #ffffff #c01a26  231 124  15 1
history-plenty   #5f82ba -        67  -    4  -
history-some     #3f69a8 -        25  -    4  -
history-few      #9a6a00 -        130 -    1  -
history-none     #c01a26 -        124 -    1  -
selected         #000000 #cfe2fb  16  189  15 0
behind           #858b96 -        243 -    8  -
"""
_HIGH_CONTRAST = """
screen           -       #000000  -   16   -  0
line             -       #1a1a1a  -   234  -  0
target           -       #1c1c1c  -   234  -  0
raised           -       #000000  -   16   -  0
text             #ffffff -        231 -    15 -
strong           #ffffff -        231 -    15 -
title            #ffffff -        231 -    15 -
muted            #d8d8d8 -        188 -    7  -
border           #a8a8a8 -        248 -    7  -
grid             #a8a8a8 -        248 -    7  -
focus            #ffff00 -        226 -    11 -
key              #66e0ff -        81  -    14 -
keycap           #000000 #66e0ff  16  81   0  14
bar              #7fb2ff -        111 -    7  -
gained           #4dff88 -        84  -    10 -
lost             #a8a8a8 -        248 -    7  -
bad              #ff8f8f -        210 -    9  -
bad-text         #ffa0a0 -        217 -    9  -
warn             #ffd84d -        221 -    11 -
good             #4dff88 -        84  -    10 -
unknown          #e3b8ff -        183 -    13 -
badge-ok         #4dff88 -        84  -    10 -
badge-bad        #ffffff #b00010  231 124  15 1
badge-low        #000000 #ffd84d  16  221  0  11
badge-recovering #000000 #66e0ff  16  81   0  14
badge-unknown    #000000 #e3b8ff  16  183  0  13
cell-many        #ffffff #23466b  231 18   15 0
cell-enough      #ffffff #16304f  231 17   15 0
cell-few         #000000 #ffd84d  16  221  0  11
cell-none        #ffffff #6a0010  231 52   9  0
cell-asked       #ffffff #b00010  231 124  15 1
history-plenty   #648dd4 -        68  -    7  -
history-some     #7fb2ff -        111 -    7  -
history-few      #ffd84d -        221 -    11 -
history-none     #ff5c5c -        203 -    9  -
selected         #000000 #ffffff  16  231  0  7
behind           #8a8a8a -        245 -    7  -
"""
_COLORBLIND = """
bar              #5b8fd6 -        68  -    12 -
gained           #d9f1ff -        195 -    15 -
bad              #ff9a57 -        209 -    9  -
bad-text         #ffb080 -        216 -    9  -
warn             #f5e663 -        227 -    11 -
good             #7fd0f7 -        117 -    14 -
unknown          #e3a6cf -        182 -    13 -
badge-ok         #7fd0f7 -        117 -    14 -
badge-bad        #ffffff #b34700  231 130  15 1
badge-low        #1c1400 #f5e663  233 227  0  11
badge-recovering #03151a #7fd0f7  233 117  0  14
badge-unknown    #160b2b #e3a6cf  233 182  0  13
cell-few         #f5e663 -        227 -    11 0
cell-none        #ffd9bf #6b2d00  231 94   9  0
cell-asked       #ffffff #b34700  231 130  15 1
history-plenty   #5b8fd6 -        68  -    12 -
history-some     #8db8f0 -        111 -    12 -
history-few      #f5e663 -        227 -    11 -
history-none     #ff9a57 -        209 -    9  -
"""
"""The hues of Okabe and Ito over the dark theme, distinguished by lightness first; `cell-few` has no ground of its own,
which would be too near to that of `cell-none`."""

_TABLES = {
    "dark": (_DARK,),
    "light": (_LIGHT,),
    "high-contrast": (_HIGH_CONTRAST,),
    "colorblind": (_DARK, _COLORBLIND),
}
THEMES = tuple(_TABLES)
"""The themes by name; the first is taken if the terminal does not say what its ground is."""
AUTO = "auto"
THEME_CHOICES = (AUTO, *THEMES)
"""What ``--theme`` takes."""


class Pair(NamedTuple):
    """A foreground and a ground, each as #rrggbb or as a number; None: that of the place."""

    foreground: str | None
    ground: str | None


class Colours(NamedTuple):
    """A role's pairs at each depth."""

    true: Pair
    indexed: Pair
    ansi: Pair


@cache
def colours_of(theme: str) -> Mapping[str, Colours]:
    """Return the roles and grounds of a theme, parsed once. Raises KeyError for a theme that there is not."""
    roles: dict[str, Colours] = {}
    for table in _TABLES[theme]:
        for row in table.strip().splitlines():
            name, *colours = row.split()
            true, indexed, ansi = (
                Pair(*(None if colour == "-" else colour for colour in colours[at : at + 2])) for at in (0, 2, 4)
            )
            roles[name] = Colours(true, indexed, ansi)
    return roles
