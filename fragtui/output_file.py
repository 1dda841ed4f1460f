"""Write a file that the user named: all of it or nothing, and never through a link that another user planted."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE, PUBLIC, PROGRAM = 0o600, 0o644, 0o755
"""Modes of new files; the umask does not change them."""


@contextmanager
def replace_file(path: Path, mode: int) -> Iterator[BinaryIO]:
    """Yield a new file, which takes the place of `path` at the end of the block, once it is on disk.

    It is made in the same folder under a random name. A link at `path` is replaced, not followed. If anything fails,
    the old file stays and the new one is removed. Raises OSError with the name of `path`, also if `path` is a device,
    a pipe or a directory.
    """
    name = f".fragtui-{os.urandom(8).hex()}.tmp"
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _refuse_special(path, folder)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file
                    file.flush()
                    os.fchmod(file.fileno(), mode)
                    os.fsync(file.fileno())
                os.replace(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
                raise
        finally:
            os.close(folder)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def write_file(path: Path, text: str, mode: int = PRIVATE) -> Path:
    """Write a text as `replace_file` does; return the path."""
    with replace_file(path, mode) as file:
        file.write(text.encode("utf-8", "replace"))
    return path


def _refuse_special(path: Path, folder: int) -> None:
    """Raise OSError if `path` is a device, a pipe, a directory, or anything in /dev."""
    where = Path(os.path.realpath(path.parent))
    if where.is_relative_to("/dev") and not where.is_relative_to("/dev/shm"):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    try:
        found = os.stat(path.name or ".", dir_fd=folder)
    except OSError:
        return  # It does not exist, or is a dangling link, which is replaced.
    if not stat.S_ISREG(found.st_mode):
        number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(number, "not a regular file", str(path))
