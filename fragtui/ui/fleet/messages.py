"""The message of the fleet's reading thread."""

from __future__ import annotations

from fragtui.ui.messages import MailboxMessage


class FleetChanged(MailboxMessage):
    """Something was read; the state of the reader has all of it."""
