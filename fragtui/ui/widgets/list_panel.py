"""A panel that lists things under a heading: a selection that stays on its item, a view that scrolls, a filter."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from textual.events import Click, Key, MouseScrollDown, MouseScrollUp, Paste
from textual.message import Message

from fragtui.text import printable
from fragtui.ui.widgets.cells import fit
from fragtui.ui.widgets.framed import FramedPanel, Framing, Spans
from fragtui.ui.widgets.rows import Line, Span, line

T = TypeVar("T")

MAX_FILTER = 80
"""Characters of a filter's text."""
_WHEEL_ROWS = 3


class ListPanel(FramedPanel, Generic[T], can_focus=True):
    """Rows of items in a frame, the most important first.

    Until the user selects a row, the first one is selected, whichever item that is. A selection stays on its item while
    others come and go; if the item goes, it stays in its place. Only the focused panel's row has a ground.
    """

    SELECTS_ROWS = True
    """Whether the whole row of the selection has its ground; if not, `row` marks it."""
    HEADER_ROOM = 5
    """Rows of items from which on a row names the columns, if there is no frame."""

    class Selected(Message):
        """Another row was selected."""

        def __init__(self, panel_id: str | None) -> None:
            super().__init__()
            self.panel_id = panel_id

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._selected: Hashable | None = None
        self._unfolded: set[Hashable] = set()
        self._items: Sequence[T] = ()
        self._keys: list[Hashable] = []
        self._places: dict[Hashable, int] = {}
        self._at = 0
        self._top: Hashable | None = None
        """The item that is shown first; None is the first of all."""
        self._shown = range(0)
        self._room = 0
        """How many rows there was room for."""
        self._head = 1
        """Lines above the first item."""
        self._scrolled = False
        """Whether the wheel moved the view, so that the selection may be outside of it."""
        self.typing = False
        """Whether keys go into the filter."""
        self.changed_view = 0
        """How often what is listed was changed from here: by folding, by the filter."""

    @abstractmethod
    def items(self) -> Sequence[T]:
        """Return what is listed now, top to bottom; the same object while nothing changes."""

    @abstractmethod
    def key(self, item: T) -> Hashable:
        """Return what identifies an item from one update to the next."""

    @abstractmethod
    def heading(self, width: int) -> tuple[Span, ...]:
        """Return the panel's name, in the style ``title``, and its counts."""

    @abstractmethod
    def row(self, item: T, width: int) -> tuple[Span, ...]:
        """Return one item's line, without the mark of the selection."""

    def header(self, width: int) -> tuple[Span, ...]:
        """Return the names of the columns, aligned with `row`."""
        return ()

    def empty(self, width: int) -> Sequence[Line]:
        """Return what is under the heading if nothing is listed."""
        return ()

    def group(self, item: T) -> Hashable | None:
        """Return the key of the row that folds this item and others, which may be itself; None if none does."""
        return None

    @property
    def selected_key(self) -> Hashable | None:
        """What identifies the selected item; None selects the first one."""
        return self._selected

    @selected_key.setter
    def selected_key(self, key: Hashable | None) -> None:
        self._selected = key

    @property
    def wanted(self) -> str:
        """The text that listed items contain; empty without a filter."""
        return ""

    @wanted.setter
    def wanted(self, text: str) -> None:
        raise NotImplementedError

    @property
    def clear_key(self) -> str:
        """The key that clears the filter, except while it is typed."""
        return ""

    @property
    def matches(self) -> tuple[int, int]:
        """How many things contain the filter's text, and of how many."""
        return 0, 0

    @property
    def noun(self) -> str:
        """What the rows are, if the position must say so."""
        return ""

    @property
    def chosen(self) -> T | None:
        """The selected item; None if nothing is listed."""
        self._read()
        return self._items[self._at] if self._items else None

    @property
    def position(self) -> str:
        """Which rows are shown, of how many: ``12-14 of 131``."""
        if not self._items:
            return ""
        noun = f" {self.noun}" if self.noun else ""
        return f"{self._shown.start + 1}-{self._shown.stop} of {len(self._items)}{noun}"

    def move(self, step: int) -> None:
        """Select the row `step` rows further on."""
        self._read()
        self.select(self._at + step)

    def move_page(self, direction: int) -> None:
        """Select the row a page further on."""
        self.move(direction * max(1, len(self._shown) - 1))

    def move_to_end(self, direction: int) -> None:
        """Select the first or the last row."""
        self.select(0 if direction < 0 else len(self.items()))

    def select(self, place: int) -> None:
        """Select a row, the nearest if there is none at that place, and show it."""
        self._read()
        if not self._keys:
            return
        self._at = max(0, min(place, len(self._keys) - 1))
        self.selected_key = self._keys[self._at]
        self._scrolled = False
        self.rebuild()
        self.post_message(self.Selected(self.id))

    def scroll_rows(self, step: int) -> None:
        """Move the view; the selection stays where it is."""
        self._read()
        first = max(0, min(self._shown.start + step, len(self._keys) - max(1, len(self._shown))))
        self._top = self._keys[first] if first else None
        self._scrolled = True
        self.rebuild()

    def fold(self, unfold: bool) -> bool:
        """Show or hide the members of the group that the selected row is of; return whether that changed anything."""
        item = self.chosen
        group = None if item is None else self.group(item)
        if group is None or (group in self._unfolded) is unfold:
            return False
        self._unfolded ^= {group}
        self.changed_view += 1
        self.selected_key = group
        self._scrolled = False
        self._read()
        if unfold and any(self.group(item) == group for item in self._items[self._shown.stop :]):
            self._top = group  # Else its members would be below the view.
        self.rebuild()
        return True

    def fold_all(self) -> bool:
        """Hide the members of every group; return whether one was unfolded."""
        if not self._unfolded:
            return False
        if (item := self.chosen) is not None and (group := self.group(item)) is not None:
            self.selected_key = group
        self._unfolded.clear()
        self.changed_view += 1
        self._scrolled = False
        self.rebuild()
        return True

    def clear_filter(self) -> bool:
        """List everything again; return whether there was a filter."""
        if not self.wanted and not self.typing:
            return False
        self.typing = False
        self._want("")
        return True

    def type_filter(self) -> None:
        """Have the keys that follow go into the filter."""
        self.typing = True
        self.rebuild()

    def framing(self, width: int) -> Framing:
        """Return the heading, which rows are shown or what the filter finds, and the panel's keys."""
        (name, style), *counts = self.heading(width)
        title = ((name.lstrip(), style), *counts)
        title = (*title[:-1], (title[-1][0].rstrip(), title[-1][1]))
        position: Spans = ((self.position, "muted"),) if self._shown and self.position else ()
        if self.typing or self.wanted:
            found, total = self.matches
            what = f"{found} of {total} match " + (f"'{self.wanted}_'" if self.typing else f"'{self.wanted}'")
            how = " · Enter keeps · Esc clears" if self.typing else f" · {self.clear_key} clears"
            return Framing(
                title[:1],
                ((what, "strong"), (how if width >= (76 if self.typing else 60) else "", "muted")),
                self.note(),
                self.keys(),
            )
        return Framing(title, position, self.note(), self.keys() if self.framed else ())

    def note(self) -> Spans:
        """Return what the lower border says."""
        return ()

    def keys(self) -> Spans:
        """Return the panel's keys with their words, for its border."""
        return ()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the rows in view, under the names of the columns if there is room for those."""
        self._read()
        header = self.header(width - 2) if height > (1 if self.framed else self.HEADER_ROOM) and self._items else ()
        self._head = 1 + bool(header)
        self._look(max(0, height - bool(header)))
        if not self._items:
            return self.empty(width)
        rows = [line(("  ", "muted"), *header)] if header else []
        return [*rows, *(self._line(place, width) for place in self._shown)]

    def on_focus(self) -> None:
        """Keep the selection on its item from now on: keys are about to act on it."""
        self._read()
        if self._keys:
            self.selected_key = self._keys[self._at]

    def on_blur(self) -> None:
        """Follow the first row again if that is the selected one."""
        self.typing = False
        if self._at == 0:
            self._selected = None

    async def on_click(self, event: Click) -> None:
        """Select the row under the mouse; a second click on it opens it."""
        place = self._shown.start + event.y - self._head
        if event.y < self._head or place not in self._shown:
            return
        if event.chain > 1 and self._keys[place] == self.selected_key:
            await self.screen.run_action("open")
        else:
            self.select(place)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll towards the end."""
        event.stop()
        self.scroll_rows(min(_WHEEL_ROWS, max(1, len(self._shown) // 2)))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll towards the beginning."""
        event.stop()
        self.scroll_rows(-min(_WHEEL_ROWS, max(1, len(self._shown) // 2)))

    def on_key(self, event: Key) -> None:
        """Take a key into the filter; keys that write no text do what they always do."""
        if not self.typing:
            return
        if event.key in ("enter", "tab", "shift+tab"):
            self.typing = False
            self.rebuild()
            if event.key != "enter":
                return
        elif event.key == "escape":
            self.clear_filter()
        elif event.key in ("backspace", "ctrl+h"):
            self._want(self.wanted[:-1])
        elif event.key == "ctrl+u":
            self._want("")
        elif event.is_printable and event.character:
            self._want(self.wanted + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: Paste) -> None:
        """Take the pasted text into the filter."""
        if self.typing:
            event.stop()
            self._want(self.wanted + printable(event.text, MAX_FILTER))

    def _want(self, text: str) -> None:
        self.wanted = text[:MAX_FILTER]
        self.changed_view += 1
        self._scrolled = False
        self.rebuild()

    def _line(self, place: int, width: int) -> Line:
        at, item = place == self._at, self._items[place]
        mark = ("▸ " if at else "  ", "key")
        return line(mark, *self.row(item, width - 2), chosen=at and self.has_focus and self.SELECTS_ROWS)

    def _read(self) -> None:
        """Take the items as they are now, and find the selection among them."""
        items = self.items()
        if items is not self._items:
            self._items = items
            self._keys = [self.key(item) for item in items]
            self._places = {key: place for place, key in enumerate(self._keys)}
        selected = self.selected_key
        at = 0 if selected is None else self._places.get(selected, self._at)
        if self._at < len(self._keys) and self._keys[self._at] == selected:
            at = self._at  # Of several items with one key, the one that was selected.
        self._at = max(0, min(at, len(self._keys) - 1))
        if selected is not None and selected not in self._places and self._keys and not self.wanted:
            self.selected_key = self._keys[self._at]  # It is gone for good, not only left out by the filter.

    def _look(self, room: int) -> None:
        """Set which rows are shown: from the one that was the first, moved as little as the selection needs."""
        count = len(self._keys)
        if not room:
            self._shown = range(0)
            return
        first = 0 if self._top is None else self._places.get(self._top, self._shown.start)
        if not self._scrolled:
            if room > self._room and self._at < room:
                first = 0  # More rows have come in view.
            first = max(self._at - room + 1, min(first, self._at))
        first = max(0, min(first, count - room))
        self._room = room
        self._top = self._keys[first] if first else None
        self._shown = range(first, min(count, first + room))


def columns(*cells: tuple[str, int, str]) -> tuple[Span, ...]:
    """Return spans of texts fitted into their widths, a blank between them."""
    return tuple((fit(text, width) + " ", style) for text, width, style in cells)
