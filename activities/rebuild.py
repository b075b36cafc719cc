"""Activities of the rebuild: tenants one after the other, for a bounded time."""

import time

from activities.boundary import answering
from shared.deployment import Deployment, deployment
from shared.messages import RebuildSlice, SliceRebuilt
from shared.rebuild.rebuilding import Rebuilt, rebuild_deployment, rebuild_tenant

SLICE_SECONDS = 120.0
"""A slice ends after the tenant in which this time runs out."""


@answering
async def rebuild_slice(message: RebuildSlice) -> SliceRebuilt:
    """Rebuild tenants from `start` on; the deployment's own rows come first, since they say which tenants there are."""
    opened = await deployment()
    began, position, rebuilt = time.monotonic(), message["start"], Rebuilt()
    if position == 0:
        await opened.records.tasks.start(message["taskId"])
        rebuilt += await rebuild_deployment(opened)
    tenants = await _tenants(opened, message["tenantIds"])
    done: list[str] = []
    while position < len(tenants) and (not done or time.monotonic() - began < SLICE_SECONDS):
        rebuilt += await rebuild_tenant(opened, tenants[position])
        done.append(tenants[position])
        position += 1
        await opened.records.tasks.progress(
            message["taskId"], "tenants", done=position, total=len(tenants), unit="tenants"
        )
    return SliceRebuilt(
        next=position if position < len(tenants) else None, counts={**rebuilt.counts(), "tenants": len(done)}
    )


async def _tenants(opened: Deployment, also: list[str]) -> list[str]:
    registered = [tenant_id async for tenant_id, _ in opened.records.tenants.stream()]
    return sorted({*registered, *[one async for one in opened.records.tenants.former()], *also})
