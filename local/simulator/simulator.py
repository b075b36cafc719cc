"""A simulated tenant behind a local address, for tests and for the local host."""

from __future__ import annotations

from functools import partial
from types import TracebackType
from typing import Self

from local.simulator.app import App
from local.simulator.server import Server, serve
from local.simulator.store import Store
from local.simulator.tenant import Tenant, new_tenant


class Simulator:
    """`async with Simulator(users=100) as s:` serves on `s.url` in the running loop until the block ends."""

    def __init__(
        self, *, users: int = 100, groups: int = 20, seed: int = 1, port: int = 0, latency_ms: float = 0.0,
        tenant: Tenant | None = None,
    ) -> None:  # fmt: skip
        make = partial(new_tenant, users, groups, seed)
        self.app = App(tenant or make(), make if tenant is None else None)
        self.port = port
        self._latency_ms = latency_ms
        self._server: Server | None = None

    @property
    def tenant(self) -> Tenant:
        """The tenant served now (another after a reset or load)."""
        return self.app.tenant

    @property
    def url(self) -> str:
        """The root of Graph and of login."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tenant_id(self) -> str:
        """The tenant's id."""
        return self.tenant.id

    @property
    def client_id(self) -> str:
        """The administrator's application."""
        return self.tenant.credentials.client_id

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return self.tenant.credentials.client_secret

    @property
    def store(self) -> Store:
        """The truth, for tests that look or change behind Graph's back."""
        return self.tenant.store

    async def start(self) -> None:
        """Listen."""
        self._server = await serve(self.app, self.port, self._latency_ms)
        self.port = self._server.port

    async def stop(self) -> None:
        """Stop listening and drop open connections."""
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
