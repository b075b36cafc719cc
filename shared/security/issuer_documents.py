"""Reads an issuer's public documents over HTTPS: small, quick or not at all."""

from typing import Any

import aiohttp
import orjson

from shared.security.tokens import IssuerUnavailable

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
MOST_BYTES = 1_048_576


async def fetch_json(address: str) -> Any:
    """The JSON at the address; raises IssuerUnavailable. Redirects are not followed."""
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise IssuerUnavailable(f"The issuer answered {answer.status}.")
            found = bytearray()
            async for chunk in answer.content.iter_chunked(65_536):
                found += chunk
                if len(found) > MOST_BYTES:
                    raise IssuerUnavailable("The issuer's answer is too long.")
            return orjson.loads(found)
    except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError, ValueError) as error:
        raise IssuerUnavailable(f"The issuer could not be read ({type(error).__name__}).") from error
