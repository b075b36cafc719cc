"""Early warning: consents are checked every few hours, and a change for the worse is an event of its tenant.

An app that is disabled or deleted, or a credential that ends, stops every later backup; the event comes before the next
one fails. What is said once is said again after a week while it lasts.
"""

import logging
from datetime import datetime, timedelta

from shared.backup.sessions import sessions
from shared.deployment import Records
from shared.errors import CairnError, EntraError, SettingsError
from shared.records.times import as_time
from shared.settings import Settings
from shared.tenants.consents import KINDS, Consent, check_consent
from shared.tenants.secure_score import secure_score

CHECKED_EVERY = timedelta(hours=6)
WARNED_DAYS = (30, 14, 7, 3, 1)
"""Days before a credential's end at which it is said again."""

_LOG = logging.getLogger("cairn.consents")
_CODES = {"AADSTS7000112": "appDisabled", "AADSTS700016": "appDeleted"}


async def watch_consents(records: Records, settings: Settings) -> int:
    """Return how many consents were checked. One tenant's trouble holds up no other."""
    checked = 0
    async for tenant_id, tenant in records.tenants.stream():
        if tenant["cloud"] != settings.cloud:
            continue
        try:
            checked += await _watch_tenant(records, settings, tenant_id)
        except (EntraError, SettingsError) as error:
            _LOG.warning("consents of a tenant could not be checked: %s", type(error).__name__)
    return checked


async def _watch_tenant(records: Records, settings: Settings, tenant_id: str) -> int:
    known, now = await records.consents.read(tenant_id), records.clock()
    newest = max((as_time(one["checkedAt"]) for one in known.values() if one["checkedAt"]), default=None)
    if newest is not None and now - newest < CHECKED_EVERY:
        return 0
    options = (await records.tenants.settings(tenant_id)).settings.options
    own_restorer = settings.restore_client_id not in ("", settings.client_id)
    kinds = KINDS if own_restorer else KINDS[:1]
    for kind in kinds:
        consent = await check_consent(kind, settings, tenant_id, options, clock=records.clock)
        await tell(records, tenant_id, known.get(kind), consent)
        await records.consents.keep(tenant_id, consent)
    await look_at_secure_score(records, settings, tenant_id)
    return len(kinds)


async def look_at_secure_score(records: Records, settings: Settings, tenant_id: str) -> None:
    """Keep the tenant's Secure Score as it is now, or why it is not known; never raises an error of Cairn's own."""
    try:
        async with sessions.reading(settings, tenant_id) as graph:
            await records.consents.keep_secure_score(tenant_id, await secure_score(graph, clock=records.clock))
    except CairnError as error:
        _LOG.info("no Secure Score: %s", type(error).__name__)


async def tell(records: Records, tenant_id: str, before: Consent | None, consent: Consent) -> None:
    """Write the events of what is wrong with the consent. Safe to repeat."""
    now = records.clock()
    week = f"{now:%G-W%V}"
    kind = consent["kind"]
    if consent["status"] in ("notGranted", "unknown", "incomplete"):
        code = _CODES.get(consent["code"], "consentLost" if _was_granted(before) else "consentIncomplete")
        severity = "warning" if code == "consentIncomplete" else "error"
        await records.events.record(
            f"{code}:{kind}:{week}", tenant_id=tenant_id, severity=severity, code=code,  # type: ignore[arg-type]
            message=f"Consent {kind}: {consent['detail']} {consent['remedy']}"[:2000],
        )  # fmt: skip
    ends = consent["credential"]["expires"]
    if ends is not None:
        days = _warned(as_time(ends), now)
        if days is not None:
            await records.events.record(
                f"credentialExpiring:{kind}:{ends}:{days}", tenant_id=tenant_id, severity="warning",
                code="credentialExpiring",
                message=f"Consent {kind}: the {consent['credential']['kind']} of Cairn's app ends at {ends}. Make a "
                "new one, or use a federated credential, which has no end.",
            )  # fmt: skip


def _was_granted(before: Consent | None) -> bool:
    return before is not None and before["status"] == "granted"


def _warned(ends: datetime, now: datetime) -> int | None:
    """The smallest of the warned days that has come, or None."""
    left = ends - now
    return min((days for days in WARNED_DAYS if left <= timedelta(days=days)), default=None)
