"""The dialogs before remedies: the exact writes, the expected result, the cost on this node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.verdict import judge_node
from fragtui.model.remedy.effect import Effect
from fragtui.model.remedy.forecast import forecast
from fragtui.model.remedy.risk import NodeConditions, risks
from fragtui.remedies.catalogue import Remedy
from fragtui.remedies.guard.policy import Policy, format_policy
from fragtui.render.card.state_text import need
from fragtui.render.forecast_text import forecast_text
from fragtui.text import format_block
from fragtui.ui.dialogs.confirm import ConfirmDialog, paragraph
from fragtui.ui.widgets.rows import Line, line


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


class RemedyDialog(ConfirmDialog[Remedy]):
    """Asks whether to run one remedy; a key switches between its variants, without and with a sync first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "next_variant", "Sync first")]

    def __init__(self, setting: DialogContext, variants: tuple[Remedy, ...]) -> None:
        self._setting = setting
        self._variants = variants
        self._chosen = 0
        super().__init__()

    @property
    def answer(self) -> Remedy:
        """The variant that would run."""
        return self._variants[self._chosen]

    @property
    def heading(self) -> str:
        """Its title."""
        return self.answer.title

    def action_next_variant(self) -> None:
        """Switch sync first on or off."""
        self._chosen = (self._chosen + 1) % len(self._variants)
        self.changed()

    def lines(self, width: int) -> Sequence[Line]:
        """Return the commands, the expected result and the cost."""
        setting, remedy = self._setting, self.answer
        lines = [*_need(setting, remedy.effect, width), line(), line(("Command", "title"))]
        for number, step in enumerate(remedy.steps, 1):
            lines += paragraph(f"{number}. {step.sentence(setting.root)}", width, "strong")
        lines += _expectation(setting, remedy.effect, width)
        if len(self._variants) > 1:
            mark = "x" if remedy.sync_first else " "
            why = "one of them can end compaction early" if remedy.effect.compact else "only clean ones can be dropped"
            lines.append(line(("s ", "key"), (f"[{mark}] sync first: writes dirty pages, {why}", "text")))
        return lines


class EscalationDialog(ConfirmDialog[tuple[Remedy, ...]]):
    """Asks whether to run remedies one after another, gentlest first, until there are enough blocks."""

    heading = "Step by step until there are enough blocks"

    def __init__(self, setting: DialogContext, remedies: tuple[Remedy, ...], blocks: int) -> None:
        self._setting = setting
        self._blocks = blocks
        self._remedies = remedies
        super().__init__()

    @property
    def answer(self) -> tuple[Remedy, ...]:
        """The remedies in their order."""
        return self._remedies

    def lines(self, width: int) -> Sequence[Line]:
        """Return the steps in their order, the expected result and the cost of all of them."""
        setting = self._setting
        block = format_block(setting.snapshot.host.page_size, setting.order)
        lines = [*_need(setting, self._whole, width), line()]
        lines += paragraph(
            f"Stops as soon as {self._blocks} blocks of {block} are available; x aborts a step and the rest.",
            width,
            "text",
        )
        lines += [line(), line(("Commands, one after another", "title"))]
        for number, step in enumerate((step for remedy in self.answer for step in remedy.steps), 1):
            lines += paragraph(f"{number}. {step.sentence(setting.root)}", width, "strong")
        return [*lines, *_expectation(setting, self._whole, width)]

    @property
    def _whole(self) -> Effect:
        """What all steps do together."""
        effects = [remedy.effect for remedy in self.answer]
        return Effect(
            sync=any(effect.sync for effect in effects),
            page_cache=any(effect.page_cache for effect in effects),
            slab=any(effect.slab for effect in effects),
            compact=any(effect.compact for effect in effects),
        )


class GuardDialog(ConfirmDialog[Policy]):
    """Asks whether to switch the guard on, which then runs remedies without a question."""

    heading = "Switch the guard on"

    def __init__(self, policy: Policy, audit: Path) -> None:
        self._audit = audit
        self._policy = policy
        super().__init__()

    @property
    def answer(self) -> Policy:
        """The policy."""
        return self._policy

    def lines(self, width: int) -> Sequence[Line]:
        """Return the policy and its effect."""
        lines = paragraph(
            "While fragtui is open, the guard runs these steps whenever the policy is met, without asking again. "
            "G switches it off, x aborts a run. It stops by itself when remedies gain nothing.",
            width,
            "warn",
        )
        lines += [line(), line(("Policy", "title"))]
        for row in format_policy(self.answer).splitlines():
            lines += paragraph(row, width, "strong")
        return [*lines, line(), *paragraph(f"Each step is logged to {self._audit} before it runs", width, "muted")]


def _need(setting: DialogContext, effect: Effect, width: int) -> list[Line]:
    """Return whether a remedy is needed at all."""
    snapshot, order = setting.snapshot, setting.order
    view = forecast(snapshot, order)
    text, style = need(judge_node(snapshot, order), snapshot.host.page_size, view.worth(view.gain(effect)))
    return paragraph(text, width, style)


def _expectation(setting: DialogContext, effect: Effect, width: int) -> list[Line]:
    outlook = forecast(setting.snapshot, setting.order)
    text = forecast_text(setting.snapshot, outlook, effect)
    lines = [line(), line(("Expected result", "title"))]
    lines += paragraph(text.headline, width, "text")
    for reason in text.reasons:
        lines += paragraph(f"· {reason}", width, "muted")
    lines += [line(), line(("Cost on this node", "title"))]
    for cost in text.costs:
        lines += paragraph(f"· {cost}", width, "text")
    for risk in risks(setting.snapshot, outlook, effect, setting.conditions, setting.previous):
        lines += paragraph(f"⚠ {risk.sentence}", width, "bad" if risk.useless else "warn")
    return [*lines, line(), *paragraph(f"Logged to {setting.audit} before it runs", width, "muted")]
