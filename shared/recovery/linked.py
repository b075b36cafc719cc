"""What hangs on the chosen objects, and what refers to those that get a new id, found in a restore point. Read-only.

An object is looked for under every id that it has had: a restore point may name it by an older one (`one_name`).
"""

from collections.abc import AsyncGenerator, Callable, Container, Iterable, Mapping
from dataclasses import dataclass

from shared.catalog import OBJECT_TYPES, paths
from shared.catalog.row import Link, ObjectType, Reference
from shared.errors import Missing
from shared.records.identity_map import KnownIdentities
from shared.recovery.one_name import other_names
from shared.recovery.reading import restored_rows
from shared.recovery.relink import GUID
from shared.recovery.state import Wanted
from shared.repository.records import LinkRecord
from shared.repository.restore_point import RestorePoint
from shared.repository.view import TypeView


@dataclass(frozen=True, slots=True)
class Named:
    """What a search looks for: ids by the type that has them, and the appIds of applications."""

    ids: Mapping[str, str]
    app_ids: frozenset[str] = frozenset()

    @staticmethod
    def of(wanted: Iterable[Wanted], known: KnownIdentities) -> "Named":
        """These objects, by every id that they have had; of their bodies only the appId counts."""
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


def holding(types: Iterable[str]) -> list[ObjectType]:
    """The types of which objects may belong to ones of these types."""
    named = set(types)
    return [row for row in restored_rows() if _may_name([one for one in row.references if _belongs(one)], named)]


async def dependents(point: RestorePoint, row: ObjectType, named: Named) -> list[str]:
    """Ids of objects of a type that belong to these: gone with them, and never without them."""
    return await _naming(point, row, [one for one in row.references if _belongs(one)], named)


async def referring(point: RestorePoint, row: ObjectType, named: Named) -> list[str]:
    """Ids of objects of a type whose bodies name one of these, other than those that belong to them."""
    return await _naming(point, row, [
        one for one in row.references
        if not one.holder and one.property.split(".")[0].removesuffix("[]") not in row.read_only
    ], named)


async def links_to(
    point: RestorePoint, row: ObjectType, target_ids: Container[str],
    asked: Callable[[Link], bool] = lambda link: bool(link.add),
) -> AsyncGenerator[LinkRecord]:
    """Every link from an object of a type of the restore point to one of these objects, of the links asked for."""
    names = {link.name for link in row.links if asked(link)}
    view = _view(point, row) if names else None
    if view is None:
        return
    async for batch in view.link_batches():
        for one in batch:
            if one.link in names and one.target_id in target_ids:
                yield one


async def _naming(point: RestorePoint, row: ObjectType, references: list[Reference], named: Named) -> list[str]:
    """In order, so that whoever reads them in parts may go on where he stopped."""
    view = _view(point, row) if _may_name(references, set(named.ids.values())) else None
    if view is None:
        return []
    found: list[str] = []
    async for batch in view.object_batches():
        found += [one.object_id for one in batch if any(_names(one.body, each, named) for each in references)]
    return sorted(found)


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


def _belongs(reference: Reference) -> bool:
    """Whether an object goes with what it names: all that hangs on something, and the service principal of an
    application, which is deleted with it and comes back with none ("Delete application", "Restore deleted item")."""
    return reference.holder or (reference.by == "appId" and reference.orders and reference.target == "application")


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

