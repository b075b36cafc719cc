"""Whether a restore can take a change back, by which operations, and if not why: pure, from the catalog's rows.

The same rows make a restore's plan; this says beforehand, in words, what such a plan would hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.catalog.row import Link, ObjectType
from shared.catalog.where import why_left_alone
from shared.recovery import guests
from shared.recovery.difference import Change
from shared.recovery.facts import LICENCES
from shared.recovery.fixups import is_written_on_parent

HELD_ELSEWHERE = "the other end holds this link, and is restored"
MASTERED_ON_PREMISES = "mastered on premises: change it there, and Microsoft Entra Connect brings it"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is empty where it can be restored."""

    reason: str = ""
    operations: tuple[str, ...] = ()


def judged(change: Change, row: ObjectType, body: Mapping[str, Any]) -> Change:
    """The change with the verdict on it; `body` is the object's as far as it is known, older or newer."""
    verdict = _verdict(change, row, body)
    return replace(
        change, restorable=not verdict.reason, reason=verdict.reason,
        operations=() if verdict.reason else verdict.operations,
    )  # fmt: skip


def _verdict(change: Change, row: ObjectType, body: Mapping[str, Any]) -> Verdict:
    if row.reference_only:
        return Verdict("kept to read the rest by, and never restored")
    if not change.link:
        left_alone = why_left_alone(row.left_alone, body)
        if left_alone:
            return Verdict(left_alone)
        if change.change_type in ("softDeleted", "hardDeleted", "newObject") and row.mastered_on_premises(body):
            return Verdict(MASTERED_ON_PREMISES)
    match change.change_type:
        case "changed":
            return _attribute(change, row, body)
        case "linkAdded" | "linkRemoved":
            return _link(change, row, body)
        case "softDeleted":
            return _revived(row)
        case "hardDeleted":
            return _created(row)
        case "newObject":
            return _undone(row)


def _attribute(change: Change, row: ObjectType, body: Mapping[str, Any]) -> Verdict:
    name = change.attribute
    first = f"{name}."
    if any(secret == name or secret.startswith(first) for secret in row.secret):
        return Verdict("a secret that Microsoft Graph never shows: it is made anew, not restored")
    if change.about and name in LICENCES:
        return Verdict("comes through a group, where it is restored")
    if name in row.immutable:
        return Verdict("set when the object is made, and never changed after")
    if row.why_left_as_is(name):
        return Verdict(row.why_left_as_is(name))
    if name in row.read_only or "@" in name:
        return Verdict("Microsoft Graph only reads it: it follows from other changes or is kept elsewhere")
    if row.mastered_on_premises(body) and name not in row.synced_writable:
        return Verdict(MASTERED_ON_PREMISES)
    if row.name == "user" and name == "identities" and guests.is_invited(body):
        return Verdict(guests.IDENTITIES)
    action = next((request for prop, request in row.actions if prop == name), "")
    if action:
        return Verdict(operations=(f"Set {name} back ({action}).",))
    if row.not_updated:
        return Verdict(row.not_updated)
    if name in row.streams:
        return Verdict(operations=(f"Upload {name} again (PUT {row.path}/{{key}}/{name}).",))
    return Verdict(operations=(f"Set {name} back ({row.update_request}).",))


def _link(change: Change, row: ObjectType, body: Mapping[str, Any]) -> Verdict:
    link = next((one for one in row.links if one.name == change.link), Link(change.link, not_restored="unknown here"))
    left_alone = why_left_alone(link.left_alone, body)
    if left_alone:
        return Verdict(left_alone)
    if row.mastered_on_premises(body):
        return Verdict(MASTERED_ON_PREMISES)
    if link.restored_as:
        return Verdict(f"restored through the {link.restored_as} that stands for the same fact")
    if change.change_type == "linkRemoved":
        again = (f"Add the link again ({link.add}).",)
        return Verdict(operations=again) if link.add else Verdict(link.not_restored or HELD_ELSEWHERE)
    if not link.remove:
        none = HELD_ELSEWHERE if link.held_by else "Microsoft Graph offers no request that removes it"
        return Verdict(link.not_restored or none)
    return Verdict(operations=(f"Remove the link, where links are restored exactly ({link.remove}).",))


def _revived(row: ObjectType) -> Verdict:
    if row.recycle_bin is None:
        return _created(row)
    return Verdict(operations=(
        f"Bring it back from the recycle bin with its id ({row.recycle_bin.restore}).",
        "Compare it, and set back the rest.",
    ))


def _created(row: ObjectType) -> Verdict:
    if is_written_on_parent(row):
        return Verdict(operations=(f"Write it on its {row.parent} again ({row.update_request}).",))
    if row.comes_with_parent:
        return Verdict(operations=("Comes with what it belongs to when that is made anew, and is set back then.",))
    if row.not_restored:
        return Verdict(row.not_restored)
    if row.restored_as and row.restored_as_where is None:
        return Verdict(f"restored through the {row.restored_as} that stands for the same fact")
    request = row.upsert or row.create_request
    if not request:
        return Verdict("Microsoft Graph offers no request that creates it")
    return Verdict(operations=(f"Create it anew with a new id ({request}).", "Re-link what named the old id."))


def _undone(row: ObjectType) -> Verdict:
    if row.not_deleted:
        return Verdict(row.not_deleted)
    if not row.delete_request:
        return Verdict("Microsoft Graph offers no request that deletes it")
    return Verdict(operations=(f"Kept, unless the restore is asked to undo new objects ({row.delete_request}).",))
