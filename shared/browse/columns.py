"""What the index keeps of an object: the columns that people sort and filter by, computed once when unpacking.

Pure. A column's value follows from the object's body alone; what follows from other objects (whether it still exists,
its MFA state) is joined when asked. Bodies are not copied: single objects are read from the repository, where their
hash is checked.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.catalog.paths import values
from shared.catalog.where import group_kind
from shared.repository.records import ObjectRecord

INDEX_VERSION = 2
"""Counts up with any change of what an index holds, so that older ones are made anew."""

COLUMNS: Mapping[str, str] = {
    "objectId": "VARCHAR",
    "objectType": "VARCHAR",
    "kind": "VARCHAR",
    "displayName": "VARCHAR",
    "userPrincipalName": "VARCHAR",
    "mail": "VARCHAR",
    "city": "VARCHAR",
    "department": "VARCHAR",
    "jobTitle": "VARCHAR",
    "description": "VARCHAR",
    "userType": "VARCHAR",
    "telephoneNumber": "VARCHAR",
    "groupKind": "VARCHAR",
    "synced": "BOOLEAN",
    "mailEnabled": "BOOLEAN",
    "accountEnabled": "BOOLEAN",
    "createdDateTime": "VARCHAR",
    "mfaState": "VARCHAR",
    "mfaMethod": "VARCHAR",
    "parent": "VARCHAR",
    "removed": "VARCHAR",
    "captured": "VARCHAR",
    "capturedAt": "VARCHAR",
    "search": "VARCHAR",
    "sortName": "VARCHAR",
}

LINK_COLUMNS: Mapping[str, str] = {
    "source": "VARCHAR", "sourceType": "VARCHAR", "link": "VARCHAR", "target": "VARCHAR", "targetType": "VARCHAR",
}

USER_TYPES: Mapping[str, tuple[str, ...]] = {
    "member": ("Member", "Work or school"),
    "guest": ("Guest", "B2B Guest"),
    "b2cLocal": ("B2C local", "B2C Local Account", "Local account"),
    "social": ("Social", "Social account", "B2C Social"),
}
"""Values of `userType`, each with the names that screens show for it."""

GROUP_KINDS: Mapping[str, tuple[str, ...]] = {
    "security": ("Security Group",),
    "microsoft365": ("Microsoft 365 Group", "Office 365 Group"),
    "dynamic": ("Dynamic Group",),
    "mailEnabledSecurity": ("Mail-enabled Security Group",),
    "distribution": ("Distribution Group", "Distribution List"),
}

MFA_METHODS: Mapping[str, str] = {
    "sms": "OneWaySMS",
    "voiceMobile": "TwoWayVoiceMobile",
    "voiceAlternateMobile": "TwoWayVoiceAlternateMobile",
    "voiceOffice": "TwoWayVoiceOffice",
    "push": "PhoneAppNotification",
    "oath": "PhoneAppOTP",
}
"""`userDefaultAuthenticationMethod` (Microsoft Graph, "signInPreferences resource type") → the older MSOnline name."""

_CALLED: Mapping[str, str] = {
    "oAuth2PermissionGrant": "Delegated Permission Grant",
    "ipNamedLocation": "IP Named Location",
    "groupSetting": "Directory Setting",
    "identitySecurityDefaultsEnforcementPolicy": "Security Defaults",
    "unifiedRoleDefinition": "Role Definition",
    "unifiedRoleAssignment": "Role Assignment",
    "unifiedRoleEligibilitySchedule": "Eligible Role Assignment",
    "unifiedRoleAssignmentSchedule": "Active Role Assignment",
    "strongAuthenticationRequirements": "Per-user MFA State",
    "contract": "Partner Contract",
    "subscribedSku": "Licence",
}
"""Types whose key says less than administrators do."""

_NAMES = (
    "displayName", "name", "principalDisplayName", "skuPartNumber", "emailAddress", "phoneNumber",
    "directoryPropertyName", "defaultDomainName",
)
_LONGEST = 4_000
"""Characters of a value that the index keeps: enough to search by, and no way to make it grow without bound."""


def fold(text: str) -> str:
    """The text as searches compare it: without case, in one Unicode form."""
    return unicodedata.normalize("NFKC", text).casefold() if not text.isascii() else text.lower()


def kind_title(object_type: str, kind: str | None) -> str:
    """What screens call an object of this type: `User`, `Microsoft 365 Group`, `Conditional Access policy`."""
    if kind is not None and kind in GROUP_KINDS:
        return GROUP_KINDS[kind][0]
    return singular(object_type)


def singular(object_type: str) -> str:
    """What one object of the type is called: `Conditional Access Policy`."""
    if object_type in _CALLED:
        return _CALLED[object_type]
    return " ".join(word.capitalize() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", object_type))


def row_of(record: ObjectRecord, captured: str, captured_at: str, removed: str | None = None) -> tuple[Any, ...]:
    """The values of COLUMNS, in their order."""
    body, object_type = record.body, record.object_type
    name = display_name(body) or record.object_id
    is_user, is_group = object_type == "user", object_type == "group"
    kind = group_kind(body) if is_group else None
    principal = _text(body.get("userPrincipalName"))
    mail = _text(body.get("mail"))
    city, department, job = _text(body.get("city")), _text(body.get("department")), _text(body.get("jobTitle"))
    description = _text(body.get("description"))
    user_type = _user_type(body) if is_user else None
    phone = _phones(body) if is_user else None
    searched = dict.fromkeys((name, principal, mail, city, department, job, description, phone))
    return (
        record.object_id, object_type, kind_title(object_type, kind), name, principal, mail, city, department, job,
        description, user_type, phone, kind,
        body.get("onPremisesSyncEnabled") is True if is_user or is_group or object_type == "device" else None,
        bool(mail) if is_user else body.get("mailEnabled") is True if is_group else None,
        body.get("accountEnabled") if isinstance(body.get("accountEnabled"), bool) else None,
        _text(body.get("createdDateTime")),
        _text(body.get("perUserMfaState")),
        _text(body.get("userPreferredMethodForSecondaryAuthentication")),
        _text(body.get("@cairn.parent")),
        removed, captured, captured_at,
        "\n".join([fold(text) for text in searched if text]),
        fold(name),
    )


def display_name(body: Mapping[str, Any]) -> str | None:
    """The name that an object is known by, or None where it has none."""
    for name in _NAMES:
        found = _text(body.get(name))
        if found:
            return found
    return None


def references_of(record: ObjectRecord) -> Iterator[tuple[str, str, str, str, str]]:
    """The objects that the body names by id, as links are kept: the property is the link's name."""
    row = OBJECT_TYPES.get(record.object_type)
    for reference in row.references if row else ():
        if reference.by != "id" or reference.inside_text:
            continue
        for value in values(record.body, reference.property):
            if isinstance(value, str) and value not in reference.words:
                yield record.object_id, record.object_type, reference.property, value, reference.target


def references_digest(object_type: str) -> list[list[str]]:
    """What `references_of` depends on, so that an index made by other rows is not taken for this one."""
    row = OBJECT_TYPES.get(object_type)
    return [[one.property, one.target, one.by] for one in row.references] if row else []


def _user_type(body: Mapping[str, Any]) -> str:
    """Guest, B2C local, social or member (Microsoft Graph, "user resource type", "objectIdentity resource type")."""
    if body.get("userType") == "Guest":
        return "guest"
    signs_in = {one.get("signInType") for one in body.get("identities") or () if isinstance(one, Mapping)}
    if body.get("creationType") == "LocalAccount" or signs_in & {"emailAddress", "userName", "phoneNumber"}:
        return "b2cLocal"
    return "social" if "federated" in signs_in else "member"


def _phones(body: Mapping[str, Any]) -> str | None:
    found = [body.get("telephoneNumber"), body.get("mobilePhone"), *(body.get("businessPhones") or ())]
    return _text(" ".join(one for one in found if isinstance(one, str) and one))


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value[:_LONGEST] or None
    if isinstance(value, list):
        return " ".join(one for one in value if isinstance(one, str))[:_LONGEST] or None
    return None
