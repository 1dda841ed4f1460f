"""Every regular expression of the package, with how the package uses it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import fragtui

_ROOT = Path(fragtui.__file__).parent
_MAKERS = frozenset({"compile", "match", "search", "fullmatch", "split", "findall", "finditer", "sub", "subn"})
_AT_ONE_PLACE = frozenset({"match", "fullmatch"})


@dataclass(frozen=True, slots=True)
class Use:
    """One expression: the names of the methods that the package calls on it, `search` if none was found."""

    name: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]

    @property
    def restarts(self) -> bool:
        """Whether a match may begin anywhere in the text."""
        return not self.methods <= _AT_ONE_PLACE


@dataclass(slots=True)
class Found:
    """The expressions, and the places of the source that make one which is not among them."""

    uses: list[Use] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


def package_patterns(made: dict[str, list[re.Pattern[Any]]]) -> Found:
    """Return the expressions of all modules: those in their globals, and those that a function writes out in a call.

    `made` gives those that a function makes of other text, by ``module.function``.
    """
    found = Found()
    for name in sorted(_module_names()):
        module = importlib.import_module(name)
        path = _ROOT.parent.joinpath(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        tree = ast.parse(path.read_text())
        methods = _methods(tree)
        reached: set[str] = set()
        for variable, place, pattern in _globals_of(module, tree):
            reached.add(variable)
            found.uses.append(Use(f"{name}.{place}", pattern, frozenset(methods[variable] or {"search"})))
        for function, call in _calls(tree):
            place = f"{name}.{function}"
            if function in reached:
                continue
            if place in made:
                found.uses += [Use(place, pattern, frozenset({"search"})) for pattern in made[place]]
            elif call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.func, ast.Attribute):
                text, method = call.args[0].value, call.func.attr
                flags = re.ASCII if "ASCII" in ast.unparse(call) else 0
                found.uses.append(Use(place, re.compile(text, flags), frozenset({method.replace("compile", "search")})))
            else:
                found.unreached.append(f"{path.relative_to(_ROOT.parent)}:{call.lineno} in {function}")
    _share_methods(found)
    return found


def _module_names() -> Iterator[str]:
    for module in pkgutil.walk_packages(fragtui.__path__, "fragtui."):
        if not module.name.endswith("__main__"):
            yield module.name


def _methods(tree: ast.Module) -> dict[str, set[str]]:
    """Return the methods called on each name."""
    methods: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in _MAKERS:
            methods[node.value.id].add(node.attr)
    return methods


def _globals_of(module: ModuleType, tree: ast.Module) -> Iterator[tuple[str, str, re.Pattern[Any]]]:
    """Yield the expressions that the module's own globals hold, however deep, with variable and place."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                for place, pattern in _inside(getattr(module, target.id, None), target.id):
                    yield target.id, place, pattern


def _inside(value: object, place: str) -> Iterator[tuple[str, re.Pattern[Any]]]:
    if isinstance(value, re.Pattern):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _inside(inner, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple | set | frozenset):
        for index, inner in enumerate(value):
            yield from _inside(inner, f"{place}[{index}]")
    elif fields := getattr(value, "__dataclass_fields__", None):
        for name in fields:
            yield from _inside(getattr(value, name, None), f"{place}.{name}")


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of `re`, with the function it is in, or the variable of the module that it is for."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            place = ast.unparse(target)
        else:
            place = getattr(node, "name", "the module")
        for inner in ast.walk(node):
            if (
                isinstance(inner, ast.Call)
                and isinstance(inner.func, ast.Attribute)
                and isinstance(inner.func.value, ast.Name)
                and inner.func.value.id == "re"
                and inner.func.attr in _MAKERS
            ):
                yield place, inner


def _share_methods(found: Found) -> None:
    """One expression that several modules use has the methods of all."""
    together: dict[int, set[str]] = defaultdict(set)
    for use in found.uses:
        together[id(use.pattern)] |= use.methods
    found.uses = [Use(use.name, use.pattern, frozenset(together[id(use.pattern)])) for use in found.uses]
