"""The catalog: one row for each object type of Entra that Cairn keeps, in the order people look for them.

A row that is wrong raises `CatalogError` when this package is imported. `CATALOG_VERSION` changes with any row.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cache

import orjson

from shared.catalog import (
    administrative_units,
    application_policies,
    application_proxy,
    applications,
    attributes,
    authentication_methods,
    conditional_access,
    devices,
    group_settings,
    groups,
    native_recovery,
    order,
    people,
    permissions,
    pim_for_groups,
    policies,
    roles,
    service_principals,
    tenant,
)
from shared.catalog.options import OPTIONS
from shared.catalog.order import Wave
from shared.catalog.permissions import ConsentKind
from shared.catalog.row import Cloud, ObjectType
from shared.errors import CatalogError

__all__ = [
    "CATALOG_VERSION",
    "KINDS",
    "OBJECT_TYPES",
    "enabled",
    "object_type",
    "restore_waves",
    "wanted_permissions",
]

_AREAS = (
    people.ROWS,
    groups.ROWS,
    group_settings.ROWS,
    applications.ROWS,
    service_principals.ROWS,
    devices.ROWS,
    administrative_units.ROWS,
    roles.ROWS,
    pim_for_groups.ROWS,
    conditional_access.ROWS,
    policies.ROWS,
    application_policies.ROWS,
    attributes.ROWS,
    tenant.ROWS,
    application_proxy.ROWS,
    authentication_methods.ROWS,
    native_recovery.ROWS,
)


def _by_name() -> dict[str, ObjectType]:
    rows: dict[str, ObjectType] = {}
    for row in (row for area in _AREAS for row in area):
        if row.name in rows:
            raise CatalogError(f"catalog: two rows are named {row.name!r}; give one of them another name")
        rows[row.name] = row
    for row in rows.values():
        _check_names(row, rows)
    return rows


def _check_names(row: ObjectType, rows: Mapping[str, ObjectType]) -> None:
    """Refuse names of rows and options that are not there."""
    options = {row.option, *(link.option for link in row.links), *(option for _, option in row.property_options)}
    no_options = sorted(options - {""} - set(OPTIONS))
    if no_options:
        raise CatalogError(f"catalog row {row.name!r}: {no_options} stand in no row of options.py")
    named = {row.parent, row.restored_as, *row.waits_for, *row.after}
    for reference in row.references:
        named |= {reference.target, *reference.alternatives}
    for link in row.links:
        named |= {*link.targets, link.restored_as, *(end.split(".")[0] for end in (*link.held_by, link.shown_by))}
    no_rows = sorted(named - {""} - set(rows))
    if no_rows:
        raise CatalogError(f"catalog row {row.name!r}: it names {no_rows}, which have no rows")


def _version(rows: Mapping[str, ObjectType]) -> str:
    text = orjson.dumps([dataclasses.asdict(row) for row in rows.values()], default=sorted)
    return hashlib.sha256(text).hexdigest()[:16]


OBJECT_TYPES: Mapping[str, ObjectType] = _by_name()
CATALOG_VERSION: str = _version(OBJECT_TYPES)
KINDS: Mapping[str, str] = {
    **{row.graph_type: row.name for row in OBJECT_TYPES.values()},
    **{one.name: row.name for row in OBJECT_TYPES.values() for one in row.subtypes},
    **{name: name for name in OBJECT_TYPES},
}
"""Microsoft's name of a type, or of a kind of it, → the catalog's."""


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
        row
        for row in OBJECT_TYPES.values()
        if cloud in row.clouds and (not row.option or options.get(row.option, False))
    )


def wanted_permissions(
    kind: ConsentKind, options: Mapping[str, bool], cloud: Cloud = "global"
) -> dict[str, tuple[str, ...]]:
    """The least application permissions that a consent asks for → the object types that want each."""
    return permissions.wanted(enabled(options, cloud), kind, options)


@cache
def restore_waves() -> tuple[Wave, ...]:
    """The waves in which a restore of everything writes, in order."""
    return order.waves({name: row for name, row in OBJECT_TYPES.items() if _is_restored(row)})


def _is_restored(row: ObjectType) -> bool:
    """Whether a restore writes objects of this type, and not through another type only."""
    return not row.reference_only and (not row.restored_as or row.restored_as_where is not None)


restore_waves()  # a circle among the rows must show at import, not at the first restore
