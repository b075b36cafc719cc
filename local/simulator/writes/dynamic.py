"""Members of dynamic groups and administrative units, refilled as soon as a rule or an object changes.

Graph refills after minutes or hours; here it happens with the change, by the directory itself, unless processing is
paused. A rule that cannot be read is refused with 400 (Manage rules for dynamic membership groups).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local.simulator.errors import bad_request
from local.simulator.store import Actor, Body, Record, Store
from local.simulator.writes import guards, licences
from local.simulator.writes.membership_rule import MembershipRule, RuleError, parse

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
    members = store.link_set("members")
    now = set(members.targets(record.key))
    wanted = {each.key for each in store.all(rule.table) if rule.selects(each.read())}
    with _processing(store):
        for key in sorted(now - wanted):
            store.unlink(record.key, "members", key)
        for key in sorted(wanted - now):
            store.link(record.key, "members", key)
        if record.table == "group":
            licences.inherit(store, [record.key], sorted(now ^ wanted))


def place(store: Store, record: Record) -> None:
    """Put a user or device that changed into the dynamic groups and units that select it, and out of the others."""
    body = record.read()
    members = store.link_set("members")
    for holder in [*store.all("group"), *store.all("administrativeUnit")]:
        if b'"membershipRule":"' not in holder.body:  # without a rule, or a null one; spares reading every group
            continue
        rule = _active(holder.read())
        if rule is None or rule.table != record.table:
            continue
        selected, held = rule.selects(body), members.has(holder.key, record.key)
        if selected == held:
            continue
        with _processing(store):
            if selected:
                store.link(holder.key, "members", record.key)
            else:
                store.unlink(holder.key, "members", record.key)
            if holder.table == "group":
                licences.inherit(store, [holder.key], [record.key])


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
