"""The question before the guard, which then runs remedies without asking: a dry run first, then the node's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from fragtui.remedies.guard.policy import Policy, format_policy
from fragtui.render.remedy.guard_text import guard_sentences
from fragtui.text import printable
from fragtui.ui.dialogs.confirm import ConfirmDialog, field, paragraph
from fragtui.ui.widgets.rows import Line, line, shown

_MAX_NAME = 64
"""HOST_NAME_MAX of Linux: characters of a node's name, at most."""


@dataclass(frozen=True, slots=True)
class GuardContext:
    """The node that a guard would run on."""

    name: str
    """What is typed to confirm: the node's name, or ``yes`` if it has none."""
    page_size: int
    audit: Path
    used: bool
    """Whether this program's guard was on before, so that a dry run is no longer the default."""
    trusted: bool
    """Whether it was on for real before, so that its name is not asked for again."""
    switch_key: str
    """The key that switches it off again."""
    abort_key: str


class _NameInput(Input):
    """Takes the node's name, and answers while its Enter key is handled, so that the gate knows the key."""

    async def action_submit(self) -> None:
        """Answer."""
        await self.screen.run_action("answer(True)")


class GuardDialog(ConfirmDialog[Policy]):
    """Asks whether to switch the guard on: as a dry run, or for real."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "switch_dry_run", "Dry run"),
        Binding("p", "switch_policy", "Policy"),
    ]

    def __init__(self, policy: Policy, context: GuardContext) -> None:
        self._node = context
        self._policy = replace(policy, dry_run=not context.used)
        self._raw = False
        super().__init__()

    @property
    def heading(self) -> str:
        """Its title, as a question."""
        return "Switch the guard on as a dry run?" if self.answer.dry_run else "Switch the guard on for real?"

    @property
    def hint(self) -> str:
        """Its own keys."""
        return f"d {'for real' if self.answer.dry_run else 'dry run'} · p {'sentences' if self._raw else 'policy'}"

    @property
    def run_label(self) -> str:
        """What a confirmation does."""
        return "Start the dry run" if self.answer.dry_run else "Switch it on for real"

    @property
    def answer(self) -> Policy:
        """The policy."""
        return self._policy

    @property
    def _asks_name(self) -> bool:
        return not (self.answer.dry_run or self._node.trusted)

    def more(self) -> Iterable[Widget]:
        """Return the field for the node's name."""
        name = _NameInput(id="typed-name", max_length=_MAX_NAME, placeholder=shown(f"type {self._node.name}"))
        name.display = self._asks_name
        yield name

    def action_switch_dry_run(self) -> None:
        """Switch between a dry run and the real one."""
        self._policy = replace(self._policy, dry_run=not self._policy.dry_run)
        for name in self.query(_NameInput):
            name.display = self._asks_name
            name.value = ""
        self.changed()
        self.on_resize()
        self.query("#typed-name" if self._asks_name else "#cancel").focus()

    def action_switch_policy(self) -> None:
        """Show the policy as TOML, or as sentences."""
        self._raw = not self._raw
        self.changed()

    def action_answer(self, run: bool) -> None:
        """Close with the answer; the first real use needs the node's name."""
        if run and self._asks_name and not self._is_named:
            self.query("#typed-name").focus()
            text = f"Type {self._node.name} to switch the guard on for real."
            self.app.notify(text, title="Not switched on", severity="warning", markup=False)
            return
        super().action_answer(run)

    def _run(self) -> None:
        # The text may have changed while the gate waited.
        if not self._asks_name or self._is_named:
            super()._run()

    @property
    def _is_named(self) -> bool:
        return any(name.value.strip() == self._node.name for name in self.query(_NameInput))

    def lines(self, width: int) -> Sequence[Line]:
        """Return the policy in sentences or as it is written, and what the guard does on this node."""
        policy, context = self.answer, self._node
        if policy.dry_run:
            first = (
                "✓ Dry run: it decides and reports what it would run, but runs nothing. d switches to the real guard."
            )
            lines = paragraph(first, width, "good")
        else:
            first = f"! While fragtui is open, it runs these steps on {context.name} without asking again."
            lines = paragraph(first, width, "warn")
        lines.append(line())
        if self._raw:
            lines += [line((row, "strong")) for row in format_policy(policy).splitlines()]
        else:
            for label, sentence in guard_sentences(policy, context.page_size):
                lines += field(label, [sentence], width)
            off = f"{context.switch_key} switches it off, {context.abort_key} aborts a run, and it ends with fragtui."
            lines += field("", [off], width)
        if not policy.dry_run:
            audit = printable(str(context.audit))
            lines += [line(), *field("Logged to", [f"{audit}, each step before it runs"], width)]
        if self._asks_name:
            lines += [
                line(),
                *paragraph(f"Type the node's name, {context.name}, and press Enter to confirm.", width, "text"),
            ]
        return lines
