"""What separates two states of an object, as changes that people read and restore takes back. Pure.

Invariants: a change is known by what it is and not by when it was found, so its id is the same in every report that
shows it; what both sides do not know is no change; a rename is a change of a name and no deletion; a collection of
plain values has no order, and null or an empty collection says the same as absent.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import orjson

from shared.catalog.row import PARENT, ObjectType
from shared.catalog.where import group_kind
from shared.recovery.facts import LICENCES, holders, licensing_groups
from shared.recovery.federation import IMMUTABLE_ID
from shared.recovery.relink import Ids, relinked
from shared.recovery.role_names import role_name
from shared.recovery.state import Json, display_name
from shared.recovery.writable import differing, same, without_given_parts

ChangeType = Literal["changed", "linkAdded", "linkRemoved", "newObject", "softDeleted", "hardDeleted"]
CHANGE_TYPES: tuple[ChangeType, ...] = get_args(ChangeType)
DELETIONS: frozenset[ChangeType] = frozenset({"softDeleted", "hardDeleted"})

NO_ATTRIBUTES = frozenset({"id", "deletedDateTime", PARENT})
"""Parts of a body that say which object it is or that it is deleted, and are never a change of their own."""

LONGEST_VALUE = 32_000
"""Characters of a value that a change shows; of a longer one (a logo, a document) its size and hash stand there."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of the audit log that may have made a change."""

    by: str
    at: str
    activity: str
    by_id: str = ""

    def as_json(self) -> Json:
        """As the interface shows it."""
        return {"by": self.by, "byId": self.by_id, "at": self.at, "activity": self.activity}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Candidate":
        """The inverse of as_json."""
        return Candidate(value["by"], value["at"], value["activity"], value["byId"])


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: an object that came or went, an attribute, or a link."""

    change_type: ChangeType
    object_type: str
    object_id: str
    """The id in the older state, and of a new object its only one."""
    object_name: str = ""
    object_kind: str = ""
    """Of a group, its kind."""
    attribute: str = ""
    old_value: Any = None
    new_value: Any = None
    link: str = ""
    target_id: str = ""
    target_type: str = ""
    target_name: str = ""
    new_object_id: str = ""
    """The id now, of an object that Cairn re-created."""
    deleted_at: str = ""
    days_left: int | None = None
    """Whole days until Entra purges it from the recycle bin."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Ids in the values → the names of what they stand for."""
    changed_by: str = ""
    changed_at: str = ""
    candidates: tuple[Candidate, ...] = ()
    restorable: bool = False
    reason: str = ""
    """Why it cannot be restored; empty where it can."""
    operations: tuple[str, ...] = ()
    """What a restore would do, in words."""
    noise: str = ""
    """The rule that sets it aside, by its name in the catalog."""
    caused_by: str = ""
    """The id of the change that it follows from."""
    about: tuple[str, ...] = ()
    """Ids of the objects that this hangs on: the holders of the object, the groups that gave a licence."""
    fact: str = ""
    """What it states, in the words that all who state it share."""
    repeats: str = ""
    """Whether it only repeats that fact (see `facts`)."""

    @property
    def change_id(self) -> str:
        """What it is, in 32 hex digits."""
        parts = (self.change_type, self.object_type, self.object_id, self.attribute, self.link, self.target_id)
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]

    @property
    def changed_attribute(self) -> str:
        """As searches name it: the attribute, or `link` and the link's name."""
        return f"link {self.link}" if self.link else self.attribute

    def as_json(self) -> Json:
        """As a report keeps it and the interface shows it."""
        return {
            "changeId": self.change_id, "changeType": self.change_type, "objectType": self.object_type,
            "objectId": self.object_id, "objectName": self.object_name, "objectKind": self.object_kind or None,
            "attribute": self.attribute or None, "changedAttribute": self.changed_attribute,
            "oldValue": self.old_value, "newValue": self.new_value,
            "link": self.link or None, "targetId": self.target_id or None, "targetType": self.target_type or None,
            "targetName": self.target_name or None, "newObjectId": self.new_object_id or None,
            "deletedAt": self.deleted_at or None, "daysLeft": self.days_left, "references": dict(self.references),
            "changedBy": self.changed_by or None, "changedAt": self.changed_at or None,
            "candidates": [one.as_json() for one in self.candidates],
            "restorable": self.restorable, "reason": self.reason, "operations": list(self.operations),
            "noise": self.noise or None, "causedBy": self.caused_by or None,
            "@about": list(self.about), "@fact": self.fact, "@repeats": self.repeats,
        }  # fmt: skip

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Change":
        """The inverse of as_json."""
        return Change(
            change_type=value["changeType"], object_type=value["objectType"], object_id=value["objectId"],
            object_name=value["objectName"], object_kind=value["objectKind"] or "",
            attribute=value["attribute"] or "", old_value=value["oldValue"], new_value=value["newValue"],
            link=value["link"] or "", target_id=value["targetId"] or "", target_type=value["targetType"] or "",
            target_name=value["targetName"] or "", new_object_id=value["newObjectId"] or "",
            deleted_at=value["deletedAt"] or "", days_left=value["daysLeft"], references=value["references"],
            changed_by=value["changedBy"] or "", changed_at=value["changedAt"] or "",
            candidates=tuple(Candidate.from_json(one) for one in value["candidates"]),
            restorable=value["restorable"], reason=value["reason"], operations=tuple(value["operations"]),
            noise=value["noise"] or "", caused_by=value["causedBy"] or "",
            about=tuple(value["@about"]), fact=value["@fact"], repeats=value["@repeats"],
        )  # fmt: skip


