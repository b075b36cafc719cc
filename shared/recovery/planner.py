"""From two states to a plan: what separates them, as requests. Pure and deterministic.

For each chosen object: revive it, else create it, else set back what differs; then its links. What refers to an object
that gets a new id is re-written, also in objects that were not chosen. Nothing is planned that Microsoft Graph would
not take from an application: that is left, or a step for a person, with the reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.catalog import KINDS, OBJECT_TYPES
from shared.catalog.row import PARENT, Link, ObjectType
from shared.catalog.where import why_left_alone
from shared.records.identity_map import now_of
from shared.recovery import (
    connector_groups,
    entitlements,
    federation,
    fixups,
    gallery,
    guarded,
    guests,
    new_credentials,
    schedules,
    security_attributes,
)
from shared.recovery.actions import action_requests, expected_value, is_as_wanted
from shared.recovery.bearings import HELD_ELSEWHERE, SYNCED, Bearings, Key, bearings_of, why_left
from shared.recovery.by_hand import step_after_creation, step_after_publishing
from shared.recovery.chosen import WHOLE
from shared.recovery.connector_groups import ConnectorGroups
from shared.recovery.facts import holders
from shared.recovery.options import RestoreOptions
from shared.recovery.plan import NotRestored, Operation
from shared.recovery.relink import Ids, Relinked, app_placeholder, placeholder, placeholders_in, relinked
from shared.recovery.requests import link_body, link_request, object_request, own_key, parent_of, read_path, split
from shared.recovery.seats import Seats, Sku
from shared.recovery.state import Json, Present, Wanted, display_name
from shared.recovery.waves import FIRST, LAST, LINKS, OBJECTS, wave_numbers
from shared.recovery.writable import creation, differing, same, typed

BEFORE_OTHERS = frozenset(name for row in OBJECT_TYPES.values() for name in row.after)
"""Types whose settings decide what else Graph takes: they are written with the objects and not after them."""
SECURITY = security_attributes.NAME
LAST_OWNER = "Microsoft Graph lets go of no group's last owner, and the restore point has none to put in their place"
UNREAD = "its present state could not be read: {}"
SIGNED_IN = "As a signed-in Application Administrator"
NOT_SECURITY = "Microsoft Graph assigns applications to security-enabled groups only"


@dataclass(frozen=True, slots=True)
class InboundLink:
    """A link of the restore point from an object that was not chosen to one that comes back without it."""

    source_type: str
    source_id: str
    """The id now."""
    source_name: str
    link: str
    target_id: str
    target_type: str
    source_body: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a plan is made from."""

    wanted: Mapping[Key, Wanted]
    present: Mapping[Key, Present]
    options: RestoreOptions
    ids: Ids = field(default_factory=Ids)
    """What earlier restores re-created."""
    new: tuple[Present, ...] = ()
    """Live objects of the chosen types that the restore point does not know."""
    replaced: tuple[Present, ...] = ()
    """Live users that hold the names of users to be made anew, to be deleted first."""
    gone: frozenset[str] = frozenset()
    """Ids that are referred to and known to be neither live nor chosen."""
    unknown_to_point: frozenset[str] = frozenset()
    """Live link targets that the restore point does not know: objects made since."""
    inbound: tuple[InboundLink, ...] = ()
    referring: tuple[tuple[Wanted, Present], ...] = ()
    """Objects that were not chosen and whose bodies name one that gets a new id."""
    touched: Mapping[Key, frozenset[str]] | None = None
    """For an undo and for chosen changes: the attributes and links that may be planned, object by object."""
    follows: bool = False
    """Whether objects that `touched` does not name (what hangs on the chosen ones) are planned whole."""
    protected: Mapping[str, str] = field(default_factory=dict)
    """Id → why the object is never deleted, disabled or taken out of roles."""
    at: fixups.Circumstances = field(default_factory=fixups.Circumstances)
    connector_groups: ConnectorGroups = field(default_factory=ConnectorGroups)
    not_assignable: frozenset[str] = frozenset()
    """Groups, by their ids in the restore point, that no application can be assigned to."""
    skus: Mapping[str, Sku] | None = None
    """The tenant's subscriptions by skuId; None where they could not be read."""


