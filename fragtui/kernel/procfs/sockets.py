"""``/proc/net/tcp`` and ``tcp6``: which ports are listened on (net/ipv4/tcp_ipv4.c get_tcp4_sock)."""

from __future__ import annotations

import re

_LISTENS = re.compile(r"^ *\d+: [0-9A-F]{8,32}:([0-9A-F]{4}) [0-9A-F]{8,32}:0000 0A ", re.MULTILINE | re.ASCII)


def listening_ports(text: str) -> frozenset[int]:
    """Return the ports of the sockets in state LISTEN; these come first in the file."""
    return frozenset(int(port, 16) for port in _LISTENS.findall(text))
