"""Applications: identifier URIs, roles and scopes, keys, and the home service principal that mirrors them.

Sources: Create application, Update application, Delete application; appRole and permissionScope resource types.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from typing import Any

from cryptography import x509

from local.simulator.errors import GraphError, bad_request
from local.simulator.store import Body, Record
from local.simulator.writes import cascades, links, references, refusals, unique
from local.simulator.writes.change import Write, new_id
from local.simulator.writes.hooks import Hooks, register

MOST_PERMISSIONS = 700
MOST_ENTRIES = 1200
URI = re.compile(r"^(api|https?|ms-appx|urn|ms-app|app)://?[^\s?#]+$|^urn:[^\s]+$", re.IGNORECASE)

# What a home service principal takes from its application (servicePrincipal resource type).
MIRRORED = ("displayName", "description", "notes", "appRoles", "info", "signInAudience", "verifiedPublisher")


def _prepare(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    owners = references.bound(write, body, "owners")
    links.check_targets(write, None, made, "owners", owners, links.RULES["application", "owners"])
    write.links += [("owners", each.key) for each in owners]
    app_id = str(uuid.uuid4())
    whole: Body = {
        "signInAudience": "AzureADandPersonalMicrosoftAccount", "identifierUris": [], "appRoles": [],
        "requiredResourceAccess": [], "keyCredentials": [], "tags": [], "addIns": [],
        "api": _api({}), "web": {"redirectUris": [], "homePageUrl": None, "logoutUrl": None, "redirectUriSettings": [],
                                 "implicitGrantSettings": {"enableIdTokenIssuance": False,
                                                           "enableAccessTokenIssuance": False}},
        "spa": {"redirectUris": []}, "publicClient": {"redirectUris": []},
        "info": dict.fromkeys(INFO), "isFallbackPublicClient": None,
        **made,
    }  # fmt: skip
    whole["api"] = _api(whole.get("api") or {})
    whole |= {
        "appId": app_id, "passwordCredentials": [], "createdDateTime": write.now, "deletedDateTime": None,
        "publisherDomain": _initial_domain(write), "createdByAppId": write.caller.app_id,
    }  # fmt: skip
    _check(write, whole, {}, "")
    whole["keyCredentials"] = keys(whole["keyCredentials"], [])
    if not write.app_only and not owners:
        write.links.append(("owners", write.caller.object_id))
    return whole


INFO = ("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")


def _change(write: Write, record: Record, old: Body, new: Body, body: Body) -> Body:
    for name in ("api", "web", "info", "spa", "publicClient"):
        # complex values of an application are merged one level deep, their collections replaced whole
        if isinstance(body.get(name), dict):
            new[name] = (old.get(name) or {}) | new[name]
    if "keyCredentials" in body:
        new["keyCredentials"] = keys(new["keyCredentials"], old.get("keyCredentials") or [])
    _check(write, new, old, record.key)
    return new


def _changed(write: Write, record: Record, _before: Body) -> None:
    body = write.store.records[record.key].read()
    for each in write.store.find("servicePrincipal", "appId", body["appId"]):
        mirrored = each.read()
        write.store.update(each.key, mirrored | mirror(body, mirrored))


def _remove(write: Write, record: Record) -> bool | None:
    # deleting an application soft-deletes the service principal in its own tenant (Delete application)
    for each in write.store.find("servicePrincipal", "appId", record.read()["appId"]):
        cascades.sever(write.store, each)
        write.store.delete(each.key, soft=True)
    return None


register("application", Hooks(prepare=_prepare, change=_change, changed=_changed, remove=_remove))


def mirror(application: Body, principal: Body) -> Body:
    """The properties of a home service principal that follow its application."""
    own_roles = [each for each in principal.get("appRoles") or () if each.get("origin") == "ServicePrincipal"]
    api, web = application.get("api") or {}, application.get("web") or {}
    uris = [
        each
        for part in ("web", "spa", "publicClient")
        for each in (application.get(part) or {}).get("redirectUris", ())
    ]
    return {
        "displayName": application.get("displayName"), "appDisplayName": application.get("displayName"),
        "appDescription": application.get("description"),
        "appRoles": [each | {"origin": "Application"} for each in application.get("appRoles") or ()] + own_roles,
        "oauth2PermissionScopes": list(api.get("oauth2PermissionScopes") or ()),
        "servicePrincipalNames": [*(application.get("identifierUris") or ()), application["appId"]],
        "replyUrls": uris, "homepage": web.get("homePageUrl"), "logoutUrl": web.get("logoutUrl"),
        "info": application.get("info"), "signInAudience": application.get("signInAudience"),
        "verifiedPublisher": application.get("verifiedPublisher"),
    }  # fmt: skip


def keys(said: list[Body], held: list[Body]) -> list[Body]:
    """keyCredentials as they are kept: a PATCH names all of them, and a known one may leave out its key."""
    known = {each.get("keyId"): each for each in held}
    kept = []
    for each in said:
        old = known.get(each.get("keyId"))
        if not each.get("key"):
            if old is None:
                raise bad_request("New key credentials must have a key.", "KeyCredentialsMissingKey")
            kept.append(old | {name: value for name, value in each.items() if value is not None})
            continue
        for name, words in (("type", ("AsymmetricX509Cert", "X509CertAndPassword")), ("usage", ("Verify", "Sign"))):
            if each.get(name) not in words:
                raise refusals.invalid_value(f"keyCredentials.{name}", "application")
        kept.append({"displayName": None, "keyId": new_id(), **_certificate(each), **_named(each)})
    if len({each["keyId"] for each in kept}) != len(kept):
        raise refusals.duplicate_values()
    return kept


def _named(each: Body) -> Body:
    return {name: value for name, value in each.items() if value is not None}


def _certificate(each: Body) -> Body:
    if each["type"] != "AsymmetricX509Cert":
        return {"startDateTime": None, "endDateTime": None, "customKeyIdentifier": None}
    raw = base64.b64decode(each["key"])
    try:
        found = x509.load_pem_x509_certificate(raw) if raw.startswith(b"-----") else x509.load_der_x509_certificate(raw)
    except ValueError as error:
        raise bad_request("The value of a key credential is no valid certificate.", "KeyCredentialsInvalid") from error
    return {
        "startDateTime": found.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endDateTime": found.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "customKeyIdentifier": base64.b64encode(hashlib.sha1(raw, usedforsecurity=False).digest()).decode(),
    }


def _api(said: Body) -> Body:
    return {
        "acceptMappedClaims": None, "knownClientApplications": [], "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [], "preAuthorizedApplications": [],
    } | said  # fmt: skip


def _check(write: Write, new: Body, old: Body, key: str) -> None:
    _check_uris(write, new, old, key)
    scopes = (new.get("api") or {}).get("oauth2PermissionScopes") or []
    roles = new.get("appRoles") or []
    check_entitlements((old.get("api") or {}).get("oauth2PermissionScopes") or [], scopes, "oauth2PermissionScopes")
    check_entitlements(old.get("appRoles") or [], roles, "appRoles")
    scope_ids = {each["id"] for each in scopes}
    if scope_ids & {each["id"] for each in roles}:
        raise bad_request("Permission ids must be unique among the roles and scopes of an application.")
    for each in (new.get("api") or {}).get("preAuthorizedApplications") or ():
        unknown = set(each.get("delegatedPermissionIds") or ()) - scope_ids
        if unknown:
            raise bad_request(
                f"Property 'preAuthorizedApplications' refers to the unknown permission '{min(unknown)}'."
            )
    access = new.get("requiredResourceAccess") or []
    if len({each.get("resourceAppId") for each in access}) != len(access):
        raise refusals.duplicate_values()
    if sum(len(each.get("resourceAccess") or ()) for each in access) > MOST_PERMISSIONS:
        raise bad_request("The application asks for more permissions than there can be.")
    uris = sum(len((new.get(part) or {}).get("redirectUris") or ()) for part in ("web", "spa", "publicClient"))
    if uris + len(roles) + len(scopes) + len(new.get("identifierUris") or ()) > MOST_ENTRIES:
        raise bad_request(f"The size of the application has exceeded its limit of {MOST_ENTRIES} entries.")


def check_entitlements(old: list[Body], new: list[Body], name: str) -> None:
    """Roles and scopes: ids and values unique; none may go, or change its value, while it is enabled."""
    for each in new:
        if not each.get("id") or each.get("displayName", each.get("adminConsentDisplayName")) is None:
            raise refusals.invalid_value(name, "application")
    ids = [each["id"] for each in new]
    values = [each["value"] for each in new if each.get("value")]
    if len(set(ids)) != len(ids) or len(set(values)) != len(values):
        raise bad_request("It contains duplicate value. Please Provide unique value.", "DuplicateValue")
    kept = {each["id"]: each for each in new}
    for each in old:
        after = kept.get(each["id"])
        if each.get("isEnabled") and (
            after is None or (after.get("isEnabled") and after.get("value") != each.get("value"))
        ):
            raise GraphError(
                400, "CannotDeleteOrUpdateEnabledEntitlement",
                "Permission (scope or role) cannot be deleted or updated unless disabled first.",
            )  # fmt: skip


def _check_uris(write: Write, new: Body, old: Body, key: str) -> None:
    uris = new.get("identifierUris") or []
    if len({each.casefold() for each in uris}) != len(uris):
        raise refusals.duplicate_values()
    for each in uris:
        if each in (old.get("identifierUris") or ()):
            continue
        if not URI.match(each):
            raise refusals.invalid_value("identifierUris", "application")
        host = re.sub(r"^\w[\w+.-]*://", "", each).partition("/")[0].partition(":")[0].lower()
        if "://" in each and not _allowed_host(write, host, new["appId"]):
            raise GraphError(
                400, "HostNameNotOnVerifiedDomain",
                "Values of identifierUris property must use a verified domain of the organization or its subdomain: "
                f"'{host}'",
            )  # fmt: skip
        unique.check(write.store, "application", "identifierUris", each, key)


def _allowed_host(write: Write, host: str, app_id: str) -> bool:
    if host in (app_id, write.store.tenant_id):
        return True
    domains = [each.read() for each in write.store.all("domain")]
    names = [str(each["id"]).lower() for each in domains if each.get("isVerified")]
    return any(host == name or host.endswith(f".{name}") for name in names)


def _initial_domain(write: Write) -> str | None:
    said: Any = next((each.read() for each in write.store.all("domain") if each.read().get("isInitial")), {})
    return str(said["id"]) if "id" in said else None
