"""What routes work on: the opened deployment and the token validator, once a process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from fastapi import Depends, Request

from api.rates import Rates, RefusalBudget
from shared.deployment import Records, deployment
from shared.notifications.delivery import Senders
from shared.repository.store import BlobStore
from shared.repository.tokens import TokenCipher
from shared.security.callers import Caller
from shared.security.issuer_documents import fetch_json
from shared.security.tokens import TokenValidator, validator_of
from shared.settings import Settings, read_settings


class OpenDeployment(Protocol):
    """What the HTTP interface needs of a deployment."""

    @property
    def settings(self) -> Settings:
        """Its settings."""

    @property
    def records(self) -> Records:
        """Everything that is kept in tables."""

    @property
    def vault(self) -> BlobStore:
        """Where restore points lie."""

    @property
    def workspace(self) -> BlobStore:
        """Where checkpoints and indexes lie."""

    @property
    def cipher(self) -> TokenCipher:
        """What keeps small secrets."""

    @property
    def senders(self) -> Senders:
        """How notifications go out."""


@dataclass(slots=True)
class Services:
    """Opens what is asked for at its first use; a failure to open is tried again at the next."""

    open_deployment: Callable[[], Awaitable[OpenDeployment]] = deployment
    validator: TokenValidator | None = None
    settings: Settings | None = None
    refusals: RefusalBudget = field(default_factory=RefusalBudget)
    _rates: Rates | None = None

    async def deployment(self) -> OpenDeployment:
        """The deployment of this process; raises SettingsError or StoreUnavailable."""
        return await self.open_deployment()

    def body_limit_bytes(self) -> int:
        """Largest body that a request may have."""
        return self._settings().body_limit_bytes

    def wait_seconds(self, caller: str) -> float:
        """0 if the caller may ask now, else how long it must wait."""
        if self._rates is None:
            self._rates = Rates(self._settings().requests_per_minute)
        return self._rates.wait_seconds(caller)

    def public_root(self, request: Request) -> str:
        """The root of Cairn's own address as callers know it, without a slash at its end."""
        return self._settings().public_url or f"{request.url.scheme}://{request.url.netloc}"

    def _settings(self) -> Settings:
        if self.settings is None:
            self.settings = read_settings()
        return self.settings

    def token_validator(self) -> TokenValidator:
        """The validator that the settings describe; needs no storage, so a stranger is refused before any is opened."""
        if self.validator is None:
            self.validator = validator_of(self._settings(), fetch_json)
        return self.validator


async def _deployment(request: Request) -> OpenDeployment:
    services: Services = request.app.state.services
    return await services.deployment()


async def _records(request: Request) -> Records:
    return (await _deployment(request)).records


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Deployed = Annotated[OpenDeployment, Depends(_deployment)]
Kept = Annotated[Records, Depends(_records)]
CalledBy = Annotated[Caller, Depends(_caller)]

STORAGE_CHECK_SECONDS = 10.0


async def within(call: Awaitable[object]) -> None:
    """Await a storage check, but not for long; raises TimeoutError."""
    async with asyncio.timeout(STORAGE_CHECK_SECONDS):
        await call
