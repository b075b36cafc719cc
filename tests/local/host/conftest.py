"""The fixture app under a running host, shared by a module's tests."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest_asyncio
from azure.durable_functions import DurableFunctionsClient
from durabletask.client import OrchestrationState

from local.host import LocalHost

APP = Path(__file__).parent / "app"
NEVER = "0 0 0 29 2 *"


class Hosted:
    """A running host, the app's module, and how tests talk to both."""

    def __init__(self, host: LocalHost, http: httpx.AsyncClient) -> None:
        self.host = host
        self.http = http

    @property
    def app(self) -> ModuleType:
        return sys.modules["function_app"]

    @property
    def client(self) -> DurableFunctionsClient:
        return self.host.durable_client()

    async def start(self, name: str, given: Any = None, instance_id: str | None = None) -> str:
        return await self.client.schedule_new_orchestration(name, input=given, instance_id=instance_id)

    async def end(self, instance_id: str) -> OrchestrationState:
        state = await self.client.wait_for_orchestration_completion(instance_id, timeout=30)
        assert state is not None
        return state

    async def run(self, name: str, given: Any = None) -> Any:
        """The output of an orchestration that must complete."""
        state = await self.end(await self.start(name, given))
        assert state.failure_details is None, state.failure_details
        return json.loads(state.serialized_output or "null")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosted() -> AsyncIterator[Hosted]:
    async with (
        LocalHost(APP, 0, settings={"FIXTURE_SCHEDULE": NEVER}, system_key="the-system-key") as host,
        httpx.AsyncClient(base_url=host.url, timeout=30) as http,
    ):
        yield Hosted(host, http)
