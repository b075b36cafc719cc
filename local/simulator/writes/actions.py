"""Actions that change something, by name and by the type they hang on."""

from __future__ import annotations

from collections.abc import Callable

from local.simulator.errors import bad_request, denied, not_allowed, not_found
from local.simulator.http_types import Response, json_response
from local.simulator.writes import (
    bins,
    conditional_access,
    credentials,
    gallery,
    guards,
    licences,
    policies,
    provisioning,
    refusals,
)
from local.simulator.writes.change import Write, edit, no_content

PASSWORD_HOLDERS = ("application", "servicePrincipal")


def answer(write: Write) -> Response:
    """The answer of a POST to an action."""
    if write.request.method != "POST":
        raise not_allowed()
    name = write.target.name
    if name == "restore":
        return bins.restore(write)
    table = write.record().table if write.target.record else write.target.table
    found = ACTIONS.get((name, table))
    if found is None:
        raise not_allowed()
    return found(write)


def _update_combinations(write: Write) -> Response:
    record, body = write.record(), write.request.json()
    held = record.read()
    said = body.get("allowedCombinations")
    if set(body) - {"allowedCombinations"}:
        raise refusals.unknown_property(next(iter(set(body) - {"allowedCombinations"})))
    if held.get("policyType") == "builtIn":
        raise bad_request("A built-in authentication strength cannot be changed.", "BadRequest")
    known = set(write.schema.enums["authenticationMethodModes"]) - {"unknownFutureValue"}
    values = {part for each in said for part in str(each).split(",")} if isinstance(said, list) else None
    if not isinstance(said, list) or values is None or not values <= known:
        raise refusals.invalid_value("allowedCombinations", "authenticationStrengthPolicy")
    conditional_access.check_combinations(said)
    before, after = held.get("requirementsSatisfied"), conditional_access.requirement(said)
    if (
        before == "mfa"
        and after != "mfa"
        and any(True for _ in conditional_access.users_of(write, "strength", held["id"]))
    ):
        raise bad_request("The strength is used by a policy that requires multifactor authentication.", "BadRequest")
    previous = held.get("allowedCombinations") or []
    edit(write, record, allowedCombinations=said, requirementsSatisfied=after, modifiedDateTime=write.now)
    return write.value(
        "microsoft.graph.updateAllowedCombinationsResult",
        {"currentCombinations": said, "previousCombinations": previous,
         "additionalInformation": f"Successfully updated allowed combinations of '{held.get('displayName')}'.",
         "conditionalAccessReferences": []},
    )  # fmt: skip


def _lifecycle_group(write: Write, *, add: bool) -> Response:
    record, body = write.record(), write.request.json()
    group = write.find(str(body.get("groupId")), "group")
    if group is None:
        raise not_found(str(body.get("groupId")))
    if record.read().get("managedGroupTypes") != "Selected":
        raise bad_request("Groups are added to or removed from a policy only when managedGroupTypes is Selected.")
    if "Unified" not in (group.read().get("groupTypes") or ()):
        raise bad_request("Only Microsoft 365 groups expire.")
    links = write.store.link_set("groupLifecyclePolicies")
    if add:
        if len(list(links.sources(record.key))) >= policies.MOST_LIFECYCLE_GROUPS:
            raise bad_request(f"A policy can manage at most {policies.MOST_LIFECYCLE_GROUPS} groups.")
        changed = write.store.link(group.key, "groupLifecyclePolicies", record.key)
    else:
        changed = write.store.unlink(group.key, "groupLifecyclePolicies", record.key)
    return write.value("Edm.Boolean", {"value": changed})


def _add_group(write: Write) -> Response:
    return _lifecycle_group(write, add=True)


def _remove_group(write: Write) -> Response:
    return _lifecycle_group(write, add=False)


