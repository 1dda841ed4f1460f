"""A folder that fragtui trusts as root's own: nothing below /tmp is, since everyone may write there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fragtui.sources.files import trust
from fragtui.sources.files.trust import Trust, open_inside


@contextmanager
def trusted_folder() -> Iterator[Path]:
    """Yield an empty folder of our own that no other user can write, nor any folder above it; skip without one."""
    place = "/run" if os.geteuid() == 0 else Path.home()
    with tempfile.TemporaryDirectory(prefix="fragtui-test-", dir=place) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "probe").touch(0o644)
        try:
            os.close(open_inside(Path("/"), folder / "probe", Trust.OWN))
        except OSError as error:
            pytest.skip(f"no trusted folder here: {error}")
        (folder / "probe").unlink()
        yield folder


@contextmanager
def programs_in(folder: Path) -> Iterator[None]:
    """Have programs looked for in that folder first, then where they always are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trust, "PROGRAM_FOLDERS", (str(folder), *trust.PROGRAM_FOLDERS))
        yield


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Have files made with that mask, whatever the caller's."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
