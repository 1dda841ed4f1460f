"""The cause of a request: what code requested the memory, by the stack, the work item and the task's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fragtui.kernel.procfs.version import KernelVersion

FixedIn = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Cause:
    """A known cause: `key` is its name in JSON, `title` its name in text, `advice` is one line on what to do.

    `symbols` are prefixes of function names in the stack, `modules` are kernel modules, `comms` are prefixes of task
    names, the weakest sign: they count only if no frame matches. `fixed` names the release or commit with the fix,
    `fixed_in` is that release for comparison. A `weak` cause is a way to request memory, not a requester; any other
    cause takes precedence, and unless it `stands`, a driver's module, too. A cause takes precedence over those that it
    is made of: `over` has their keys.
    """

    key: str
    title: str
    advice: str
    symbols: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    comms: tuple[str, ...] = ()
    fixed: str | None = None
    fixed_in: FixedIn | None = None
    weak: bool = False
    stands: bool = False
    over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundCause:
    """A cause and its evidence as text; `frame` is the index of that evidence in the stack, innermost first.

    `receiving` says that a network driver requested the memory for packets that it received, in atomic context.
    """

    cause: Cause
    sign: str
    frame: int | None = None
    receiving: bool = False

    def is_fixed_in(self, version: KernelVersion | None) -> bool | None:
        """Return whether that kernel has the fix by its number (vendors backport); None if either is unknown."""
        if version is None or self.cause.fixed_in is None:
            return None
        return version.numbers >= self.cause.fixed_in


_SUFFIX = re.compile(r"\.(?:constprop|isra|part|cold|llvm|lto_priv).*|_noprof$")


@lru_cache(maxsize=1024)
def plain_symbol(symbol: str) -> str:
    """Return a function's name without the suffixes of the compiler and of the allocation profiler."""
    return _SUFFIX.sub("", _SUFFIX.sub("", symbol.removeprefix("? ")))


class CauseTable:
    """Causes in the order in which they are tried. Look-ups are cached: logs repeat the same frames."""

    def __init__(self, causes: Sequence[Cause]) -> None:
        self.causes = tuple(causes)
        self._known: dict[tuple[str, str | None], tuple[Cause | None, Cause | None]] = {}

    def look_up(self, name: str, module: str | None) -> tuple[Cause | None, Cause | None]:
        """Return the strong and the weak cause that a frame of this name and module shows."""
        key = (name, module)
        if key not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            plain = plain_symbol(name)
            causes = [cause for cause in self.causes if _matches(cause, plain, module)]
            self._known[key] = (
                next((cause for cause in causes if not cause.weak), None),
                next((cause for cause in causes if cause.weak), None),
            )
        return self._known[key]

    def find(
        self,
        stack: Sequence[tuple[str, bool, str | None]] = (),
        workqueue: str | None = None,
        comm: str | None = None,
    ) -> FoundCause | None:
        """Return the cause that the innermost known frame shows, or None if nothing shows one.

        `stack` holds (symbol, reliable, module), innermost first. The order is: reliable frames, the work item,
        unreliable frames, weak causes (first in reliable frames), the task's name.
        """
        sure = [(place, symbol, module) for place, (symbol, reliable, module) in enumerate(stack) if reliable]
        unsure = [(place, symbol, module) for place, (symbol, reliable, module) in enumerate(stack) if not reliable]
        if (found := self._in_frames(sure, 0)) is not None:
            return self._user_of(found, sure)
        for word in (workqueue or "").replace("[", " ").replace("]", " ").split():
            if (cause := self.look_up(word, word)[0]) is not None:
                return FoundCause(cause, f"work item {word}")
        if (found := self._in_frames(unsure, 0)) is not None:
            return self._user_of(found, unsure)
        if (found := self._in_frames(sure, 1) or self._in_frames(unsure, 1)) is not None:
            return found
        for cause in self.causes:
            if comm and cause.comms and comm.startswith(cause.comms):
                return FoundCause(cause, f"task {comm}")
        return None

    def _user_of(self, found: FoundCause, frames: Sequence[tuple[int, str, str | None]]) -> FoundCause:
        """Return the cause that uses the found one: an RDMA queue is made of a network card's buffers."""
        for place, symbol, module in frames:
            user = self.look_up(symbol, module)[0]
            if user is not None and found.cause.key in user.over:
                return FoundCause(user, plain_symbol(symbol), place)
        return found

    def knows_module(self, module: str) -> bool:
        """Return whether a module is one of a cause's."""
        return any(module in cause.modules for cause in self.causes)

    def _in_frames(self, frames: Sequence[tuple[int, str, str | None]], strength: int) -> FoundCause | None:
        known = self._known
        for place, symbol, module in frames:
            found = known.get((symbol, module)) or self.look_up(symbol, module)
            if (cause := found[strength]) is not None:
                return FoundCause(cause, plain_symbol(symbol), place)
        return None


def _matches(cause: Cause, name: str, module: str | None) -> bool:
    return (module is not None and module in cause.modules) or (bool(cause.symbols) and name.startswith(cause.symbols))
