"""A kubeconfig's text -> plain values, with bounds. Imports PyYAML: import this only to read a kubeconfig."""

from __future__ import annotations

from typing import Any

import yaml

_MAX_NODES = 30_000
"""A kubeconfig of 1,000 clusters has 25,000. PyYAML's pure-Python part takes about 70 µs for one."""
_MAX_DEPTH = 50
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


class NotRead(Exception):
    """The text can't be read; the message repeats nothing of it."""


class _Loader(yaml.BaseLoader):
    """Reads every value as text: no number, date or tag of the file makes PyYAML compute anything.

    An alias is refused, since merged aliases can double their content at each level.
    """

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._nodes += 1
        if self.check_event(yaml.AliasEvent):
            raise NotRead("uses YAML aliases, which are not supported")
        if self._nodes > _MAX_NODES or self._depth > _MAX_DEPTH:
            raise NotRead(f"has more than {_MAX_NODES} values, or more than {_MAX_DEPTH} inside one another")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_scalar(self, node: Any) -> Any:
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return None if plain and node.value in _NULL else str(super().construct_scalar(node))


def parse_yaml(text: bytes) -> Any:
    """Return the only document as dicts, lists, texts and None. Raises `NotRead`."""
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise NotRead(f"is not YAML{line}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise NotRead("is not YAML") from None
