"""How a stored object is shown: default properties, `$select`, what needs a single GET, secrets blanked.

Users and groups answer a small set unless `$select` asks for more (Get a user, List groups). For other types every
structural property is default, save those whose comment in the SDK says that they need `$select`. An unknown name in
`$select` is ignored (Query parameters: "unknown properties").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from local.simulator import model
from local.simulator.errors import GraphError
from local.simulator.schema import Property, Schema
from local.simulator.store import Body

USER_DEFAULT = [
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
]  # fmt: skip
# List groups: properties that come only when asked for, besides those whose comments say so.
GROUP_ON_SELECT = frozenset(
    [
        "assignedLabels", "assignedLicenses", "isManagementRestricted", "licenseProcessingState",
        "onPremisesExtensionAttributes", "uniqueName", "infoCatalogs", "organizationId",
        "hasMembersWithLicenseErrors", "isArchived", "serviceProvisioningErrors", "welcomeMessageEnabled",
    ]
)  # fmt: skip
# Held by SharePoint or Exchange: served one object at a time only (user resource type, group resource type).
USER_SINGLE = frozenset(
    [
        "aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "preferredName",
        "responsibilities", "schools", "skills", "mailboxSettings", "deviceEnrollmentLimit", "print",
    ]
)  # fmt: skip
GROUP_SINGLE = frozenset(
    [
        "accessType", "allowExternalSenders", "autoSubscribeNewMembers", "hideFromAddressLists",
        "hideFromOutlookClients", "isSubscribedByMail", "isFavorite", "unseenCount",
        "unseenConversationsCount", "unseenMessagesCount",
    ]
)  # fmt: skip
NEVER_SHOWN = frozenset(["hasMembersWithLicenseErrors"])
ON_SELECT = re.compile(
    r"(requires|returned only on|only (returned )?on|must be specified in|available only on) (a )?\$select",
    re.IGNORECASE,
)
STREAMS = frozenset({"logo", "backgroundImage", "bannerLogo", "customCSS", "favicon", "headerLogo", "squareLogo",
                     "squareLogoDark"})  # fmt: skip


def single_only(table: str) -> frozenset[str]:
    """Properties of a type that collections refuse (501) or leave out."""
    return USER_SINGLE if table == "user" else GROUP_SINGLE if table == "group" else frozenset()


@dataclass(frozen=True, slots=True)
class View:
    """What to show of objects: `select` is None for the default set."""

    schema: Schema
    select: tuple[str, ...] | None
    single: bool = False  # one object is read, not a collection
    tagged: bool = False  # a mixed collection: every object says its type
    unknown_enum_members: bool = False

    def show(self, table: str, body: Body, declared: str = "") -> Body:
        """The object as JSON goes out, without links."""
        type_name = model.type_of(table, body)
        names = self._names(type_name, table)
        shown: Body = {}
        if (self.tagged or (declared and type_name != declared)) and table not in model.TABLE_TYPES:
            shown["@odata.type"] = f"#microsoft.graph.{type_name}"
        elif "@odata.type" in body and not declared:
            shown["@odata.type"] = body["@odata.type"]
        for name, empty in names:
            value = body.get(name)
            shown[name] = _copy(empty) if value is None else value
        if self.select is not None:
            for name in self.select:
                # directory extensions are plain properties of an open type (extensionProperty resource type)
                if name not in shown and name.startswith("extension_") and name in body:
                    shown[name] = body[name]
        if table == "extension":  # an open type shows whatever it was given (openTypeExtension resource type)
            shown |= {name: value for name, value in body.items() if name not in shown and "@" not in name}
        # entities inside their configuration, which come unasked (Get fido2AuthenticationMethodConfiguration)
        if "includeTargets" in body and (self.select is None or "includeTargets" in self.select):
            shown["includeTargets"] = body["includeTargets"]
        if "keyCredentials" in shown and not (self.single and self.select and "keyCredentials" in self.select):
            shown["keyCredentials"] = [{**each, "key": None} for each in shown["keyCredentials"]]
        if not self.unknown_enum_members:
            hide_unknown(self.schema, type_name, shown)
        return shown

    def _names(self, type_name: str, table: str) -> list[tuple[str, Any]]:
        cached = _NAMES.get((self.schema.version, type_name, self.select, self.single))
        if cached is None:
            properties = self.schema.structural(type_name)
            if self.select is None:
                wanted = default_names(self.schema, type_name)
            else:
                wanted = [name for name in self.select if name in properties and name not in NEVER_SHOWN]
                if "id" in properties and "id" not in wanted and "tenantId" not in properties:
                    wanted.insert(0, "id")
                if not self.single:
                    wanted = [name for name in wanted if name not in GROUP_SINGLE or table != "group"]
            cached = [(name, _empty(properties[name])) for name in wanted]
            _NAMES[self.schema.version, type_name, self.select, self.single] = cached
        return cached


_NAMES: dict[tuple[str, str, tuple[str, ...] | None, bool], list[tuple[str, Any]]] = {}


def default_names(schema: Schema, type_name: str) -> list[str]:
    """What a type shows without `$select`."""
    properties = schema.structural(type_name)
    if schema.is_a(type_name, "user") and schema.version == "v1.0":
        return list(USER_DEFAULT)
    hidden = single_only(model.table_of(type_name)) | STREAMS
    if schema.is_a(type_name, "group"):
        hidden |= GROUP_ON_SELECT
    return [
        name
        for name, each in properties.items()
        if name not in hidden and not ON_SELECT.search(each.comment) and name not in ALWAYS_ON_SELECT
    ]


ALWAYS_ON_SELECT = frozenset(["customSecurityAttributes", "signInActivity", "employeeLeaveDateTime",
                              "onPremisesPublishing"])  # fmt: skip


def _empty(each: Property) -> Any:
    return [] if each.collection else None


def _copy(empty: Any) -> Any:
    return [] if empty == [] else empty


def parse_select(text: str | None) -> tuple[str, ...] | None:
    """The names of a `$select`, or None when there is none; `*` means the default set."""
    if text is None:
        return None
    names = tuple(dict.fromkeys(part.strip().partition("/")[0] for part in text.split(",") if part.strip()))
    if not names:
        raise GraphError(400, "BadRequest", "The $select query option must name at least one property.")
    return None if "*" in names else names


def refuse_single_only(table: str, select: tuple[str, ...] | None) -> None:
    """501 when a collection is asked for what users show one at a time (user resource type)."""
    if table == "user" and select and USER_SINGLE.intersection(select):
        raise GraphError(501, "NotImplemented", "Not implemented: the property can be read only from a single user.")


# Members that Graph adds after an enum's unknownFutureValue are shown only to callers that ask for them.
def hide_unknown(schema: Schema, type_name: str, body: Body) -> None:
    """Replace newer members of evolvable enums by `unknownFutureValue`, in place (Evolvable enumerations)."""
    for name, each in _evolving(schema, type_name):
        value = body.get(name)
        if value is None:
            continue
        if each.kind == "enum":
            late = _late_members(schema, each.type)
            if isinstance(value, list):
                body[name] = ["unknownFutureValue" if one in late else one for one in value]
            elif each.flags:
                shown = ["unknownFutureValue" if one in late else one for one in str(value).split(",")]
                body[name] = ",".join(dict.fromkeys(shown))
            elif value in late:
                body[name] = "unknownFutureValue"
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    hide_unknown(schema, _said(one, each.type), one)
        elif isinstance(value, dict):
            hide_unknown(schema, _said(value, each.type), value)


def _said(value: Body, declared: str) -> str:
    said = value.get("@odata.type")
    return said.removeprefix("#microsoft.graph.") if isinstance(said, str) else declared


_EVOLVING: dict[tuple[str, str], list[tuple[str, Property]]] = {}
_LATE: dict[tuple[str, str], frozenset[str]] = {}


def _evolving(schema: Schema, type_name: str) -> list[tuple[str, Property]]:
    found = _EVOLVING.get((schema.version, type_name))
    if found is None:
        found = _EVOLVING[schema.version, type_name] = []  # stops recursion through types that hold themselves
        for name, each in schema.properties(type_name).items():
            if each.kind == "enum" and _late_members(schema, each.type):
                found.append((name, each))
            elif each.kind == "object" and not each.navigation:
                inner = [type_name, *schema.family(each.type)]
                if any(_evolving(schema, one) for one in inner[1:] if one != type_name):
                    found.append((name, each))
    return found


def _late_members(schema: Schema, enum: str) -> frozenset[str]:
    found = _LATE.get((schema.version, enum))
    if found is None:
        values = schema.enums.get(enum, ())
        at = values.index("unknownFutureValue") + 1 if "unknownFutureValue" in values else len(values)
        found = _LATE[schema.version, enum] = frozenset(values[at:])
    return found
