"""A download's address leads to the file under its name, for whoever has it, and only to be read."""

import uuid
from datetime import timedelta

import httpx

from local.azurite import Azurite
from shared.repository.azure_store import create_container, open_workspace


async def test_a_signed_address_gives_the_file_and_takes_nothing(azurite: Azurite) -> None:
    container = f"w{uuid.uuid4().hex[:12]}"
    await create_container(azurite.connection_string, container)
    store = open_workspace(azurite.connection_string, container)
    try:
        await store.put("exports/a.csv", b"a,b\r\n")
        address = await store.link("exports/a.csv", file_name="objects-1.csv", valid=timedelta(minutes=15))
        async with httpx.AsyncClient(trust_env=False) as anyone:
            answer = await anyone.get(address)
            assert (answer.status_code, answer.content) == (200, b"a,b\r\n")
            assert answer.headers["content-disposition"] == 'attachment; filename="objects-1.csv"'
            refused = await anyone.put(address, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
            assert refused.status_code == 403
            assert (await anyone.get(address.split("?")[0])).status_code in (403, 404, 409)
    finally:
        await store.close()
