"""What single types need beyond their catalog row, each as a small function named in a table. Pure.

Sources: Microsoft Graph "Create user", "Create group", "Manage rules for dynamic membership groups", "Create
conditionalAccessPolicy", "appRole resource type".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.catalog.row import PARENT, ObjectType
from shared.catalog.where import group_kind
from shared.entra.listing import with_query
from shared.recovery import federation, guests, schedules
from shared.recovery.new_credentials import Asked, thumbprint
from shared.recovery.options import RestoreOptions
from shared.recovery.relink import EXTENSION, GUID
from shared.recovery.relink import PLACEHOLDER as FILLED
from shared.recovery.requests import parent_of
from shared.recovery.schedules import GROUP_PIM, PIM, SCHEDULES
from shared.recovery.state import Json, Wanted
from shared.recovery.writable import is_writable, same

ALONE = frozenset({
    "aboutMe", "birthday", "hireDate", "interests", "mySite", "pastProjects", "responsibilities", "schools", "skills",
    "customSecurityAttributes",
})
"""What SharePoint and the attribute service keep: Graph takes it in a PATCH of its own ("Update user")."""

SINGLE_ATTRIBUTES = frozenset({"extensionAttributes", "onPremisesExtensionAttributes"})
"""Values of single attributes: what an update does not name of them stays ("onPremisesExtensionAttributes")."""
RULE_STATE = "membershipRuleProcessingState"
REPORT_ONLY = "enabledForReportingButNotEnforced"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a body may depend on beside the restore point: when and where the plan is made."""

    now: datetime = LONG_AGO
    tenant_id: str = ""
    federated: frozenset[str] = frozenset()
    """Names of the domains whose users another identity provider signs in."""
    asked: Asked = field(default_factory=Asked)
    """The secrets and certificates that what is made anew gets."""
    gallery: frozenset[str] = frozenset()
    """Templates that the gallery has, of those that applications to be made anew came from."""


def wanted_body(row: ObjectType, body: Json, options: RestoreOptions, *, made: bool) -> Json:
    """The body as this restore wants it: options that change a value are applied here."""
    if row.name == "conditionalAccessPolicy":
        return _policy(body, options, made=made)
    if row.name == "user" and made:  # the service writes the one of the user principal name itself
        identities = [one for one in body.get("identities") or [] if one.get("signInType") != "userPrincipalName"]
        kept = {name: value for name, value in body.items() if name != "identities"}
        return {**kept, "identities": identities} if identities else kept
    return body


def beside(row: ObjectType, body: Json, present: Mapping[str, Any], object_id: str) -> Json:
    """The body as it is compared with a living object: without what the service keeps in step by itself, and without
    what the object was given when it was made anew; `object_id` is its id in the restore point."""
    if row.name != "user":
        return body
    if federation.was_given(body, present, object_id):
        body = {**body, federation.IMMUTABLE_ID: present[federation.IMMUTABLE_ID]}
    if "identities" not in body:
        return body
    ours = [one for one in body["identities"] or [] if one.get("signInType") != "userPrincipalName"]
    theirs = [one for one in present.get("identities") or [] if one.get("signInType") == "userPrincipalName"]
    return {**body, "identities": [*ours, *theirs]}


def creation_body(row: ObjectType, made: Json, body: Json, wanted: Wanted, at: Circumstances) -> Json:
    """The body of a creation."""
    if row.name in SCHEDULES:
        return schedules.request(body, "adminAssign", at.now)
    if row.name == "user" and federation.is_federated(body, at.federated):
        made = {**made, federation.IMMUTABLE_ID: federation.immutable_id(body, wanted.object_id)}
    made = {name: value for name, value in made.items() if name not in apart(row)}
    change = _CREATIONS.get(row.name)
    return change(made, body, wanted) if change else made


def apart(row: ObjectType) -> frozenset[str]:
    """The properties that are never created with an object and go in an update of their own."""
    return frozenset({*row.alone, *row.in_beta, *ALONE})


def why_not_made(row: ObjectType, body: Mapping[str, Any], at: Circumstances) -> str:
    """Why an object is not made anew though its type can be; empty where it is."""
    return schedules.why_over(body, at.now) if row.name in SCHEDULES else ""


def after_creation(row: ObjectType, body: Json) -> Json:
    """Properties that are set in a request of their own once the object stands."""
    resumed = row.name == "group" and group_kind(body) == "dynamic"
    return {
        name: body[name] for name in sorted(body)
        if (name in apart(row) or (resumed and name == RULE_STATE))
        and is_writable(row, name) and not same(body[name], None) and body[name] not in ("", "Paused")
    }


def whole_of(name: str, value: Any, present: Any) -> Any:
    """The value as an update says it: of attributes that stay unless they are named, those that must go are named."""
    if name in SINGLE_ATTRIBUTES and isinstance(value, Mapping) and isinstance(present, Mapping):
        return {**dict.fromkeys(present), **value}
    return value


def update_body(row: ObjectType, part: Json) -> Json:
    """The body of an update."""
    if row.name == "onPremisesPublishing":
        return {"onPremisesPublishing": part}
    return part