def named(row: ObjectType, body: Mapping[str, Any]) -> str:
    """The object's name as today's portal shows it; empty where it has none but its id."""
    name = display_name(body)
    return role_name(row.name, body) or ("" if name == body.get("id") else name)


def of_object(row: ObjectType, object_id: str, body: Mapping[str, Any]) -> Change:
    """A change of this object that says nothing yet."""
    kind = group_kind(body) if row.name == "group" and body else ""
    return Change("changed", row.name, object_id, object_name=named(row, body), object_kind=kind)


def attribute_changes(
    row: ObjectType, object_id: str, before: Mapping[str, Any], after: Mapping[str, Any], *, ids: Ids,
    same_reading: bool = True,
) -> Iterator[Change]:  # fmt: skip
    """One change a property that differs; with `same_reading` false, only of those that both sides asked for."""
    shown = of_object(row, object_id, after)
    groups, held_by = licensing_groups(before, after), holders(row, after)
    old, _ = relinked(row, before, ids)
    ours, theirs = without_given_parts(row, old), without_given_parts(row, after)
    for name in sorted({*old, *after}):
        if name in NO_ATTRIBUTES or (not same_reading and (name not in old or name not in after)):
            continue
        was, now = old.get(name), after.get(name)
        if was != now and not same(ours.get(name), theirs.get(name)):
            yield replace(
                shown, attribute=name, old_value=short(was), new_value=short(now),
                about=groups if name in LICENCES else held_by,
            )  # fmt: skip


def recreated_changes(
    row: ObjectType, before: tuple[str, Mapping[str, Any]], after: tuple[str, Mapping[str, Any]], *, ids: Ids
) -> Iterator[Change]:
    """What differs in an object that Cairn made anew: only what can be written, since its ids and stamps are new."""
    old, _ = relinked(row, before[1], ids)
    shown = replace(of_object(row, before[0], after[1]), new_object_id=after[0])
    for name, was in differing(row, old, after[1]).items():
        given = name in GIVEN_ANEW or (name == IMMUTABLE_ID and not was)
        if given or same(_lasting(name, was), _lasting(name, after[1].get(name))):
            continue
        yield replace(shown, attribute=name, old_value=short(was), new_value=short(after[1].get(name)))


GIVEN_ANEW = frozenset({"uniqueName", "preferredTokenSigningKeyThumbprint", "tokenEncryptionKeyId"})
"""Of an object made anew: the name that its creation is found by, and what names a key that nobody can read."""


def _lasting(name: str, value: Any) -> Any:
    """What of a value outlives its object: no identity that the service writes itself, no beginning in the past."""
    if name == "identities" and isinstance(value, list):
        return [one for one in value if one.get("signInType") != "userPrincipalName"]
    if name == "scheduleInfo" and isinstance(value, Mapping):
        return {part: each for part, each in value.items() if part != "startDateTime"}
    return value


def short(value: Any) -> Any:
    """The value as a report shows it."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = orjson.dumps(value)
    if len(text) <= LONGEST_VALUE:
        return value
    return {"@cairn.bytes": len(text), "@cairn.sha256": hashlib.sha256(text).hexdigest()}
