"""Which events are alerts, and of which CloudEvents type: one table. Source of the form: CloudEvents 1.0."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.alerts.outbox import Outbox
from shared.telemetry import measure


@dataclass(frozen=True, slots=True)
class AlertRule:
    """The CloudEvents type of an event code, and what it means to who subscribes."""

    type: str
    meaning: str
    news: bool = False
    """Something that people wait for and no failure: told, and not counted among the alerts."""


ALERT_RULES: Mapping[str, AlertRule] = {
    "backupFailed": AlertRule("Cairn.Backup.Failed", "a backup ended without a restore point"),
    "backupPartial": AlertRule("Cairn.Backup.Partial", "a restore point was made, and something is missing in it"),
    "coverageWorse": AlertRule("Cairn.Backup.CoverageWorse", "an object type was read whole before and was not now"),
    "verifyFailed": AlertRule("Cairn.Verify.Failed", "a restore point could not be verified"),
    "verifyFoundDamage": AlertRule("Cairn.Verify.Damage", "a restore point is damaged"),
    "expiryFailed": AlertRule("Cairn.Expiry.Failed", "expired restore points could not be removed"),
    "taskLost": AlertRule("Cairn.Task.Lost", "an operation was cut off and could not be taken up again"),
    "tenantUnprotected": AlertRule(
        "Cairn.Tenant.Unprotected", "a tenant has had no restore point for longer than its schedule allows"
    ),
    "consentLost": AlertRule("Cairn.Consent.Lost", "an app identity lost permissions that it held"),
    "consentIncomplete": AlertRule("Cairn.Consent.Incomplete", "an app identity lacks permissions that are wanted"),
    "appDisabled": AlertRule("Cairn.Consent.AppDisabled", "an app identity is disabled in the tenant"),
    "appDeleted": AlertRule("Cairn.Consent.AppDeleted", "an app identity is no longer in the tenant"),
    "credentialExpiring": AlertRule("Cairn.Consent.CredentialExpiring", "an app identity's credential ends soon"),
    "auditTampered": AlertRule("Cairn.Audit.Tampered", "the audit trail is not as it was written"),
    "massDeletion": AlertRule("Cairn.Watch.MassDeletion", "more objects were deleted than the tenant's rule allows"),
    "conditionalAccessWeakened": AlertRule(
        "Cairn.Watch.ConditionalAccessWeakened", "a Conditional Access policy, or security defaults, protect less"
    ),
    "newGlobalAdministrator": AlertRule("Cairn.Watch.NewGlobalAdministrator", "there is a new Global Administrator"),
    "breakGlassTouched": AlertRule("Cairn.Watch.BreakGlassTouched", "a break-glass account was touched"),
    "highPrivilegeGrant": AlertRule("Cairn.Watch.HighPrivilegeGrant", "a high privilege was granted"),
    "notScheduled": AlertRule("Cairn.Schedule.Failed", "what was due in a tenant could not be started"),
    "safeguardSwitchedOff": AlertRule(
        "Cairn.Settings.SafeguardOff", "schedule, approvals, watch or break-glass accounts were switched off, "
        "or generated passwords go elsewhere"
    ),
    "approvalWanted": AlertRule("Cairn.Restore.ApprovalWanted", "a restore waits for a second person", news=True),
    "restoreApplied": AlertRule("Cairn.Restore.Finished", "a restore or an undo has ended", news=True),
    "restoreCancelled": AlertRule("Cairn.Restore.Cancelled", "a restore or an undo was cancelled", news=True),
    "restoreFailed": AlertRule("Cairn.Restore.Failed", "a restore or an undo failed"),
    "restoreUnsafe": AlertRule("Cairn.Restore.HeldBack", "a plan was held back by the safety checks"),
    "notificationNotDelivered": AlertRule(
        "Cairn.Notification.NotDelivered", "a notification was given up after days, or refused for good"
    ),
    "channelsUnreadable": AlertRule(
        "Cairn.Notification.ChannelsUnreadable", "notification channels cannot be opened: their key is gone"
    ),
}
"""By the event's `code`."""


def alerting(outbox: Outbox) -> Callable[[Mapping[str, Any]], Awaitable[None]]:
    """A hearer of events that queues those which are alerts."""

    async def hear(event: Mapping[str, Any]) -> None:
        rule = ALERT_RULES.get(event["code"])
        if rule is None:
            return
        if not rule.news:
            measure.alerts.add(1, {"cairn.code": event["code"], "cairn.tenant": event["tenantId"]})
        await outbox.put(event)

    return hear
