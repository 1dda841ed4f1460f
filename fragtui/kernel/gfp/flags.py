"""Allocation masks and the names of their flags, for any kernel."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from fragtui.kernel.gfp import table as data
from fragtui.kernel.gfp.table import GfpVersion
from fragtui.kernel.procfs.version import KernelVersion

_PRINT_FMT = re.compile(r"\{([^{}\"]+),\s*\"(\w+)\"\s*\}")
_ALL_BITS = (1 << 64) - 1
_CAST = re.compile(r"\(\s*(?:unsigned long|gfp_t|unsigned int|int)\s*\)|(?<=[0-9a-fA-F])[uUlL]+\b")
_ARITHMETIC = re.compile(r"[0-9a-fA-FxX|&~()<+\-\s]+")
_MAX_EXPRESSION = 4096
"""Characters; the kernel's longest, GFP_TRANSHUGE before 6.10, takes a few hundred."""
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
}
_IMPLAUSIBLE_ALONE = ("IO", "FS", "NOFAIL", "REPEAT", "RETRY_MAYFAIL")


@dataclass(frozen=True, slots=True)
class GfpTable:
    """Names of the flags in a range of kernels: (mask, name) in the order in which the kernel tries them."""

    title: str
    names: tuple[tuple[int, str], ...]
    bits: dict[str, int]
    """Single flags by name, ``__GFP_IO`` and so on."""

    def mask_of(self, name: str) -> int | None:
        """Return the bits of a name, or None if this table does not have it."""
        return next((mask for mask, known in self.names if known == name), self.bits.get(name))

    @property
    def direct_reclaim(self) -> int:
        """The bit that lets a request reclaim and compact: __GFP_WAIT up to 4.3. Zero if the table has neither."""
        return self.bits.get("__GFP_DIRECT_RECLAIM", self.bits.get("__GFP_WAIT", 0))


@dataclass(frozen=True, slots=True)
class GfpReading:
    """What a mask means. `names` is None if the table is not certain; then `candidates` are (kernels, names)."""

    names: tuple[str, ...] | None
    source: str | None
    """``printed`` (by the kernel itself) or ``decoded``."""
    table: GfpTable | None = None
    candidates: tuple[tuple[str, tuple[str, ...]], ...] = ()


@lru_cache(maxsize=64)
def table_for(version: KernelVersion) -> GfpTable | None:
    """Return the table of a release, or None before 2.6.24. Releases after the last known change get the last table."""
    if version.numbers < data.FIRST:
        return None
    el7_late = version.rhel == 7 and _el7_build(version.release) >= data.EL7_LATE_BUILD
    # Between two changes all tables are equal: use the latest change, so that the cache stays small.
    marks = _marks()
    return _table(max(mark for mark in marks if mark <= version.numbers), el7_late)


@lru_cache(maxsize=1)
def _marks() -> tuple[GfpVersion, ...]:
    found = {since for since, _ in data.BITS} | {data.BIT_ORDER_SINCE}
    for _, since, before, _ in data.COMPOSITES:
        found |= {since, before}
    found.discard((0, 0, 0))
    return tuple(sorted(found))


def _el7_build(release: str) -> int:
    found = re.match(r"3\.10\.0-(\d{1,20})", release)
    return int(found[1]) if found else 0


