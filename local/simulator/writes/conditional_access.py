"""Conditional Access policies, named locations, authentication strengths and contexts.

Everything a policy refers to must exist: users, groups, roles (templates), applications by appId, service principals
by object id, locations, terms of use, strengths (Create conditionalAccessPolicy). A PATCH replaces the sub-objects of
`conditions` whole, as far as is known: unconfirmed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from local.simulator.errors import GraphError, bad_request
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write
from local.simulator.writes.hooks import Hooks, register

MOST_POLICIES = 195
USER_WORDS = frozenset(["All", "None", "GuestsOrExternalUsers"])
APPLICATION_WORDS = frozenset(["All", "None", "Office365", "MicrosoftAdminPortals"])
LOCATION_WORDS = frozenset(["All", "AllTrusted", "00000000-0000-0000-0000-000000000000"])
PRINCIPAL_WORDS = frozenset(["ServicePrincipalsInMyTenant"])
ACTIONS = frozenset(["urn:user:registersecurityinfo", "urn:user:registerdevice", "urn:user:registersecurityinfo"])


def _prepare(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if sum(1 for _ in write.store.all("conditionalAccessPolicy")) >= MOST_POLICIES:
        raise GraphError(403, "Forbidden", f"The tenant has {MOST_POLICIES} policies, which is the most there can be.")
    if not made.get("grantControls") and not made.get("sessionControls"):
        raise wrong("1008", "The policy has neither grant controls nor session controls.")
    whole = {"grantControls": None, "sessionControls": None, "description": None, "templateId": None} | made
    _check(write, whole)
    whole["grantControls"] = _strength_only(whole["grantControls"])
    return whole | {"createdDateTime": write.now, "modifiedDateTime": None, "deletedDateTime": None}


def _change(write: Write, _record: Record, old: Body, new: Body, body: Body) -> Body:
    if isinstance(body.get("conditions"), dict):
        new["conditions"] = (old.get("conditions") or {}) | new["conditions"]
    if not new.get("grantControls") and not new.get("sessionControls"):
        raise wrong("1008", "The policy has neither grant controls nor session controls.")
    _check(write, new)
    new["grantControls"] = _strength_only(new.get("grantControls"))
    new["modifiedDateTime"] = write.now
    return new


def wrong(number: str, message: str) -> GraphError:
    """400 of the Conditional Access service."""
    return GraphError(400, "BadRequest", f"{number}: {message}")


def _check(write: Write, policy: Body) -> None:
    conditions = policy["conditions"]
    if not isinstance(conditions, dict):
        raise refusals.malformed("conditionalAccessPolicy")
    users, principals = conditions.get("users") or {}, conditions.get("clientApplications") or {}
    applications = conditions.get("applications") or {}
    workloads = principals.get("includeServicePrincipals") or principals.get("servicePrincipalFilter")
    if not workloads and not any(users.get(name) for name in USER_PARTS):
        raise wrong("1011", "'users' must include at least one user, group, role or external user.")
    if not any(applications.get(name) for name in APPLICATION_PARTS):
        raise wrong("1009", "'applications' must include an application, user action or authentication context.")
    if not conditions.get("clientAppTypes"):
        raise wrong("1012", "'clientAppTypes' must not be empty.")
    if users.get("includeGuestsOrExternalUsers") and "GuestsOrExternalUsers" in (users.get("includeUsers") or ()):
        raise wrong("1149", "'GuestsOrExternalUsers' cannot be combined with guestOrExternalUsers.")
    _check_references(write, conditions)
    _check_grant(write, policy.get("grantControls"))
    _check_alone(users)


def _check_references(write: Write, conditions: Body) -> None:
    users, principals = conditions.get("users") or {}, conditions.get("clientApplications") or {}
    applications = conditions.get("applications") or {}
    _exist(write, "includeUsers", users, USER_WORDS, ("user",))
    _exist(write, "excludeUsers", users, USER_WORDS - {"All", "None"}, ("user",))
    for name in ("includeGroups", "excludeGroups"):
        _exist(write, name, users, frozenset(), ("group",))
    for name in ("includeRoles", "excludeRoles"):
        for each in users.get(name) or ():
            if write.held("directoryRoleTemplate", each) is None and write.held("unifiedRoleDefinition", each) is None:
                raise wrong("1016", f"'{name}' contains the unknown role '{each}'.")
    for name in ("includeApplications", "excludeApplications"):
        for each in applications.get(name) or ():
            if each not in APPLICATION_WORDS and not _application(write, each):
                raise wrong("1033", f"'{name}' contains the unknown application '{each}'.")
    for each in applications.get("includeUserActions") or ():
        if each not in ACTIONS:
            raise wrong("1013", f"'includeUserActions' contains the unknown action '{each}'.")
    for each in applications.get("includeAuthenticationContextClassReferences") or ():
        if write.held("authenticationContextClassReference", each) is None:
            raise wrong("1118", f"The authentication context '{each}' does not exist.")
    for name in ("includeServicePrincipals", "excludeServicePrincipals"):
        _exist(write, name, principals, PRINCIPAL_WORDS, ("servicePrincipal",))
    for name in ("includeLocations", "excludeLocations"):
        _exist(write, name, conditions.get("locations") or {}, LOCATION_WORDS, ("namedLocation",))


USER_PARTS = ("includeUsers", "includeGroups", "includeRoles", "includeGuestsOrExternalUsers")
APPLICATION_PARTS = (
    "includeApplications", "includeUserActions", "includeAuthenticationContextClassReferences", "applicationFilter",
    "networkAccess", "globalSecureAccess",
)  # fmt: skip


def _check_alone(users: Body) -> None:
    included = users.get("includeUsers") or []
    if ("All" in included or "None" in included) and len(included) > 1:
        raise wrong("1014", "'includeUsers' cannot combine 'All' or 'None' with other values.")


def _check_grant(write: Write, grant: Any) -> None:
    if not grant:
        return
    if grant.get("operator") not in ("AND", "OR"):
        raise wrong("1006", "'operator' of grantControls must be AND or OR.")
    controls = grant.get("builtInControls") or []
    strength = grant.get("authenticationStrength")
    if not any((controls, strength, grant.get("termsOfUse"), grant.get("customAuthenticationFactors"))):
        raise wrong("1008", "grantControls names no control.")
    if "block" in controls and (len(controls) > 1 or strength or grant.get("termsOfUse")):
        raise wrong("1015", "'block' cannot be combined with other controls.")
    if strength is not None:
        if not isinstance(strength, dict) or set(strength) - {"id", "@odata.type"}:
            raise refusals.malformed("conditionalAccessPolicy", "authenticationStrength takes an id.")
        if write.held("authenticationStrengthPolicy", str(strength.get("id"))) is None:
            raise wrong("1143", f"The authentication strength '{strength.get('id')}' does not exist.")
        if "mfa" in controls:
            raise wrong("1144", "'mfa' cannot be combined with an authentication strength.")
    for each in grant.get("termsOfUse") or ():
        if write.find(each, "agreement") is None:
            raise wrong("1032", f"'termsOfUse' contains the unknown agreement '{each}'.")


def _exist(write: Write, name: str, part: Body, words: frozenset[str], tables: tuple[str, ...]) -> None:
    for each in part.get(name) or ():
        if each not in words and write.find(each, *tables) is None:
            kind = {"user": "user", "group": "group", "namedLocation": "location"}.get(tables[0], "service principal")
            raise wrong("1017", f"Policy contains invalid {kind}: '{each}' in '{name}' does not exist.")


def _application(write: Write, app_id: str) -> bool:
    return bool(
        write.store.find("servicePrincipal", "appId", app_id) or write.store.find("application", "appId", app_id)
    )


def _strength_only(grant: Any) -> Any:
    if not isinstance(grant, dict) or not isinstance(grant.get("authenticationStrength"), dict):
        return grant
    return grant | {"authenticationStrength": {"id": grant["authenticationStrength"]["id"]}}


def users_of(write: Write, part: str, value: str) -> Iterable[str]:
    """The names of the policies that refer to a value somewhere in `part` (a key that holds ids)."""
    for each in write.store.all("conditionalAccessPolicy"):
        if value.encode() in each.body and _mentions(each.read(), part, value):
            yield str(each.read().get("displayName"))


def _mentions(body: Body, part: str, value: str) -> bool:
    conditions = body.get("conditions") or {}
    match part:
        case "locations":
            said = conditions.get("locations") or {}
            return value in [*(said.get("includeLocations") or ()), *(said.get("excludeLocations") or ())]
        case "strength":
            strength = (body.get("grantControls") or {}).get("authenticationStrength") or {}
            return bool(strength.get("id") == value)
        case "context":
            said = conditions.get("applications") or {}
            return value in (said.get("includeAuthenticationContextClassReferences") or ())
    return False


# -- named locations ----------------------------------------------------------------------------------------------


def _prepare_location(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    _check_location(made)
    if made["@odata.type"].endswith("countryNamedLocation"):
        made = {"includeUnknownCountriesAndRegions": False, "countryLookupMethod": "clientIpAddress"} | made
    else:
        made = {"isTrusted": False} | made
    return made | {"createdDateTime": write.now, "modifiedDateTime": write.now, "deletedDateTime": None}


def _change_location(write: Write, _record: Record, _old: Body, new: Body, _body: Body) -> Body:
    _check_location(new)
    return new | {"modifiedDateTime": write.now}


def _check_location(body: Body) -> None:
    if body.get("@odata.type", "").endswith("countryNamedLocation"):
        countries = body.get("countriesAndRegions") or []
        if not countries and not body.get("includeUnknownCountriesAndRegions"):
            raise refusals.malformed("namedLocation", "countriesAndRegions must not be empty.")
        if any(not re.fullmatch(r"[A-Z]{2}", each) for each in countries):
            raise refusals.malformed("namedLocation", "countriesAndRegions takes two-letter codes of ISO 3166.")
        return
    ranges = body.get("ipRanges") or []
    if not ranges:
        raise refusals.malformed("namedLocation", "ipRanges must not be empty.")
    for each in ranges:
        try:
            network = ipaddress.ip_network(each.get("cidrAddress") or "", strict=False)
        except ValueError as error:
            raise refusals.malformed("namedLocation", "ipRanges contains an invalid address.") from error
        if f"iPv{network.version}CidrRange" not in each["@odata.type"]:
            raise refusals.malformed("namedLocation", "ipRanges contains an address of the other kind.")


def _remove_location(write: Write, record: Record) -> bool | None:
    if record.read().get("isTrusted"):
        raise wrong("1155", "A trusted named location cannot be deleted: set isTrusted to false first.")
    if any(True for _ in users_of(write, "locations", record.key)):
        raise wrong("1156", "The named location is used by Conditional Access policies.")
    return None


# -- authentication contexts and strengths ------------------------------------------------------------------------


def _prepare_context(_write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    if not re.fullmatch(r"c([1-9]|[1-9]\d)", made["id"]):
        raise bad_request("The id of an authentication context is one of c1 to c99.", "BadRequest")
    return {"description": None, "isAvailable": False} | made


def _remove_context(write: Write, record: Record) -> bool | None:
    body = record.read()
    if body.get("isAvailable"):
        raise GraphError(403, "Forbidden", "A published authentication context cannot be deleted.")
    if any(True for _ in users_of(write, "context", body["id"])):
        raise bad_request("The authentication context is used by a Conditional Access policy.", "BadRequest")
    return None


def _prepare_strength(write: Write, made: Body, _body: Body, sent: Body) -> Body:
    if sent.get("combinationConfigurations"):
        raise bad_request("Combination configurations are created in their own collection.", "BadRequest")
    check_combinations(made["allowedCombinations"])
    held = [each.read() for each in write.store.all("authenticationStrengthPolicy")]
    if any(each.get("displayName") == made["displayName"] for each in held):
        raise bad_request("An authentication strength with this name exists.", "BadRequest")
    stamp = write.now
    return {"description": ""} | made | {
        "policyType": "custom", "requirementsSatisfied": requirement(made["allowedCombinations"]),
        "createdDateTime": stamp, "modifiedDateTime": stamp,
    }  # fmt: skip


def _change_strength(write: Write, _record: Record, old: Body, new: Body, _body: Body) -> Body:
    if old.get("policyType") == "builtIn":
        raise bad_request("A built-in authentication strength cannot be changed.", "BadRequest")
    return new | {"modifiedDateTime": write.now}


def _remove_strength(write: Write, record: Record) -> bool | None:
    body = record.read()
    if body.get("policyType") == "builtIn":
        raise bad_request("A built-in authentication strength cannot be deleted.", "BadRequest")
    if any(True for _ in users_of(write, "strength", body["id"])):
        raise bad_request("The authentication strength is used by a Conditional Access policy.", "BadRequest")
    return None


def _prepare_configuration(write: Write, made: Body, _body: Body, _sent: Body) -> Body:
    parent = write.parent().read()
    if parent.get("policyType") == "builtIn":
        raise bad_request("A built-in authentication strength cannot be changed.", "BadRequest")
    if not set(made["appliesToCombinations"]) <= set(parent.get("allowedCombinations") or ()):
        raise bad_request("appliesToCombinations names a combination that the strength does not allow.", "BadRequest")
    return made


def check_combinations(combinations: list[str]) -> None:
    """Refuse no combinations, or one named twice."""
    if not combinations or len(set(combinations)) != len(combinations):
        raise bad_request("allowedCombinations must name at least one combination, each once.", "BadRequest")


def requirement(combinations: list[str]) -> str:
    """What an authentication strength satisfies: `mfa` when every combination is multifactor."""
    single = {"password", "federatedSingleFactor", "sms", "qrCodePin", "x509CertificateSingleFactor", "hardwareOath",
              "softwareOath"}  # fmt: skip
    return "none" if any(each in single for each in combinations) else "mfa"


register("conditionalAccessPolicy", Hooks(prepare=_prepare, change=_change))
register("namedLocation", Hooks(prepare=_prepare_location, change=_change_location, remove=_remove_location))
register("authenticationContextClassReference", Hooks(prepare=_prepare_context, remove=_remove_context))
register(
    "authenticationStrengthPolicy",
    Hooks(prepare=_prepare_strength, change=_change_strength, remove=_remove_strength),
)
register("authenticationCombinationConfiguration", Hooks(prepare=_prepare_configuration))
