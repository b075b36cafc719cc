"""What of the tenant a plan depends on beside the objects themselves, read once for a plan. Read-only."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared.catalog import OBJECT_TYPES
from shared.entra.listing import Asking, pages
from shared.entra.transport import Graph
from shared.errors import EntraError
from shared.recovery.bearings import Bearings, Key
from shared.recovery.connector_groups import ConnectorGroups
from shared.recovery.guarded import Administrators
from shared.recovery.protection import administrators_now, protected_objects
from shared.recovery.seats import Sku
from shared.recovery.state import Json
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """As they are when the plan is made."""

    administrators: Administrators = field(default_factory=Administrators)
    protected: Mapping[str, str] = field(default_factory=dict)
    """Id → why the object is never deleted, disabled or taken out of roles."""
    skus: Mapping[str, Sku] | None = None
    """The tenant's subscriptions, where users with licences are restored; None where they cannot be read."""
    federated: frozenset[str] = frozenset()
    """The federated domains, where users are made anew."""
    connector_groups: ConnectorGroups = field(default_factory=ConnectorGroups)
    """Those that there are with what they hold, where any are restored; none where they cannot be read."""

    gallery: frozenset[str] = frozenset()
    """The templates of applications to be made anew that the gallery still has, and may be read."""

    def as_json(self) -> Json:
        """As one slice hands it to the next."""
        groups = self.connector_groups
        return {
            "enabled": sorted(self.administrators.enabled),
            "through": {one: sorted(users) for one, users in self.administrators.through.items()},
            "protected": dict(self.protected), "federated": sorted(self.federated),
            "skus": None if self.skus is None else {
                one: [sku.name, sku.bought, sku.consumed] for one, sku in self.skus.items()
            },
            "connectorGroups": [
                groups.root, *map(dict, (groups.by_name, groups.applications, groups.connectors, groups.names))
            ], "gallery": sorted(self.gallery),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Surroundings":
        """The inverse."""
        through = {one: frozenset(users) for one, users in value["through"].items()}
        skus = None if value["skus"] is None else {one: Sku(*sku) for one, sku in value["skus"].items()}
        return Surroundings(
            Administrators(frozenset(value["enabled"]), through), value["protected"], skus,
            frozenset(value["federated"]), ConnectorGroups(*value["connectorGroups"]), frozenset(value["gallery"]),
        )


async def read_surroundings(
    graph: Graph, settings: Settings, break_glass_ids: Iterable[str], bearings: Bearings, made: Collection[Key]
) -> Surroundings:
    """Those of a plan for these objects."""
    administrators = await administrators_now(graph)
    protected = await protected_objects(graph, settings, break_glass_ids, administrators.enabled)
    return Surroundings(
        administrators, protected, await _skus(graph) if bearings.licensed else None,
        await _federated(graph) if any(name == "user" for name, _ in made) else frozenset(),
        await _connector_groups(graph) if bearings.ids.get("connectorGroup")
        else ConnectorGroups(graph.endpoints.graph),
        await _gallery(graph, {one.template for one in bearings.away if one.template and one.key in made}),
    )


async def _connector_groups(graph: Graph) -> ConnectorGroups:
    row = OBJECT_TYPES["connectorGroup"]
    by_name, names = {}, {}
    held: dict[str, dict[str, str]] = {"applications": {}, "members": {}}
    try:
        for group in [one async for one in _listed(graph, row.path)]:
            group_id = str(group.get("id"))
            by_name[str(group.get("name"))] = group_id
            for link, found in held.items():
                async for one in _listed(graph, f"{row.path}/{group_id}/{link}"):
                    found[str(one.get("id"))] = group_id
                    names[str(one.get("id"))] = str(one.get("displayName") or one.get("machineName") or "")
    except EntraError:
        return ConnectorGroups(graph.endpoints.graph)
    return ConnectorGroups(graph.endpoints.graph, by_name, held["applications"], held["members"], names)


async def _listed(graph: Graph, path: str) -> AsyncIterator[Mapping[str, Any]]:
    async for page in pages(graph, path, Asking("connector groups", version="beta")):
        for one in page.values:
            yield one


async def _federated(graph: Graph) -> frozenset[str]:
    asking = Asking("domains of the tenant", permission="Domain.Read.All")
    try:
        return frozenset([
            str(one["id"]).casefold() async for page in pages(graph, "/domains", asking)
            for one in page.values if one.get("authenticationType") == "Federated"
        ])
    except EntraError:
        return frozenset()  # what needs an onPremisesImmutableId is refused when it is sent, and told then


async def _gallery(graph: Graph, named: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for one in sorted(named):
        path = f"/applicationTemplates/{quote(one, safe='')}?$select=id,displayName"
        try:
            await graph.get_json(path, asked="a template of the gallery", permission="Application.Read.All")
        except EntraError:
            continue  # it is made as a plain application, and a step says so
        found.add(one)
    return frozenset(found)


async def _skus(graph: Graph) -> dict[str, Sku] | None:
    asking = Asking("licences of the tenant", permission="LicenseAssignment.Read.All")
    try:
        return {
            str(one["skuId"]): Sku.shown(one)
            async for page in pages(graph, "/subscribedSkus", asking) for one in page.values
        }
    except EntraError:
        return None  # nothing is known of seats: what has none is refused when it is sent, and told then