def deletion_body(row: ObjectType, body: Mapping[str, Any]) -> Json | None:
    """The body of a deletion, which only schedules have: they end by a request."""
    return schedules.removal(body) if row.name in SCHEDULES else None


def finding(row: ObjectType, body: Json, wanted: Wanted) -> Json:
    """Where a creation that may have been done is looked for, and by what it is known."""
    if row.upsert and row.name in ("group", "application"):
        name = body.get("uniqueName") or wanted.object_id
        return {"path": f"{row.path}(uniqueName='{name}')", "match": {}}
    if row.name == "user":
        upn = str(body.get("userPrincipalName", "")).replace("'", "''")
        return {"path": with_query("/users", filter=f"userPrincipalName eq '{upn}'", select="id,userPrincipalName"),
                "match": {"userPrincipalName": body.get("userPrincipalName")}}
    if row.name == "servicePrincipal":
        return {"path": f"/servicePrincipals(appId='{body.get('appId')}')", "match": {}}
    names = row.unique[0].split("+") if row.unique else ("displayName", "description")
    match = {name: value for name in names if (value := _at(body, name)) is not None and name != PARENT}
    if not match:  # one for each parent: known by what it is made of
        match = {name: body[name] for name in row.create_required if body.get(name) is not None}
    if not match:
        return {}
    path = row.path.replace("{id}", parent_of(row, wanted.object_id, body))
    if row.filter:
        path = with_query(
            path, filter=row.filter.replace("{id}", parent_of(row, wanted.object_id, body) or groupless(body))
        )
    elif row.name in ("unifiedRoleAssignment", *PIM):
        path = with_query(path, filter="principalId eq '{principalId}'").replace(
            "%7BprincipalId%7D", str(body.get("principalId"))
        )  # a placeholder in it stays readable
    return {"path": path, "match": match}


def groupless(body: Mapping[str, Any]) -> str:
    """The group that a PIM schedule of a group is about."""
    return str(body.get("groupId", ""))


KEYS_BY_NAME = frozenset({"preferredTokenSigningKeyThumbprint", "tokenEncryptionKeyId"})


def why_not_set(row: ObjectType, name: str, value: Any, present: Mapping[str, Any], protected: str | None) -> str:
    """Why a differing property is left as it is; empty where it is set."""
    if row.name == "servicePrincipal" and name in KEYS_BY_NAME and value and not _names_a_key(value, present):
        return "the certificate that it names is not there: nobody can read its private key"
    if name == "accountEnabled" and value is False and protected:
        return protected
    if row.name == "user" and name == "identities" and guests.is_invited(present):
        return guests.IDENTITIES
    if row.name == "domain" and present.get("isVerified") is False:
        return "the domain is not verified: Microsoft Graph takes its settings once its owner has proved it"
    if row.name == "authorizationPolicy" and name == "defaultUserRolePermissions" and isinstance(value, dict):
        now = present.get(name) or {}
        if value.get("allowedToReadOtherUsers") is False and now.get("allowedToReadOtherUsers") is not False:
            return "allowedToReadOtherUsers=false breaks Microsoft 365 services: set it by hand if it is meant"
    return ""


def why_not_set_on_arrival(row: ObjectType, value: Any) -> str:
    """Why a property of what Entra makes with an object that is made anew cannot be set; empty where it is."""
    if row.name == "signInPreferences" and value in ("push", "oath"):
        return "an authenticator app is preferred, which the user registers again: its keys cannot be read"
    return ""


def _names_a_key(named: Any, present: Mapping[str, Any]) -> bool:
    """Whether one of the keys that there are goes by this id or thumbprint."""
    return any(
        str(named).casefold() in (str(one.get("keyId")).casefold(), thumbprint(one).casefold())
        for one in present.get("keyCredentials") or ()
    )


def why_not_linked(row: ObjectType, link: str, target_type: str) -> str:
    """Why a link to a target of this type is left, though the row has the link; empty where it is written."""
    if (row.name, link, target_type) == ("homeRealmDiscoveryPolicy", "appliesTo", "application"):
        return "Microsoft Graph assigns home realm discovery policies to service principals only"
    return ""


def is_written_on_parent(row: ObjectType) -> bool:
    """Whether its settings are a part of their parent that a PATCH of the parent writes, whether or not there are any:
    how applications are published through the application proxy."""
    return row.one_per_parent and row.update == "PATCH /applications/{id}"


def writable_of(row: ObjectType, body: Mapping[str, Any]) -> frozenset[str]:
    """The properties of the body that an update may carry."""
    return frozenset(name for name in body if is_writable(row, name) and name not in row.immutable)


def whole(row: ObjectType, body: Mapping[str, Any]) -> Json:
    """All that an update may carry, for the few objects that are replaced whole."""
    return {name: body[name] for name in sorted(writable_of(row, body)) if body[name] is not None}


