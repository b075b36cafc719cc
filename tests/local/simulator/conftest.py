"""A simulated tenant per test, with plain and Microsoft's own clients on it."""

import importlib
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory

from local.simulator import Simulator

with warnings.catch_warnings():
    # kiota warns of a name of its own while it is imported
    warnings.simplefilter("ignore", DeprecationWarning)
    importlib.import_module("kiota_abstractions.default_query_parameters")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(users=60, groups=12, seed=7) as running:
        yield running


async def token(simulator: Simulator) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{simulator.url}/{simulator.tenant_id}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": simulator.client_id,
                "client_secret": simulator.client_secret,
                "scope": "https://graph.microsoft.com/.default",
            },
        )
        return str(answer.json()["access_token"])


@pytest.fixture
async def graph(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {await token(simulator)}"}
    async with httpx.AsyncClient(base_url=simulator.url, headers=headers, timeout=30) as client:
        yield client


class ToSimulator(AioHttpTransport):
    """azure-identity insists on https; what it sends goes to the simulator unchanged otherwise."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def send(self, request: Any, **options: Any) -> Any:
        request.url = request.url.replace("https://login.simulated", self._url)
        return await super().send(request, **options)


type Credentials = Callable[[str], ClientSecretCredential]


@pytest.fixture
def credential_with(simulator: Simulator) -> Credentials:
    """azure-identity's credential of the administrator's application with some secret."""
    return lambda secret: ClientSecretCredential(
        simulator.tenant_id,
        simulator.client_id,
        secret,
        authority="https://login.simulated",
        disable_instance_discovery=True,
        transport=ToSimulator(simulator.url),
    )


@pytest.fixture
async def credential(simulator: Simulator, credential_with: Credentials) -> AsyncIterator[ClientSecretCredential]:
    async with credential_with(simulator.client_secret) as made:
        yield made


@pytest.fixture
async def sdk(simulator: Simulator, credential: ClientSecretCredential) -> AsyncIterator[GraphServiceClient]:
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"]
    )
    # no connection outlives its answer, so that none is left to the garbage collector of a later test
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        adapter = GraphRequestAdapter(provider, GraphClientFactory.create_with_default_middleware(client=client))
        adapter.base_url = f"{simulator.url}/v1.0"
        yield GraphServiceClient(request_adapter=adapter)
