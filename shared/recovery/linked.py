"""What hangs on the chosen objects, and what refers to those that get a new id, found in a restore point. Read-only.

An object is looked for under every id that it has had: a restore point may name it by an older one (`one_name`).
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from shared.catalog import OBJECT_TYPES, paths
from shared.catalog.row import Link, ObjectType, Reference
from shared.errors import Missing
from shared.records.identity_map import KnownIdentities
from shared.recovery.one_name import other_names
from shared.recovery.reading import read_wanted, restored_rows
from shared.recovery.relink import GUID
from shared.recovery.state import Wanted
from shared.repository.records import LinkRecord
from shared.repository.restore_point import RestorePoint
from shared.repository.view import TypeView


@dataclass(frozen=True, slots=True)
class Named:
    """What a search looks for: ids by the type that has them, and the appIds of applications."""

    ids: dict[str, str]
    app_ids: frozenset[str] = frozenset()

    @staticmethod
    def of(wanted: Iterable[Wanted], known: KnownIdentities) -> "Named":
        """These objects, by every id that they have had."""
        # What there is one of for each object has its id, and nothing hangs on it.
        own = [one for one in wanted if not OBJECT_TYPES[one.object_type].one_per_parent]
        types = {one.object_id: one.object_type for one in own}
        app_ids = {
            str(one.body["appId"]) for one in own if one.object_type == "application" and one.body.get("appId")
        }
        others = other_names(known, own)
        return Named(
            {**{each: types[name] for each, name in others.objects.items()}, **types},
            frozenset({*app_ids, *others.applications}),
        )


async def dependents(point: RestorePoint, chosen: Iterable[Wanted], known: KnownIdentities) -> list[Wanted]:
    """Objects that belong to the chosen ones: gone with them, and never without them (`holder` references)."""
    named = Named.of(chosen, known)
    found: list[Wanted] = []
    for row in restored_rows():
        holding = [one for one in row.references if one.holder]
        if not holding or not _may_name(holding, set(named.ids.values())):
            continue
        found += [one async for one in _naming(point, row, holding, named)]
    return found


async def referring(point: RestorePoint, named: Named) -> list[Wanted]:
    """Objects whose bodies name one of these, other than those that belong to them."""
    found: list[Wanted] = []
    for row in restored_rows():
        references = [
            one for one in row.references
            if not one.holder and one.property.split(".")[0].removesuffix("[]") not in row.read_only
        ]
        if references and _may_name(references, set(named.ids.values())):
            found += [one async for one in _naming(point, row, references, named)]
    return found


async def links_to(
    point: RestorePoint, target_ids: set[str], asked: Callable[[Link], bool] = lambda link: bool(link.add)
) -> AsyncIterator[LinkRecord]:
    """Every link of the restore point that leads to one of these objects, of the links asked for."""
    for row in restored_rows():
        names = {link.name for link in row.links if asked(link)}
        if not names:
            continue
        view = _view(point, row)
        if view is None:
            continue
        async for batch in view.link_batches():
            for one in batch:
                if one.link in names and one.target_id in target_ids:
                    yield one


async def _naming(
    point: RestorePoint, row: ObjectType, references: list[Reference], named: Named
) -> AsyncIterator[Wanted]:
    view = _view(point, row)
    if view is None:
        return
    ids: list[str] = []
    async for batch in view.object_batches():
        ids += [one.object_id for one in batch if any(_names(one.body, each, named) for each in references)]
    for one in await read_wanted(point, ids, [row]) if ids else ():
        yield one


def _names(body: dict[str, object], reference: Reference, named: Named) -> bool:
    known = named.app_ids if reference.by == "appId" else named.ids
    if not known:
        return False
    for value in paths.values(body, reference.property):
        if not isinstance(value, str):
            continue
        if value in known:
            return True
        if reference.inside_text and any(one in known for one in GUID.findall(value)):
            return True
    return False


def _may_name(references: Iterable[Reference], types: set[str]) -> bool:
    asked = {target for one in references for target in (one.target, *one.alternatives)}
    if "application" in types:
        asked |= {"application"} if any(one.by == "appId" for one in references) else set()
    return bool(asked & types)


def _view(point: RestorePoint, row: ObjectType) -> TypeView | None:
    try:
        view = point.view(row.name)
    except Missing:
        return None
    return view if view.layers else None


__all__ = ["OBJECT_TYPES", "Named", "dependents", "links_to", "referring"]
