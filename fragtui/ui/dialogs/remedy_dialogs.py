"""The dialogs before remedies: whether it is needed, the exact commands, the expected result, the cost on this node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.target_zones import usable_blocks
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.risk import NodeConditions
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.ladder import Rung, gentlest, ladder
from fragtui.render.card.fitting import cells_in, shortened
from fragtui.render.numbers import rough
from fragtui.render.remedy.question import Expectation, RemedyQuestion, remedy_question
from fragtui.render.remedy.remote_text import commands_of, not_streamed
from fragtui.text import format_block, format_count, printable
from fragtui.ui.dialogs.confirm import LABEL_CELLS, ConfirmDialog, bar_line, field, paragraph
from fragtui.ui.widgets.log_scale import DECADES, decades, log_cells
from fragtui.ui.widgets.rows import Line, bar_tones, line

_MAX_NAME = 30
"""Characters of a node's name in a title."""
_MAX_TITLE = 67
"""Cells of a remedy's title and its node: as many as the frame has on 80 columns."""
_BAR_CELLS = 40
_MIN_BAR_CELLS = 12
_STYLES = {"good": "good", "warn": "warn"}


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """A remote node, whose own fragtui would run the remedy."""

    name: str
    command: Callable[[Remedy], str]
    """Returns the command that has it run there."""
    note: str
    """What differs from that command on some nodes; empty if nothing does."""


@dataclass(frozen=True, slots=True)
class DialogContext:
    """The node that a remedy would run on."""

    snapshot: Snapshot
    order: int
    root: Path
    audit: Path
    conditions: NodeConditions | None = None
    previous: Snapshot | None = None
    """An earlier tick, for rates."""
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    remote: RemotePlace | None = None
    """Set for a remote node; `root` is that of the node, `audit` and `conditions` are unknown then."""

    @property
    def place(self) -> str:
        """Return `` on NODE``; empty if the name is unknown or too long for a title."""
        name = self.snapshot.host.name
        return f" on {name}" if name and len(name) <= _MAX_NAME else ""

    def question(self, effect: Effect) -> RemedyQuestion:
        """Return the text for a remedy with that effect."""
        return remedy_question(self.snapshot, self.order, effect, self.conditions, self.previous, self.thresholds)

    def commands(self, remedy: Remedy) -> Sequence[str]:
        """Return what runs, as commands."""
        written = _command(remedy, self.root)
        return [written] if self.remote is None else commands_of(self.remote.command(remedy), self.remote.note, written)


