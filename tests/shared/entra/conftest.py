"""A scripted Microsoft Graph on loopback, and a session with it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from shared.entra.clouds import Endpoints, endpoints
from shared.entra.credentials import ClientSecret, token_source
from shared.entra.governor import Governor
from shared.entra.transport import Graph, Limits
from tests.shared.entra.scripted import SECRET, TENANT, FakeGraph


@pytest.fixture
async def fake() -> AsyncIterator[FakeGraph]:
    graph = FakeGraph()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{tail:.*}", graph.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    graph.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield graph
    await runner.cleanup()


@pytest.fixture
def roots(fake: FakeGraph) -> Endpoints:
    return endpoints("global", graph_url=fake.root, login_url=fake.root)


@pytest.fixture
async def graph(roots: Endpoints) -> AsyncIterator[Graph]:
    """A session with the scripted Graph that loses no time between its tries."""
    tokens = token_source(roots, TENANT, ClientSecret("the-app", SECRET))
    limits = Limits(first_wait_seconds=0.001, wait_seconds_max=0.002, total_seconds=20)
    async with Graph(roots, tokens, governor=Governor(), limits=limits) as session:
        yield session
