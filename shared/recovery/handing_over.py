"""Handing generated passwords and new client secrets over to the Key Vault that the tenant's settings name.

    secret in the workspace, encrypted → written to the Key Vault → its place takes the secret's place in the workspace

Invariants
- A password or secret leaves the workspace only after the Key Vault has taken it; whatever goes wrong, it waits there
  to be fetched once instead, and an event says why.
- Safe to repeat: each has one name, and what is there is not written again.
- Names, tags and events hold ids, no value and no personal data.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import batched

from shared.deployment import Deployment
from shared.errors import CairnError, StoreUnavailable
from shared.recovery.key_vault import RESTORE_TAG, KeptSecret, KeyVault, open_key_vault
from shared.recovery.state import Json
from shared.recovery.store import RestoreStore
from shared.tenants.credentials_vault import why_refused

KEPT = timedelta(days=30)
"""When a handed-over password counts as expired: a person changes it at the first sign-in. Secrets have ends of their
own."""
AT_ONCE = 8
SECONDS = 60.0
"""Of one call: a batch has 250 operations, and Key Vault takes 300 new secrets in ten seconds."""


async def hand_over(
    opened: Deployment, tenant_id: str, restore_id: str, store: RestoreStore, orders: Collection[int] | None = None
) -> str:
    """Write what waits (of these operations, or all) to the tenant's Key Vault, if it has one; say what went wrong."""
    settings = (await opened.records.tenants.settings(tenant_id)).settings
    if settings.credentials_vault is None:
        return ""
    waiting = [
        (name, one) async for name, one in store.secrets()
        if "secret" in one and (orders is None or store.order_of(name) in orders)
    ]
    if not waiting:
        return ""
    try:
        async with asyncio.timeout(SECONDS):
            await _write(opened, tenant_id, restore_id, store, settings.credentials_vault, waiting)
    except CairnError as error:
        return f"{error}. {error.remedy}"
    except TimeoutError:
        return "the Key Vault took too long."
    return ""


async def hand_over_the_rest(
    opened: Deployment, tenant_id: str, restore_id: str, store: RestoreStore, task_id: str
) -> None:
    """The same for all that still waits, at the end of a restore: what goes wrong now is told by an event."""
    why = await hand_over(opened, tenant_id, restore_id, store)
    if why:
        await opened.records.events.record(
            f"credentialsNotHandedOver:{restore_id}", tenant_id=tenant_id, severity="warning",
            code="credentialsNotHandedOver",
            message=f"Not all generated passwords and secrets of restore {restore_id} could be written to the Key "
            f"Vault: {why} What it did not take is shown once by GET …/credentials.",
            task={"taskId": task_id, "name": "Restore"},
        )


async def _write(
    opened: Deployment, tenant_id: str, restore_id: str, store: RestoreStore, address: str,
    waiting: list[tuple[str, Json]],
) -> None:
    deployed = opened.settings
    # Looked at again: settings may be older than the deployment's own.
    expected = why_refused(
        address, cloud=deployed.cloud, loopback_allowed=deployed.private_webhooks == "allow"
    )
    if expected:
        raise StoreUnavailable(f"its address is not {expected}", remedy="Mend credentialsVault in the settings.")
    made = await opened.records.identity_map.made_by(
        tenant_id, restore_id, [str(one["objectId"]) for _, one in waiting]
    )

    async def keep(vault: KeyVault, name: str, one: Json) -> None:
        place = f"cairn-{restore_id}-{store.order_of(name)}"
        object_id = made.get(str(one["objectId"]), str(one["objectId"]))
        await vault.keep(KeptSecret(
            place, await opened.cipher.decrypt(one["secret"], tenant_id=tenant_id, purpose=one["purpose"]), one["kind"],
            {"cairnTenant": tenant_id, RESTORE_TAG: restore_id, "cairnObjectType": one["objectType"],
             "cairnObject": object_id, **({"cairnKeyId": one["keyId"]} if one.get("keyId") else {})},
            datetime.fromisoformat(one["expires"]) if one.get("expires") else opened.records.clock() + KEPT,
        ))
        await store.replace_secret(name, {
            "kind": one["kind"], "objectType": one["objectType"], "objectId": one["objectId"],
            "newObjectId": object_id, "keyVault": address, "secretName": place,
            **{name: one[name] for name in ("keyId", "displayName", "expires") if one.get(name)},
        })

    async with open_key_vault(address, managed_identity_id=deployed.managed_identity_client_id) as vault:
        for some in batched(waiting, AT_ONCE, strict=False):
            ended = await asyncio.gather(*(keep(vault, name, one) for name, one in some), return_exceptions=True)
            for failure in ended:
                if failure is not None:
                    raise failure
