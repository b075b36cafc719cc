"""Long work that says how far it is while it goes on, and ends when somebody cancels.

Invariant: work that was cancelled has ended when this returns; nothing of it runs on behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from shared.errors import StoreUnavailable

TOLD_EVERY = 2.0
"""Seconds after which progress is told, and it is looked whether somebody cancelled."""


class StoppedError(Exception):
    """Somebody cancelled, or the task has ended: the work was given up before it was done."""


async def listening[T](
    work: Coroutine[Any, Any, T], tell: Callable[[], Awaitable[object]], cancelled: Callable[[], Awaitable[bool]]
) -> T:
    """What the work gives; StoppedError where it was cancelled meanwhile."""
    under_way = asyncio.create_task(work)
    try:
        while True:
            with suppress(StoreUnavailable):  # what cannot be told or heard now is the next time
                if await cancelled():
                    raise StoppedError
            if (await asyncio.wait({under_way}, timeout=TOLD_EVERY))[0]:
                return under_way.result()
            with suppress(StoreUnavailable):
                await tell()
    finally:
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
