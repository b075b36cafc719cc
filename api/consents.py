"""/tenants/{tenantId}/consents: what Cairn's apps want of the tenant, hold and miss."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from api.guard import GuardedRoute, permit
from api.problems import Problem, unprocessable, wrong
from api.services import Deployed, OpenDeployment
from shared.errors import EntraError, UnknownRecord
from shared.tenants.consent_watch import look_at_secure_score, tell
from shared.tenants.consents import (
    KINDS,
    NOT_BUILT,
    Consent,
    ConsentMissing,
    check_consent,
    need_restore_consent,
    unchecked,
)

router = APIRouter(prefix="/tenants/{tenant_id}/consents", tags=["consents"], route_class=GuardedRoute)

OneKind = Annotated[str, Path(max_length=32, description="basic, restore, exchangeBackup or exchangeRestore")]


async def known_kind(request: Request) -> None:
    """404 for a consent that there is not."""
    kind = request.path_params["kind"]
    if kind not in (*KINDS, *NOT_BUILT):
        raise UnknownRecord("There is no such consent.")


async def refuse_unconsented(deployed: OpenDeployment, tenant_id: str) -> None:
    """409 with exactly what to grant, where the consent `restore` was not given; an outage is the plan's to tell."""
    if not (deployed.settings.restore_client_id or deployed.settings.client_id):
        return
    options = (await deployed.records.tenants.settings(tenant_id)).settings.options
    try:
        await need_restore_consent(deployed.settings, tenant_id, options)
    except ConsentMissing as lack:
        raise Problem(
            409, "consentMissing", "The consent to restore is missing.", str(lack),
            errors=[wrong("consent", None, permission) for permission in lack.permissions], remedy=lack.remedy,
            more={"adminConsentUrl": lack.consent_url},
        ) from None
    except EntraError:
        return


@router.get("")
@permit("backups.read")
async def list_consents(tenant_id: str, deployed: Deployed) -> dict[str, Any]:
    """Every consent as it was at its last check, with what is wanted now. The list is whole."""
    records = deployed.records
    known = await records.consents.read(tenant_id)
    options = (await records.tenants.settings(tenant_id)).settings.options
    value = []
    for kind in (*KINDS, *NOT_BUILT):
        fresh = unchecked(kind, deployed.settings, tenant_id.lower(), options)
        value.append({**known[kind], "wanted": fresh["wanted"]} if kind in known else fresh)
    return {"value": value}


@router.post("/{kind}/check")
@permit("tenants.manage", refuse=known_kind)
async def check_one_consent(tenant_id: str, kind: OneKind, deployed: Deployed) -> Consent:
    """Check the consent now, by a fresh token, and say what is held and missing."""
    chosen = next((one for one in KINDS if one == kind), None)
    if chosen is None:
        raise unprocessable(
            wrong("kind", kind, "one of basic, restore"), code="notYetSupported",
            remedy="Exchange operations are not built yet; restore users and groups without them.",
        )
    records = deployed.records
    if not deployed.settings.client_id:
        raise Problem(
            503, "notConfigured", "This deployment is not set up.", "CAIRN_CLIENT_ID is not set.",
            remedy="Set CAIRN_CLIENT_ID to the application id of the app that reads tenants.",
        )
    options = (await records.tenants.settings(tenant_id)).settings.options
    before = (await records.consents.read(tenant_id)).get(chosen)
    consent = await check_consent(chosen, deployed.settings, tenant_id.lower(), options, clock=records.clock)
    await records.consents.keep(tenant_id, consent)
    await tell(records, tenant_id.lower(), before, consent)
    if chosen == "basic":
        await look_at_secure_score(records, deployed.settings, tenant_id.lower())
    return consent
