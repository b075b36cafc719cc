"""The objects that a request names by their ids, on both sides: in the restore point, and where that does not know them
in the tenant. Read-only.

An object may be named by any id that it has had. A restore point knows it by the one that it had then.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.catalog import KINDS, OBJECT_TYPES
from shared.catalog.row import PARENT
from shared.entra.batch import get_by_ids
from shared.errors import NotRestorable
from shared.records.identity_map import KnownIdentities
from shared.recovery.chosen import Chosen, Key
from shared.recovery.reading import PresentReader, read_wanted, restored_rows
from shared.recovery.state import Present, Wanted
from shared.repository.restore_point import RestorePoint

UNKNOWN = "the restore point knows no object of this id that a restore writes: it was made since, or the id is wrong"


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The objects of a request."""

    wanted: list[Wanted]
    """As the restore point has them."""
    new: list[Present]
    """Live ones that the restore point does not know, where those are asked for; `unread` where nothing shows it."""
    unknown: tuple[str, ...] = ()
    """Ids of which neither is known."""


async def known_to(
    point: RestorePoint, object_ids: Iterable[str], known: KnownIdentities
) -> list[Wanted]:
    """These objects as the restore point has them, each under the newest of its ids that it knows."""
    places = {each: place for one in object_ids for place, each in enumerate(known.all_of(one))}
    newest: dict[Key, Wanted] = {}
    for one in await read_wanted(point, places, restored_rows()):
        key = (one.object_type, known.now(one.object_id))
        if key not in newest or places[newest[key].object_id] < places[one.object_id]:
            newest[key] = one
    return list(newest.values())


async def asked_for(
    point: RestorePoint, chosen: Chosen, known: KnownIdentities, reader: PresentReader, *, new: bool
) -> AskedFor:
    """What the restore point has of the chosen objects, and with `new` the live ones that it does not know.

    NotRestorable where there is neither.
    """
    if chosen.touched is not None and not chosen.follows:
        return await _touched(point, chosen, reader, new=new)
    wanted = await known_to(point, chosen.object_ids, known)
    found = {known.now(one.object_id) for one in wanted}
    missing = [now for one in chosen.object_ids if (now := known.now(one)) not in found]
    if not wanted and not chosen.kept_new and not chosen.new and not (missing and new):
        raise NotRestorable(
            "The restore point knows none of the chosen objects.",
            remedy="Choose ids that GET /objects lists for this restore point, or newObjects: softDelete.",
        )
    if chosen.touched is not None:  # settings that each user has once go by the user's id, and were not chosen with it
        touched = {(name, known.now(one)) for name, one in chosen.touched}
        wanted = [one for one in wanted if (one.object_type, known.now(one.object_id)) in touched]
        return AskedFor(wanted, await _live(_made(chosen, chosen.new), reader), tuple(missing))
    live = await _live(await _in_directory(missing, reader), reader) if new else []
    there = {one.object_id for one in live}
    return AskedFor(wanted, live, tuple(one for one in missing if one not in there))


def _made(chosen: Chosen, keys: Iterable[Key]) -> list[Wanted]:
    """Objects that the restore point does not know, as far as the choice tells of them."""
    return [Wanted(*key, {PARENT: chosen.parents[key]} if key in chosen.parents else {}) for key in sorted(keys)]


async def _touched(
    point: RestorePoint, chosen: Chosen, reader: PresentReader, *, new: bool
) -> AskedFor:
    """For an undo, whose before image has what was there under the very ids that the restore wrote to."""
    touched = chosen.touched or {}
    found = await read_wanted(point, chosen.object_ids, restored_rows())
    wanted = [one for one in found if (one.object_type, one.object_id) in touched]
    there = {(one.object_type, one.object_id) for one in wanted}
    made = _made(chosen, touched.keys() - there)
    return AskedFor(wanted, await _live(made, reader) if new else [])


async def _in_directory(object_ids: Iterable[str], reader: PresentReader) -> list[Wanted]:
    """Those of these ids that the directory knows, with their types."""
    shown = await get_by_ids(reader.graph, list(object_ids), select=(), permission="Directory.Read.All")
    found: list[Wanted] = []
    for object_id, body in sorted(shown.items()):
        shown_type = str(body.get("@odata.type", "")).removeprefix("#microsoft.graph.")
        name = KINDS.get(shown_type, shown_type)
        if name in OBJECT_TYPES:
            found.append(Wanted(name, object_id, {}))
    return found


async def _live(asked: Iterable[Wanted], reader: PresentReader) -> list[Present]:
    states = await reader.read(asked, links=False)
    return [one for one in states.values() if one.liveness in ("live", "unread")]


async def unknown_to(point: RestorePoint, object_ids: Iterable[str], known: KnownIdentities) -> frozenset[str]:
    """Those of the ids that the restore point knows under none that their objects have had: objects made since."""
    named = set(object_ids)
    found = {known.now(one.object_id) for one in await known_to(point, named, known)}
    return frozenset(one for one in named if known.now(one) not in found)