class Planner:
    """Makes one plan's operations, part by part; use once.

    `bearings` are those of all parts together; without them the situation is all there is.
    """

    def __init__(self, situation: Situation, bearings: Bearings | None = None) -> None:
        if bearings is None:
            pairs = [(one, situation.present[key]) for key, one in situation.wanted.items()]
            bearings = bearings_of(pairs, situation.at)
            bearings.deleted = {one.object_id for one in situation.new if one.liveness == "live"}
            for wanted, present in pairs:
                bearings.add_name(wanted, present)
        self._s = situation
        self._options = situation.options
        self._made = bearings.made(situation.options)
        self._waves = wave_numbers()
        self._ids = self._with_placeholders()
        self._born = self._birth_waves()
        self._away = bearings.not_coming(self._made, situation.options)
        self._revived = bearings.revived(self._made, situation.options)
        self._instances = bearings.instances(self._made, situation.at.gallery)
        self.seats = Seats(situation.skus, dict(bearings.licences) if situation.options.from_recycle_bin else {})
        self._deleted = bearings.deleted
        self._names_wanted = bearings.names_wanted
        self._is_undo = situation.touched is not None and not situation.follows
        self.operations: list[Operation] = []
        self.not_restored: list[NotRestored] = []

    def run(self, part: Situation | None = None) -> tuple[list[Operation], list[NotRestored]]:
        """The operations of a part (or of all), unordered but for their waves, and what is left of it."""
        self._s = part or self._s
        self.operations, self.not_restored = [], []
        for key in sorted(self._s.wanted):
            self._object(self._s.wanted[key], self._s.present[key])
        for inbound in self._s.inbound:
            self._inbound(inbound)
        for wanted, present in self._s.referring:
            self._referring(wanted, present)
        for one in self._s.new:
            self._delete_new(one)
        for one in self._s.replaced:
            self._replace(one)
        return self.operations, self.not_restored

    # -- what becomes of one object -----------------------------------------------------------------------------

    def _object(self, wanted: Wanted, present: Present) -> None:
        row = OBJECT_TYPES[wanted.object_type]
        why = why_left(row, wanted, present)
        if why:
            if why != HELD_ELSEWHERE:
                self._leave(wanted, "", why)
            return
        body, found = relinked(row, wanted.body, self._ids)
        body = fixups.wanted_body(row, body, self._options, made=self._key(wanted) in self._made)
        if present.liveness == "unread":
            self._leave(wanted, "", UNREAD.format(present.why_unread))
            return
        if row.delegated_only and not row.write_permissions:
            self._by_hand(row, wanted, present, body)
            return
        if present.liveness == "live":
            self._update(row, wanted, present, body, found)
        elif self._key(wanted) in self._made:
            why = self._why_not_made(row, wanted, body)
            if why:
                self._leave(wanted, "", why)
                return
            self._create(row, wanted, present, body, found)
        elif present.liveness == "softDeleted" and self._options.from_recycle_bin:
            self._revive(row, wanted, present, body, found)
        elif row.comes_with_parent and self._arrives(row, wanted):
            self._set_on_arrival(row, wanted, body, found)
            return
        elif fixups.is_written_on_parent(row) and not self._away & set(holders(row, body)):
            self._publish(row, wanted, body, found)
            return
        else:
            self._cannot_come_back(row, wanted, present)
            return
        self._links(row, wanted, present, body)

    def _revive(self, row: ObjectType, wanted: Wanted, present: Present, body: Json, found: list[Relinked]) -> None:
        assert row.recycle_bin is not None  # noqa: S101 - only what waits in a bin is softDeleted
        method, path = split(row.recycle_bin.restore)
        self._add(
            row, wanted, "revive", method, path.replace("{id}", present.object_id), {},
            version=row.recycle_bin.version, expects={"state": "softDeleted"}, now=present.object_id,
            reason="it waits in the recycle bin, where it has kept its id",
        )
        self._update(row, wanted, present, body, found)

    def _create(self, row: ObjectType, wanted: Wanted, present: Present, body: Json, found: list[Relinked]) -> None:
        made = creation(row, body)
        if row.name == "user" and guests.is_invited(body):
            self._invite(row, wanted, body, made, found)
            return
        if self._options.attributes != "all":
            chosen = {*row.create_required, *self._options.attributes.get(row.name, ()), "@odata.type", "uniqueName",
                      "groupTypes"}
            made = {name: value for name, value in made.items() if name in chosen}
        made, apart = entitlements.apart_at_creation(row, made)
        made, later = self._deferred(row, body, made)
        later |= {name: body[name] for name in apart}
        made = fixups.creation_body(row, made, body, wanted, self._s.at)
        instance = self._is_instance(wanted)
        if instance:
            made = self._from_gallery(row, wanted, body, made, found)
        else:
            method, path, upsert = self._creating(row, wanted, body)
            self._add(
                row, wanted, "create", method, path, made, upsert=upsert, expects=_absent(row, wanted),
                find=fixups.finding(row, body, wanted), look_first=any(one.holder for one in row.references),
                attributes=tuple(sorted(made)), found=found, now=self._now(wanted),
                reason="it is in no recycle bin, so it is made anew and gets a new id"
                if present.liveness == "absent" else "it is made anew and gets a new id",
            )
        self._patches(row, wanted, body, later, {}, found, LINKS, "it names what is made only now")
        left = {name: value for name, value in fixups.after_creation(row, body).items() if self._wants(wanted, name)}
        self._patches(row, wanted, body, left, {}, [], LAST if row.name == "group" else LINKS, "set once the object "
                      "stands")
        self._actions(row, wanted, body, {}, made)
        self._new_credentials(row, wanted, body)
        step = step_after_creation(row, body, self._s.at.asked, self._s.at.now, instance=instance)
        if row.name == "user" and federation.is_federated(body, self._s.at.federated):
            step = federation.step(body, wanted.object_id)
        if step:
            self._step(row, wanted, step)

    def _from_gallery(
        self, row: ObjectType, wanted: Wanted, body: Json, made: Json, found: list[Relinked]
    ) -> Json:
        """An application out of its template, or the service principal that came with it; all that is then set."""
        chosen = None if self._options.attributes == "all" else frozenset(self._options.attributes.get(row.name, ()))
        whole = gallery.with_what_is_empty(row, made, body, chosen)
        if row.name == "servicePrincipal":
            method, path, _ = self._creating(row, wanted, body)
            self._add(
                row, wanted, "create", method, path, whole, expects=_absent(row, wanted), now=self._now(wanted),
                find=fixups.finding(row, body, wanted), attributes=tuple(sorted(whole)), found=found,
                reason=gallery.ARRIVED,
            )
            return whole
        path, asked = gallery.request(body, wanted.object_id)
        self._add(
            row, wanted, "create", "POST", path, asked, expects=_absent(row, wanted), now=self._now(wanted),
            find=gallery.finding(body, wanted.object_id), reason=gallery.REASON,
        )
        method, path = object_request(row, row.update_request, self._now(wanted), body)
        self._add(row, wanted, "update", method, path, gallery.DISABLING, now=self._now(wanted), reason=gallery.BEFORE)
        self._patches(row, wanted, body, whole, {}, found, OBJECTS, "its template knows nothing of it")
        return whole

    def _is_instance(self, wanted: Wanted) -> bool:
        of_an_application = wanted.object_type in ("application", "servicePrincipal")
        return of_an_application and wanted.body.get("appId") in self._instances

    def _new_credentials(self, row: ObjectType, wanted: Wanted, body: Json) -> None:
        """Secrets and certificates in place of those that nobody can read, where the options ask for them."""
        if row.name not in ("application", "servicePrincipal"):
            return
        asked, source = self._s.at.asked, f"{row.path}/{self._now(wanted)}"
        certificates = new_credentials.new_certificates(row, body, asked)
        for one in [*new_credentials.new_secrets(body, asked, self._s.at.now), *certificates]:
            self._add(
                row, wanted, "update", "POST", f"{source}/{one.action}", one.body, attributes=(one.attribute,),
                becomes=one.becomes, yields=one.yields, step=LINKS, reason=one.reason,
                find={"path": f"{source}?$select=id,{one.attribute}", "match": {}},
            )
        if certificates:
            self._patches(
                row, wanted, body, {new_credentials.PREFERRED: new_credentials.THUMBPRINT}, {}, [], LAST,
                "it signs with the certificate that was asked for",
            )

    def _invite(self, row: ObjectType, wanted: Wanted, body: Json, made: Json, found: list[Relinked]) -> None:
        """A guest comes back by an invitation; what that does not take is set once the guest is there."""
        if not guests.address(body):
            self._manual(row, wanted, "a guest is invited anew, and the restore point knows no address to invite")
            return
        method, path = split(guests.REQUEST)
        send = self._options.send_invitations
        self._add(
            row, wanted, "create", method, path, guests.invitation(body, self._s.at.tenant_id, send=send),
            expects={"state": "absent"}, find=guests.finding(body), found=found, now=self._now(wanted),
            permission=guests.PERMISSION,
            reason="it is in no recycle bin, so the guest is invited anew and gets a new id",
        )
        later = {name: value for name, value in guests.set_afterwards(made, body).items() if self._wants(wanted, name)}
        self._patches(row, wanted, body, later, {}, [], OBJECTS, "an invitation does not take it")
        self._actions(row, wanted, body, {}, {})
        if not send:
            self._step(row, wanted, guests.redemption(body, self._s.at.tenant_id))

    def _creating(self, row: ObjectType, wanted: Wanted, body: Json) -> tuple[str, str, bool]:
        if row.upsert:
            named = {**body, "uniqueName": body.get("uniqueName") or wanted.object_id}
            method, path = object_request(row, row.upsert, self._ids_before(wanted), named)
            return method, path, True
        method, path = object_request(row, row.create_request, wanted.object_id, body)
        return method, path, False

    def _ids_before(self, wanted: Wanted) -> str:
        return wanted.object_id

    def _update(
        self, row: ObjectType, wanted: Wanted, present: Present, body: Json, found: list[Relinked],
    ) -> None:
        synced = row.mastered_on_premises(present.body)
        body = fixups.beside(row, body, present.body, wanted.object_id)
        differ = differing(row, body, present.body)
        if row.name in schedules.SCHEDULES:
            differ = _rescheduled(body, present.body, self._s.at)
        changed = {name: value for name, value in differ.items() if self._wants(wanted, name)}
        why = self._protects(wanted, present) if changed else ""
        for name in sorted(changed) if why else ():
            self._leave(wanted, name, why)
        changed = {} if why else changed
        for name in sorted(changed) if synced else ():
            if name not in row.synced_writable:
                self._leave(wanted, name, SYNCED)
                del changed[name]
        for name in sorted(changed):
            why = fixups.why_not_set(row, name, changed[name], present.body, self._s.protected.get(present.object_id))
            if why:
                self._leave(wanted, name, why)
                del changed[name]
        if changed and not row.update_request:
            for name in sorted(changed):
                self._leave(wanted, name, row.not_updated)
            changed = {}
        now, later = _apart(changed, lambda value: self._waits(value, self._waves.objects[row.name]))
        expected = {name: present.body.get(name) for name in changed}
        before = {
            name: value for name in sorted(changed)
            if (value := entitlements.value_before(row, name, changed[name], present.body.get(name))) is not None
        }
        self._patches(row, wanted, body, before, expected, [], FIRST, entitlements.BEFORE_REASON)
        expected |= before
        self._patches(row, wanted, body, now, expected, found, OBJECTS, "it differs from the restore point")
        self._patches(row, wanted, body, later, expected, found, LINKS, "it names what is made only now")
        if not synced or "assignedLicenses" in row.synced_writable:
            self._actions(row, wanted, body, present.body, {})

    def _arrives(self, row: ObjectType, wanted: Wanted) -> bool:
        """Whether it comes with an object that is made anew; or revived, where nobody can see how it will be."""
        parent = row.parent, parent_of(row, wanted.object_id, wanted.body)
        return self._parent_is_made(row, wanted) or (row.one_per_parent and parent in self._revived)

    def _parent_is_made(self, row: ObjectType, wanted: Wanted) -> bool:
        return (row.parent, parent_of(row, wanted.object_id, wanted.body)) in self._made

    def _set_on_arrival(self, row: ObjectType, wanted: Wanted, body: Json, found: list[Relinked]) -> None:
        """What comes with an object, set to what the restore point says."""
        names = fixups.writable_of(row, body) if row.update_request else ()
        said = {name: body[name] for name in names if body[name] is not None and self._wants(wanted, name)}
        for name in sorted(said) if self._parent_is_made(row, wanted) else ():
            why = fixups.why_not_set_on_arrival(row, said[name])
            if why:
                self._leave(wanted, name, why)
                del said[name]
        self._patches(row, wanted, body, said, {}, found, OBJECTS, "it comes with what comes back, as by default")
        self._actions(row, wanted, body, {}, {})

    def _publish(self, row: ObjectType, wanted: Wanted, body: Json, found: list[Relinked]) -> None:
        """Settings that an application has no more, or has not yet, written on it."""
        said = {name: value for name, value in creation(row, body).items()
                if name in fixups.writable_of(row, body) and self._wants(wanted, name)}
        self._patches(row, wanted, body, said, {}, found, LINKS, "its application is not published now")
        self._step(row, wanted, step_after_publishing(body))

    def _patches(
        self, row: ObjectType, wanted: Wanted, body: Json, changed: Mapping[str, Any], expected: Mapping[str, Any],
        found: list[Relinked], step: int, reason: str,
    ) -> None:
        """One PATCH of what may go together, and one for each property that Graph takes only alone."""
        if not changed:
            return
        apart = fixups.apart(row)
        groups = [sorted(name for name in changed if name not in apart)]
        groups += [[name] for name in sorted(changed) if name in apart]
        for names in groups:
            if not names:
                continue
            method, path = object_request(row, row.update_request, self._now(wanted), body)
            rest = fixups.whole(row, body) if method == "PUT" else {}  # a PUT replaces all of it
            named = {name: fixups.whole_of(name, changed[name], expected.get(name)) for name in names}
            part = {**typed(row, body), **rest, **named}
            if row.name in schedules.SCHEDULES:
                part = schedules.request(body, "adminUpdate", self._s.at.now)
            becomes = {"value": part[SECURITY]} if SECURITY in names else {}
            if becomes:
                part = {SECURITY: security_attributes.assignment(part[SECURITY], expected.get(SECURITY))}
            self._add(
                row, wanted, "update", method, path, fixups.update_body(row, part), attributes=tuple(names),
                becomes=becomes, version="beta" if names[0] in row.in_beta else "",
                expects={"attributes": {name: expected[name] for name in names if name in expected}} if expected
                else {},
                found=[one for one in found if one.property.split(".")[0].removesuffix("[]") in names], step=step,
                reason=reason,
            )

    def _actions(self, row: ObjectType, wanted: Wanted, body: Json, present: Json, made: Json) -> None:
        """What Graph takes by requests of its own: licences, rules, configurations, pictures."""
        for name, request in row.actions:
            if name in made or name not in body or not self._wants(wanted, name):
                continue
            if present and name not in present:
                continue
            if is_as_wanted(name, body, present):
                continue
            method, path = object_request(row, request, self._now(wanted), body)
            for one in action_requests(row, name, path, body, present):
                sent = self._seated(row, wanted, one.body, present) if name == "assignedLicenses" else one.body
                if sent is None and one.body is not None:
                    continue
                self._add(
                    row, wanted, "update", one.method or method, one.path, sent, stream=one.stream,
                    attributes=(name,), reason=one.reason, step=OBJECTS if row.name in BEFORE_OTHERS else LINKS,
                    find=one.find, becomes=one.becomes,
                    expects={"attributes": {name: expected_value(name, present)}} if present and one.checked else {},
                )

    def _replace(self, present: Present) -> None:
        """Delete a user whose name is needed, under another name: in the recycle bin it may hold on to its own."""
        row = OBJECT_TYPES[present.object_type]
        first, planned = self._waves.number(row.name, FIRST), len(self.operations)
        self._delete_new(
            present, wave=first,
            reason="it holds the name of a user that is made anew, and deleteExistingCloudUser is on",
        )
        if len(self.operations) == planned:
            return  # it is one that is left, with the reason
        self._give_up_name(present, "it gives up the name of a user that is made anew")

    def _give_up_name(self, present: Present, reason: str) -> None:
        """Call a user that is about to be deleted by another name, before anybody needs its own."""
        row, name = OBJECT_TYPES["user"], str(present.body["userPrincipalName"])
        method, path = object_request(row, row.update_request, present.object_id, present.body)
        self._add(
            row, Wanted(row.name, present.object_id, present.body), "update", method, path,
            {"userPrincipalName": f"replaced.{present.object_id[:8]}@{name.rpartition('@')[2]}"},
            attributes=("userPrincipalName",), expects={"attributes": {"userPrincipalName": name}},
            now=present.object_id, wave=self._waves.number(row.name, FIRST) - 1, reason=reason,
        )

    def _seated(self, row: ObjectType, wanted: Wanted, body: Json | None, present: Json) -> Json | None:
        """A user's licences as far as there are seats for them; what has none is left."""
        if row.name != "user" or body is None:
            return body
        owned = [str(one.get("skuId")) for one in present.get("assignedLicenses") or ()]
        granted, why = self.seats.granted(body, owned)
        for one in why:
            self._leave(wanted, "assignedLicenses", one)
        return granted

    def _why_not_made(self, row: ObjectType, wanted: Wanted, body: Json) -> str:
        """Why Graph would refuse to make it because of an object that it hangs on; empty where it would not."""
        away = next((one for one in holders(row, body) if one in self._away), "")
        if away:
            return f"what it belongs to, {away}, does not come back with this restore"
        if row.name == "appRoleAssignment" and wanted.body.get("principalId") in self._s.not_assignable:
            return NOT_SECURITY
        return ""

    def _protects(self, wanted: Wanted, present: Present) -> str:
        """Why nothing of the object is changed: it is Cairn's own, or a right of one that is never touched."""
        own = self._s.protected.get(present.object_id, "")
        if own == guarded.CAIRNS_OWN:
            return own
        return guarded.why_kept(present.body, self._s.protected) or guarded.why_kept(wanted.body, self._s.protected)

    def _delete_new(
        self, present: Present, *, wave: int | None = None,
        reason: str = "the restore point does not know it, and newObjects says softDelete",
    ) -> None:
        row = OBJECT_TYPES[present.object_type]
        wanted = Wanted(present.object_type, present.object_id, present.body)
        why = UNREAD.format(present.why_unread) if present.liveness == "unread" else ""
        why = why or why_left(row, wanted, present) or self._s.protected.get(present.object_id, "")
        why = why or guarded.why_kept(present.body, self._s.protected)
        parent = parent_of(row, present.object_id, present.body)
        goes_along = not row.delete_request and parent in self._deleted
        if why == HELD_ELSEWHERE or goes_along:
            return
        if not why and not row.delete_request:
            why = row.not_deleted or "it cannot be deleted"
        if not why and row.mastered_on_premises(present.body):
            why = SYNCED
        if why:
            self._leave(wanted, "", why)
            return
        method, path = object_request(row, row.delete_request, present.object_id, present.body)
        self._add(
            row, wanted, "delete", method, path, fixups.deletion_body(row, present.body), now=present.object_id,
            expects={"state": "live"}, wave=self._waves.deletion(row.name) if wave is None else wave, reason=reason,
        )
        name = str(present.body.get("userPrincipalName") or "") if row.name == "user" else ""
        if wave is None and name.casefold() in self._names_wanted:
            self._give_up_name(present, "it is deleted, and gives up the name that another user gets back")

    def _cannot_come_back(self, row: ObjectType, wanted: Wanted, present: Present) -> None:
        over = fixups.why_not_made(row, wanted.body, self._s.at)
        if over:
            self._leave(wanted, "", over)
        elif not self._options.create_if_missing and row.create_request:
            self._leave(wanted, "", "it is in no recycle bin, and createIfMissing is off"
                        if present.liveness == "absent" else "fromRecycleBin and createIfMissing are off")
        elif row.create_request and not row.write_permissions:
            self._manual(row, wanted, row.delegated_only)
        else:
            self._leave(wanted, "", row.not_restored or row.delegated_only or "it cannot be created")

    # -- links --------------------------------------------------------------------------------------------------

    def _links(self, row: ObjectType, wanted: Wanted, present: Present, body: Json) -> None:
        if self._options.links == "skip":
            return
        source = self._now(wanted)
        synced = row.mastered_on_premises(present.body)
        for link in row.links:
            if link.reading == "inverse" or link.restored_as or not self._wants(wanted, link.name):
                continue
            targets = {self._ids.now(target): kind for target, kind in wanted.links.get(link.name, {}).items()}
            current = present.links.get(link.name, {})
            added = [target for target in sorted(targets) if target not in current]
            removed = self._removed(link, targets, current)
            only = self._only(wanted, link)
            if only is not None:
                added = [target for target in added if target in only]
                removed = [target for target in sorted(current) if target not in targets and target in only]
            if not added and not removed:
                continue
            why = link.not_restored or why_left_alone(link.left_alone, body)
            if not why and synced:
                why = SYNCED
            if not why and link.name in present.unread_links:
                why = "the present links could not be read, so nothing is known of them"
            if why:
                self._leave(wanted, link.name, why)
                continue
            self._unlink(row, wanted, link, source, removed, current, body,
                         single=link.single and bool(added), kept=bool(targets))
            self._link(row, wanted, link, source, added, targets, body)

    def _removed(self, link: Link, targets: Mapping[str, str], current: Mapping[str, str]) -> list[str]:
        # Links to what is deleted go with it. They are planned all the same where an undo of this must know of them:
        # in an undo itself, which deletes what may have to be made anew, and where the recycle bin loses them.
        gone = frozenset[str]() if self._is_undo or link.not_revived else self._deleted
        extra = [target for target in sorted(current) if target not in targets and target not in gone]
        if self._options.links == "exact":
            return extra
        if self._options.new_objects != "keep":
            return [target for target in extra if target in self._s.unknown_to_point]
        return []

    def _link(
        self, row: ObjectType, wanted: Wanted, link: Link, source: str, added: list[str], kinds: Mapping[str, str],
        body: Json,
    ) -> None:
        there = []
        for target in added:
            why = fixups.why_not_linked(row, link.name, kinds[target])
            if why:
                self._leave(wanted, link.name, why)
            elif target in self._s.gone or target in self._away:
                self._leave(wanted, link.name, f"its target {target} is no longer there: restore that too "
                            "(linkedObjects: direct)")
            else:
                there.append(target)
        if link.bulk_add and link.add_limit > 1:
            for some in _groups(there, link.add_limit):
                if len(some) == 1:
                    self._one_link(row, wanted, link, source, some[0], kinds[some[0]], body)
                    continue
                method, path = link_request(link.bulk_add, source, "", "", "")
                bound = {f"{link.name}@odata.bind": [f"{{root}}/directoryObjects/{target}" for target in some]}
                self._add_link(row, wanted, link, method, path, bound, tuple(some), "link")
        else:
            for target in there:
                self._one_link(row, wanted, link, source, target, kinds[target], body)

    def _one_link(
        self, row: ObjectType, wanted: Wanted, link: Link, source: str, target: str, kind: str, body: Json
    ) -> None:
        collection = _collection(link, kind)
        method, path = link_request(
            link.add, source, target, collection, str(body.get("@odata.type", ""))
        )
        self._add_link(
            row, wanted, link, method, path, link_body(link, source, target, collection), (target,), "link"
        )

    def _unlink(
        self, row: ObjectType, wanted: Wanted, link: Link, source: str, removed: list[str], kinds: Mapping[str, str],
        body: Json, *, single: bool, kept: bool,
    ) -> None:
        if single:
            return  # a PUT of the new target takes the old one's place
        for target in removed:
            why = "" if link.remove else "adding another moves it; it cannot be taken out alone"
            if not why and not kept and target == removed[-1] and row.name == "group" and link.name == "owners":
                why = LAST_OWNER
            if not why and row.name == "directoryRole":
                why = self._s.protected.get(target, "")
            why = why or guarded.why_member_kept(body, link.name, target, self._s.protected)
            if why and target in self._deleted:
                continue  # it goes with its target
            if why:
                self._leave(wanted, link.name, why)
                continue
            method, path = link_request(
                link.remove, source, target, _collection(link, kinds[target]),
                str(body.get("@odata.type", "")),
            )
            payload = {name: text.replace("{id}", source) for name, text in link.add_body} if method == "POST" else None
            self._add_link(row, wanted, link, method, path, payload, (target,), "unlink")

    def _add_link(
        self, row: ObjectType, wanted: Wanted, link: Link, method: str, path: str, body: Json | None,
        targets: tuple[str, ...], kind: Any,
    ) -> None:
        self._add(
            row, wanted, kind, method, path, body, link=link.name, targets=targets, step=LINKS,
            version=link.version if link.version != "v1.0" else row.version,
            permission=" ".join(link.write_permissions) or " ".join(row.write_permissions[:1]),
            reason="the restore point has this link" if kind == "link" else "the restore point does not have this link",
        )

    def _inbound(self, inbound: InboundLink) -> None:
        if self._options.links == "skip":
            return
        row = OBJECT_TYPES[inbound.source_type]
        link = row.link(inbound.link)
        wanted = Wanted(inbound.source_type, inbound.source_id, inbound.source_body)
        if link.not_restored or link.restored_as or not link.add:
            return
        why = why_left_alone(link.left_alone, inbound.source_body)
        if not why and row.mastered_on_premises(inbound.source_body):
            why = SYNCED
        if why:
            self._leave(wanted, link.name, why)
            return
        target = self._ids.now(inbound.target_id)
        if target in self._away or (target == inbound.target_id and not link.not_revived):
            return
        if row.delegated_only and not row.write_permissions:
            if row.name == "connectorGroup" and link.name == "applications":
                groups, name = self._s.connector_groups, str(inbound.source_body.get("name", ""))
                step = connector_groups.put_into(target, name, inbound.source_id, groups)
                self._step(row, wanted, f"{SIGNED_IN}: {step}")
            else:
                self._leave(wanted, link.name, row.delegated_only)
            return
        collection = _collection(link, inbound.target_type)
        shown = str(inbound.source_body.get("@odata.type", ""))
        method, path = link_request(link.add, inbound.source_id, target, collection, shown)
        self._add(
            row, replace(wanted, body={**wanted.body, "displayName": inbound.source_name}), "link", method, path,
            link_body(link, inbound.source_id, target, collection), link=link.name, targets=(target,), step=LINKS,
            now=inbound.source_id, found=[Relinked(link.name, inbound.target_id, target)],
            permission=" ".join(link.write_permissions) or " ".join(row.write_permissions[:1]),
            reason="it had this link to an object that gets a new id" if placeholders_in(target)
            else "it had this link, which the recycle bin does not give back",
        )

    def _referring(self, wanted: Wanted, present: Present) -> None:
        """Put new ids where the restore point names old ones, and leave all else of the object as it is now."""
        row = OBJECT_TYPES[wanted.object_type]
        if why_left(row, wanted, present) or present.liveness != "live" or not row.update_request:
            return
        if row.delegated_only and not row.write_permissions:
            self._leave(wanted, "", row.delegated_only)
            return
        body, found = relinked(row, wanted.body, self._ids)
        there, _ = relinked(row, present.body, self._ids)  # it may name the id of an earlier making
        names = {one.property.split(".")[0].removesuffix("[]") for one in found}
        actions = {name for name, _ in row.actions}
        changed = {}
        for name in sorted(names - actions):
            value = fixups.merged_reference(there.get(name), wanted.body.get(name), body.get(name))
            if not same(value, present.body.get(name)) and name in fixups.writable_of(row, wanted.body):
                changed[name] = value
        shown = fixups.wanted_body(row, {**present.body, **changed}, self._options, made=False)
        changed = {name: shown[name] for name in changed}
        self._patches(
            row, replace(wanted, object_id=present.object_id), shown, changed,
            {name: present.body.get(name) for name in changed}, found,
            OBJECTS if row.after_links else LINKS, "it names an object that gets a new id",
        )
        acted = {
            name: fixups.merged_reference(there[name], wanted.body.get(name), body.get(name))
            for name in sorted(names & actions) if name in there
        }
        if acted:
            self._actions(
                row, replace(wanted, object_id=present.object_id), {**present.body, **acted}, present.body, {}
            )

    # -- within -------------------------------------------------------------------------------------------------

    def _add(
        self, row: ObjectType, wanted: Wanted, kind: Any, method: str, path: str, body: Json | None, *,
        step: int = OBJECTS, wave: int | None = None, found: Iterable[Relinked] = (), now: str = "",
        permission: str = "", version: str = "", **more: Any,
    ) -> None:
        now = now or self._now(wanted)
        parent = self._ids.now(parent_of(row, wanted.object_id, wanted.body))
        self.operations.append(Operation(
            kind=kind, object_type=row.name, object_id=wanted.object_id, object_name=display_name(wanted.body),
            method=method, path=path, body=body, version=version or row.version,
            bucket="conditionalAccess" if row.special_bucket == "conditionalAccess" else "writes",
            permission=permission or " ".join(row.write_permissions), parent=parent,
            present_id=now if now != wanted.object_id else "",
            chain="conditionalAccess" if row.special_bucket == "conditionalAccess" else parent or now,
            relinked=tuple((one.property, one.old, one.new) for one in found),
            wave=self._waves.number(row.name, step) if wave is None else wave, **more,
        ))

    def _manual(self, row: ObjectType, wanted: Wanted, instructions: str) -> None:
        self.operations.append(Operation(
            kind="manual", object_type=row.name, object_id=wanted.object_id, object_name=display_name(wanted.body),
            reason=f"{row.title}: {instructions}. Make it by hand as the restore point shows it.",
            body=creation(row, wanted.body), wave=self._waves.number(row.name, OBJECTS),
        ))

    def _by_hand(self, row: ObjectType, wanted: Wanted, present: Present, body: Json) -> None:
        """What no application may write: the requests or settings for a person, and nothing where nothing differs."""
        live = present.body if present.liveness == "live" else None
        if row.name == "connectorGroup":
            linked = {
                name: [self._ids.now(one) for one in wanted.links.get(name, {})]
                if self._options.links != "skip" and self._wants(wanted, name) and name not in present.unread_links
                else [] for name in ("applications", "members")
            }
            there = self._s.connector_groups.with_links(present.object_id, present.links if live else {})
            for one in connector_groups.steps(
                body, live, there, applications=linked["applications"], connectors=linked["members"],
            ):
                self._step(row, wanted, f"{SIGNED_IN}: {one}")
        elif live is None:
            self._manual(row, wanted, row.delegated_only)
        else:
            changed = {name: value for name, value in differing(row, body, live).items() if self._wants(wanted, name)}
            if changed:
                self._step(row, wanted, f"{row.title}: {row.delegated_only}. Set back {', '.join(sorted(changed))}.",
                           changed)

    def _step(self, row: ObjectType, wanted: Wanted, instructions: str, body: Json | None = None) -> None:
        """Something that a person does beside what is written."""
        self.operations.append(Operation(
            kind="manual", object_type=row.name, object_id=wanted.object_id, object_name=display_name(wanted.body),
            reason=instructions, body=body, wave=self._waves.number(row.name, OBJECTS),
        ))

    def _leave(self, wanted: Wanted, what: str, why: str) -> None:
        self.not_restored.append(
            NotRestored(wanted.object_type, wanted.object_id, display_name(wanted.body), what, why)
        )

    def _wants(self, wanted: Wanted, name: str) -> bool:
        chosen = self._chosen(wanted)
        if WHOLE not in chosen and name not in chosen and not any(one.startswith(f"{name}\n") for one in chosen):
            return False
        return self._options.wants_attribute(wanted.object_type, name)

    def _chosen(self, wanted: Wanted) -> frozenset[str]:
        """What of the object may be planned."""
        if self._s.touched is None:
            return _ALL
        return self._s.touched.get(self._key(wanted), _ALL if self._s.follows else frozenset())

    def _only(self, wanted: Wanted, link: Link) -> frozenset[str] | None:
        """The targets that were chosen one by one; None where the link is chosen whole."""
        chosen = self._chosen(wanted)
        if WHOLE in chosen or link.name in chosen:
            return None
        return frozenset(
            self._ids.now(one.partition("\n")[2]) for one in chosen if one.startswith(f"{link.name}\n")
        )

    def _key(self, wanted: Wanted) -> Key:
        return wanted.object_type, wanted.object_id

    def _now(self, wanted: Wanted) -> str:
        """The id under which the object is addressed, a placeholder for one that is still to be made."""
        row = OBJECT_TYPES[wanted.object_type]
        present = self._s.present.get(self._key(wanted))
        if present is not None and present.liveness != "absent" and self._key(wanted) not in self._made:
            return present.object_id
        return wanted.object_id if row.reading == "single" else self._ids.now(wanted.object_id)

    def _with_placeholders(self) -> Ids:
        """The ids with those of what is to be made, by every id that each has had."""
        objects: dict[str, str] = {}
        applications: dict[str, str] = {}
        for (object_type, object_id), app_id in self._made.items():
            row = OBJECT_TYPES[object_type]
            if row.alone_at_path or _keeps_its_key(row):
                continue
            objects[object_id] = placeholder(object_id)
            if object_type == "application":
                applications[app_id] = app_placeholder(app_id)
        return Ids(_by_any_id(self._s.ids.objects, objects), _by_any_id(self._s.ids.applications, applications))

    def _birth_waves(self) -> dict[str, int]:
        """Old id or appId → the wave after which its placeholder can be filled in."""
        born: dict[str, int] = {}
        for (object_type, object_id), app_id in self._made.items():
            wave = self._waves.number(object_type, OBJECTS)
            born[object_id] = wave
            if object_type == "application":
                born[app_id] = wave
        return born

    def _waits(self, value: Any, catalog_wave: int) -> bool:
        """Whether the value names something that is not made before this catalog wave."""
        wave = catalog_wave * 10 + OBJECTS
        return any(self._born.get(name, 0) >= wave for name in placeholders_in(value))

    def _deferred(self, row: ObjectType, body: Json, made: Json) -> tuple[Json, Json]:
        """The body without what cannot be named yet, and the properties to be set later, whole."""
        wave = self._waves.objects[row.name]
        later: Json = {}
        for reference in row.references:
            steps = [step.removesuffix("[]") for step in reference.property.split(".")]
            top = steps[0]
            if top not in made or "@" in top:
                continue
            if len(steps) == 1:
                if self._waits(made[top], wave):
                    later[top] = body[top]
                    made = {name: value for name, value in made.items() if name != top}
            elif isinstance(made[top], dict) and self._waits(made[top].get(steps[1]), wave):
                later[top] = body[top]
                made = {**made, top: {name: value for name, value in made[top].items() if name != steps[1]}}
        if "tags" in later:  # a service tag that carries its own appId is written by Entra itself
            later["tags"] = body["tags"]
        return made, later


