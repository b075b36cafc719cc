"""What `@odata.id` and `@odata.bind` name: the object, or 404 for one that is not there."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from local.simulator import model
from local.simulator.errors import bad_request, not_found
from local.simulator.store import Body, Record
from local.simulator.writes import refusals
from local.simulator.writes.change import Write

KEYED = re.compile(r"^(\w+)\('?([^']*)'?\)$")
COLLECTIONS = {
    "directoryobjects": model.DIRECTORY_TABLES, "users": ("user",), "groups": ("group",),
    "serviceprincipals": ("servicePrincipal",), "applications": ("application",), "devices": ("device",),
    "contacts": ("orgContact",), "administrativeunits": ("administrativeUnit",),
    "claimsmappingpolicies": ("claimsMappingPolicy",), "homerealmdiscoverypolicies": ("homeRealmDiscoveryPolicy",),
    "tokenlifetimepolicies": ("tokenLifetimePolicy",), "tokenissuancepolicies": ("tokenIssuancePolicy",),
    "appmanagementpolicies": ("appManagementPolicy",), "connectorgroups": ("connectorGroup",),
    "connectors": ("connector",), "roledefinitions": ("unifiedRoleDefinition",),
}  # fmt: skip
MOST_BOUND = 20
POLICIES = tuple(tables[0] for name, tables in COLLECTIONS.items() if name.endswith("policies"))


def resolve(write: Write, reference: object) -> Record:
    """The living object that an absolute address names; 400 for no address, 404 for no object."""
    if not isinstance(reference, str) or not reference.lower().startswith(("http://", "https://")):
        raise bad_request("Invalid URL format specified in the request: an absolute address of an object is expected.")
    parts = [unquote(part) for part in urlsplit(reference).path.split("/") if part]
    for at, part in enumerate(parts):
        keyed = KEYED.match(part)
        name = (keyed.group(1) if keyed else part).lower()
        if name not in COLLECTIONS:
            continue
        key = keyed.group(2) if keyed else parts[at + 1] if at + 1 < len(parts) else ""
        record = _find(write, COLLECTIONS[name], key)
        if record is None:
            raise not_found(key)
        return record
    # /policies/{id} without a collection between is accepted for policy links
    record = _find(write, POLICIES, parts[-1]) if parts else None
    if record is None:
        raise not_found(parts[-1] if parts else reference)
    return record


def _find(write: Write, tables: tuple[str, ...], key: str) -> Record | None:
    record = write.find(key, *tables)
    if record is None:
        record = next((found for each in tables if (found := write.held(each, key)) is not None), None)
    if record is None and "user" in tables and "@" in key:
        record = next(iter(write.store.find("user", "userPrincipalName", key)), None)
    return record


def single(write: Write) -> Record:
    """The object that a `$ref` body names."""
    body = write.request.json()
    if "@odata.id" not in body:
        raise bad_request("A reference needs '@odata.id'.")
    return resolve(write, body["@odata.id"])


def bound(write: Write, body: Body, name: str) -> list[Record]:
    """The objects of `name@odata.bind`: at most 20, each once, all there."""
    said = body.get(f"{name}@odata.bind")
    if said is None:
        return []
    if not isinstance(said, list):
        raise refusals.invalid_value(f"{name}@odata.bind", write.target.type)
    if len(said) > MOST_BOUND:
        raise bad_request(f"The number of references in '{name}@odata.bind' exceeds the limit of {MOST_BOUND}.")
    found = [resolve(write, each) for each in said]
    if len({each.key for each in found}) != len(found):
        raise refusals.duplicate_values()
    return found
