"""The pods that are stuck in creation, and what is not visible from the sources."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from fragtui.model.node.source_state import Sight, SourceState
from fragtui.render.facts import Fact
from fragtui.render.numbers import span_words
from fragtui.render.pod_text import (
    history_facts,
    kernel_facts,
    pod_facts,
    pod_name,
    pod_reason,
    retry_words,
    seconds_to_try,
    state_words,
    stuck_words,
)
from fragtui.render.source_text import no_stuck_pods, other_lines, pods_sight, state_word
from fragtui.text import counted
from fragtui.ui.clock import CLOCK
from fragtui.ui.panels.pod_links import pods_in
from fragtui.ui.panels.sight_rows import SIGHT_STYLES, sight_rows, sight_style
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of, fit_name, fit_right, spans_width, wrap
from fragtui.ui.widgets.framed import Spans
from fragtui.ui.widgets.list_panel import ListPanel, columns
from fragtui.ui.widgets.rows import Line, Span, line

if TYPE_CHECKING:  # For annotations only; the first bars don't need it.
    from fragtui.model.pods.pod_update import PodUpdate
    from fragtui.model.pods.stuck_pods import StuckPod
    from fragtui.model.state.waiting_pods import WaitingPods

_POSITION = 16
"""Cells that the heading leaves for which rows are shown."""
_MIN_NAME, _MAX_NAME = 16, 56
"""Cells of the names."""
_OTHERS = "others"
"""The key of the row that folds pods."""
_SIGNS = {"live": "●", "connecting": "◌", "waiting": "◌", "absent": "○", "refused": "✗", "nothing": "○", "off": "○"}
_WITH_RETRY = 92
"""Cells from which on a row has the time of the next try."""
_TITLE_EDGES = 6
"""Cells beside a name in the title of its page; a longer one is also in the page, whole."""
_EMPTY = {Sight.LOOKED: "none ", Sight.BLIND: "unknown ", Sight.NOTHING: "no kubelet here ", Sight.PENDING: "reading "}


class OtherPods(NamedTuple):
    """The row that stands for the pods which nothing links to denied memory."""

    pods: tuple[StuckPod, ...]
    words: str
    """How many for which cause."""


class PodsPanel(ListPanel["StuckPod | OtherPods"]):
    """Stuck pods: by memory, the most certain first; the others folded; then those that started lately."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="pods")
        self._session = session
        self._heading_alone = False
        self._has_retries = False
        """Whether there is room for the time of the next try, and a pod that has one."""
        self._wanted = ""
        self._longest = 0
        """Cells of the longest name in the list."""
        self._listed: tuple[StuckPod | OtherPods, ...] = ()
        self._update: PodUpdate | None = None
        self._view = 0
        self._waiting: WaitingPods | None = None

    @property
    def follows_samples(self) -> bool:
        """Whether a pod is listed: its row has the time that it has waited."""
        return bool(self._session.listed_pods)

    def items(self) -> Sequence[StuckPod | OtherPods]:
        """Return the rows."""
        update = self._session.pods
        if update is not None and (update is not self._update or self.changed_view != self._view):
            self._update, self._view = update, self.changed_view
            # There are no pods before the first bars, which don't wait for these.
            from fragtui.model.state.waiting_pods import WaitingPods, waiting_pods  # noqa: PLC0415

            self._waiting = waiting = waiting_pods(update.stuck)
            blamed = self._having((*waiting.by_memory, *waiting.possibly))
            others = self._having((*waiting.unknown, *waiting.others))
            started = self._having(update.stuck.started)
            rows: list[StuckPod | OtherPods] = list(blamed)
            if len(others) > 1 and blamed and not self._wanted:
                words = stuck_words(WaitingPods(unknown=waiting.unknown, others=waiting.others))
                rows.append(OtherPods(others, words))
            if not isinstance(rows[-1] if rows else None, OtherPods) or _OTHERS in self._unfolded:
                rows += others
            self._listed = (*rows, *started)
            shown = (row for row in self._listed if not isinstance(row, OtherPods))
            self._longest = max((cells_of(pod_name(pod)) for pod in shown), default=0)
        return self._listed

    def _having(self, pods: Iterable[StuckPod]) -> tuple[StuckPod, ...]:
        """Return the pods that contain the filter's text."""
        wanted = self._wanted.casefold()
        return tuple(pod for pod in pods if not wanted or wanted in _text(pod).casefold())

    def key(self, item: StuckPod | OtherPods) -> Hashable:
        """Return the pod's name; of one without, when it failed first."""
        if isinstance(item, OtherPods):
            return _OTHERS
        return str(item.ref) if item.ref else item.first_failure

    def group(self, item: StuckPod | OtherPods) -> Hashable | None:
        """Return the key of the row that folds the others."""
        if isinstance(item, OtherPods):
            return _OTHERS
        folds = any(isinstance(row, OtherPods) for row in self._listed)
        return _OTHERS if folds and not item.blamed and item.started is None else None

    @property
    def wanted(self) -> str:
        """The text that listed pods contain."""
        return self._wanted

    @wanted.setter
    def wanted(self, text: str) -> None:
        self._wanted = text

    @property
    def matches(self) -> tuple[int, int]:
        """The pods that contain that text, and all of them."""
        return len(self.items()), len(self._session.listed_pods)

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines; where the heading has no row under it, it names the pods."""
        self._heading_alone = height < 2
        now, stuck = CLOCK.now(), self._session.pods.stuck.pods if self._session.pods else ()
        self._has_retries = width >= _WITH_RETRY and any(seconds_to_try(pod, now) is not None for pod in stuck)
        return super().build(width, height)

    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the counts and how the sources are doing."""
        update = self._session.pods
        stuck = update.stuck if update else None
        spans: list[Span] = [(" Stuck pods ", "title")]
        if stuck is not None and stuck.pods:
            self.items()
            spans.append(self._counts(width - spans_width(spans)))
        elif self._heading_alone and not self.items() and not self._wanted:
            words = no_stuck_pods(update.sources if update else None)
            return (*spans, (words.text, sight_style(words)))
        else:
            sight = pods_sight(update.sources if update else ())
            spans.append((_EMPTY[sight], SIGHT_STYLES[sight]))
        if stuck is not None and stuck.pods and self._heading_alone:
            names = [pod_name(pod) for pod in self.items() if not isinstance(pod, OtherPods)]
            first = pods_in(names, width - spans_width(spans) - 2)
            return (*spans, (f"· {first}" if first else "", "text"))
        if stuck is not None and stuck.dropped:
            spans.append((f"+{stuck.dropped} dropped ", "warn"))
        if update and update.dropped:
            spans.append((f"{counted(update.dropped, 'kernel report')} of a flood not compared ", "warn"))
        if update and update.unread:
            spans.append((f"{counted(update.unread, 'sighting')} could not be read ", "warn"))
        if self.framed or (stuck is not None and stuck.pods):
            return tuple(spans)
        return (*spans, *self._sources(width - spans_width(spans) - _POSITION))

    def _counts(self, width: int) -> Span:
        """Return how many pods are stuck for which cause, in the words of the card."""
        waiting = self._waiting
        assert waiting is not None
        words, by_memory = stuck_words(waiting), len(waiting.by_memory)
        if not words.startswith(f"{waiting.total:,} "):
            words = f"{waiting.total:,}: {words}"
        if cells_of(words) > width - _POSITION:
            words = f"{by_memory:,} of {waiting.total:,} by memory" if by_memory else f"{waiting.total:,}"
        return f"{words} ", "bad" if by_memory else "warn"

    def _sources(self, room: int | None = None) -> Spans:
        """Return how the sources are doing; those that have room if it is given."""
        sources = self._session.pods.sources if self._session.pods else ()
        states = groupby(sources, key=lambda source: (_SIGNS.get(source.state, "?"), state_word(source)))
        words = [f"{sign} {', '.join(source.name for source in same)}: {word}" for (sign, word), same in states]
        while room is not None and len(words) > 1 and cells_of("  ".join(words)) > room:
            words.pop()
        return (("  ".join(words), "muted"),) if sources else ()

    def note(self) -> Spans:
        """Return how the sources are doing."""
        return self._sources()

    def keys(self) -> Spans:
        """Return the panel's keys."""
        return self._session.hints(("filter", "filter"), ("open", "open")) if self.items() else ()

    @property
    def clear_key(self) -> str:
        """The key that clears the filter."""
        return self._session.key("unwind")

    def header(self, width: int) -> tuple[Span, ...]:
        """Return the names of the columns."""
        names = "waiting tries  next try   why" if self._has_retries else "waiting tries  why"
        return columns(("  pod", self._name_width(width) + 2, "muted"), (names, len(names), "muted"))

    def _name_width(self, width: int) -> int:
        """Return the cells of the names: no more than the longest takes, so that the reasons have the rest."""
        return max(_MIN_NAME, min(_MAX_NAME, width * 2 // 5, self._longest))

    def row(self, item: StuckPod | OtherPods, width: int) -> tuple[Span, ...]:
        """Return who, for how long, how often, how surely a kernel incident blocks it, and why."""
        if isinstance(item, OtherPods):
            more = f", +{len(item.pods) - 1}"
            count = f"{item.words.replace(' ', ' pods ', 1)}: "
            name = fit_name(pod_name(item.pods[0]), max(8, width - len(count) - len(more) - 2)).rstrip()
            return (
                ("- " if _OTHERS in self._unfolded else "+ ", "key"),
                (count, "text"),
                (name, "text"),
                (more, "muted"),
            )
        seconds = item.stuck_seconds(CLOCK.now())
        lasted = "?" if seconds is None else span_words(seconds)
        member = self.group(item) is not None
        lead: Span = ("· " if member else "  ", "muted")
        name = fit_name(pod_name(item), self._name_width(width)) + " "
        if item.started is not None:
            after = f" after {item.after_remedy}" if item.after_remedy else ""
            return lead, (name, "muted"), (fit_right(lasted, 7), "muted"), (f" ✓ started{after}", "good")
        tries = f"{item.attempts}×" if item.attempts else ""
        style = "bad-text" if item.memory else "text"
        told: Spans = (lead, (name, "strong"), (fit_right(lasted, 7), "text"), (fit_right(tries, 6) + "  ", "text"))
        if self._has_retries:
            retry = seconds_to_try(item, CLOCK.now())
            told = (*told, (f"{'?' if retry is None else retry_words(retry):<10} ", "text" if retry else "muted"))
        link = f"⇐ kernel ({item.links[0].confidence}) " if item.links else ""
        if link and cells_of(link) > width - spans_width(told) + 1:
            link = f"⇐ {item.links[0].confidence} "
        # What a narrow panel cuts off must be the words, which Enter shows whole.
        return (*told, (link, "strong"), (pod_reason(item), style))

    def empty(self, width: int) -> Sequence[Line]:
        """Return what the sources can't tell, so that an empty list is not taken for good news."""
        if self._wanted:
            return [line((" no pod contains that text", "muted"))]
        if (update := self._session.pods) is None:
            return sight_rows(no_stuck_pods(None), width)
        rows = sight_rows(no_stuck_pods(update.sources), width)
        for words in other_lines(update.sources):
            rows += [line((f" {row}", "muted")) for row in wrap(words, width - 2, 3)]
        return rows


def _text(pod: StuckPod) -> str:
    """Return what a filter looks in."""
    return " ".join((pod_name(pod), pod_reason(pod), pod.reason))


def pod_lines(pod: StuckPod, sources: Sequence[SourceState], width: int) -> list[Line]:
    """Return the page about one pod: the evidence, and what is missing."""
    whole = wrap(pod_name(pod), width, 6) if cells_of(pod_name(pod)) > width - _TITLE_EDGES else []
    lines = [line((row, "strong")) for row in whole]
    lines += [line((row, "text")) for row in wrap(state_words(pod, CLOCK.now()), width, 4)]
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
        rows = wrap(text, width - 14, 8) or [""]
        lines.append(line((f"  {label:<12}", "muted"), (rows[0], style)))
        lines += [line((" " * 14 + row, style)) for row in rows[1:]]
    return lines


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
