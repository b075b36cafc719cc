"""Lists that several object types share, read once for all of them that are read at the same time.

Invariant: a type is given every page, as Graph answered it, or reads the list itself: what another type did not read to
its end (a failure, a time limit) is never taken for the whole.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from shared.entra.listing import Asking, Page, pages
from shared.entra.transport import Graph


@dataclass(slots=True)
class SharedLists:
    """The lists of one slice, by address; they are small, since types that share one tell parts of it apart."""

    _whole: dict[tuple[str, str], list[Page]] = field(default_factory=dict)
    _reading: defaultdict[tuple[str, str], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def pages(
        self, graph: Graph, path: str, asking: Asking, *, ahead: Callable[[], bool]
    ) -> AsyncGenerator[Page]:
        """Every page of the list from its beginning; the first who asks reads them, the others wait for it."""
        place = (path, asking.version)
        async with self._reading[place]:
            if place not in self._whole:
                read = []
                async with aclosing(pages(graph, path, asking, ahead=ahead)) as listed:
                    async for page in listed:
                        read.append(page)
                        if not page.next_link:  # before it is handed out: nobody asks for more after the last one
                            self._whole[place] = read
                        yield page
                return
        for page in self._whole[place]:
            yield page
