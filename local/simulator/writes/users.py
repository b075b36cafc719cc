"""Users: names and domains, passwords, what synced and privileged users refuse (Create user, Update user, Delete user).

Passwords are checked and thrown away; a user keeps only whether the next sign-in must change it.
"""

from __future__ import annotations

import re
from typing import Any

from local.simulator.access import permissions
from local.simulator.errors import bad_request
from local.simulator.store import Body, Record, Store
from local.simulator.writes import (
    cascades,
    custom_attributes,
    dynamic,
    guards,
    licences,
    references,
    refusals,
    unique,
)
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

LOCAL_PART = re.compile(r"^[A-Za-z0-9'._\-!#^~]+(#EXT#)?$")
NICKNAME = re.compile(r"^[^\s@()\\\[\]\";:<>,]{1,64}$")
PASSWORD_POLICIES = {"None", "DisableStrongPassword", "DisablePasswordExpiration"}
MOST_CERTIFICATE_IDS, LONGEST_CERTIFICATE_ID = 10, 1024
MOST_OTHER_MAILS = 250


def _prepare(write: Write, made: Body, body: Body, _sent: Body) -> Body:
    store = write.store
    password = _password(made.get("passwordProfile"), required=True)
    if "manager@odata.bind" in body:
        write.links.append(("manager", references.resolve(write, body["manager@odata.bind"]).key))
    check_name(write, made["userPrincipalName"], made.get("onPremisesImmutableId"))
    _check_values(store, made, made, "")
    custom_attributes.check_values(write, made, {})
    stamp = write.now
    domain = made["userPrincipalName"].partition("@")[2]
    identity = {"signInType": "userPrincipalName", "issuer": domain, "issuerAssignedId": made["userPrincipalName"]}
    return {
        "userType": "Member", "businessPhones": [], "otherMails": [], "assignedLicenses": [],
        "licenseAssignmentStates": [], "assignedPlans": [], "provisionedPlans": [], "imAddresses": [],
        **made,
        "passwordProfile": password,
        "identities": [*(made.get("identities") or ()), identity],
        "proxyAddresses": unique.primary((), made.get("mail")),
        "createdDateTime": stamp, "deletedDateTime": None, "lastPasswordChangeDateTime": stamp,
        "signInSessionsValidFromDateTime": stamp, "securityIdentifier": security_identifier(made["id"]),
        "onPremisesSyncEnabled": None,
    }  # fmt: skip


def _born(write: Write, record: Record, _sent: Body) -> None:
    dynamic.place(write.store, record)


def _change(write: Write, record: Record, old: Body, new: Body, body: Body) -> Body:
    names = {name.partition("@")[0] for name in body if not name.startswith("@")}
    permissions.check_properties(write.caller, names)
    guards.check_synced(record, names)
    if names & guards.SHAREPOINT_HELD and names - guards.SHAREPOINT_HELD:
        raise bad_request("The properties that SharePoint keeps must be updated in a request of their own: "
                          f"{', '.join(sorted(names & guards.SHAREPOINT_HELD))}.")  # fmt: skip
    if names - {"usageLocation"}:
        guards.check_restricted(write, record)
    if "passwordProfile" in names:
        guards.check_password(write)
    if names & guards.SENSITIVE:
        guards.check_privileged(write, record)
    if "userPrincipalName" in body and new["userPrincipalName"] != old["userPrincipalName"]:
        check_name(write, new["userPrincipalName"], new.get("onPremisesImmutableId"), record.key)
        new["identities"] = [
            each | {"issuerAssignedId": new["userPrincipalName"]} if each.get("signInType") == "userPrincipalName"
            else each for each in new.get("identities") or ()
        ]  # fmt: skip
    if "passwordProfile" in body:
        new["passwordProfile"] = _password(body["passwordProfile"], required=False)
        if (body["passwordProfile"] or {}).get("password"):
            new["lastPasswordChangeDateTime"] = write.now
    if body.get("accountEnabled") is False:
        guards.check_last_administrator(write.store, [record.key])
    if "customSecurityAttributes" in body:
        new["customSecurityAttributes"] = custom_attributes.check_values(write, body, old)
    if "mail" in body and new.get("mail") != old.get("mail"):
        new["proxyAddresses"] = unique.primary(unique.addresses_of(old), new.get("mail"))
    if isinstance(body.get("onPremisesExtensionAttributes"), dict):
        # a complex value of single attributes: those that are not named stay
        new["onPremisesExtensionAttributes"] = (old.get("onPremisesExtensionAttributes") or {}) | body[
            "onPremisesExtensionAttributes"
        ]
    _check_values(write.store, new, {name: new[name] for name in names if name in new}, record.key)
    return new


