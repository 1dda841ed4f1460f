"""What asked for the memory, told from the stack, the work item and the task's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fragtui.kernel.version import KernelVersion

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Cause:
    """A known asker: `key` names it in JSON, `title` in words, `advice` is one line on what to do.

    `symbols` match whole function names of the stack by prefix, `modules` kernel modules, `comms` task names by prefix
    (the weakest sign: only without a telling frame). `fixed` says which release or commit ended it, in words;
    `fixed_in` is that release for comparison. `weak` causes say how memory was asked for rather than by whom, and give
    way to any other.
    """

    key: str
    title: str
    advice: str
    symbols: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    comms: tuple[str, ...] = ()
    fixed: str | None = None
    fixed_in: Version | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True)
class FoundCause:
    """A cause with what gave it away: the frame's place in the stack, or the sign in words."""

    cause: Cause
    sign: str
    frame: int | None = None

    def is_fixed_in(self, version: KernelVersion | None) -> bool | None:
        """Tell whether that kernel has the fix by its number (vendors backport); None if either is not known."""
        if version is None or self.cause.fixed_in is None:
            return None
        return version.numbers >= self.cause.fixed_in


_SUFFIX = re.compile(r"\.(?:constprop|isra|part|cold|llvm|lto_priv).*$|_noprof$")


def plain_symbol(symbol: str) -> str:
    """Return a function's name without the compiler's suffixes and the allocation profiler's."""
    return _SUFFIX.sub("", _SUFFIX.sub("", symbol.removeprefix("? ")))


def find_cause(
    table: Sequence[Cause],
    stack: Sequence[tuple[str, bool, str | None]] = (),
    workqueue: str | None = None,
    comm: str | None = None,
) -> FoundCause | None:
    """Return the cause that the innermost telling frame names, or None: unknown stays unknown.

    `stack` holds (symbol, reliable, module) from the innermost out. Reliable frames come first, then the work item,
    then unreliable frames, then the causes that only say how memory was asked for, last the task's name.
    """
    strong = [cause for cause in table if not cause.weak]
    weak = [cause for cause in table if cause.weak]
    work = (workqueue or "").replace("[", " ").replace("]", " ").split()
    for reliable in (True, False):
        if (found := _in_stack(strong, stack, reliable)) is not None:
            return found
        if reliable:
            for cause in strong:
                if word := next((word for word in work if _matches(cause, word, word)), None):
                    return FoundCause(cause, f"work item {word}")
    if (found := _in_stack(weak, stack, True)) is not None:
        return found
    for cause in table:
        if comm and cause.comms and comm.startswith(cause.comms):
            return FoundCause(cause, f"task {comm}")
    return None


def _in_stack(
    causes: Sequence[Cause], stack: Sequence[tuple[str, bool, str | None]], reliable: bool
) -> FoundCause | None:
    for place, (symbol, certain, module) in enumerate(stack):
        if certain is reliable:
            name = plain_symbol(symbol)
            for cause in causes:
                if _matches(cause, name, module):
                    return FoundCause(cause, name, place)
    return None


def _matches(cause: Cause, name: str, module: str | None) -> bool:
    return (
        name.startswith(cause.symbols)
        if module is None or not cause.modules
        else (module in cause.modules or (bool(cause.symbols) and name.startswith(cause.symbols)))
    )
