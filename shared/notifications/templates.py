"""Templates: which events make which notification, and in which words. One table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

TemplateName = Literal[
    "backupFailed", "backupPartial", "verifyFailed", "tenantUnprotected", "restoreFinished", "approvalWanted",
    "watchAlert", "consentExpiring", "operationFailed",
]  # fmt: skip
TEMPLATES: tuple[TemplateName, ...] = get_args(TemplateName)


@dataclass(frozen=True, slots=True)
class Template:
    """A notification's subject and first words; `codes` are the events that make it."""

    subject: str
    words: str
    codes: frozenset[str]


BY_NAME: Mapping[TemplateName, Template] = {
    "backupFailed": Template(
        "Backup failed", "A backup ended without a restore point.", frozenset({"backupFailed", "notScheduled"})
    ),
    "backupPartial": Template(
        "Backup incomplete", "A restore point was made, and something is missing in it.",
        frozenset({"backupPartial", "coverageWorse"}),
    ),
    "verifyFailed": Template(
        "Verification failed", "A restore point could not be verified, or is damaged.",
        frozenset({"verifyFailed", "verifyFoundDamage", "auditTampered"}),
    ),
    "tenantUnprotected": Template(
        "Tenant unprotected", "There has been no restore point for longer than the schedule allows.",
        frozenset({"tenantUnprotected"}),
    ),
    "restoreFinished": Template(
        "Restore finished", "A restore has ended.",
        frozenset({"restoreApplied", "restoreCancelled", "restoreFailed", "restoreUnsafe"}),
    ),
    "approvalWanted": Template(
        "Approval wanted", "A restore waits for a second person.", frozenset({"approvalWanted"})
    ),
    "watchAlert": Template(
        "Change to look at", "A change was found that you asked to be told of.",
        frozenset({
            "massDeletion", "conditionalAccessWeakened", "newGlobalAdministrator", "breakGlassTouched",
            "highPrivilegeGrant", "safeguardSwitchedOff",
        }),
    ),
    "consentExpiring": Template(
        "Consent needs attention", "An app identity of Cairn's lost permissions, or its credential ends soon.",
        frozenset({"consentLost", "consentIncomplete", "appDisabled", "appDeleted", "credentialExpiring"}),
    ),
    "operationFailed": Template(
        "Operation failed", "An operation failed.",
        frozenset({"taskLost", "expiryFailed", "unpackFailed", "differencesFailed"}),
    ),
}  # fmt: skip

_BY_CODE: Mapping[str, TemplateName] = {code: name for name, one in BY_NAME.items() for code in one.codes}


def template_of(code: str) -> TemplateName | None:
    """The notification that events of this code make, or None if they make none."""
    return _BY_CODE.get(code)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the same facts in every channel."""

    template: TemplateName
    subject: str
    text: str
    facts: Mapping[str, Any]


def message_of(template: TemplateName, event: Mapping[str, Any]) -> Message:
    """The notification of this event; it holds what the event holds, which is no secret and no personal value."""
    one, task = BY_NAME[template], event.get("task") or {}
    facts = {
        "eventId": event["eventId"], "tenantId": event["tenantId"], "timestamp": event["timestamp"],
        "severity": event["severity"], "code": event["code"], "message": event["message"],
        "taskId": task.get("taskId"), "taskName": task.get("name"), "template": template,
    }
    lines = [
        one.words, "", event["message"], "", f"Tenant: {event['tenantId']}", f"Time: {event['timestamp']}",
        *([f"Task: {task['name']} ({task['taskId']})"] if task else []), f"Event: {event['eventId']}",
    ]  # fmt: skip
    return Message(template, f"Cairn: {one.subject}", "\n".join(lines) + "\n", facts)
