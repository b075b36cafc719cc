"""`python -m local rebuild`: the proof that the vault alone is enough. Every table and all of the workspace are wiped,
and made anew from the vault.

The stack must not run meanwhile: the data folder's lock keeps it out. What was not yet sealed of the audit trail is
sealed first, as the timer would have done within five minutes: the proof itself shall lose nothing.
"""

import asyncio

from local import azurite as azurite_process
from local.azurite import Azurite
from local.data_folder import DataFolder, held
from shared.audit.sealing import seal_book
from shared.deployment import open_deployment
from shared.rebuild.rebuilding import Rebuilt
from shared.rebuild.rebuilding import rebuild as rebuild_from_vault
from shared.settings import Settings, read_settings


def rebuild(data: DataFolder) -> Rebuilt:
    """Return what came back; raises LocalStackError where another stack uses the folder."""
    with held(data):
        storage = azurite_process.start(data.azurite)
        try:
            return asyncio.run(_rebuild(data, storage))
        finally:
            azurite_process.stop(storage)


async def _rebuild(data: DataFolder, storage: Azurite) -> Rebuilt:
    settings = read_settings({
        "CAIRN_VAULT_CONNECTION_STRING": storage.connection_string,
        "CAIRN_RECORDS_CONNECTION_STRING": storage.connection_string,
        "CAIRN_KEY_URL": str(data.wrapping_key),
    })
    await _seal_audit(settings)
    await _drop_tables(storage.connection_string)
    opened = await open_deployment(settings)
    try:
        async for entry in opened.workspace.list(""):
            await opened.workspace.delete(entry.name)
        return await rebuild_from_vault(opened)
    finally:
        await opened.close()


async def _seal_audit(settings: Settings) -> None:
    opened = await open_deployment(settings)
    try:
        for book in await opened.records.audit.books():
            await seal_book(opened.records.audit, opened.vault, book)
    finally:
        await opened.close()


async def _drop_tables(connection_string: str) -> None:
    from azure.data.tables.aio import TableServiceClient

    async with TableServiceClient.from_connection_string(connection_string) as service:
        async for table in service.list_tables():
            await service.delete_table(table.name)
