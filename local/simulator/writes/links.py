"""`$ref`: adding, replacing and removing links, and what each link takes (the Add and Remove pages of each type)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from local.simulator.errors import bad_request, not_allowed, not_found
from local.simulator.http_types import Response
from local.simulator.model import Navigation
from local.simulator.store import Body, Record
from local.simulator.writes import directory_roles, dynamic, guards, licences, references, refusals
from local.simulator.writes.change import GLOBAL_ADMINISTRATOR, Write, no_content

MOST_OWNERS = 100
MOST_SPONSORS = 5
MOST_UNITS = 30  # administrative units an object may be a member of (Microsoft Entra service limits)


@dataclass(frozen=True, slots=True)
class LinkRule:
    """What a link leads to and whether an application alone may write it."""

    targets: frozenset[str]
    app_only: bool = True


PEOPLE = frozenset(["user", "servicePrincipal"])
RULES: dict[tuple[str, str], LinkRule] = {
    ("user", "manager"): LinkRule(frozenset(["user", "orgContact"])),
    ("user", "sponsors"): LinkRule(frozenset(["user", "group"])),
    ("group", "members"): LinkRule(frozenset(["user", "group", "device", "servicePrincipal", "orgContact"])),
    ("group", "owners"): LinkRule(PEOPLE),
    ("group", "acceptedSenders"): LinkRule(frozenset(["user", "group"]), app_only=False),
    ("group", "rejectedSenders"): LinkRule(frozenset(["user", "group"]), app_only=False),
    ("application", "sponsors"): LinkRule(frozenset(["user", "group"])),
    ("servicePrincipal", "sponsors"): LinkRule(frozenset(["user", "group"])),
    ("application", "owners"): LinkRule(PEOPLE),
    ("servicePrincipal", "owners"): LinkRule(PEOPLE),
    ("device", "registeredOwners"): LinkRule(frozenset(["user"]), app_only=False),
    ("device", "registeredUsers"): LinkRule(frozenset(["user"]), app_only=False),
    ("administrativeUnit", "members"): LinkRule(frozenset(["user", "group", "device"])),
    ("directoryRole", "members"): LinkRule(frozenset(["user", "group", "servicePrincipal"])),
    ("application", "connectorGroup"): LinkRule(frozenset(["connectorGroup"]), app_only=False),
    ("connectorGroup", "members"): LinkRule(frozenset(["connector"]), app_only=False),
    ("featureRolloutPolicy", "appliesTo"): LinkRule(frozenset(["group"]), app_only=False),
    **{
        (source, name): LinkRule(frozenset([target]))
        for source in ("application", "servicePrincipal")
        for name, target in (
            ("tokenIssuancePolicies", "tokenIssuancePolicy"), ("tokenLifetimePolicies", "tokenLifetimePolicy"),
            ("appManagementPolicies", "appManagementPolicy"),
        )
    },
    ("servicePrincipal", "claimsMappingPolicies"): LinkRule(frozenset(["claimsMappingPolicy"])),
    ("servicePrincipal", "homeRealmDiscoveryPolicies"): LinkRule(frozenset(["homeRealmDiscoveryPolicy"])),
}  # fmt: skip


def add(write: Write) -> Response:
    """POST `{collection}/$ref`."""
    source, navigation = write.parent(), _navigation(write)
    if navigation.single:
        raise not_allowed()
    rule = _rule(write, source, navigation.name)
    check_source(write, source, navigation.name)
    target = references.single(write)
    check_targets(write, source, source.read(), navigation.name, [target], rule)
    make(write, source, navigation.name, [target])
    return no_content()


def put(write: Write) -> Response:
    """PUT `{single}/$ref`: replaces what was linked."""
    source, navigation = write.parent(), _navigation(write)
    if not navigation.single:
        raise not_allowed()
    rule = _rule(write, source, navigation.name)
    check_source(write, source, navigation.name)
    target = references.single(write)
    if target.table not in rule.targets or target.key == source.key:
        raise refusals.unsuitable(navigation.name)
    write.store.link(source.key, navigation.name, target.key)
    follow(write, source, navigation.name, target, added=True)
    return no_content()


def remove(write: Write) -> Response:
    """DELETE `{collection}/{id}/$ref` or `{single}/$ref`; 404 for a link that is not there."""
    source, navigation = write.parent(), _navigation(write)
    _rule(write, source, navigation.name)
    target = write.target.record
    if target is None:
        raise not_found(navigation.name)
    check_source(write, source, navigation.name)
    _check_removal(write, source, navigation.name, target)
    unmake(write, source, navigation.name, target)
    return no_content()


def make(write: Write, source: Record, name: str, targets: Sequence[Record]) -> None:
    """Add links that were checked, with what follows from them."""
    for target in targets:
        write.store.link(source.key, name, target.key)
        follow(write, source, name, target, added=True)


def unmake(write: Write, source: Record, name: str, target: Record) -> None:
    """Remove a link that was checked, with what follows."""
    write.store.unlink(source.key, name, target.key)
    follow(write, source, name, target, added=False)


def follow(write: Write, source: Record, name: str, target: Record, *, added: bool) -> None:
    """What a link brings: group licences, restricted management, role assignments, places in dynamic groups."""
    if name == "manager" and source.table == "user":
        dynamic.place(write.store, source)
    if name != "members":
        return
    if source.table == "group" and added:
        dynamic.joined(write.store, source, target)
    if source.table == "group" and target.table == "user":
        licences.inherit(write.store, [source.key], [target.key])
    elif source.table == "administrativeUnit":
        dynamic.mark_restricted(write.store, target)
    elif source.table == "directoryRole":
        if added:
            directory_roles.assigned(write, source, target)
        else:
            directory_roles.unassigned(write, source, target)


def check_source(write: Write, source: Record, name: str) -> None:
    """Refuse links from objects that do not take them."""
    body = source.read()
    if source.table == "group" and name in ("members", "owners"):
        kinds = body.get("groupTypes") or ()
        if guards.synced(body):
            raise refusals.mastered_on_premises()
        if body.get("mailEnabled") and "Unified" not in kinds:
            raise refusals.mail_enabled("Update")
        if name == "members" and "DynamicMembership" in kinds:
            raise refusals.denied()
        guards.check_role_assignable(write, body)
        guards.check_restricted(write, source)
    elif source.table == "user":
        guards.check_synced(source, [name])
        guards.check_restricted(write, source)
    elif source.table == "administrativeUnit" and body.get("membershipType") == "Dynamic":
        raise bad_request("Members of a dynamic administrative unit cannot be changed by hand.")
    elif source.table == "directoryRole":
        write.require("RoleManagement.ReadWrite.Directory")


def check_targets(
    write: Write, source: Record | None, body: Body, name: str, targets: Sequence[Record], rule: LinkRule | None = None
) -> None:
    """Refuse links that the type does not take; `source` is None for an object in the making."""
    table = source.table if source else write.target.table
    rule = rule or RULES[table, name]
    store = write.store
    for target in targets:
        if target.table not in rule.targets:
            raise refusals.unsuitable(name)
        if source is not None and target.key == source.key:
            raise refusals.unsuitable(name)
        if source is not None and store.link_set(name).has(source.key, target.key):
            raise refusals.already_linked(name)
        if table == "group" and name == "members":
            _check_nesting(body, target)
        if table == "administrativeUnit":
            _check_unit_member(write, body, target)
        if table == "directoryRole" and target.table == "group" and not target.read().get("isAssignableToRole"):
            raise bad_request("Only role-assignable groups can be members of a directory role.")
    limit = MOST_OWNERS if name == "owners" else MOST_SPONSORS if name == "sponsors" else 0
    held = len(list(store.link_set(name).targets(source.key))) if source else 0
    if limit and held + len(targets) > limit:
        raise bad_request(f"The number of {name} exceeds the limit of {limit}.")


def _check_nesting(body: Body, target: Record) -> None:
    # Add group member: the table of what security and Microsoft 365 groups take
    if "Unified" in (body.get("groupTypes") or ()) and target.table != "user":
        raise refusals.unsuitable("members")
    if target.table == "group":
        if "Unified" in (target.read().get("groupTypes") or ()):
            raise refusals.unsuitable("members")
        if body.get("isAssignableToRole"):
            raise bad_request("A role-assignable group cannot have groups as members.")


def _check_unit_member(write: Write, body: Body, target: Record) -> None:
    said = target.read()
    restricted = body.get("isMemberManagementRestricted")
    if restricted and target.table == "group" and (said.get("mailEnabled") or "Unified" in said.get("groupTypes", ())):
        raise bad_request("A restricted management administrative unit takes users, devices and security groups only.")
    sources = write.store.link_set("members").sources(target.key)
    units = [each for each in sources if (found := write.store.get(each)) and found.table == "administrativeUnit"]
    if len(units) >= MOST_UNITS:
        raise bad_request(f"An object can be a member of at most {MOST_UNITS} administrative units.")


def _check_removal(write: Write, source: Record, name: str, target: Record) -> None:
    store = write.store
    if source.table == "group" and name == "owners" and target.table == "user":
        users = [key for key in store.link_set("owners").targets(source.key)
                 if (each := store.get(key)) is not None and each.table == "user"]  # fmt: skip
        if users == [target.key]:
            raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")
    if source.table == "directoryRole":
        directory_roles.check_leaving(write, source.read()["roleTemplateId"], target.key)
    role_group = source.table == "group" and name == "members" and source.read().get("isAssignableToRole")
    if role_group and GLOBAL_ADMINISTRATOR in guards.tenant_roles(store, source.key):
        guards.check_last_administrator(store, [target.key])


def _rule(write: Write, source: Record, name: str) -> LinkRule:
    rule = RULES.get((source.table, name))
    if rule is None:
        raise not_allowed()
    if not rule.app_only and write.app_only:
        raise refusals.delegated_only()
    return rule


def _navigation(write: Write) -> Navigation:
    if write.target.navigation is None:
        raise not_allowed()
    return write.target.navigation