@lru_cache(maxsize=64)
def _table(version: GfpVersion, el7_late: bool = False) -> GfpTable:
    bits: dict[str, int | None] = {}
    for since, changes in data.BITS:
        if since <= version:
            bits |= changes
    if el7_late:
        bits |= data.EL7_LATE
    flags = {name: bit for name, bit in bits.items() if bit is not None}
    composites = _composites(version, flags)
    if el7_late:
        composites["GFP_KERNEL_ACCOUNT"] = composites["GFP_KERNEL"] | flags["ACCOUNT"]
    if version < (4, 4, 0):
        singles = dict(flags)
    else:
        singles = flags | {"RECLAIM": flags["DIRECT_RECLAIM"] | flags["KSWAPD_RECLAIM"]}
    ordered = (
        sorted(singles, key=lambda name: singles[name])
        if version >= data.BIT_ORDER_SINCE
        else [name for name in data.PRINT_ORDER if name in singles]
    )
    if version >= data.BIT_ORDER_SINCE:
        ordered.remove("RECLAIM")
        ordered.insert(0, "RECLAIM")
    names = [(composites[name], name) for name, _, _, _ in data.COMPOSITES if composites.get(name)]
    if "GFP_KERNEL_ACCOUNT" in composites and all(name != "GFP_KERNEL_ACCOUNT" for _, name in names):
        names.insert(0, (composites["GFP_KERNEL_ACCOUNT"], "GFP_KERNEL_ACCOUNT"))
    unique = dict.fromkeys(names)
    singles_named = [(singles[name], f"__GFP_{name}") for name in ordered]
    title = f"{version[0]}.{version[1]}" + (f".{version[2]}" if version[2] else "")
    return GfpTable(
        title="RHEL 7 (late)" if el7_late else title,
        names=(*unique, *singles_named),
        bits={f"__GFP_{name}": bit for name, bit in singles.items()},
    )


def _composites(version: GfpVersion, flags: dict[str, int]) -> dict[str, int]:
    rows = {
        name: parts
        for name, since, before, parts in data.COMPOSITES
        if since <= version and (before == (0, 0, 0) or version < before)
    }
    done: dict[str, int] = {}

    def value(part: str) -> int:
        if part == "HIGHUSER_MOVABLE_LIGHT":
            return value("GFP_HIGHUSER_MOVABLE") & ~value("GFP_NOIO")
        if not part.startswith("GFP_"):
            return flags.get(part, 0)
        if part not in done:
            done[part] = 0
            for piece in rows[part].split():
                done[part] |= value(piece)
        return done[part]

    for name in rows:
        value(name)
    return done


def mask_names(mask: int, table: GfpTable) -> tuple[str, ...]:
    """Return a mask's names as the kernel prints them; remaining bits are one hexadecimal number.

    Algorithm: format_flags() in lib/vsprintf.c, 4.6 to 6.19. A mask of 0 has no names.
    """
    found: list[str] = []
    for bits, name in table.names:
        if mask & bits == bits and bits:
            found.append(name)
            mask &= ~bits
    if mask:
        found.append(f"{mask:#x}")
    return tuple(found)


def parse_print_fmt(text: str) -> GfpTable | None:
    """Return the running kernel's own table from events/kmem/mm_page_alloc/format, or None if it has none.

    Each entry is ``{(unsigned long)(expression), "NAME"}``; the expression is made of numbers, shifts and ``|``, and is
    evaluated as such: one with anything else in it is skipped.
    """
    names: list[tuple[int, str]] = []
    bits: dict[str, int] = {}
    for expression, name in _PRINT_FMT.findall(text[: 1 << 17]):
        if "GFP" not in name:
            continue
        value = _evaluate(_CAST.sub("", expression))
        if value is None:
            continue
        names.append((value, name))
        if name.startswith("__GFP_"):
            bits.setdefault(name, value)
    return GfpTable("this kernel", tuple(names), bits) if names else None


