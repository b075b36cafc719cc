"""Domains, branding, authentication methods of users, terms of use, federated credentials, units, devices and the rest.

Each function names the page of Microsoft's reference that it follows in its refusal or in `docs/simulator-rules.md`.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from local.simulator.errors import GraphError, bad_request, denied
from local.simulator.store import Body, Record
from local.simulator.writes import cascades, dynamic, guards, refusals, unique
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

PHONE = re.compile(r"^\+\d{1,3} \d{4,14}(x\d{1,10})?$")
MOST_FEDERATED = 20
MOST_RESTRICTED_UNITS = 100


# -- administrative units and devices ------------------------------------------------------------------------------


def _prepare_unit(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    if body.get("members@odata.bind"):
        raise refusals.unknown_property("members@odata.bind")
    if made.get("isMemberManagementRestricted"):
        held = sum(
            1 for each in write.store.all("administrativeUnit") if each.read().get("isMemberManagementRestricted")
        )
        if held >= MOST_RESTRICTED_UNITS:
            raise bad_request("The tenant has as many restricted management administrative units as there can be.")
    _check_unit(write, made)
    return {"description": None, "visibility": None, "membershipType": None, "deletedDateTime": None} | made


def _check_unit(write: Write, body: Body, key: str = "") -> None:
    if body.get("membershipType") == "Dynamic":
        if not body.get("membershipRule"):
            raise refusals.required("membershipRule", "administrativeUnit")
        dynamic.check_sources(write.store, dynamic.checked(body["membershipRule"]), key)
        body["membershipRuleProcessingState"] = body.get("membershipRuleProcessingState") or "On"
    elif body.get("membershipRule"):
        raise refusals.invalid_value("membershipRule", "administrativeUnit")


def _change_unit(write: Write, record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_unit(write, new, record.key)
    return new


def _born_unit(write: Write, record: Record, _sent: Body) -> None:
    dynamic.refill(write.store, write.store.records[record.key])


def _refill(write: Write, record: Record, before: Body) -> None:
    dynamic.rule_changed(write.store, write.store.records[record.key], before)


def _remove_unit(write: Write, record: Record) -> bool | None:
    cascades.park(write.store, record)
    return None


def _removed_unit(write: Write, record: Record) -> None:
    entry = write.store.bin.get(record.key)
    for source, name, target in entry.links if entry else ():
        member = write.store.get(target)
        if source == record.key and name == "members" and member is not None:
            dynamic.mark_restricted(write.store, member)


def _prepare_device(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    unique.check(write.store, "device", "deviceId", made["deviceId"])
    return {"physicalIds": [], "systemLabels": [], "deletedDateTime": None, "registrationDateTime": write.now} | made


def _change_device(write: Write, record: Record, old: Body, new: Body, body: Body) -> Body:
    names = {name for name in body if not name.startswith("@")}
    guards.check_synced(record, names)
    guards.check_restricted(write, record)
    if write.app_only and names - {"accountEnabled", "extensionAttributes", "displayName", "operatingSystem",
                                   "operatingSystemVersion"}:  # fmt: skip
        raise refusals.denied()
    if isinstance(body.get("extensionAttributes"), dict):  # single attributes: those that are not named stay
        new["extensionAttributes"] = (old.get("extensionAttributes") or {}) | body["extensionAttributes"]
    return new


def _changed_device(write: Write, record: Record, _before: Body) -> None:
    dynamic.place(write.store, record)


def _remove_device(write: Write, record: Record) -> bool | None:
    guards.check_restricted(write, record)
    return False


register(
    "administrativeUnit",
    Hooks(prepare=_prepare_unit, born=_born_unit, change=_change_unit, changed=_refill, remove=_remove_unit,
          removed=_removed_unit),
)  # fmt: skip
register(
    "device", Hooks(prepare=_prepare_device, change=_change_device, changed=_changed_device, remove=_remove_device)
)


# -- applications' contents ----------------------------------------------------------------------------------------


def _prepare_federated(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    _check_federated(write, made, "")
    return {"description": None} | made


def _change_federated(write: Write, record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_federated(write, new, record.key)
    return new


def _remove_federated(write: Write, _record: Record) -> bool | None:
    _check_holder(write)
    return None


def _check_holder(write: Write) -> None:
    """Azure keeps those of managed identities; no page names a write on a service principal's (unconfirmed)."""
    if write.parent().table == "servicePrincipal":
        raise denied()


