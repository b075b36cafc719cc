"""A Cairn over memory that protects a simulated tenant: what fixtures of backups, restores and laws begin with."""

from collections.abc import Iterable
from pathlib import Path

from local.simulator import Simulator
from shared.catalog.options import OPTIONS
from shared.deployment import Deployment, Records, records_in_memory
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.tokens import LocalTokenCipher
from shared.settings import Settings, read_settings


def settings_for(simulator: Simulator, **more: str) -> Settings:
    """Settings that lead to the tenant, with its own application."""
    return read_settings({
        "CAIRN_GRAPH_URL": simulator.url, "CAIRN_LOGIN_URL": simulator.url,
        "CAIRN_CLIENT_ID": simulator.client_id, "CAIRN_CLIENT_SECRET": simulator.client_secret, **more,
    })


async def registered(records: Records, simulator: Simulator) -> Records:
    """The records, in which the tenant is registered."""
    await records.tenants.register(
        tenant_id=simulator.tenant_id, display_name="Test", cloud="global", kind="workforce", created_by="test"
    )
    return records


async def turn_on(opened: Deployment, tenant_id: str, options: Iterable[str] = OPTIONS) -> None:
    """Turn on what the tenant's settings may turn on: all of it, or these options."""
    tenants = opened.records.tenants
    settings = (await tenants.settings(tenant_id)).settings
    settings = settings.model_copy(update={"options": {**settings.options, **dict.fromkeys(options, True)}})
    await tenants.set_settings(tenant_id, settings, by="test")


async def protecting(simulator: Simulator, folder: Path) -> Deployment:
    """A deployment in memory, its key in the folder."""
    records = await registered(records_in_memory(), simulator)
    return Deployment(
        settings_for(simulator), records, MemoryBlobStore(), MemoryBlobStore(), LocalTokenCipher(folder / "key")
    )