def _evaluate(expression: str) -> int | None:
    """Evaluate numbers, ``<<``, ``|``, ``&``, ``~``, ``+``, ``-`` and parentheses in 64 bits, or return None.

    Python gives these operators the precedence that C gives them.
    """
    if len(expression) > _MAX_EXPRESSION or not _ARITHMETIC.fullmatch(expression):
        return None
    try:
        return _value(ast.parse(" ".join(expression.split()), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(number)):
            value = number
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            value = ~_value(operand)
        case ast.BinOp(left=left, op=ast.LShift(), right=right) if (shift := _value(right)) < 64:
            value = _value(left) << shift
        case ast.BinOp(left=left, op=op, right=right) if (apply := _OPERATORS.get(type(op))) is not None:
            value = apply(_value(left), _value(right))
        case _:
            raise ValueError(type(node).__name__)
    return value & _ALL_BITS


def is_plausible(mask: int, table: GfpTable) -> bool:
    """Return whether a request of that mask makes sense under a table: that of a wrong kernel gives nonsense.

    Nonsense is: bits without a name; I/O, file systems or endless retries without direct reclaim; from 4.4 on also
    atomic rights without waking kswapd, or reclaim without kswapd outside THP.
    """
    known = 0
    for bit in table.bits.values():
        known |= bit
    if mask & ~known:
        return False
    reclaim = table.direct_reclaim
    light = table.mask_of("GFP_TRANSHUGE_LIGHT") or 0
    thp = bool(light) and mask & light == light  # The only request that allows I/O without waiting for it.
    if not thp and not mask & reclaim and any(mask & table.bits.get(f"__GFP_{name}", 0) for name in _IMPLAUSIBLE_ALONE):
        return False
    kswapd = table.bits.get("__GFP_KSWAPD_RECLAIM", 0)
    if kswapd:
        memalloc, atomic, high = (
            table.bits["__GFP_MEMALLOC"],
            table.bits.get("__GFP_ATOMIC", 0),
            table.bits["__GFP_HIGH"],
        )
        if mask & (high | atomic) and not mask & (kswapd | memalloc):
            return False
        if atomic and mask & high and not mask & (reclaim | atomic | memalloc):
            return False
        # Only THP requests reclaim without waking kswapd.
        if mask & reclaim and not mask & (kswapd | table.bits["__GFP_NOMEMALLOC"]):
            return False
    return True


def decode(
    mask: int, printed: tuple[str, ...] | None, version: KernelVersion | None, running: GfpTable | None = None
) -> GfpReading:
    """Return what a report's mask means: by its printed names, else by its kernel's table, else by the tables that fit.

    Without names and version the tables that fit the mask are compared: if all give the same it is decoded; if
    the `running` kernel's own table fits and no older one does, that is used; else it stays uncertain.
    """
    if printed is not None:
        return GfpReading(printed, "printed", _table_of_names(mask, printed, version))
    if version is not None and (table := table_for(version)) is not None:
        return GfpReading(mask_names(mask, table), "decoded", table)
    fitting = candidates_for(mask)
    readings = {names for _, _, names in fitting}
    if len(readings) == 1:
        return GfpReading(fitting[0][2], "decoded", fitting[-1][1])
    if running is not None and is_plausible(mask, running):
        own = mask_names(mask, running)
        if not fitting or (own in readings and len(readings) == 1):
            return GfpReading(own, "decoded", running)
    return GfpReading(None, None, None, tuple((title, names) for title, _, names in fitting))


def candidates_for(mask: int) -> tuple[tuple[str, GfpTable, tuple[str, ...]], ...]:
    """Return the tables under which a mask makes sense, oldest first, equal ones joined: (kernels, table, names)."""
    found: list[tuple[str, GfpTable, tuple[str, ...]]] = []
    tables = [_table(mark) for mark in _marks()]
    tables.insert(next(i for i, table in enumerate(tables) if table.title == "3.16"), _table((3, 8, 0), True))
    for number, table in enumerate(tables):
        if not is_plausible(mask, table):
            continue
        names = mask_names(mask, table)
        following = next((later.title for later in tables[number + 1 :] if later.title[0].isdigit()), None)
        until = f"before {following}" if following else "and later"
        title = table.title if not table.title[0].isdigit() else f"{table.title} {until}"
        if found and frozenset(found[-1][2]) == frozenset(names) and found[-1][0][0].isdigit():
            start = found[-1][0].split(" ", 1)[0]
            found[-1] = (f"{start} {until}", found[-1][1], found[-1][2])
        else:
            found.append((title, table, names))
    return tuple(found)


def _table_of_names(mask: int, names: tuple[str, ...], version: KernelVersion | None) -> GfpTable | None:
    """Return a table that prints a mask as these names, the report's own if there is one."""
    if version is not None:
        return table_for(version)
    wanted = frozenset(names)
    fitting = (table for _, table, found in candidates_for(mask) if frozenset(found) == wanted)
    return next(fitting, None)
