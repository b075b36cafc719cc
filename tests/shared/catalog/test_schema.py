"""Every name in the catalog against Microsoft's schema, as msgraph-sdk and msgraph-beta-sdk have it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from shared.catalog import OBJECT_TYPES
from shared.catalog.beta_only import BETA_ONLY
from shared.catalog.by_default import attributes_of
from shared.catalog.paths import steps
from shared.catalog.row import ObjectType
from shared.recovery.writable import is_writable

each_row = pytest.mark.parametrize("row", OBJECT_TYPES.values(), ids=OBJECT_TYPES.keys())

# Documented addresses that the SDK builds no request for (casts on one object, a property that has an address).
BEYOND_THE_SDK = re.compile(
    r"/microsoft\.graph\.agentIdentity|/\{odataType\}/|/onPremisesPublishing$"
    r"|/directory/deletedItems/microsoft\.graph\.certificate|^\{targetCollection\}/"
)

NOT_IN_BETA = frozenset({"groupSetting", "groupSettingTemplate"})
"""Named otherwise there: `directorySetting`, with the same properties."""
BEYOND_THE_MODELS = frozenset({"systemPreferredAuthenticationMethod", "deletedDateTime"})
"""On Microsoft's pages (signInPreferences resource type; Restore a deleted cross-tenant partner), and in no client."""


@pytest.fixture
def schema(v1: Any, beta: Any) -> Callable[[str], Any]:
    return lambda version: {"v1.0": v1, "beta": beta}[version]


def names_of(row: ObjectType, schema: Callable[[str], Any]) -> tuple[set[str], set[str]]:
    """All names of the row's type in Microsoft's schema (subtypes included), and those that are relations."""
    models = [schema(row.version).model(name) for name in (row.graph_type, *(one.name for one in row.subtypes))]
    names = {name for model in models for name in model.names}
    if row.in_beta:
        names |= schema("beta").model(row.graph_type).names.intersection(row.in_beta)
    return names, {name for model in models for name in model.relations}


def names_read(row: ObjectType) -> set[str]:
    """All names that the row reads, one way or another."""
    return {
        *row.select, *row.singly, *row.in_beta, *row.streams, *row.expanded, *row.inline,
        *(name for name, _ in row.documents), *(link.name for link in row.links), *(name for one in row.subtypes for name in one.properties),
    }


@each_row
def test_every_name_in_a_row_is_one_of_microsofts(row: ObjectType, schema: Callable[[str], Any]) -> None:
    known, _ = names_of(row, schema)
    assert not (names_read(row) | row.excluded_names) - known


@each_row
def test_every_property_of_microsofts_is_read_or_left_out_with_a_reason(
    row: ObjectType, schema: Callable[[str], Any]
) -> None:
    known, relations = names_of(row, schema)
    by_default = set() if row.select else known - relations
    assert not known - names_read(row) - row.excluded_names - by_default
    assert all(len(one.why) > 20 for one in row.excluded)


@each_row
def test_what_is_kept_of_a_type_is_told_by_name(row: ObjectType, schema: Callable[[str], Any]) -> None:
    known, relations = names_of(row, schema)
    links = {link.name for link in row.links}
    by_default = known - relations - row.excluded_names - links if not row.select else set()
    assert set(attributes_of(row)) == (names_read(row) - links) | by_default


@each_row
def test_what_only_beta_has_of_a_type_is_read_there_or_left_out_with_a_reason(
    row: ObjectType, schema: Callable[[str], Any]
) -> None:
    left_out = {name for one in BETA_ONLY.get(row.name, ()) for name in one.names}
    if row.version == "beta" or row.graph_type in NOT_IN_BETA:
        assert not left_out
        return
    types = (row.graph_type, *(one.name for one in row.subtypes))
    published = {name for one in types for name in schema("v1.0").model(one).names}
    only = {name for one in types for name in schema("beta").model(one).names} - published - row.excluded_names
    assert only - names_read(row) == left_out
    assert set(row.in_beta) <= only
    assert all(len(one.why) > 20 for one in BETA_ONLY.get(row.name, ()))


@each_row
def test_every_property_that_is_read_is_written_back_or_said_not_to_be(
    row: ObjectType, schema: Callable[[str], Any]
) -> None:
    known, relations = names_of(row, schema)
    read = names_read(row) - {link.name for link in row.links}
    if not row.select:
        read |= known - relations - row.excluded_names
    said = {*row.read_only, *row.immutable, *(path for path in row.volatile if path in known)}
    said |= {name for one in row.left_as_is for name in one.names}
    writable = {name for name in read if is_writable(row, name)} if row.update_request or row.create_request else set()
    written = writable | {name for name, _ in row.actions} | set(row.streams) | {*row.create_required}
    wholly = bool(row.reference_only or row.not_updated or (row.delegated_only and not row.write_permissions))
    assert wholly or not read - said - written
    assert all(len(one.why) > 20 for one in row.left_as_is)


@each_row
def test_what_a_row_says_of_properties_is_said_of_real_ones(row: ObjectType, schema: Callable[[str], Any]) -> None:
    known, _ = names_of(row, schema)
    known |= BEYOND_THE_MODELS
    if row.create:
        known |= schema(row.version).model(f"{row.graph_type}Request").names
    said = [
        *row.create_required, *row.read_only, *row.immutable, *row.volatile, *row.alone, *row.sensitive,
        *row.synced_writable, *(name for one in row.left_as_is for name in one.names),
        *(prop for prop, _ in row.actions), *(prop for prop, _ in row.property_write_permissions),
        *(part for prop in row.unique for part in prop.split("+")), *(one.property for one in row.references),
    ]
    roots = {steps(prop)[0].removesuffix("[]") for prop in said}
    assert not {root for root in roots if not root.startswith("@")} - known


@each_row
def test_every_address_of_a_row_is_one_of_microsofts(row: ObjectType, schema: Callable[[str], Any]) -> None:
    addresses = [(row.version, row.path), *((row.version, path) for _, path in row.documents)]
    requests = [(row.version, request) for request in (row.create, row.update, row.delete, row.upsert)]
    requests += [(row.version, request) for _, request in row.actions]
    for link in row.links:
        if link.reading != "inverse":
            addresses.append((link.version, row.link_path(link)))
        requests += [(link.version, request) for request in (link.add, link.remove, link.bulk_add)]
    if row.recycle_bin:
        addresses.append((row.recycle_bin.version, row.recycle_bin.path))
        requests.append((row.recycle_bin.version, row.recycle_bin.restore))
    addresses += [(version, request.split(" ")[1]) for version, request in requests if request]
    for version, path in addresses:
        assert BEYOND_THE_SDK.search(path) or schema(version).has_address(path), path


@each_row
def test_a_select_fits_into_a_url(row: ObjectType) -> None:
    links = [link.name for link in row.links if link.reading == "delta"]
    assert len(row.path) + len(",".join([*row.select, *links])) < 2_000


@each_row
def test_the_name_of_a_type_is_its_name_in_microsofts_schema(row: ObjectType) -> None:
    renamed = {
        "groupSpecificSetting", "recoverySnapshot", "recoveryJob", "groupRoleManagementPolicy",
        "managedIdentityFederatedCredential",
    }
    assert row.name == row.graph_type or row.name in renamed
