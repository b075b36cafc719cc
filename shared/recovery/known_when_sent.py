"""What a body names that is known only when it is sent, read from the object that it is sent to. Read-only."""

import asyncio
from time import monotonic

from shared.entra.governor import Bucket
from shared.entra.pages import body_of
from shared.entra.transport import Graph
from shared.errors import NotFound
from shared.recovery import gallery
from shared.recovery.new_credentials import KEYS, THUMBPRINT, newest, thumbprint
from shared.recovery.state import Json

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two looks for what is not everywhere yet."""


def waits_for_reading(body: Json) -> bool:
    """Whether the body names such a thing."""
    return any(value in (THUMBPRINT, gallery.DISABLED) for value in body.values())


async def resolved(graph: Graph, path: str, body: Json, *, until: float) -> Json | None:
    """The body as it is sent; None where there is no time left to wait for what it names; NotFound where it does not
    show. `until` is a time of `monotonic()`."""
    waits = iter(WAITS)
    while True:
        found = await _once(graph, path, body)
        if found is not None:
            return found
        wait = next(waits, None)
        if wait is None:
            raise NotFound("what the request names does not show", remedy="Set it by hand, as the plan says.")
        if monotonic() + wait > until:
            return None
        await asyncio.sleep(wait)


async def _once(graph: Graph, path: str, body: Json) -> Json | None:
    if THUMBPRINT in body.values():
        shown = await _read(graph, path, KEYS, "keyCredentials")
        certificate = newest((shown or {}).get(KEYS))
        if certificate is None:
            return None
        return {name: thumbprint(certificate) if value == THUMBPRINT else value for name, value in body.items()}
    shown = await _read(graph, path, ",".join(gallery.DISABLING))
    return None if shown is None else gallery.disabling(shown)


async def _read(graph: Graph, path: str, names: str, bucket: Bucket = "") -> Json | None:
    """The object as it is; None while it is not everywhere yet."""
    try:
        return body_of(await graph.get_json(f"{path}?$select=id,{names}", asked="what is to be changed", bucket=bucket))
    except NotFound:
        return None
