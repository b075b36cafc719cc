"""Loopback ports for the parts of the local stack.

Kept ports lie below the range that systems use for outgoing connections, so that a port written down today is
hardly ever somebody's connection tomorrow.
"""

import secrets
import socket

from local.errors import LocalStackError

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 31_999


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> tuple[int, ...]:
    """That many different free ports; raises when two thousand tries find too few."""
    found: set[int] = set()
    for _ in range(2_000):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if port not in found and is_free(port):
            found.add(port)
        if len(found) == count:
            return tuple(found)
    raise LocalStackError(f"no {count} free ports between {LOWEST} and {HIGHEST}")


def need_free(port: int, purpose: str) -> None:
    """Raise, naming the port and what it is for, if it is taken."""
    if not is_free(port):
        raise LocalStackError(f"port {port} ({purpose}) is taken by another program; end it or take another")
