"""What the catalog lets a restore write is what the simulator, which reads Microsoft's pages by itself, takes."""

import pytest

from local.simulator.writes.rules import RULES
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import ObjectType
from shared.recovery.schedules import SCHEDULES
from shared.recovery.writable import is_writable

PATCHED = [
    row for row in OBJECT_TYPES.values()
    if row.update_request.startswith("PATCH") and row.graph_type in RULES and RULES[row.graph_type].update
    and row.name not in SCHEDULES
]


def names_of(row: ObjectType) -> set[str]:
    """The properties by their names, as far as the row tells them without Microsoft's schema."""
    return {*row.select, *row.singly, *row.alone, *row.create_required, *row.synced_writable, *row.sensitive}


@pytest.mark.parametrize("row", PATCHED, ids=[row.name for row in PATCHED])
def test_no_property_that_a_restore_patches_is_refused_as_read_only(row: ObjectType) -> None:
    rule = RULES[row.graph_type]
    patched = {name for name in names_of(row) if is_writable(row, name) and name not in row.immutable}
    assert not patched & (rule.read_only | rule.at_creation)
    assert rule.only is None or patched <= rule.only


@pytest.mark.parametrize("row", PATCHED, ids=[row.name for row in PATCHED])
def test_what_the_simulator_calls_read_only_the_catalog_never_patches(row: ObjectType) -> None:
    rule = RULES[row.graph_type]
    fixed = rule.read_only | rule.at_creation
    if row.key != "id" or row.one_per_parent:
        fixed -= {"id"}  # the simulator's own: Microsoft's schema has none here
    by_request = {name for name, _ in row.actions} | set(row.streams)
    known = {*row.read_only, *row.immutable, *row.volatile, *row.excluded_names, *by_request, *row.inline}
    known |= {name for one in row.left_as_is for name in one.names} | {link.name for link in row.links}
    assert not {name for name in fixed - known if is_writable(row, name) and (name in row.select or not row.select)}
