"""What keeps the local host from starting, in one line that says what to do.

HostError
├─ PortTaken        another program listens on the port
├─ WrongHostFile    host.json is missing or says what cannot be meant
├─ NotIndexed       the worker library refused the function app
└─ NotSupported     the app asks for a trigger, route or schedule that this host does not know
"""

from __future__ import annotations

__all__ = ["HostError", "NotIndexed", "NotSupported", "PortTaken", "WrongHostFile"]


class HostError(Exception):
    """The host cannot start; the text is one line for the person at the terminal."""


class PortTaken(HostError):
    """Another program listens on the port."""


class WrongHostFile(HostError):
    """host.json is missing, is no JSON, or holds a value that cannot be meant."""


class NotIndexed(HostError):
    """The worker library refused the function app; Azure would refuse it likewise."""


class NotSupported(HostError):
    """The app asks for a trigger, route or schedule that this host does not know."""