def _absent(row: ObjectType, wanted: Wanted) -> Json:
    """What a creation expects; of an application with the appId by which others know it."""
    return {"state": "absent", **({"appId": wanted.body.get("appId")} if row.name == "application" else {})}


def _by_any_id(known: Mapping[str, str], made: Mapping[str, str]) -> dict[str, str]:
    """What `made` says of some ids, said of all ids that their objects have had; else what is known."""
    new = {now_of(known, one): name for one, name in made.items()}
    return {**known, **{old: new[now] for old, now in known.items() if now in new}, **new, **made}


def _rescheduled(wanted: Json, present: Json, at: fixups.Circumstances) -> Json:
    """The schedule, where it differs in more than a start that has passed and is not over."""
    over = schedules.why_over(wanted, at.now)
    return {} if over or not schedules.differs(wanted, present, at.now) else {"scheduleInfo": wanted["scheduleInfo"]}


_ALL = frozenset({WHOLE})


def _keeps_its_key(row: ObjectType) -> bool:
    """Whether an object made anew has the key of the old one: names, tenant ids, authentication contexts."""
    return row.keeps_key or row.key != "id" or ("id" in row.create_required and "id" in row.immutable)


def _collection(link: Link, kind: str) -> str:
    name = KINDS.get(kind) or (link.targets[0] if link.targets else "")
    return OBJECT_TYPES[name].path if name else "/directoryObjects"


def _groups(some: list[str], size: int) -> list[list[str]]:
    return [some[at : at + size] for at in range(0, len(some), size)]


def _apart(values: Mapping[str, Any], waits: Any) -> tuple[Json, Json]:
    later = {name: value for name, value in values.items() if waits(value)}
    return {name: value for name, value in values.items() if name not in later}, later


__all__ = ["FIRST", "PARENT", "InboundLink", "Key", "Planner", "Situation", "own_key", "read_path"]
