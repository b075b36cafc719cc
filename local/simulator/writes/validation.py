"""A body against Microsoft's schema: unknown names, wrong types, unknown enum values, read-only parts, lengths.

What passes comes back in the form in which Graph keeps it (GUIDs in lower case, times in UTC). Which properties of an
object may be written at all is for `rules.py`; what values mean is for the module of the type.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from local.simulator.errors import GraphError, bad_request
from local.simulator.schema import Property, Schema
from local.simulator.store import Body
from local.simulator.writes import refusals

GUID = re.compile(r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
DURATION = re.compile(r"^-?P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$")
TIME = re.compile(r"^\d{2}:\d{2}(:\d{2}(\.\d+)?)?$")
EXTENSION = re.compile(r"^extension_[0-9a-f]{32}_\w+$")

# Complex types that cannot be sent without saying which one they are: they are abstract in Microsoft's schema.
ABSTRACT = frozenset(
    ["ipRange", "conditionalAccessExternalTenants", "deviceRegistrationMembership", "serviceProvisioningError"]
)

# Entity types that take any property (openTypeExtension resource type).
OPEN = frozenset(["openTypeExtension"])

# Read-only sub-properties, by the SDK's comments: Graph refuses these in a body. Others that the comments call
# read-only belong to objects that are read-only as a whole, or are ignored.
NESTED_READ_ONLY = frozenset(
    [("appRole", "origin"), ("informationalUrl", "logoUrl"), ("passwordCredential", "hint"),
     ("passwordCredential", "secretText"), ("assignedLabel", "displayName"),
     ("identifierUriRestriction", "isStateSetByMicrosoft")]
)  # fmt: skip

# Longest values, in characters (User, Group, Application, Service principal resource types).
LONGEST = {
    ("user", "displayName"): 256, ("user", "givenName"): 64, ("user", "surname"): 64, ("user", "jobTitle"): 128,
    ("user", "department"): 64, ("user", "employeeId"): 16, ("user", "city"): 128, ("user", "companyName"): 64,
    ("user", "country"): 128, ("user", "state"): 128, ("user", "postalCode"): 40, ("user", "streetAddress"): 1024,
    ("user", "officeLocation"): 128, ("user", "mobilePhone"): 64, ("user", "mailNickname"): 64,
    ("user", "userPrincipalName"): 113, ("group", "displayName"): 256, ("group", "description"): 1024,
    ("group", "mailNickname"): 64, ("group", "membershipRule"): 3072, ("application", "displayName"): 256,
    ("application", "description"): 1024, ("application", "notes"): 1024, ("servicePrincipal", "notes"): 1024,
    ("servicePrincipal", "displayName"): 256, ("administrativeUnit", "displayName"): 128,
    ("oAuth2PermissionGrant", "scope"): 3850, ("federatedIdentityCredential", "name"): 120,
    ("federatedIdentityCredential", "description"): 600, ("federatedIdentityCredential", "issuer"): 600,
    ("federatedIdentityCredential", "subject"): 600, ("attributeSet", "id"): 32,
    ("attributeSet", "description"): 128, ("customSecurityAttributeDefinition", "name"): 32,
    ("customSecurityAttributeDefinition", "description"): 128, ("authenticationStrengthPolicy", "displayName"): 30,
    ("conditionalAccessPolicy", "displayName"): 256, ("namedLocation", "displayName"): 256,
}  # fmt: skip

# Types whose texts are never empty: the directory's own (reported of users and groups; of the others unconfirmed).
NEVER_EMPTY = frozenset(["user", "agentUser", "group", "application", "servicePrincipal", "administrativeUnit"])

# Strings that take only certain words (the same pages).
WORDS = {
    ("user", "userType"): ("Member", "Guest"),
    ("user", "ageGroup"): ("Minor", "NotAdult", "Adult"),
    ("user", "consentProvidedForMinor"): ("Granted", "Denied", "NotRequired"),
    ("group", "membershipRuleProcessingState"): ("On", "Paused"),
    ("group", "visibility"): ("Private", "Public", "HiddenMembership"),
    ("group", "theme"): ("Teal", "Purple", "Green", "Blue", "Pink", "Orange", "Red"),
    ("group", "groupTypes"): ("Unified", "DynamicMembership"),
    ("administrativeUnit", "membershipType"): ("Assigned", "Dynamic"),
    ("administrativeUnit", "membershipRuleProcessingState"): ("On", "Paused"),
    ("administrativeUnit", "visibility"): ("HiddenMembership", "Public"),
    ("application", "signInAudience"): (
        "AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount",
    ),
    ("appRole", "allowedMemberTypes"): ("User", "Application"),
    ("permissionScope", "type"): ("Admin", "User"),
    ("resourceAccess", "type"): ("Scope", "Role"),
    ("oAuth2PermissionGrant", "consentType"): ("AllPrincipals", "Principal"),
    ("groupLifecyclePolicy", "managedGroupTypes"): ("All", "Selected", "None"),
    ("servicePrincipal", "preferredSingleSignOnMode"): ("password", "saml", "notSupported", "oidc"),
    ("customSecurityAttributeDefinition", "status"): ("Available", "Deprecated"),
    ("customSecurityAttributeDefinition", "type"): ("Boolean", "Integer", "String"),
    ("extensionProperty", "dataType"): ("Binary", "Boolean", "DateTime", "Integer", "LargeInteger", "String"),
    ("extensionProperty", "targetObjects"): (
        "User", "Group", "AdministrativeUnit", "Application", "Device", "Organization",
    ),
}  # fmt: skip


class Validator:
    """Checks bodies of one request. `wrong(name, type)` makes the refusal for a value, `unknown(name)` for a name."""

    def __init__(self, schema: Schema, extensions: frozenset[str] = frozenset(), service: str = "") -> None:
        self.schema = schema
        self.extensions = extensions
        self.service = service  # the Conditional Access type, whose service answers in its own words

    def unknown(self, name: str) -> GraphError:
        """The refusal of an unknown name."""
        return refusals.malformed(self.service) if self.service else refusals.unknown_property(name)

    def wrong(self, name: str, type_name: str) -> GraphError:
        """The refusal of a value."""
        return refusals.malformed(self.service) if self.service else refusals.invalid_value(name, type_name)

    def body(self, type_name: str, body: Body) -> Body:
        """An object's own properties, checked; annotations and binds are left to the caller."""
        known = self.schema.properties(type_name)
        checked: Body = {}
        for name, value in body.items():
            if "@" in name:
                self._annotation(name, known)
                continue
            each = known.get(name)
            if each is None:
                if EXTENSION.match(name) and self.schema.is_a(type_name, "directoryObject"):
                    checked[name] = self._extension(name, value)
                    continue
                if type_name in OPEN:
                    checked[name] = value
                    continue
                raise self.unknown(name)
            if each.navigation:
                checked[name] = value
                continue
            checked[name] = self.value(type_name, each, value)
        return checked

    def value(self, type_name: str, each: Property, value: Any) -> Any:
        """One property's value."""
        if each.collection:
            if not isinstance(value, list) or any(one is None for one in value):
                raise self.wrong(each.name, type_name)
            return [self._one(type_name, each, one) for one in value]
        return None if value is None else self._one(type_name, each, value)

    def _annotation(self, name: str, known: dict[str, Property]) -> None:
        target, _, annotation = name.partition("@")
        if target and target not in known and not EXTENSION.match(target):
            raise self.unknown(target)
        if not annotation.startswith("odata."):
            raise bad_request(f"Invalid annotation '{name}'.")

    def _extension(self, name: str, value: Any) -> Any:
        if name not in self.extensions:
            raise bad_request(f"The following extension properties are not available: {name}.")
        if isinstance(value, dict):
            raise refusals.invalid_value(name, "User")
        return value

    def _one(self, type_name: str, each: Property, value: Any) -> Any:
        if each.kind == "object":
            return self._object(type_name, each, value)
        if each.kind == "any":
            return value
        checked = self._enum(each, value) if each.kind == "enum" else CHECKS[each.kind](value)
        if checked is INVALID:
            raise self.wrong(each.name, type_name)
        self._limits(type_name, each.name, checked)
        return checked

    def _limits(self, type_name: str, name: str, value: Any) -> None:
        if value == "" and type_name in NEVER_EMPTY:
            raise self.wrong(name, type_name)  # null clears a property, an empty text is no value
        longest = next((LONGEST[one, name] for one in self._lineage(type_name) if (one, name) in LONGEST), None)
        if longest is not None and isinstance(value, str) and len(value) > longest:
            raise self.wrong(name, type_name)
        words = next((WORDS[one, name] for one in self._lineage(type_name) if (one, name) in WORDS), None)
        if words is not None and value not in words:
            raise self.wrong(name, type_name)

    def _lineage(self, type_name: str) -> list[str]:
        lineage = []
        while type_name:
            lineage.append(type_name)
            declared = self.schema.types.get(type_name)
            type_name = declared.base if declared else ""
        return lineage

    def _enum(self, each: Property, value: Any) -> Any:
        if not isinstance(value, str):
            return INVALID
        members = {one.lower(): one for one in self.schema.enums.get(each.type, ())}
        words = [part.strip() for part in value.split(",")] if each.flags else [value]
        if any(word.lower() not in members or word == "unknownFutureValue" for word in words):
            return INVALID
        return ",".join(members[word.lower()] for word in words)

    def _object(self, type_name: str, each: Property, value: Any) -> Any:
        if not isinstance(value, dict):
            raise self.wrong(each.name, type_name)
        if each.type == "customSecurityAttributeValue":
            return value  # an open type: judged against the definitions
        said = value.get("@odata.type")
        inner = each.type
        if said is not None:
            inner = str(said).removeprefix("#").removeprefix("microsoft.graph.")
            if not self.schema.is_a(inner, each.type):
                raise self.wrong(each.name, type_name)
        elif each.type in ABSTRACT:
            raise self.wrong(each.name, type_name)
        known = self.schema.properties(inner)
        checked: Body = {"@odata.type": f"#microsoft.graph.{inner}"} if said is not None else {}
        for name, one in value.items():
            if "@" in name:
                if name.endswith("@odata.context"):
                    raise self.unknown(name)  # what a read adds to nested objects is refused when sent back
                continue
            found = known.get(name)
            if found is None:
                raise self.unknown(name)
            if (inner, name) in NESTED_READ_ONLY and one is not None:
                raise refusals.read_only(name)
            # a navigation property inside a complex value is kept as sent (grantControls/authenticationStrength)
            checked[name] = one if found.navigation else self.value(inner, found, one)
        return checked


INVALID = object()


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else INVALID


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else INVALID


def _int(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else INVALID


def _float(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else INVALID


def _moment(value: Any) -> Any:
    if not isinstance(value, str) or "T" not in value:
        return INVALID
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return INVALID
    if moment.tzinfo is None:
        return INVALID
    moment = moment.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def _date(value: Any) -> Any:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return INVALID


def _time(value: Any) -> Any:
    return value if isinstance(value, str) and TIME.match(value) else INVALID


def _duration(value: Any) -> Any:
    return value if isinstance(value, str) and DURATION.match(value) else INVALID


def _uuid(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and GUID.match(value) else INVALID


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return INVALID
    try:
        standard = value.replace("-", "+").replace("_", "/")
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        return INVALID
    return base64.b64encode(raw).decode()


CHECKS: dict[str, Callable[[Any], Any]] = {
    "string": _text, "bool": _flag, "int": _int, "float": _float, "datetime": _moment, "date": _date, "time": _time,
    "duration": _duration, "uuid": _uuid, "bytes": _bytes,
}  # fmt: skip
