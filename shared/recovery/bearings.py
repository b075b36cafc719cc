"""What all chosen objects of a plan are together: as much as planning one of them has to know of the others. Pure.

A plan is made part by part, and no part holds all objects. So each object is noted here as it is read: its id, and of
one that is not there what decides whether it comes back, and how. A few hundred bytes an object that is gone, an id of
one that lives.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NamedTuple

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.catalog.where import holds, why_left_alone
from shared.records.identity_map import KnownIdentities
from shared.recovery import fixups
from shared.recovery.gallery import template
from shared.recovery.one_name import other_names
from shared.recovery.options import RestoreOptions
from shared.recovery.relink import Ids
from shared.recovery.state import Json, Present, Wanted

type Key = tuple[str, str]
"""(object type, id in the restore point)."""

HELD_ELSEWHERE = "another object holds this fact"
SYNCED = "it is mastered on premises: set it back there, and synchronization brings it here"


class Away(NamedTuple):
    """A chosen object that is not there."""

    object_type: str
    object_id: str
    now: str
    soft: bool
    """Whether it waits in the recycle bin."""
    app_id: str
    template: str
    """Of an application: the gallery's template that it was made from."""
    may_be_made: bool
    is_left: bool
    """Whether nothing of it is planned, whatever the options say."""

    @property
    def key(self) -> Key:
        """By which the restore point knows it."""
        return self.object_type, self.object_id

    @property
    def named(self) -> Wanted:
        """As much of it as others name it by."""
        return Wanted(self.object_type, self.object_id, {"appId": self.app_id} if self.app_id else {})


