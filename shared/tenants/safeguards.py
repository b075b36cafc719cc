"""Safeguards that are switched off in a tenant's settings: whoever may do that alone shall not do it unseen."""

import uuid

from shared.records.events import Events
from shared.tenants.settings import TenantSettings


async def tell_what_is_off(events: Events, tenant_id: str, before: TenantSettings, now: TenantSettings) -> None:
    """Write one event, which is an alert, if these settings protect less than those before in one of five ways."""
    kept = set(before.break_glass_ids) <= set(now.break_glass_ids)
    off = [
        what for what, was, still in (
            ("backups by schedule", before.schedule.enabled, now.schedule.enabled),
            ("approval of restores by a second person", before.approvals.required, now.approvals.required),
            ("the watch", before.watch.enabled, now.watch.enabled),
            ("break-glass accounts", bool(before.break_glass_ids), kept),
            ("where generated passwords go", True, before.credentials_vault == now.credentials_vault),
        ) if was and not still
    ]  # fmt: skip
    if off:
        await events.record(
            f"safeguardSwitchedOff:{uuid.uuid4()}", tenant_id=tenant_id, severity="warning",
            code="safeguardSwitchedOff",
            message=f"Switched off, shortened or led elsewhere in the settings: {', '.join(off)}. The audit trail says "
            "by whom.",
        )
