"""The durable client of the request that is being answered; `function_app` puts it here."""

from contextvars import ContextVar
from typing import Annotated

from fastapi import Depends

from shared.starting import DurableClient

current_client: ContextVar[DurableClient] = ContextVar("current_client")
"""Set for as long as a request is answered, since the Functions host binds a client to each invocation."""


async def durable_client() -> DurableClient:
    """The client of this request."""
    return current_client.get()


Durable = Annotated[DurableClient, Depends(durable_client)]
