"""/objectTypes: what is backed up, what of it is restored, and why not the rest."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter

from api.guard import GuardedRoute, permit
from shared.catalog import OBJECT_TYPES
from shared.catalog.beta_only import BETA_ONLY
from shared.catalog.by_default import attributes_of
from shared.catalog.row import Excluded, Link, ObjectType

router = APIRouter(prefix="/objectTypes", tags=["objectTypes"], route_class=GuardedRoute)


@router.get("")
@permit("signedIn")
async def list_object_types() -> dict[str, Any]:
    """Every object type of the catalog, in its order; the list is whole and has no further pages."""
    return {"value": [_shown(row) for row in OBJECT_TYPES.values()]}


def _shown(row: ObjectType) -> dict[str, Any]:
    return {
        "type": row.name,
        "title": row.title,
        "graphType": row.graph_type,
        "version": row.version,
        "attributes": list(attributes_of(row)),
        "readOnly": sorted(row.read_only),
        "immutable": sorted(row.immutable),
        "links": [_link(link) for link in row.links],
        "option": row.option or None,
        "clouds": sorted(row.clouds),
        "recycleBinDays": row.recycle_bin.days if row.recycle_bin else None,
        "restored": not row.not_restored,
        "whyNotRestored": row.not_restored or None,
        "whyNotUpdated": row.not_updated or None,
        "whyNotDeleted": row.not_deleted or None,
        "byHand": row.delegated_only or None,
        "leftAsIs": _left(row.left_as_is),
        "leftOut": _left((*row.excluded, *BETA_ONLY.get(row.name, ()))),
        "readPermissions": list(row.read_permissions),
        "writePermissions": list(row.write_permissions),
        "unconfirmed": list(row.unconfirmed),
    }


def _left(some: Iterable[Excluded]) -> list[dict[str, Any]]:
    """What is not written or not read, and why."""
    return [{"names": list(one.names), "why": one.why} for one in some]


def _link(link: Link) -> dict[str, Any]:
    return {
        "name": link.name,
        "targets": list(link.targets),
        "option": link.option or None,
        "heldBy": list(link.held_by),
        "restored": bool(link.add),
        "whyNotRestored": link.not_restored or None,
    }
