"""Where Python may import from while fragtui runs, and which variables Textual may see.

``python -m fragtui`` puts the current folder first, and PYTHONPATH may name any folder: a user who can write one of
them could run code as root at the next import. This runs before any other import, so it uses only modules that
are built into the interpreter.
"""

import posix
import sys

_SHOWN_BY = (b"TEXTUAL_ANIMATIONS", b"TEXTUAL_COLOR_SYSTEM")
"""Textual's variables that only change what is shown. Others load a driver, write a log or press keys."""
_WRITABLE_BY_OTHERS = 0o022
_FOLDER, _LINK, _KIND = 0o040000, 0o120000, 0o170000


def restrict_imports(package: str) -> None:
    """Remove the current folder and untrusted folders of PYTHONPATH from ``sys.path``.

    The folder that holds `package`, fragtui's own, stays: it is the installation that the user started.
    """
    own = package.rpartition("/")[0]
    given = posix.environ.get(b"PYTHONPATH", b"").decode("utf-8", "surrogateescape").split(":")
    here = posix.getcwd() if _has_cwd() else None
    sys.path[:] = [
        path for path in sys.path if path == own or not (path in ("", here) or (path in given and not is_own(path)))
    ]


def restrict_environment() -> None:
    """Remove Textual's variables for developers from the environment."""
    for name in [name for name in posix.environ if name.startswith(b"TEXTUAL_") and name not in _SHOWN_BY]:
        del posix.environ[name]
        posix.unsetenv(name)


def is_own(path: str) -> bool:
    """Return whether a folder and all above it belong to root or this user, and no other user may write them."""
    if not path.startswith("/"):
        return False
    names = [name for name in path.split("/") if name]
    for count in range(len(names) + 1):
        try:
            status = posix.lstat("/" + "/".join(names[:count]))
        except OSError:
            return False
        if status.st_uid not in (0, posix.geteuid()) or status.st_mode & _KIND not in (_FOLDER, _LINK):
            return False
        if status.st_mode & _KIND == _LINK or status.st_mode & _WRITABLE_BY_OTHERS:
            return False
    return True


def _has_cwd() -> bool:
    try:
        posix.getcwd()
    except OSError:
        return False
    return True
