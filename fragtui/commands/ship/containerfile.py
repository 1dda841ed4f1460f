"""The Containerfile: the zipapp in an image."""

from __future__ import annotations

import sys

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The Python that makes the zipapp; no other version can use its bytecode."""

CONTAINERFILE = f"""\
# fragtui in an image: for nodes without Python (Talos, Bottlerocket, Flatcar, COS).
#   fragtui ship zipapp fragtui.pyz && fragtui ship containerfile > Containerfile
#   podman build -t registry.example/fragtui:VERSION .
# Mount the host's root at /host: fragtui reads and writes /host/proc, never the container's own /proc.
# The Python version is that of the zipapp, so that its bytecode makes the start quick. journalctl (systemd) reads the
# host's journal, pyyaml the kubeconfig, zstandard rotated logs; without one of them fragtui reports what is unknown.
FROM docker.io/library/python:{_PYTHON}-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd && rm -rf /var/lib/apt/lists/* \\
 && pip install --no-cache-dir "pyyaml>=6" "prometheus-client>=0.20" "zstandard>=0.22"
COPY fragtui.pyz /usr/local/bin/fragtui
RUN chmod 0755 /usr/local/bin/fragtui
ENV TERM=xterm-256color LC_ALL=C.UTF-8
USER 0
ENTRYPOINT ["/usr/local/bin/fragtui", "--root", "/host"]
"""
