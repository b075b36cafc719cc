"""The opaque tokens in nextLink and deltaLink: what the simulator needs to go on, in a form no caller should read."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import orjson

from local.simulator.errors import GraphError


def pack(value: list[Any]) -> str:
    """A token for a value."""
    return base64.urlsafe_b64encode(zlib.compress(orjson.dumps(value), 1)).decode().rstrip("=")


def unpack(token: str) -> list[Any]:
    """The value of a token, or 400 when it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        value = orjson.loads(zlib.decompress(raw))
    except (binascii.Error, ValueError, zlib.error) as error:
        raise GraphError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.") from error
    if not isinstance(value, list):
        raise GraphError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
    return value
