"""How the tenant's administrator proves who it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credentials:
    """The administrator's application that the ready line prints."""

    client_id: str
    client_secret: str