def _reset_default(write: Write) -> Response:
    from local.simulator.writes.defaults import CROSS_TENANT_DEFAULT

    record = write.record()
    write.store.update(record.key, record.read() | CROSS_TENANT_DEFAULT)
    return no_content()


def _revoke_sessions(write: Write) -> Response:
    record = write.record()
    guards.check_privileged(write, record)
    edit(write, record, signInSessionsValidFromDateTime=write.now)
    return write.value("Edm.Boolean", {"value": True})


def _renew(write: Write) -> Response:
    record = write.record()
    if "Unified" not in (record.read().get("groupTypes") or ()):
        raise bad_request("Only Microsoft 365 groups can be renewed.")
    edit(write, record, renewedDateTime=write.now)
    return no_content()


def _reprocess(write: Write) -> Response:
    record = write.record()
    groups = list(write.store.link_set("members").sources(record.key))
    licences.inherit(write.store, groups, [record.key])
    return json_response(200, {"@odata.context": write.context(entity=True), **write.shown(write.record())})


def _verify(write: Write) -> Response:
    """POST `/domains/{id}/verify`: no DNS reaches a simulator, so the record counts as set."""
    record = write.record()
    edit(write, record, isVerified=True)
    return json_response(200, {"@odata.context": write.context(entity=True), **write.shown(write.record())})


def _verified_publisher(write: Write) -> Response:
    if write.app_only:
        raise refusals.delegated_only()
    raise bad_request("The MPN ID of the publisher could not be verified.", "PublisherNotVerified")


def _change_password(_write: Write) -> Response:
    raise denied()  # only a signed-in user changes a password, and it is that user's own


def _sms(write: Write, state: str) -> Response:
    record = write.record()
    if record.read().get("phoneType") != "mobile":
        raise bad_request("SMS sign-in is for mobile phones.", "invalidRequest")
    edit(write, record, smsSignInState=state)
    return no_content()


def _enable_sms(write: Write) -> Response:
    return _sms(write, "ready")


def _disable_sms(write: Write) -> Response:
    return _sms(write, "notEnabled")


ACTIONS: dict[tuple[str, str], Callable[[Write], Response]] = {
    ("assignLicense", "user"): licences.assign,
    ("assignLicense", "group"): licences.assign,
    **{("addPassword", table): credentials.add_password for table in PASSWORD_HOLDERS},
    **{("removePassword", table): credentials.remove_password for table in PASSWORD_HOLDERS},
    **{("addKey", table): credentials.add_key for table in PASSWORD_HOLDERS},
    **{("removeKey", table): credentials.remove_key for table in PASSWORD_HOLDERS},
    ("addTokenSigningCertificate", "servicePrincipal"): credentials.add_signing_certificate,
    ("instantiate", "applicationTemplate"): gallery.instantiate,
    ("updateAllowedCombinations", "authenticationStrengthPolicy"): _update_combinations,
    ("addGroup", "groupLifecyclePolicy"): _add_group,
    ("removeGroup", "groupLifecyclePolicy"): _remove_group,
    ("resetToSystemDefault", "crossTenantAccessPolicyConfigurationDefault"): _reset_default,
    ("revokeSignInSessions", "user"): _revoke_sessions,
    ("invalidateAllRefreshTokens", "user"): _revoke_sessions,
    ("reprocessLicenseAssignment", "user"): _reprocess,
    ("renew", "group"): _renew,
    ("verify", "domain"): _verify,
    ("setVerifiedPublisher", "application"): _verified_publisher,
    ("unsetVerifiedPublisher", "application"): _verified_publisher,
    ("changePassword", "user"): _change_password,
    ("start", "synchronizationJob"): provisioning.start,
    ("pause", "synchronizationJob"): provisioning.pause,
    ("restart", "synchronizationJob"): provisioning.start,
    ("enableSmsSignIn", "authenticationMethod"): _enable_sms,
    ("disableSmsSignIn", "authenticationMethod"): _disable_sms,
}

__all__ = ["ACTIONS", "answer"]
