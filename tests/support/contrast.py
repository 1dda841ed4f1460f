"""Contrast of colours as WCAG 2 defines it, and what terminals draw for a numbered colour."""

from __future__ import annotations

import pyte.graphics

XTERM = (
    *("#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"),
    *("#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"),
)
VGA = (
    *("#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa"),
    *("#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff"),
)
_NAMES = {
    name: number % 10 + 8 * (number >= 90)
    for table in (pyte.graphics.FG_ANSI, pyte.graphics.FG_AIXTERM, pyte.graphics.BG_ANSI, pyte.graphics.BG_AIXTERM)
    for number, name in table.items()
    if name != "default"
    for number in [number if number < 100 else number - 10]
}
_STEPS = (0, 95, 135, 175, 215, 255)


def drawn(colour: str, palette: tuple[str, ...] = XTERM) -> str:
    """Return a colour, #rrggbb or a number below 256, as #rrggbb: the cube and the greys are the same everywhere."""
    if colour.startswith("#"):
        return colour
    number = int(colour)
    if number < 16:
        return palette[number]
    if number >= 232:
        return f"#{8 + 10 * (number - 232):02x}" + f"{8 + 10 * (number - 232):02x}" * 2
    red, green, blue = (_STEPS[(number - 16) // step % 6] for step in (36, 6, 1))
    return f"#{red:02x}{green:02x}{blue:02x}"


def as_drawn(colour: str, palette: tuple[str, ...] = XTERM) -> str:
    """Return a colour that pyte names, a word or rrggbb, as #rrggbb. Raises KeyError for ``default``."""
    return f"#{colour}" if len(colour) == 6 and colour not in _NAMES else palette[_NAMES[colour]]


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb, 0..1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours #rrggbb, 1..21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
