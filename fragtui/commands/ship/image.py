"""The zipapp in an image: a folder to build it from."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from fragtui import __version__
from fragtui.commands.ship.zipapp import build_zipapp
from fragtui.output_file import PUBLIC, write_file

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that makes the zipapp; no other version can use its bytecode."""
_ZIPAPP = "fragtui.pyz"
_CONTAINERFILE = """\
# fragtui in an image: for nodes without Python (Talos, Bottlerocket, Flatcar, COS).
#   podman build --build-arg BASE=NAME@sha256:DIGEST -t {image} .
# BASE is a Debian with Python {python} by its digest, python:{python}-slim for example:
#   podman pull NAME && podman image inspect --format '{{{{index .RepoDigests 0}}}}' NAME
# With another version of Python it runs too, but starts more slowly: the bytecode in fragtui.pyz is of {python}.
# All of fragtui and of its dependencies is in fragtui.pyz, whose hash is below; it is the same for each architecture.
# journalctl reads the node's journal. Unless BASE has it, apt takes it from Debian and checks Debian's signature; pin
# its version with --build-arg SYSTEMD=systemd=VERSION.
ARG BASE{base}
FROM ${{BASE}}
ARG SYSTEMD=systemd
RUN command -v journalctl || ( \\
      apt-get update && apt-get install -y --no-install-recommends "${{SYSTEMD}}" \\
      && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin )
COPY fragtui.pyz /usr/local/bin/fragtui
RUN echo "{sha256}  /usr/local/bin/fragtui" | sha256sum --check - && fragtui version
LABEL org.opencontainers.image.title="fragtui" \\
      org.opencontainers.image.version="{version}" \\
      org.opencontainers.image.licenses="Apache-2.0"
ENV TERM=xterm-256color LC_ALL=C.UTF-8
USER 0
# Mount the host's root at /host: fragtui reads and writes /host/proc, never the container's own /proc.
ENTRYPOINT ["/usr/local/bin/fragtui", "--root", "/host"]
"""


def write_image(folder: Path, image: str, base: str | None) -> None:
    """Write zipapp and Containerfile into a folder, which is made if it is missing. Raises NotBuilt and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    build_zipapp(folder / _ZIPAPP, complete=True)
    sha256 = hashlib.sha256((folder / _ZIPAPP).read_bytes()).hexdigest()
    write_file(folder / "Containerfile", containerfile(sha256, image, base), PUBLIC)


def containerfile(sha256: str, image: str, base: str | None) -> str:
    """Return the Containerfile for a zipapp; `base` is an image by its digest, None if the build names it."""
    return _CONTAINERFILE.format(
        image=image, python=_PYTHON, base=f"={base}" if base else "", sha256=sha256, version=__version__
    )
