"""Run as a process: msgraph-sdk's typed iteration over /users, the way its documentation shows; prints CPU a user."""

import asyncio
import json
import resource
import sys
import time

import httpx
from kiota_abstractions.authentication import BaseBearerTokenAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph_core import GraphClientFactory
from msgraph_core.tasks.page_iterator import PageIterator


class _Token:
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_authorization_token(self, uri: str, additional_authentication_context: object = None) -> str:  # noqa: ARG002
        return self._token

    def get_allowed_hosts_validator(self) -> None:
        return None


async def iterate(root: str, token: str, select: list[str], most: int) -> None:
    """Iterate over at most so many users, and print what that cost."""
    adapter = GraphRequestAdapter(
        BaseBearerTokenAuthenticationProvider(_Token(token)),  # type: ignore[arg-type]
        client=GraphClientFactory.create_with_default_middleware(client=httpx.AsyncClient(trust_env=False)),
    )
    adapter.base_url = f"{root}/v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    asked = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=select, top=500)
    one_user = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=1)
    await client.users.get(RequestConfiguration(query_parameters=one_user))  # what is made once is not counted
    seen = 0

    def one(_: object) -> bool:
        nonlocal seen
        seen += 1
        return seen < most

    began, cpu = time.perf_counter(), time.process_time()
    first = await client.users.get(RequestConfiguration(query_parameters=asked))
    await PageIterator(response=first, request_adapter=adapter).iterate(one)  # type: ignore[arg-type]
    spent = time.process_time() - cpu
    print(json.dumps({
        "users": seen, "cpuSeconds": round(spent, 3), "wallSeconds": round(time.perf_counter() - began, 3),
        "cpuMicrosecondsAUser": round(spent / seen * 1e6, 1),
        "peakMiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    asyncio.run(iterate(sys.argv[1], sys.argv[2], sys.argv[3].split(","), int(sys.argv[4])))