def _changed(write: Write, record: Record, _before: Body) -> None:
    dynamic.place(write.store, record)


def _remove(write: Write, record: Record) -> bool | None:
    guards.check_restricted(write, record)
    guards.check_privileged(write, record)
    guards.check_last_administrator(write.store, [record.key])
    licences.release(write.store, record.read())
    cascades.park(write.store, record)
    return None


def _removed(write: Write, record: Record) -> None:
    dynamic.reports_changed(write.store, record.key)


register(
    "user",
    Hooks(prepare=_prepare, born=_born, change=_change, changed=_changed, remove=_remove, removed=_removed),
)


def check_name(write: Write, name: Any, immutable_id: Any, besides: str = "") -> None:
    """Refuse a userPrincipalName without a verified domain, with strange characters or held by another user."""
    local, _, domain = str(name).partition("@")
    found = write.held("domain", domain.lower())
    if found is None or not found.read().get("isVerified"):
        raise bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified "
            "domain names in your organization."
        )
    if not LOCAL_PART.match(local) or len(local) > 64 or local.endswith("."):
        raise bad_request("Property userPrincipalName is invalid.")
    if found.read().get("authenticationType") == "Federated" and not immutable_id:
        raise refusals.required("onPremisesImmutableId", "user")
    unique.check(write.store, "user", "userPrincipalName", str(name), besides)


def security_identifier(object_id: str) -> str:
    """The security identifier that follows from an object id."""
    raw = bytes.fromhex(object_id.replace("-", ""))
    mixed = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    return "S-1-12-1-" + "-".join(str(int.from_bytes(mixed[at : at + 4], "little")) for at in (0, 4, 8, 12))


def _check_values(store: Store, whole: Body, changed: Body, besides: str) -> None:
    nickname = changed.get("mailNickname")
    if nickname is not None and not NICKNAME.match(nickname):
        raise refusals.invalid_value("mailNickname", "user")
    if len(changed.get("businessPhones") or ()) > 1:
        raise refusals.invalid_value("businessPhones", "user")
    if len(changed.get("otherMails") or ()) > MOST_OTHER_MAILS:
        raise refusals.invalid_value("otherMails", "user")
    for name in ("mail", *(["otherMails"] if changed.get("otherMails") else [])):
        values = changed.get(name)
        for each in values if isinstance(values, list) else [values] if values else []:
            if not each.isascii() or "@" not in each:
                raise refusals.invalid_value(name, "user")
    location = changed.get("usageLocation")
    if location is not None and not re.fullmatch(r"[A-Z]{2}", location):
        raise refusals.invalid_value("usageLocation", "user")
    policies = changed.get("passwordPolicies")
    if policies and not {part.strip() for part in policies.split(",")} <= PASSWORD_POLICIES:
        raise refusals.invalid_value("passwordPolicies", "user")
    _check_certificate_ids(store, changed, besides)
    if changed.get("mail"):
        unique.check_addresses(store, [f"SMTP:{changed['mail']}"], besides)
    if changed.get("onPremisesImmutableId"):
        unique.check(store, "user", "onPremisesImmutableId", whole["onPremisesImmutableId"], besides)


def _check_certificate_ids(store: Store, changed: Body, besides: str) -> None:
    """Ten certificate user ids, and none that another user has (Certificate user IDs)."""
    wanted = (changed.get("authorizationInfo") or {}).get("certificateUserIds") or []
    if len(wanted) > MOST_CERTIFICATE_IDS or any(len(each) > LONGEST_CERTIFICATE_ID for each in wanted):
        raise refusals.invalid_value("authorizationInfo", "user")
    for record in store.all("user") if wanted else ():
        if record.key != besides and b"certificateUserIds" in record.body:
            held = (record.read().get("authorizationInfo") or {}).get("certificateUserIds") or ()
            if set(wanted).intersection(held):
                raise refusals.taken("certificateUserIds")


def _password(profile: Any, *, required: bool) -> Body | None:
    if not isinstance(profile, dict) or (required and not profile.get("password")):
        if profile is None and not required:
            return None
        raise refusals.required("passwordProfile.password", "user")
    password = profile.get("password")
    if password is not None:
        kinds = sum(bool(re.search(pattern, password)) for pattern in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z\d]"))
        if not 8 <= len(password) <= 256 or kinds < 3:
            raise bad_request(
                "The specified password does not comply with password complexity requirements. Please provide a "
                "different password."
            )
    return {
        "password": None,
        "forceChangePasswordNextSignIn": bool(profile.get("forceChangePasswordNextSignIn", required)),
        "forceChangePasswordNextSignInWithMfa": bool(profile.get("forceChangePasswordNextSignInWithMfa", False)),
    }
