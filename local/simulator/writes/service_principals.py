"""Service principals: made from an application, some of them Microsoft's own (Create, Update, Delete servicePrincipal).

An application that lives in another tenant is known here by its service principal or its gallery template only; any
other appId does not refer to an application.
"""

from __future__ import annotations

from local.simulator.errors import bad_request, denied
from local.simulator.store import Body, Record
from local.simulator.writes import cascades, custom_attributes, guards, links, references, refusals, unique
from local.simulator.writes.applications import check_entitlements, keys, mirror
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
FROM_APPLICATION = frozenset(["appRoles", "info", "displayName", "homepage", "replyUrls", "logoutUrl", "description"])


def _prepare(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    store = write.store
    app_id = str(made["appId"]).lower()
    application = next(iter(store.find("application", "appId", app_id)), None)
    if unique.holder(store, "servicePrincipal", "appId", app_id):
        raise refusals.same_key(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
    if application is None or write.tenant.hidden(application):
        raise bad_request(
            f"The appId '{app_id}' of the service principal does not reference a valid application object.",
            "NoBackingApplicationObject",
        )
    if unique.binned(store, "servicePrincipal", "appId", app_id):
        raise refusals.same_key(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
    custom_attributes.check_values(write, made, {})
    owners = references.bound(write, body, "owners")
    links.check_targets(write, None, made, "owners", owners, links.RULES["servicePrincipal", "owners"])
    write.links += [("owners", each.key) for each in owners]
    return from_application(write, application.read(), made)


def from_application(write: Write, application: Body, made: Body) -> Body:
    """A new service principal of an application in this tenant."""
    if not write.app_only:
        write.links.append(("owners", write.caller.object_id))
    return {
        "accountEnabled": True, "appRoleAssignmentRequired": False, "alternativeNames": [], "addIns": [],
        "notificationEmailAddresses": [], "tags": list(application.get("tags") or ()),
        "keyCredentials": [], "resourceSpecificApplicationPermissions": [],
        **mirror(application, {}),
        **{name: value for name, value in made.items() if value is not None},
        "appId": application["appId"], "passwordCredentials": [], "servicePrincipalType": "Application",
        "appOwnerOrganizationId": write.store.tenant_id, "deletedDateTime": None,
        "applicationTemplateId": application.get("applicationTemplateId"), "createdByAppId": write.caller.app_id,
    }  # fmt: skip


def _change(write: Write, _record: Record, old: Body, new: Body, body: Body) -> Body:
    if old.get("servicePrincipalType") == "ManagedIdentity" and set(body) - {"customSecurityAttributes", "@odata.type"}:
        raise denied()
    if "keyCredentials" in body:
        new["keyCredentials"] = keys(new["keyCredentials"], old.get("keyCredentials") or [])
    if "customSecurityAttributes" in body:
        new["customSecurityAttributes"] = custom_attributes.check_values(write, body, old)
    if "appRoles" in body:
        theirs = [each for each in old.get("appRoles") or () if each.get("origin") != "ServicePrincipal"]
        sent = {each["id"] for each in new["appRoles"]}
        if any(each["id"] not in sent for each in theirs):
            raise bad_request("Cannot modify or delete entitlement with origin Application.")
        before = {each["id"]: each for each in old.get("appRoles") or ()}
        check_entitlements(old.get("appRoles") or [], new["appRoles"], "appRoles")
        new["appRoles"] = [
            each | {"origin": before.get(each["id"], {}).get("origin", "ServicePrincipal")} for each in new["appRoles"]
        ]
    if "preferredTokenSigningKeyThumbprint" in body and new["preferredTokenSigningKeyThumbprint"]:
        _check_thumbprint(new)
    return new


def _check_thumbprint(body: Body) -> None:
    import base64

    held = set()
    for each in body.get("keyCredentials") or ():
        identifier = each.get("customKeyIdentifier")
        if identifier:
            held.add(base64.b64decode(identifier).hex().upper())
    if str(body["preferredTokenSigningKeyThumbprint"]).upper() not in held:
        raise bad_request("preferredTokenSigningKeyThumbprint names no key credential of the service principal.")


def _remove(write: Write, record: Record) -> bool | None:
    body = record.read()
    if body.get("appOwnerOrganizationId") == MICROSOFT_TENANT:
        raise denied()
    guards.check_restricted(write, record)
    cascades.sever(write.store, record)
    # managed identities are not restored (Recover from deletions)
    return body.get("servicePrincipalType") != "ManagedIdentity"


register("servicePrincipal", Hooks(prepare=_prepare, change=_change, remove=_remove))