def _check_federated(write: Write, made: Body, besides: str) -> None:
    _check_holder(write)
    links = write.store.link_set("federatedIdentityCredentials")
    held = [write.store.records[key] for key in links.targets(write.parent().key) if key != besides]
    if not besides and len(held) >= MOST_FEDERATED:
        raise bad_request(f"An application can have at most {MOST_FEDERATED} federated identity credentials.")
    if len(made.get("audiences") or ()) != 1:
        raise refusals.invalid_value("audiences", "federatedIdentityCredential")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}", made["name"]):
        raise refusals.invalid_value("name", "federatedIdentityCredential")
    for each in held:
        body = each.read()
        if body["name"] == made["name"]:
            raise refusals.conflict("FederatedIdentityCredential with name already exists.",
                                    "Request_MultipleObjectsWithSameKeyValue")  # fmt: skip
        if (body["issuer"], body.get("subject")) == (made["issuer"], made.get("subject")):
            raise refusals.conflict("FederatedIdentityCredential with issuer and subject already exists.",
                                    "Request_MultipleObjectsWithSameKeyValue")  # fmt: skip


def _prepare_extension_property(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    application = write.parent().read()
    if not re.fullmatch(r"\w{1,128}", made["name"]) or not made["targetObjects"]:
        raise refusals.invalid_value("name", "extensionProperty")
    name = f"extension_{application['appId'].replace('-', '')}_{made['name']}"
    if any(each.read()["name"] == name for each in write.store.all("extensionProperty")):
        raise bad_request("An extension property exists with the name " + name + ".")
    return {"isMultiValued": False} | made | {
        "name": name, "appDisplayName": application.get("displayName"), "isSyncedFromOnPremises": False,
    }  # fmt: skip


def _prepare_extension(_write: Write, made: Body, body: Body, _sent: Body) -> Body:
    name = str(body["extensionName"])
    return made | {"id": name, "extensionName": name, "@odata.type": "#microsoft.graph.openTypeExtension"}


register(
    "federatedIdentityCredential",
    Hooks(prepare=_prepare_federated, change=_change_federated, remove=_remove_federated),
)
INHERITED = {"allAllowedScopes": "allAllowed", "enumeratedScopes": "enumerated", "noScopes": "none"}


def _prepare_inheritable(_write: Write, made: Body, body: Body, _sent: Body) -> Body:
    return {**made, **_inherited(body), "id": made["resourceAppId"]}


def _change_inheritable(_write: Write, _record: Record, _old: Body, new: Body, body: Body) -> Body:
    return new | _inherited(body)


def _inherited(body: Body) -> Body:
    """What agents inherit: all, none, or some that are listed (Create inheritablePermission)."""
    said: Any = body.get("inheritableScopes")
    scopes: Body = said if isinstance(said, dict) else {}
    name = str(scopes.get("@odata.type", "")).removeprefix("#").removeprefix("microsoft.graph.")
    if name not in INHERITED or (name == "enumeratedScopes" and not scopes.get("scopes")):
        raise refusals.invalid_value("inheritableScopes", "inheritablePermission")
    listed = {"scopes": list(scopes["scopes"])} if name == "enumeratedScopes" else {}
    return {"inheritableScopes": {"@odata.type": f"#microsoft.graph.{name}", "kind": INHERITED[name], **listed}}


register("inheritablePermission", Hooks(prepare=_prepare_inheritable, change=_change_inheritable))
register("extensionProperty", Hooks(prepare=_prepare_extension_property))
register("extension", Hooks(prepare=_prepare_extension))


def _prepare_card(_write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    # it answers to the name of the property it shows (Get profileCardProperty)
    return {**made, "id": made["directoryPropertyName"]}


register("profileCardProperty", Hooks(prepare=_prepare_card))


# -- authentication methods ----------------------------------------------------------------------------------------


def _methods(write: Write, type_name: str) -> list[Body]:
    links = write.store.link_set("authentication/methods")
    bodies = [write.store.records[key].read() for key in links.targets(write.parent().key)]
    return [each for each in bodies if each.get("@odata.type") == f"#microsoft.graph.{type_name}"]


def _prepare_email(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", made["emailAddress"]):
        raise bad_request("The email address is invalid.", "invalidRequest")
    if _methods(write, "emailAuthenticationMethod"):
        raise bad_request("The user already has an email method.", "invalidRequest")
    return _tagged(made, "emailAuthenticationMethod") | {"id": "3ddfcfc8-9383-446f-83cc-3ab9be4be18f"}


PHONE_IDS = {
    "mobile": "3179e48a-750b-4051-897c-87b9720928f7", "alternateMobile": "b6332ec1-7057-4abe-9331-3d72feddfe41",
    "office": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
}  # fmt: skip


def _prepare_phone(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    _check_phone(made)
    held = {each["phoneType"] for each in _methods(write, "phoneAuthenticationMethod")}
    if made["phoneType"] in held:
        raise bad_request("The user already has a phone of this type.", "invalidRequest")
    if made["phoneType"] == "alternateMobile" and "mobile" not in held:
        raise bad_request("An alternate mobile phone needs a mobile phone first.", "invalidRequest")
    made = _tagged(made, "phoneAuthenticationMethod") | {"id": PHONE_IDS[made["phoneType"]]}
    return made | {"smsSignInState": "notAllowedByPolicy" if made["phoneType"] == "mobile" else "notSupported"}


def _change_phone(_write: Write, _record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_phone(new)
    return new


def _remove_phone(write: Write, record: Record) -> bool | None:
    held = {each["phoneType"] for each in _methods(write, "phoneAuthenticationMethod")}
    if record.read()["phoneType"] == "mobile" and "alternateMobile" in held:
        raise bad_request("The mobile phone cannot be deleted while there is an alternate one.", "invalidRequest")
    return None


def _check_phone(body: Body) -> None:
    if not PHONE.match(str(body.get("phoneNumber") or "")):
        raise bad_request(
            "The phone number must have the form '+{country code} {number}x{extension}'.", "invalidRequest"
        )


def _prepare_pass(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if _methods(write, "temporaryAccessPassAuthenticationMethod"):
        raise bad_request("The user already has a temporary access pass.", "invalidRequest")
    minutes = made.get("lifetimeInMinutes") or 60
    if not 10 <= minutes <= 43200:
        raise refusals.invalid_value("lifetimeInMinutes", "temporaryAccessPassAuthenticationMethod")
    now = datetime.fromtimestamp(write.tenant.clock.now(), UTC)
    start = made.get("startDateTime") or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    if datetime.fromisoformat(start) < now - timedelta(minutes=1):
        raise refusals.invalid_value("startDateTime", "temporaryAccessPassAuthenticationMethod")
    return _tagged(made, "temporaryAccessPassAuthenticationMethod") | {
        "lifetimeInMinutes": minutes, "isUsableOnce": bool(made.get("isUsableOnce")), "startDateTime": start,
        "createdDateTime": write.now, "isUsable": True, "methodUsabilityReason": "EnabledByPolicy",
        "temporaryAccessPass": None,
    }  # fmt: skip


def temporary_access_pass() -> str:
    """A new pass; shown in the answer of its creation and kept nowhere."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789%@!*&+"
    return "".join(secrets.choice(alphabet) for _ in range(12))


def _prepare_external(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if any(
        each.get("configurationId") == made["configurationId"]
        for each in _methods(write, "externalAuthenticationMethod")
    ):
        raise bad_request("The user already has this external method.", "invalidRequest")
    return _tagged(made, "externalAuthenticationMethod")


def _tagged(made: Body, type_name: str) -> Body:
    return made | {"@odata.type": f"#microsoft.graph.{type_name}"}


register("emailAuthenticationMethod", Hooks(prepare=_prepare_email))
register("phoneAuthenticationMethod", Hooks(prepare=_prepare_phone, change=_change_phone, remove=_remove_phone))
register("temporaryAccessPassAuthenticationMethod", Hooks(prepare=_prepare_pass))
register("externalAuthenticationMethod", Hooks(prepare=_prepare_external))


# -- domains, branding, terms of use ---------------------------------------------------------------------------------


def _prepare_domain(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    if set(body) - {"id", "@odata.type"}:
        raise refusals.read_only(next(iter(set(body) - {"id", "@odata.type"})))
    name = str(made["id"]).lower()
    if not re.fullmatch(r"(?=.{4,253}$)([a-z0-9](-?[a-z0-9]+)*\.)+[a-z]{2,}", name):
        raise refusals.invalid_value("id", "domain")
    if name.endswith(".onmicrosoft.com"):
        raise refusals.invalid_value("id", "domain")
    domains = [each.read() for each in write.store.all("domain")]
    root = next((each for each in domains if name.endswith(f".{each['id']}") and each.get("isVerified")), None)
    return made | {
        "id": name, "authenticationType": root.get("authenticationType") if root else "Managed",
        "isAdminManaged": True, "isDefault": False, "isInitial": False, "isRoot": root is None,
        "isVerified": root is not None, "supportedServices": [], "passwordValidityPeriodInDays": None,
        "passwordNotificationWindowInDays": None, "state": None, "availabilityStatus": None, "model": None,
        "manufacturer": None,
    }  # fmt: skip


def _change_domain(write: Write, record: Record, old: Body, new: Body, body: Body) -> Body:
    if not old.get("isVerified"):
        raise bad_request("The domain must be verified before it can be updated.")
    if "isDefault" in body and not new.get("isDefault"):
        raise bad_request("A default domain is replaced by making another one the default.")
    if new.get("isDefault") and not old.get("isDefault"):
        for each in list(write.store.all("domain")):
            other = each.read()
            if each.key != record.key and other.get("isDefault"):
                write.store.update(each.key, other | {"isDefault": False})
    return new


def _remove_domain(write: Write, record: Record) -> bool | None:
    body = record.read()
    if body.get("isInitial") or body.get("isDefault"):
        raise bad_request("The initial or default domain cannot be deleted.")
    suffix = f"@{body['id']}".encode()
    for table in ("user", "group"):
        if any(suffix in each.body for each in write.store.all(table)):
            raise bad_request("The domain is referenced by users, groups or applications and cannot be deleted.")
    host = f"//{body['id']}".encode()
    if any(host in each.body for each in write.store.all("application")):
        raise bad_request("The domain is referenced by users, groups or applications and cannot be deleted.")
    return None


def _prepare_federation(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    parent = write.parent()
    if list(write.store.link_set("federationConfiguration").targets(parent.key)):
        raise refusals.conflict("The domain has a federation configuration.")
    body = parent.read()
    if not body.get("isVerified") or body.get("isInitial"):
        raise bad_request("The domain cannot be federated.")
    return made


def _born_federation(write: Write, _record: Record, _sent: Body) -> None:
    parent = write.parent()
    write.store.update(parent.key, parent.read() | {"authenticationType": "Federated"})


def _remove_federation(write: Write, _record: Record) -> bool | None:
    parent = write.parent()
    write.store.update(parent.key, parent.read() | {"authenticationType": "Managed"})
    return None


register("domain", Hooks(prepare=_prepare_domain, change=_change_domain, remove=_remove_domain))
register(
    "internalDomainFederation", Hooks(prepare=_prepare_federation, born=_born_federation, remove=_remove_federation)
)


STREAMS = ("backgroundImage", "bannerLogo", "customCSS", "favicon", "headerLogo", "squareLogo", "squareLogoDark")


def _prepare_localization(_write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if made["id"] not in ("0", "default") and not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", made["id"]):
        raise refusals.invalid_value("id", "organizationalBrandingLocalization")
    _check_colour(made)
    return made


def _change_branding(_write: Write, _record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_colour(new)
    return new


def _check_colour(body: Body) -> None:
    colour = body.get("backgroundColor")
    if colour and not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise refusals.invalid_value("backgroundColor", "organizationalBranding")


def _remove_branding(write: Write, record: Record) -> bool | None:
    body = record.read()
    if any(body.get(name) for name in STREAMS):
        raise bad_request("The streams of the branding must be removed before it is deleted.")
    localizations = list(write.store.link_set("localizations").targets(record.key))
    if record.table == "organizationalBranding" and localizations:
        raise bad_request("The localizations of the branding must be deleted before its default.")
    return None


register("organizationalBranding", Hooks(change=_change_branding, remove=_remove_branding))
register(
    "organizationalBrandingLocalization",
    Hooks(prepare=_prepare_localization, change=_change_branding, remove=_remove_branding),
)


def _prepare_agreement(_write: Write, made: Body, _body: Body, sent: Body) -> Body:
    localizations = (sent.get("file") or {}).get("localizations") or []
    if not localizations:
        raise refusals.required("file.localizations", "agreement")
    for each in localizations:
        if any(each.get(name) is None for name in ("fileName", "language", "isDefault", "fileData")):
            raise refusals.invalid_value("file.localizations", "agreement")
    return made


def _born_agreement(write: Write, record: Record, sent: Body) -> None:
    from local.simulator.writes.change import new_id

    localizations: list[Any] = sent["file"]["localizations"]
    first = next((each for each in localizations if each.get("isDefault")), localizations[0])
    file = write.store.create(
        "agreementFile", {"id": "default", "fileName": first["fileName"], "language": first["language"],
                          "isDefault": True}, record.key, "file",
    )  # fmt: skip
    for each in localizations:
        body = {"id": new_id(), "createdDateTime": write.now, **{k: v for k, v in each.items() if "@" not in k}}
        child = write.store.create("agreementFileLocalization", body, file.key, "localizations")
        write.store.link(record.key, "files", child.key)


def _remove_agreement(write: Write, record: Record) -> bool | None:
    for each in write.store.all("conditionalAccessPolicy"):
        if record.key in ((each.read().get("grantControls") or {}).get("termsOfUse") or ()):
            raise GraphError(400, "BadRequest", "The agreement is used by a Conditional Access policy.")
    return None


register("agreement", Hooks(prepare=_prepare_agreement, born=_born_agreement, remove=_remove_agreement))
