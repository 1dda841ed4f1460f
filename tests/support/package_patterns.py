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
    trees = {name: ast.parse(_path(name).read_text()) for name in sorted(_module_names())}
    methods = _methods(trees)
    for name, tree in trees.items():
        reached: set[str] = set()
        for variable, place, pattern in _globals_of(importlib.import_module(name), tree):
            reached.add(variable)
            found.uses.append(Use(f"{name}.{place}", pattern, frozenset(methods[name, variable] or {"search"})))
        for owner, call in _calls(tree):
            place = f"{name}.{owner}"
            if owner in reached:
                continue
            if place in made:
                found.uses += [Use(place, pattern, frozenset({"search"})) for pattern in made[place]]
            elif isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                method = call.func.attr if isinstance(call.func, ast.Attribute) else "search"
                pattern = re.compile(call.args[0].value, re.ASCII if "ASCII" in ast.unparse(call) else 0)
                found.uses.append(Use(place, pattern, frozenset({method.replace("compile", "search")})))
            else:
                found.unreached.append(f"{_path(name).relative_to(_ROOT.parent)}:{call.lineno} in {owner}")
    return found


def _path(name: str) -> Path:
    path = _ROOT.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _module_names() -> Iterator[str]:
    for module in pkgutil.walk_packages(fragtui.__path__, "fragtui."):
        if not module.name.endswith("__main__"):
            yield module.name


def _methods(trees: dict[str, ast.Module]) -> dict[tuple[str, str], set[str]]:
    """Return the methods called on each variable of each module, by whatever module imports it."""
    methods: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, tree in trees.items():
        imported: dict[str, tuple[str, str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported |= {each.asname or each.name: (node.module, each.name) for each in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in _MAKERS:
                methods[imported.get(node.value.id, (name, node.value.id))].add(node.attr)
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


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call | ast.stmt]]:
    """Yield every call of `re`, with the function it is in, or the variable of the module that it is for.

    An import of `re` that hides its calls is yielded too.
    """
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            owner = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        else:
            owner = getattr(node, "name", "the module")
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and isinstance(called := inner.func, ast.Attribute):
                if isinstance(called.value, ast.Name) and called.value.id == "re" and called.attr in _MAKERS:
                    yield owner, inner
            elif (isinstance(inner, ast.ImportFrom) and inner.module == "re") or (
                isinstance(inner, ast.Import) and any(each.name == "re" and each.asname for each in inner.names)
            ):
                yield owner, inner
