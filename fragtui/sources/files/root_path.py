"""Paths of the node under a given root: absolute links are resolved inside the root."""

from __future__ import annotations

from pathlib import Path

_MAX_LINKS = 40


def in_root(root: Path, path: str) -> Path:
    """Return the place under `root` of a path from the node's root, with every symbolic link resolved inside it.

    ``kubelet-client-current.pem`` is a link to an absolute path, which is dangling in a container with the host at
    /host. ``..`` can't leave the root. A path that does not exist is returned too. Raises OSError on a
    loop of links.
    """
    if root == Path("/"):
        return root / path
    parts = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    here: list[str] = []
    links = 0
    while parts:
        part = parts.pop()
        if part == "..":
            if here:
                here.pop()
            continue
        at = root.joinpath(*here, part)
        if not at.is_symlink():
            here.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(40, "too many levels of symbolic links", str(at))
        target = str(at.readlink())
        if target.startswith("/"):
            here = []
        parts.extend(each for each in reversed(target.split("/")) if each not in ("", "."))
    return root.joinpath(*here)
