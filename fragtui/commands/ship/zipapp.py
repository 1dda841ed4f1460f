"""fragtui and its dependencies as one file that Python runs: source and bytecode of everything in pure Python."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import marshal
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

import fragtui
from fragtui.output_file import PROGRAM, replace_file

_NEEDED = ("textual", "shtab", "packaging")
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("fragtui needs Python 3.11 or later, this is %d.%d (an image has it: fragtui ship image)"
             % sys.version_info[:2])

from fragtui.__main__ import main

sys.exit(main())
"""
_DATA = (".py", ".tcss", ".typed", ".scm", ".css")
_OPTIONAL = (
    ("prometheus-client", "not installed here; fragtui export needs it"),
    ("PyYAML", "not installed here; without it fragtui reads no kubeconfig and gets pods from logs and crictl"),
)
"""Optional packages without dependencies that work in pure Python: included if they are installed."""
_LEFT_OUT = (("psutil", "compiled; fragtui reads its own memory from /proc/self instead"),)
_STAMP = (2020, 1, 1, 0, 0, 0)
"""Time of every member: the same sources make the same file."""


class NotBuilt(Exception):
    """The file can't be made here; the message says why."""


def build_zipapp(target: Path, *, complete: bool = False) -> tuple[tuple[str, str], ...]:
    """Write the file; return the packages left out, each with the reason. Raises NotBuilt and OSError.

    `complete` also raises NotBuilt if an optional package is not installed.
    """
    files = dict(_package())
    for name in _closure(_NEEDED):
        files.update(_distribution(name))
    left_out: tuple[tuple[str, str], ...] = _LEFT_OUT
    for name, why in _OPTIONAL:
        try:
            files.update(_distribution(name, compiled=name == "PyYAML"))
        except importlib.metadata.PackageNotFoundError:
            if complete:
                raise NotBuilt(f"{name} is not installed: pip install 'fragtui[k8s,prom]'") from None
            left_out = (*left_out, (name, why))
    with replace_file(target, PROGRAM) as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            _add(archive, "__main__.py", _MAIN.encode())
            for name, path in sorted(files.items()):
                data = path.read_bytes()
                _add(archive, name, data)
                if name.endswith(".py"):
                    _add(archive, name + "c", _bytecode(name, data))
    return left_out


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, _STAMP)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    archive.writestr(member, data)


def _bytecode(name: str, source: bytes) -> bytes:
    """Return bytecode that Python does not check against the source; another version of Python uses the source."""
    code = compile(source, name, "exec", dont_inherit=True)
    return (
        importlib.util.MAGIC_NUMBER
        + (1).to_bytes(4, "little")
        + importlib.util.source_hash(source)
        + marshal.dumps(code)
    )


def _package() -> Iterator[tuple[str, Path]]:
    """Yield fragtui's own files."""
    home = Path(fragtui.__file__).parent
    if not home.is_dir():
        raise NotBuilt("this fragtui is itself a zipapp; run an installed one")
    for path in home.rglob("*"):
        if path.suffix in _DATA and path.is_file():
            yield f"fragtui/{path.relative_to(home)}", path


def _distribution(name: str, *, compiled: bool = False) -> Iterator[tuple[str, Path]]:
    """Yield the files of a distribution. Raises NotBuilt if one is compiled, unless `compiled` ones may be left out."""
    for file in importlib.metadata.distribution(name).files or ():
        path = Path(str(file.locate()))
        if path.suffix in (".so", ".pyd"):
            if compiled:
                continue
            raise NotBuilt(f"{name} is compiled here: {file}")
        licence = file.name == "METADATA" or file.parent.name == "licenses"
        if (path.suffix in _DATA or licence) and ".." not in file.parts and path.is_file():
            yield str(file), path


def _closure(names: Iterable[str]) -> tuple[str, ...]:
    """Return distributions with all that they need on this Python, without extras."""
    closure: dict[str, None] = {}
    waiting = [*names]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in closure:
            continue
        try:
            needs = [Requirement(line) for line in importlib.metadata.requires(name) or ()]
        except importlib.metadata.PackageNotFoundError:
            raise NotBuilt(f"{name} is not installed") from None
        except InvalidRequirement as error:
            raise NotBuilt(f"the metadata of {name} can't be read: {error}") from None
        closure[name] = None
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return tuple(closure)
