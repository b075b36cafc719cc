"""Every part of the directory that Microsoft's client has an address for is read, or named as left out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.catalog import OBJECT_TYPES
from shared.catalog.uncovered import UNCOVERED

PLACES = (
    "", "admin", "admin/people", "directory", "directory/publicKeyInfrastructure", "directory/recovery", "identity",
    "identity/conditionalAccess", "identity/conditionalAccess/authenticationStrength", "identityGovernance",
    "identityGovernance/privilegedAccess", "identityGovernance/privilegedAccess/group", "identityGovernance/termsOfUse",
    "policies", "policies/authenticationMethodsPolicy", "policies/crossTenantAccessPolicy", "roleManagement",
    "roleManagement/directory", "tenantRelationships",
)
"""Where the directory's own things hang."""

ELSEWHERE = {
    "agreements": "identityGovernance/termsOfUse/agreements",
    "authenticationMethodConfigurations": "policies/authenticationMethodsPolicy",
    "authenticationMethodsPolicy": "policies/authenticationMethodsPolicy",
    "certificateBasedAuthConfiguration": "organization/certificateBasedAuthConfiguration",
    "dataPolicyOperations": "users",
    "directoryObjects": "users",
    "domainDnsRecords": "domains/verificationDnsRecords",
    "identity/conditionalAccess/authenticationStrength/policies": "policies/authenticationStrengthPolicies",
    "invitations": "users",
    "policies/conditionalAccessPolicies": "identity/conditionalAccess/policies",
    "scopedRoleMemberships": "directory/administrativeUnits/scopedRoleMembers",
}
"""Other addresses of what is read, and of actions on it."""


def plain(path: str) -> str:
    """An address without ids, casts and queries, as folders are compared: in lower case, without underscores."""
    steps = [step for step in re.sub(r"\(.*?\)|\?.*", "", path).strip("/").split("/") if step]
    return "/".join(step.replace("_", "").lower() for step in steps if not step.startswith(("{", "microsoft.")))


def read() -> set[str]:
    """Every address that the catalog reads."""
    found = set()
    for row in OBJECT_TYPES.values():
        found |= {row.path, *(path for _, path in row.documents), *(row.link_path(link) for link in row.links)}
        found |= {f"{row.path}/{name}" for name in (*row.inline, *row.expanded)}
        found |= {row.recycle_bin.path} if row.recycle_bin else set()
    return {plain(path) for path in found}


def offered(root: Path, place: str) -> Iterator[str]:
    """The addresses right below a place, actions and functions left out."""
    folder = root
    for step in plain(place).split("/") if place else ():
        folder = next(one for one in folder.iterdir() if one.is_dir() and one.name.replace("_", "") == step)
    for one in folder.iterdir():
        requests = one / f"{one.name}_request_builder.py"
        told = requests.read_text("utf-8") if requests.is_file() else ""
        if one.name not in ("models", "count", "item") and "_with_" not in one.name and "async def get(" in told:
            yield plain(f"{place}/{one.name}")


@pytest.mark.parametrize("place", PLACES)
def test_every_part_of_the_directory_is_read_or_named_as_left_out(place: str, v1: Any) -> None:
    known = read() | {plain(address) for one in UNCOVERED for address in one.addresses}
    known |= {plain(address) for address in ELSEWHERE}
    unknown = [
        address for address in offered(v1.root, place)
        if not any(one == address or one.startswith(f"{address}/") or address.startswith(f"{one}/") for one in known)
    ]
    assert not unknown


def test_what_is_named_as_left_out_is_there_and_is_not_read(v1: Any) -> None:
    addresses = [address for one in UNCOVERED for address in one.addresses]
    assert len(addresses) == len(set(addresses))
    beyond = {"copilot", "directory/tenantGovernance"}  # no request of their own, or newer than the client
    assert [one for one in addresses if one not in beyond and not v1.has_address(one)
            and not (v1.root / one.lower()).is_dir()] == []
    assert not {plain(address) for address in addresses} & read()
    assert {plain(one) for one in ELSEWHERE.values()} <= read()
