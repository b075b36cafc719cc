"""The catalog: one row for each object type of Entra that Cairn keeps, in the order in which people look for them.

A row that is wrong raises `CatalogError` when this package is imported. `CATALOG_VERSION` changes with any row.
"""

import dataclasses
import hashlib
from collections.abc import Mapping

import orjson

from shared.catalog import applications, groups, people, service_principals
from shared.catalog.options import OPTIONS
from shared.catalog.row import Cloud, ObjectType
from shared.errors import CatalogError

_AREAS = (
    people.ROWS,
    groups.ROWS,
    applications.ROWS,
    service_principals.ROWS,
)


def _by_name() -> dict[str, ObjectType]:
    rows: dict[str, ObjectType] = {}
    for row in (row for area in _AREAS for row in area):
        if row.name in rows:
            raise CatalogError(f"catalog: two rows are named {row.name!r}; give one of them another name")
        rows[row.name] = row
    for row in rows.values():
        asked = {row.option, *(link.option for link in row.links), *(option for _, option in row.property_options)}
        unknown = sorted(asked - {""} - set(OPTIONS))
        if unknown:
            raise CatalogError(f"catalog row {row.name!r}: {unknown} stand in no row of options.py")
        if row.parent and row.parent not in rows:
            raise CatalogError(f"catalog row {row.name!r}: its parent {row.parent!r} has no row")
    return rows


def _version(rows: Mapping[str, ObjectType]) -> str:
    text = orjson.dumps([dataclasses.asdict(row) for row in rows.values()], default=sorted)
    return hashlib.sha256(text).hexdigest()[:16]


OBJECT_TYPES: Mapping[str, ObjectType] = _by_name()
CATALOG_VERSION: str = _version(OBJECT_TYPES)


def object_type(name: str) -> ObjectType:
    """The row of that name.

    Raises `CatalogError` where there is none.
    """
    try:
        return OBJECT_TYPES[name]
    except KeyError:
        raise CatalogError(
            f"there is no object type {name!r}", remedy="List the object types with GET /api/v1/objectTypes."
        ) from None


def enabled(options: Mapping[str, bool], cloud: Cloud) -> tuple[ObjectType, ...]:
    """The rows to read in a tenant of this cloud whose settings have these options, in the catalog's order."""
    return tuple(
        row for row in OBJECT_TYPES.values() if cloud in row.clouds and (not row.option or options.get(row.option))
    )
