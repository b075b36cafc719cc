"""Restores of one tenant side by side: whom one may run beside.

A restore holds one of the lock's few places from its start to its end (`shared/starting`). Invariants
- Who takes a place looks at the others only then, and gives it back where it meets one; and once it is planned its
  scope is written first, and the others are looked at then. So of two that meet at least one sees the other before it
  writes.
- A holder of which nothing is known is met.
"""

from collections.abc import Iterable

from shared.deployment import Records
from shared.records.tasks import OPEN
from shared.recovery.scope import Scope, meet, of_row
from shared.starting import places_of


async def first_met(records: Records, tenant_id: str, scope: Scope | None, task_ids: Iterable[str]) -> str:
    """The first of these tasks whose restore may not run beside one of this scope; empty where all may. Read-only."""
    for task_id in task_ids:
        task = await records.tasks.find(task_id)
        if task is not None and task["status"] not in OPEN:
            continue
        other = await records.restores.find(tenant_id, task["result"].get("restoreId", "")) if task else None
        if other is None or meet(scope, of_row(other)):
            return task_id
    return ""


async def met(records: Records, tenant_id: str, restore_id: str, task_id: str) -> str:
    """The same for what a restore's row says now, and all who hold a place beside its task."""
    restore = await records.restores.get(tenant_id, restore_id)
    held = [await records.run_locks.held(tenant_id, place) for place in places_of("restore")]
    others = [one.task_id for one in held if one is not None and one.task_id != task_id]
    return await first_met(records, tenant_id, of_row(restore), others)
