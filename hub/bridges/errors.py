"""What goes wrong between a bridge and its other side; the supervisor says it and tries again."""

from __future__ import annotations

from hub.errors import TruequeError


class BridgeDown(TruequeError):
    """The other side is away, refuses, or answers what is not its protocol."""


class PlugRefused(TruequeError):
    """A plug that cannot be switched, or there is none of that name."""


class NotYet(BridgeDown):
    """The other side comes later by design: waited for, not said."""