def merged_reference(present: Any, old: Any, new: Any) -> Any:
    """What is there now, with the ids that changed between `old` and `new` put in, and their old ones taken out.

    Collections keep what is there and gain the new ids; objects are merged member by member; a plain value changes
    only where it still is what the restore point says, or nothing.
    """
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        base = dict(present) if isinstance(present, Mapping) else {}
        for name in new:
            if new[name] != old.get(name):
                base[name] = merged_reference(base.get(name), old.get(name), new[name])
        return base
    if isinstance(new, list) and isinstance(old, list):
        now = present if isinstance(present, list) else []
        ours, theirs = _by_id(old), _by_id(new)
        if ours and ours.keys() == theirs.keys() and _by_id(now):
            return [
                merged_reference(one, ours[one["id"]], theirs[one["id"]]) if one["id"] in ours else one for one in now
            ]
        moved = [new[old.index(one)] if one in old and len(old) == len(new) else one for one in now]
        kept = [one for one in moved if one not in old or one in new]
        return [*kept, *(one for one in new if one not in old and one not in kept)]
    return new if present in (None, old) or _is_text_of_ids(old, new) else present


def _by_id(some: list[Any]) -> dict[str, Mapping[str, Any]]:
    """The elements by their ids; empty where one has none."""
    found = {str(one["id"]): one for one in some if isinstance(one, Mapping) and one.get("id")}
    return found if len(found) == len(some) else {}


def _is_text_of_ids(old: Any, new: Any) -> bool:
    return isinstance(old, str) and isinstance(new, str) and bool(GUID.search(old)) and old != new


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for step in path.split(".") if not path.startswith("@") else [path]:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


# -- creations ----------------------------------------------------------------------------------------------------


def _domain(made: Json, _: Json, __: Wanted) -> Json:
    return {"id": made["id"]}  # all else is taken once the domain is verified ("Create domain")


def _user(made: Json, body: Json, _: Wanted) -> Json:
    nickname = made.get("mailNickname") or str(body.get("userPrincipalName", "user")).split("@")[0][:64]
    password = {"password": "{password}", "forceChangePasswordNextSignIn": True}
    return {**made, "mailNickname": nickname, "passwordProfile": password}


EXCHANGE = frozenset({
    "accessType", "allowExternalSenders", "autoSubscribeNewMembers", "hideFromAddressLists", "hideFromOutlookClients",
})
"""What Exchange keeps of a Microsoft 365 group: patched once the group stands, each alone."""


def _group(made: Json, body: Json, wanted: Wanted) -> Json:
    kept = {name: value for name, value in made.items() if name not in EXCHANGE}
    if not kept.get("mailNickname"):
        kept["mailNickname"] = wanted.object_id[:8]
    if group_kind(body) == "dynamic":
        kept[RULE_STATE] = "Paused"  # resumed when what its rule asks for is back
    return {"groupTypes": [], **kept}


def _extension(made: Json, body: Json, _: Wanted) -> Json:
    # Entra puts the application's id before the name that it is given ("Create extensionProperty").
    found = EXTENSION.fullmatch(FILLED.sub("0" * 32, str(body.get("name", ""))))
    return {**made, "name": found.group(2)} if found else made


def _service_principal(made: Json, _: Json, __: Wanted) -> Json:
    # The signing certificate's private part cannot be read, so the list of keys cannot be put back as it was.
    left_out = ("keyCredentials", "preferredTokenSigningKeyThumbprint", "tokenEncryptionKeyId")
    return {name: value for name, value in made.items() if name not in left_out}


def _application(made: Json, _: Json, __: Wanted) -> Json:
    keys = [
        one for one in made.get("keyCredentials", ())
        if one.get("key") and str(one.get("type", "")).lower() == "asymmetricx509cert"
    ]
    kept = {name: value for name, value in made.items() if name not in ("keyCredentials", "tokenEncryptionKeyId")}
    return {**kept, "keyCredentials": keys} if keys else kept


_CREATIONS: Mapping[str, Callable[[Json, Json, Wanted], Json]] = {
    "user": _user, "group": _group, "extensionProperty": _extension, "servicePrincipal": _service_principal,
    "application": _application, "domain": _domain,
}


def _policy(body: Json, options: RestoreOptions, *, made: bool) -> Json:
    state = body.get("state")
    if options.conditional_access_state == "reportOnly":
        state = REPORT_ONLY if state != "disabled" else state
    elif options.conditional_access_state == "disabled":
        state = "disabled"
    elif options.conditional_access_state == "auto" and made and state == "enabled":
        state = REPORT_ONLY
    controls = body.get("grantControls")
    if isinstance(controls, Mapping) and isinstance(controls.get("authenticationStrength"), Mapping):
        strength = {"id": controls["authenticationStrength"].get("id")}
        body = {**body, "grantControls": {**controls, "authenticationStrength": strength}}
    return {**body, "state": state}


__all__ = [
    "ALONE", "GROUP_PIM", "PIM", "Circumstances", "after_creation", "apart", "beside", "creation_body", "deletion_body",
    "finding", "merged_reference", "update_body", "wanted_body", "whole", "why_not_linked",
    "why_not_made", "why_not_set", "why_not_set_on_arrival", "writable_of",
]