class RemedyDialog(ConfirmDialog[Remedy]):
    """Asks whether to run one remedy; a key switches between its variants, without and with a sync first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "next_variant", "Sync first")]

    def __init__(
        self, setting: DialogContext, variants: tuple[Remedy, ...], beside: Callable[[int], list[Line]] | None = None
    ) -> None:
        """`beside` makes the lines about who holds the page cache, for the remedies that drop it."""
        self._setting = setting
        self._beside = beside
        self._variants = variants
        self._chosen = 0
        super().__init__()

    @property
    def answer(self) -> Remedy:
        """The variant that would run."""
        return self._variants[self._chosen]

    @property
    def heading(self) -> str:
        """Its title, as a question."""
        title, place = self.answer.title, self._setting.place
        place = place if cells_in(title + place) <= _MAX_TITLE else ""
        return f"{shortened(title, _MAX_TITLE)}{place} now?"

    @property
    def run_label(self) -> str:
        """The title of the variant without a sync: it has room at every width."""
        return min((remedy.title for remedy in self._variants), key=len)

    @property
    def hint(self) -> str:
        """The key of the other variant."""
        if len(self._variants) < 2:
            return ""
        return "s without sync" if self.answer.sync_first else "s with sync"

    def action_next_variant(self) -> None:
        """Switch sync first on or off."""
        self._chosen = (self._chosen + 1) % len(self._variants)
        self.changed()

    def lines(self, width: int) -> Sequence[Line]:
        """Return whether it is needed, the command, the expected result and the cost."""
        setting, remedy = self._setting, self.answer
        question = setting.question(remedy.effect)
        lines = [*_need(question, width), line()]
        lines += field("Command", setting.commands(remedy), width, "strong")
        if len(self._variants) > 1:
            mark = "x" if remedy.sync_first else " "
            why = (
                "one dirty page can end compaction early" if remedy.effect.compact else "only clean ones can be dropped"
            )
            text = f"[{mark}] sync first: writes dirty pages, {why}"
            head, *rest = field("", [text], width - 3)
            lines.append(line((" " * LABEL_CELLS, "text"), ("s  ", "key"), head.spans[-1]))
            lines += [line((" " * (LABEL_CELLS + 3), "text"), row.spans[-1]) for row in rest]
        lines += _consequences(setting, question, width)
        if setting.remote is not None:
            lines += [line(), *field("Not known", [not_streamed(remedy.effect)], width, "warn")]
        return lines if self._beside is None else [*lines, line(), *self._beside(width)]


class ReclaimDialog(RemedyDialog):
    """Asks whether to reclaim one cgroup; a key chooses the next of those with most page cache."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("p", "next_cgroup", "Next pod")]

    def __init__(
        self, setting: DialogContext, cgroups: tuple[tuple[Remedy, ...], ...], beside: Callable[[int], list[Line]]
    ) -> None:
        self._cgroups = cgroups
        self._at = 0
        super().__init__(setting, cgroups[0], beside)

    @property
    def run_label(self) -> str:
        """What it does; the name is in the title."""
        return "Reclaim it"

    @property
    def hint(self) -> str:
        """The keys of the other variant and of the next cgroup."""
        return f"{super().hint} · p next ({self._at + 1} of {len(self._cgroups)})"

    def action_next_cgroup(self) -> None:
        """Choose the next cgroup."""
        self._at = (self._at + 1) % len(self._cgroups)
        self._variants, self._chosen = self._cgroups[self._at], 0
        self.changed()


class EscalationDialog(ConfirmDialog[tuple[Remedy, ...]]):
    """Asks whether to run remedies one after another, gentlest first, until there are enough blocks."""

    run_label = "Run step by step"

    def __init__(
        self, setting: DialogContext, remedies: tuple[Remedy, ...], blocks: int, left_out: tuple[str, ...] = ()
    ) -> None:
        """`left_out` are steps that can't run here, each with the reason."""
        self._setting = setting
        self._left_out = left_out
        self._blocks = blocks
        self._remedies = remedies
        self._free = usable_blocks(setting.snapshot, setting.order)
        super().__init__()

    @property
    def heading(self) -> str:
        """Its title, as a question."""
        return f"Run remedies step by step{self._setting.place} now?"

    @property
    def answer(self) -> tuple[Remedy, ...] | None:
        """The remedies in their order; None if there are enough blocks, so that none would run."""
        return self._remedies if self._free is None or self._free < self._blocks else None

    def lines(self, width: int) -> Sequence[Line]:
        """Return the steps in their order, the expected result and the cost of all of them."""
        setting = self._setting
        block = format_block(setting.snapshot.host.page_size, setting.order)
        rungs = self._rungs
        steps = [f"{number}  {_rung_text(rung, setting.root)}" for number, rung in enumerate(rungs, 1)]
        until = f"{self._blocks} blocks of {block} are free; x aborts a step and the rest"
        if self.answer is None:
            have = f"! You already have {format_count(self._free or 0)} blocks of {block}; nothing would run."
            lines = [*paragraph(have, width, "warn"), line(), *field("Commands", steps, width, "muted")]
            return [*lines, line(), *field("Until", [until], width)]
        question = setting.question(reduce(_both, (remedy.effect for remedy in self._remedies)))
        lines = [*_need(question, width), line(), *field("Commands", steps, width, "strong")]
        lines += field("Left out", self._left_out, width, "muted")
        lines += field("Gentlest", [_gentlest_text(rungs)], width)
        return [*lines, *field("Until", [until], width), *_consequences(setting, question, width)]

    @property
    def _rungs(self) -> tuple[Rung, ...]:
        setting = self._setting
        view = forecast(setting.snapshot, setting.order)
        return ladder(self._remedies, setting.snapshot, view, self._blocks - (self._free or 0))


