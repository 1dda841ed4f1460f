"""The pods that are stuck in creation, and what is not visible from the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fragtui.model.node.source_state import Sight, SourceState
from fragtui.render.facts import Fact
from fragtui.render.pod_text import history_facts, kernel_facts, pod_facts, pod_name, pod_reason, state_words
from fragtui.render.source_text import no_stuck_pods, other_lines, pods_sight, state_word
from fragtui.text import counted, format_duration
from fragtui.ui.clock import CLOCK
from fragtui.ui.panels.sight_rows import SIGHT_STYLES, sight_rows, sight_style
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import wrap
from fragtui.ui.widgets.list_panel import ListPanel, columns
from fragtui.ui.widgets.rows import Line, Span, line

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.model.pods.stuck_pods import StuckPod

_SIGNS = {"live": "●", "connecting": "◌", "waiting": "◌", "absent": "○", "refused": "✗", "nothing": "○", "off": "○"}
_EMPTY = {Sight.LOOKED: "none ", Sight.BLIND: "unknown ", Sight.NOTHING: "no kubelet here ", Sight.PENDING: "reading "}


class PodsPanel(ListPanel["StuckPod"]):
    """Stuck pods, the longest first, then those that started lately; without a source it says what to give."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="pods")
        self._session = session
        self._heading_alone = False

    def items(self) -> Sequence[StuckPod]:
        """Return the stuck pods and those that started lately."""
        return self._session.listed_pods

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines; where the heading has no row under it, it names the pods."""
        self._heading_alone = height < 2
        return super().build(width, height)

    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the counts and how the sources are doing."""
        update = self._session.pods
        stuck = update.stuck if update else None
        spans: list[Span] = [(" Stuck pods ", "title")]
        if stuck is not None and stuck.pods:
            refused = f" ({stuck.denied_memory} denied memory)" if stuck.denied_memory else ""
            spans.append((f"{len(stuck.pods)}{refused} ", "bad"))
        elif self._heading_alone and not self.items():
            words = no_stuck_pods(update.sources if update else None)
            return (*spans, (words.text, sight_style(words)))
        else:
            sight = pods_sight(update.sources if update else ())
            spans.append((_EMPTY[sight], SIGHT_STYLES[sight]))
        if stuck is not None and stuck.pods and self._heading_alone:
            return (*spans, (" " + ", ".join(pod_name(pod) for pod in stuck.pods[:8]), "text"))
        if stuck is not None and stuck.dropped:
            spans.append((f"+{stuck.dropped} dropped ", "warn"))
        if update and update.dropped:
            spans.append((f"{counted(update.dropped, 'kernel report')} of a flood not compared ", "warn"))
        if update and update.unread:
            spans.append((f"{counted(update.unread, 'sighting')} could not be read ", "warn"))
        sources = update.sources if update else ()
        spans += [
            (f" {_SIGNS.get(source.state, '?')} {source.name}: {state_word(source)}", "muted") for source in sources
        ]
        return tuple(spans)

    def row(self, item: StuckPod, width: int) -> tuple[Span, ...]:
        """Return who, for how long, why, how often, and how surely a kernel incident blocks it."""
        seconds = item.stuck_seconds(CLOCK.now())
        lasted = "?" if seconds is None else format_duration(seconds)
        name_width = max(16, min(48, width // 3))
        if item.started is not None:
            after = f" after {item.after_remedy}" if item.after_remedy else ""
            told = columns((f" {pod_name(item)}", name_width, "muted"), (lasted, 7, "muted"))
            return (*told, (f"✓ started{after}", "good"))
        link = f"⇐ kernel ({item.links[0].confidence}) " if item.links else ""
        attempts = f"×{item.attempts} " if item.attempts and item.attempts > 1 else ""
        style = "bad-text" if item.memory else "text"
        told = columns((f" {pod_name(item)}", name_width, "strong"), (lasted, 7, "text"))
        # What a narrow panel cuts off must be the words, which Enter shows whole.
        return (*told, (attempts, "text"), (link, "strong"), (pod_reason(item), style))

    def empty(self, width: int) -> Sequence[Line]:
        """Return what the sources can't tell, so that an empty list is not taken for good news."""
        if (update := self._session.pods) is None:
            return sight_rows(no_stuck_pods(None), width)
        rows = sight_rows(no_stuck_pods(update.sources), width)
        for words in other_lines(update.sources):
            rows += [line((f" {row}", "muted")) for row in wrap(words, width - 2, 3)]
        return rows


def pod_lines(pod: StuckPod, sources: Sequence[SourceState], width: int) -> list[Line]:
    """Return the page about one pod: the evidence, and what is missing."""
    lines = [line((state_words(pod, CLOCK.now()), "text"))]
    if pod.after_remedy:
        lines.append(line((f"after the remedy: {pod.after_remedy}", "good")))
    styles = {"cause": "bad" if pod.memory else "warn", "error": "muted"}
    lines += [line(), *_rows(pod_facts(pod), width, styles)]
    lines += [line(), line(("Kernel incidents", "title"))]
    lines += _rows(kernel_facts(pod), width) or [line(("  none is linked to this pod", "muted"))]
    lines += [line(), line(("History", "title"))]
    history = history_facts(pod, _clock)
    lines += _rows(history, width, dict.fromkeys((fact.label for fact in history), "muted"))
    lacking = [source for source in sources if source.cannot_tell]
    if lacking:
        lines += [line(), line(("Not visible from these sources", "title"))]
        for source in lacking:
            lines += [line((f"  {row}", "muted")) for row in wrap(f"{source.name}: {source.cannot_tell}", width - 4, 4)]
    return lines


def _rows(facts: Sequence[Fact], width: int, styles: Mapping[str, str] | None = None) -> list[Line]:
    """Return the facts, each text wrapped beside its label in the label's style."""
    lines = []
    for label, text in facts:
        style = (styles or {}).get(label, "text")
        rows = wrap(text, width - 13, 8) or [""]
        lines.append(line((f"  {label:<11}", "muted"), (rows[0], style)))
        lines += [line((" " * 13 + row, style)) for row in rows[1:]]
    return lines


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