@dataclass(slots=True)
class Bearings:
    """Of all chosen objects together."""

    ids: dict[str, set[str]] = field(default_factory=dict)
    """Type → ids in the restore point."""
    away: list[Away] = field(default_factory=list)
    app_ids: dict[str, str] = field(default_factory=dict)
    """Application → its appId in the restore point."""
    unsecured: set[str] = field(default_factory=set)
    """Groups without security: no application is assigned to them."""
    licences: Counter[str] = field(default_factory=Counter)
    """Seats that deleted users bring back out of the recycle bin, by licence."""
    licensed: bool = False
    """Whether a chosen user has a licence in the restore point."""
    deleted: set[str] = field(default_factory=set)
    """Live objects that the restore point does not know, and the plan deletes."""
    names_wanted: set[str] = field(default_factory=set)
    """Principal names, without case, that users get back: whom the plan deletes gives them up first."""

    def add(self, wanted: Wanted, present: Present, at: fixups.Circumstances) -> None:
        """Note one object."""
        name, row = wanted.object_type, OBJECT_TYPES[wanted.object_type]
        self.ids.setdefault(name, set()).add(wanted.object_id)
        if name == "application":
            self.app_ids[wanted.object_id] = str(wanted.body.get("appId", ""))
        if name == "group" and wanted.body.get("securityEnabled") is False:
            self.unsecured.add(wanted.object_id)
        self.licensed = self.licensed or (name == "user" and bool(wanted.body.get("assignedLicenses")))
        if present.liveness not in ("absent", "softDeleted"):
            return
        why = why_left(row, wanted, present)
        may_be_made = row.create_request and row.write_permissions and not why
        app_id = str(wanted.body.get("appId", "")) if name in ("application", "servicePrincipal") else ""
        soft = present.liveness == "softDeleted"
        self.away.append(Away(
            name, wanted.object_id, present.object_id, soft, app_id,
            template(row, wanted.body) if name == "application" else "",
            bool(may_be_made and not fixups.why_not_made(row, wanted.body, at)), bool(why),
        ))
        if soft and name == "user":
            self.licences.update(str(one.get("skuId")) for one in present.body.get("assignedLicenses") or ())

    def add_name(self, wanted: Wanted, present: Present) -> None:
        """Note the principal name that a user gets back."""
        if wanted.object_type == "user":
            name, now = (str(one.body.get("userPrincipalName") or "").casefold() for one in (wanted, present))
            self.names_wanted |= {name} - {now, ""}

    def holds(self, object_type: str, object_id: str) -> bool:
        """Whether the object was chosen."""
        return object_id in self.ids.get(object_type, ())

    def are(self, object_id: str) -> bool:
        """Whether an object of this id was chosen, whatever its type; what each object has once goes by its id."""
        return any(object_id in some for name, some in self.ids.items() if not OBJECT_TYPES[name].one_per_parent)

    def names(self, known: KnownIdentities) -> Ids:
        """Every other id that chosen objects have had → the one by which the restore point has them."""
        if not known.objects:
            return Ids()
        return other_names(known, (
            Wanted(name, one, {"appId": self.app_ids[one]} if one in self.app_ids else {})
            for name, some in sorted(self.ids.items()) for one in sorted(some)
            if one in self.app_ids or len(known.all_of(one)) > 1
        ))

    def by_one_name(self, names: Ids) -> None:
        """Call applications by one appId each, as the parts do; safe to repeat."""
        if names.applications:
            self.away = [one._replace(app_id=names.applications.get(one.app_id, one.app_id)) for one in self.away]

    def made(self, options: RestoreOptions) -> dict[Key, str]:
        """The objects that must be made anew, so that they get new ids, each with its appId if it has one.

        A service principal whose application is made anew cannot come out of the recycle bin: its appId is gone.
        """
        found: dict[Key, str] = {}
        app_ids: set[str] = set()
        for one in sorted(self.away, key=lambda each: (each.object_type != "application", each)):
            if not options.create_if_missing or not one.may_be_made:
                continue
            orphan = one.object_type == "servicePrincipal" and one.app_id in app_ids
            if one.soft and options.from_recycle_bin and not orphan:
                continue
            if one.object_type == "application":
                app_ids.add(one.app_id)
            found[one.key] = one.app_id
        return found

    def not_coming(self, made: Mapping[Key, str], options: RestoreOptions) -> frozenset[str]:
        """Ids now of chosen objects that are not there and do not come back: nothing can be linked to them."""
        return frozenset(
            one.now for one in self.away
            if one.key not in made and (one.is_left or not one.soft or not options.from_recycle_bin)
            and not OBJECT_TYPES[one.object_type].one_per_parent  # its id is its parent's, of which it says nothing
        )

    def revived(self, made: Mapping[Key, str], options: RestoreOptions) -> frozenset[Key]:
        """The objects that come out of the recycle bin."""
        return frozenset(
            one.key for one in self.away
            if one.soft and options.from_recycle_bin and one.key not in made and not one.is_left
        )

    def instances(self, made: Mapping[Key, str], templates: Collection[str]) -> frozenset[str]:
        """The appIds of applications that are made from one of these templates, with their service principals."""
        principals = {app_id for (name, _), app_id in made.items() if name == "servicePrincipal"}
        return frozenset(
            one.app_id for one in self.away
            if one.object_type == "application" and one.key in made and one.template in templates
            and one.app_id in principals
        )

    def as_json(self) -> Json:
        """As one slice hands it to the next."""
        return {
            "ids": {name: sorted(some) for name, some in self.ids.items()}, "away": [list(one) for one in self.away],
            "appIds": self.app_ids,
            "unsecured": sorted(self.unsecured), "licences": self.licences, "licensed": self.licensed,
            "deleted": sorted(self.deleted), "namesWanted": sorted(self.names_wanted),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Bearings":
        """The inverse."""
        return Bearings(  # an id is one text in memory, wherever it stands
            {name: set(map(intern, some)) for name, some in value["ids"].items()},
            [
                Away(intern(name), intern(one), intern(now), soft, intern(app_id), made_from, may_be_made, is_left)
                for name, one, now, soft, app_id, made_from, may_be_made, is_left in value["away"]
            ],
            value["appIds"], set(value["unsecured"]), Counter(value["licences"]),
            value["licensed"], set(value["deleted"]), set(value.get("namesWanted", ())),
        )


def bearings_of(pairs: Iterable[tuple[Wanted, Present]], at: fixups.Circumstances) -> Bearings:
    """Those of some objects."""
    found = Bearings()
    for wanted, present in pairs:
        found.add(wanted, present, at)
    return found


def why_left(row: ObjectType, wanted: Wanted, present: Present) -> str:
    """Why nothing of the object is planned; HELD_ELSEWHERE where the same fact is restored through another."""
    if row.restored_as and holds(row.restored_as_where, wanted.body):
        return HELD_ELSEWHERE
    if row.reference_only:
        return row.not_restored or "kept to read the rest by"
    why = why_left_alone(row.left_alone, wanted.body) or why_left_alone(row.left_alone, present.body)
    if why:
        return why
    if row.mastered_on_premises(wanted.body) and present.liveness in ("softDeleted", "absent"):
        return SYNCED
    return ""
