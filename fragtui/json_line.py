"""The JSON objects that fragtui prints: one line each, with the number of their schema.

The policy, the same for every verb: fields are added, never renamed or removed, and their meaning and unit stay, within
one schema number; unknown is null. A change that can break a reader gets the next number, and is in the release notes.
Readers ignore fields that they don't know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

SCHEMA = 1
"""The schema of every JSON object printed; raised only by a change that older readers can't read."""


def json_line(fields: Mapping[str, object], *, ascii_only: bool = True) -> str:
    """Return the object in one line without a newline; its first field is ``schema``."""
    return json.dumps({"schema": SCHEMA, **fields}, ensure_ascii=ascii_only)
