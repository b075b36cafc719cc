"""Storage that fails or stops at a chosen operation, over any store and any table."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from shared.errors import StoreUnavailable


class Misfortune:
    """Counts operations over all stores and tables, and strikes at those that `strikes` picks.

    `lost` says whether the operation was done and its answer lost, or not done at all. `stop` makes it and everything
    after it wait for ever, as a killed process would; `stopped` is then set.
    """

    def __init__(self) -> None:
        self.count = 0
        self.strikes: Callable[[int], bool] = lambda _: False
        self.lost = False
        self.stop = False
        self.stopped = asyncio.Event()
        self.struck = 0

    def none(self) -> None:
        """No misfortune from here on; counting begins anew."""
        self.__init__()  # type: ignore[misc]

    async def made(self, operation: Callable[[], Any]) -> Any:
        """The operation's result, unless it is struck."""
        number, self.count = self.count, self.count + 1
        if self.stopped.is_set() or self.strikes(number):
            self.struck += 1
            if self.stop:
                self.stopped.set()
                await asyncio.get_running_loop().create_future()
            if self.lost:
                await operation()
            raise StoreUnavailable("the storage account did not answer")
        return await operation()


class UnluckyStore:
    """A blob store in misfortune's reach."""

    def __init__(self, inner: Any, misfortune: Misfortune) -> None:
        self.inner, self._misfortune = inner, misfortune

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.inner, name)

        async def made(*given: Any, **named: Any) -> Any:
            return await self._misfortune.made(lambda: operation(*given, **named))

        return made

    async def list(self, prefix: str) -> AsyncIterator[Any]:
        async def everything() -> list[Any]:
            return [entry async for entry in self.inner.list(prefix)]

        for entry in await self._misfortune.made(everything):
            yield entry

    async def close(self) -> None:
        await self.inner.close()


class UnluckyTable:
    """A table in misfortune's reach."""

    def __init__(self, inner: Any, misfortune: Misfortune) -> None:
        self.inner, self._misfortune = inner, misfortune

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.inner, name)

        async def made(*given: Any, **named: Any) -> Any:
            return await self._misfortune.made(lambda: operation(*given, **named))

        return made
