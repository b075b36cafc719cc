"""Members of dynamic groups and administrative units, refilled as soon as a rule or an object changes.

Graph refills after minutes or hours; here it happens with the change, by the directory itself, unless processing is
paused. A rule that cannot be read is refused with 400 (Manage rules for dynamic membership groups).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from local.simulator.errors import bad_request
from local.simulator.store import Actor, Body, Record, Store
from local.simulator.writes import guards, licences
from local.simulator.writes.membership_rule import MembershipRule, parse
from local.simulator.writes.membership_terms import RuleError

PROCESSOR = Actor("system", name="Microsoft Entra dynamic membership")


def checked(text: str) -> MembershipRule:
    """The rule of a body, or 400."""
    try:
        return parse(text)
    except RuleError as error:
        raise bad_request(f"Dynamic membership rule validation error: {error}.") from error


def is_dynamic(body: Body) -> bool:
    """Whether an object's members follow a rule."""
    return "DynamicMembership" in (body.get("groupTypes") or ()) or body.get("membershipType") == "Dynamic"


def refill(store: Store, record: Record) -> None:
    """Give a dynamic group or unit the members its rule selects."""
    rule = _active(record.read())
    if rule is None:
        return
    members, at = store.link_set("members"), store.clock.now()
    now = set(members.targets(record.key))
    wanted = {each.key for each in _candidates(store, rule) if _selects(store, rule, each, each.read(), at)}
    with _processing(store):
        for key in sorted(now - wanted):
            store.unlink(record.key, "members", key)
        for key in sorted(wanted - now):
            store.link(record.key, "members", key)
        if record.table == "group":
            licences.inherit(store, [record.key], sorted(now ^ wanted))


def rule_changed(store: Store, record: Record, before: Body) -> None:
    """Refill a group or unit when its rule, or whether the rule is followed, is not what it was."""
    body = record.read()
    if any(body.get(name) != before.get(name) for name in FOLLOWED):
        refill(store, record)


FOLLOWED = ("membershipRule", "membershipRuleProcessingState", "groupTypes", "membershipType")


def place(store: Store, record: Record) -> None:
    """Put a user or device that changed into the dynamic groups and units that select it, and out of the others."""
    body, at = record.read(), store.clock.now()
    members = store.link_set("members")
    for holder, rule in _holders(store):
        if rule.table != record.table or rule.groups:
            continue
        selected, held = _selects(store, rule, record, body, at), members.has(holder.key, record.key)
        if selected == held:
            continue
        with _processing(store):
            if selected:
                store.link(holder.key, "members", record.key)
            else:
                store.unlink(holder.key, "members", record.key)
            if holder.table == "group":
                licences.inherit(store, [holder.key], [record.key])


def joined(store: Store, group: Record, member: Record) -> None:
    """Put a new member of a group into those that take their members from it. One that leaves stays in them until
    their rule is changed (Configure dynamic membership groups with the memberOf attribute: preview limitations)."""
    for holder, rule in _holders(store):
        if group.key in rule.groups and rule.table == member.table:
            with _processing(store):
                if store.link(holder.key, "members", member.key) and holder.table == "group":
                    licences.inherit(store, [holder.key], [member.key])


def pass_time(store: Store) -> None:
    """Refill what follows a rule about `system.now`."""
    for holder, rule in list(_holders(store)):
        if rule.timed:
            refill(store, holder)


def reports_changed(store: Store, manager: str) -> None:
    """Refill what holds the direct reports of a manager who went or came back."""
    for holder, rule in list(_holders(store)):
        if rule.manager == manager:
            refill(store, holder)


def check_sources(store: Store, rule: MembershipRule, holder: str = "") -> None:
    """Refuse a memberOf rule over another memberOf group, and one more than the tenant may have."""
    if not rule.groups:
        return
    others = [each for each, one in _holders(store) if one.groups and each.key != holder]
    if len(others) >= MOST_MEMBER_OF:
        raise bad_request(f"The tenant has {MOST_MEMBER_OF} groups with memberOf rules, the most there can be.")
    if any(each.key in rule.groups for each in others):
        raise bad_request("Dynamic membership rule validation error: memberOf over a group that has a memberOf rule.")


MOST_MEMBER_OF = 500


def _holders(store: Store) -> Iterator[tuple[Record, MembershipRule]]:
    for holder in [*store.all("group"), *store.all("administrativeUnit")]:
        if b'"membershipRule":"' not in holder.body:  # without a rule, or a null one; spares reading every group
            continue
        rule = _active(holder.read())
        if rule is not None:
            yield holder, rule


def _candidates(store: Store, rule: MembershipRule) -> Iterable[Record]:
    if rule.groups:
        members = store.link_set("members")
        keys = {key for group in rule.groups for key in members.targets(group)}
        return [each for key in sorted(keys) if (each := store.get(key)) is not None]
    if rule.manager:
        return [store.records[key] for key in store.link_set("manager").sources(rule.manager)]
    return store.all(rule.table)


def _selects(store: Store, rule: MembershipRule, record: Record, body: Body, now: float) -> bool:
    if rule.groups:
        members = store.link_set("members")
        return record.table == rule.table and any(members.has(group, record.key) for group in rule.groups)
    if rule.manager:
        return record.table == rule.table and store.link_set("manager").has(record.key, rule.manager)
    return rule.selects(body, now)


def mark_restricted(store: Store, record: Record) -> None:
    """Show on an object whether a restricted management unit holds it."""
    body = record.read()
    restricted = bool(guards.restricting_units(store, record.key))
    if bool(body.get("isManagementRestricted")) != restricted:
        store.update(record.key, body | {"isManagementRestricted": restricted or None})


def _active(body: Body) -> MembershipRule | None:
    if not is_dynamic(body) or body.get("membershipRuleProcessingState") != "On":
        return None
    try:
        return parse(body.get("membershipRule") or "")
    except RuleError:
        return None  # a rule that the tenant was born with and this evaluator does not know: members stay


@contextmanager
def _processing(store: Store) -> Iterator[None]:
    actor = store.actor
    store.actor = PROCESSOR
    try:
        yield
    finally:
        store.actor = actor