def _rung_text(rung: Rung, root: Path) -> str:
    """Return the command of a step, and what it gives or why it is skipped."""
    effect, blocks = rung.remedy.effect, rung.expected.blocks
    text = _command(rung.remedy, root)
    if rung.skipped is not None:
        return f"{text} – skipped: {rung.skipped}"
    if not (effect.drops or effect.compact) or blocks is None:
        return text
    return f"{text} – about {rough(blocks)} more blocks" if blocks > 0 else f"{text} – no more blocks"


def _gentlest_text(rungs: Sequence[Rung]) -> str:
    """Return the gentlest step that suffices, and what more the next would bring."""
    chosen, after = gentlest(rungs)
    if chosen is None:
        return "no step alone is expected to suffice, so all run in turn until enough are free"
    text = f"{chosen.remedy.title} is expected to suffice: about {rough(chosen.expected.blocks or 0)} blocks"
    if after is None:
        return f"{text}; no later step is expected to give more"
    return f"{text}; next: {after.remedy.title}, about {rough(after.expected.blocks or 0)}"


def _both(first: Effect, second: Effect) -> Effect:
    """Return what two remedies do together."""
    return Effect(
        sync=first.sync or second.sync,
        page_cache=first.page_cache or second.page_cache,
        slab=first.slab or second.slab,
        compact=first.compact or second.compact,
    )


def _command(remedy: Remedy, root: Path) -> str:
    return "; ".join(step.command(root) for step in remedy.steps)


def _need(question: RemedyQuestion, width: int) -> list[Line]:
    """Return whether a remedy is needed at all."""
    return paragraph(question.need, width, _STYLES.get(question.need_role, "text"))


def _consequences(setting: DialogContext, question: RemedyQuestion, width: int) -> list[Line]:
    lines = [line(), *field("Expected", [question.expected], width)]
    if question.expectation is not None:
        lines += _bars(question.expectation, width)
    lines += field("", [f"⚠ {text}" for text in question.useless], width, "warn")
    lines += [line(), *field("Cost", [f"· {text}" for text in question.costs], width)]
    lines += field("", [f"⚠ {text}" for text in question.risks], width, "warn")
    lines += [line(), *field("Undo", [question.undo], width)]
    audit = printable(str(setting.audit)) if setting.remote is None else f"the audit log of {setting.remote.name}"
    lines += field("Logged to", [f"{audit}, before it runs"], width)
    if question.reasons:
        lines += [line(), *field("Estimate", [f"· {text}" for text in question.reasons], width, "muted")]
    return lines


def _ends(expected: Expectation) -> str:
    """Return the ends of the forecast, as gains over what is free now."""
    gains = (end - expected.now for end in (expected.low, expected.high))
    low, high = (f"{'+' if expected.now and gain >= 0 else ''}{rough(gain)}" for gain in gains)
    return low if low == high else f"{low} to {high}"


def _bars(expected: Expectation, width: int) -> list[Line]:
    """Return the blocks now and after: solid to the low end of the forecast, ghost to the high one."""
    text = _ends(expected)
    room = min(_BAR_CELLS, width - LABEL_CELLS - 7 - 2 - len(text))
    if room < _MIN_BAR_CELLS:
        return []
    span = decades([expected.now, expected.high])
    now, low, high = (log_cells(count, span, room) for count in (expected.now, expected.low, expected.high))
    tones = bar_tones()
    before = ("✗ none", "bad") if expected.now == 0 else (tones.kept * now, "bar")
    marks = [" "] * (room + 4)
    for decade, label in enumerate(DECADES[: span + 1]):
        at = max(0, log_cells(10**decade, span, room) - 1)
        if at + len(label) <= len(marks) and not "".join(marks[max(0, at - 1) : at + 1]).strip():
            marks[at : at + len(label)] = label
    return [
        bar_line("now", before, ("" if expected.now == 0 else f"  {format_count(expected.now)}", "text")),
        bar_line("after", (tones.gained * low, "gained"), (tones.lost * (high - low), "lost"), (f"  {text}", "text")),
        bar_line("", ("".join(marks).rstrip(), "muted")),
    ]
