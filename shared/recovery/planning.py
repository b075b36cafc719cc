"""From a request to a stored plan: read both states, plan, look at what is unsafe, store it under its hash. Changes
nothing in the tenant; safe to repeat.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from shared.catalog import OBJECT_TYPES, permissions
from shared.catalog.row import Link, ObjectType
from shared.deployment import Deployment
from shared.entra.listing import Asking, pages, with_query
from shared.entra.transport import Graph
from shared.errors import EntraError, NotRestorable
from shared.records.identity_map import KnownIdentities
from shared.recovery.asked import UNKNOWN, AskedFor, asked_for, known_to, unknown_to
from shared.recovery.assignable import not_assignable
from shared.recovery.chosen import Chosen
from shared.recovery.connector_groups import ConnectorGroups
from shared.recovery.everything import changed_since
from shared.recovery.fixups import Circumstances
from shared.recovery.from_report import NOT_REPORTED
from shared.recovery.gallery import template
from shared.recovery.guarded import with_an_administrator_left
from shared.recovery.linked import Named, dependents, links_to, referring
from shared.recovery.new_credentials import Asked
from shared.recovery.not_read import parts_not_held, types_not_held, types_not_shown
from shared.recovery.one_name import by_one_name, other_names
from shared.recovery.options import RestoreOptions, RestoreRequest
from shared.recovery.order import ordered
from shared.recovery.plan import Finding, NotRestored, Operation
from shared.recovery.planner import InboundLink, Key, Planner, Situation, creates
from shared.recovery.protection import administrators_now, protected_objects, safety_facts
from shared.recovery.reading import PresentReader, read_wanted, reading_of, still_live
from shared.recovery.relink import Ids
from shared.recovery.requirements import read_standing, unmet
from shared.recovery.safety import findings
from shared.recovery.scope import Scope
from shared.recovery.scope import planned as scope_of
from shared.recovery.seats import Sku
from shared.recovery.state import Present, Wanted, display_name
from shared.recovery.store import PlanIndex, RestoreStore
from shared.repository.restore_point import RestorePoint

MOST_OBJECTS = 100_000
"""A plan is made in one activity, in memory: so many objects that differ fit into an instance (docs/recovery.md)."""


class Planning:
    """Makes the plan of one restore."""

    def __init__(
        self, opened: Deployment, graph: Graph, tenant_id: str, point: RestorePoint, request: RestoreRequest, *,
        scoped: bool = False,
    ) -> None:
        self._opened, self._graph, self._tenant_id, self._point = opened, graph, tenant_id, point
        self._options: RestoreOptions = request.options
        self._known = KnownIdentities({}, {})
        self._unread: dict[str, str] = {}
        """Types that the tenant did not show, and why."""
        self.scope: Scope | None = None
        """What the plan may write, once it is made, if asked for; None where the restore must run alone."""
        self._scoped = scoped

    async def run(self, chosen: Chosen, store: RestoreStore) -> PlanIndex:
        """The stored plan."""
        records = self._opened.records
        settings = (await records.tenants.settings(self._tenant_id)).settings
        known = await records.identity_map.resolved(self._tenant_id)
        ids = Ids(known.objects, known.applications)
        reading = await reading_of(self._graph, settings.options)
        reader = PresentReader(self._graph, reading, ids)

        self._known = known
        asked = await self._chosen(chosen, known, reader)
        situation = await self._situation(asked, reader, ids, chosen)
        administrators = await administrators_now(self._graph)
        protected = await protected_objects(
            self._graph, self._opened.settings, settings.break_glass_ids, administrators.enabled
        )
        situation = replace(
            situation, protected=protected, skus=await self._skus(situation.wanted.values()),
            at=Circumstances(
                records.clock(), self._tenant_id, await self._federated(creates(situation)),
                Asked.by(self._options, self._opened.settings.cloud),
                await self._gallery(creates(situation), situation.wanted),
            ),
            connector_groups=await self._connector_groups(situation.wanted.values()),
        )
        planner = Planner(situation)
        operations, left = planner.run()
        operations, spared = with_an_administrator_left(operations, administrators)
        left += spared
        told = await self._not_read(chosen, situation, left)
        standing = await read_standing(
            self._graph, operations, self._opened.settings.restore_client_id or self._opened.settings.client_id
        )
        left += [
            NotRestored("", one, "", "", "it was made since, and newObjects says keep") for one in chosen.kept_new
        ]
        left += [NotRestored("", one, "", "", UNKNOWN) for one in asked.unknown]
        left += [NotRestored("", one, "", "", NOT_REPORTED) for one in chosen.unknown]
        facts = await safety_facts(
            self._graph, self._point, operations, settings.break_glass_ids, administrators.enabled
        )
        order = ordered(operations)
        self.scope = scope_of(operations, situation) if self._scoped else None
        wanted = sorted({one for each in operations for one in each.permission.split()})
        told += [*findings(operations, self._options, facts), *unmet(operations, standing), *planner.findings]
        return await store.put_plan(
            order, left, sorted(told, key=lambda one: (not one.blocks, one.code, one.message)),
            permissions.missing(wanted, reading.held or ()),
            backup_id=self._point.manifest.backup_id, options=self._options.model_dump(by_alias=True, mode="json"),
            now=records.clock(),
        )

    async def _not_read(
        self, chosen: Chosen, situation: Situation, left: list[NotRestored]
    ) -> list[Finding]:
        """Add what neither state shows to what is left."""
        made = {name for name, _ in creates(situation)}
        asked = chosen.types if chosen.types is not None else {name for name, _ in situation.wanted}
        not_held, told = types_not_held(self._point, sorted(asked), made)
        left += not_held
        left += await parts_not_held(self._opened.vault, self._point, situation.wanted.values())
        left += types_not_shown(self._unread)
        return told

    async def _connector_groups(self, wanted: Iterable[Wanted]) -> ConnectorGroups:
        """Those that there are with what they hold, where any are restored; none where they cannot be read."""
        root = self._graph.endpoints.graph
        if not any(one.object_type == "connectorGroup" for one in wanted):
            return ConnectorGroups(root)
        row = OBJECT_TYPES["connectorGroup"]
        by_name, names = {}, {}
        held: dict[str, dict[str, str]] = {"applications": {}, "members": {}}
        try:
            for group in [one async for one in self._listed(row.path)]:
                group_id = str(group.get("id"))
                by_name[str(group.get("name"))] = group_id
                for link, found in held.items():
                    async for one in self._listed(f"{row.path}/{group_id}/{link}"):
                        found[str(one.get("id"))] = group_id
                        names[str(one.get("id"))] = str(one.get("displayName") or one.get("machineName") or "")
        except EntraError:
            return ConnectorGroups(root)
        return ConnectorGroups(root, by_name, held["applications"], held["members"], names)

    async def _listed(self, path: str) -> AsyncIterator[Mapping[str, Any]]:
        async for page in pages(self._graph, path, Asking("connector groups", version="beta")):
            for one in page.values:
                yield one

    async def _federated(self, made: set[Key]) -> frozenset[str]:
        """The federated domains, where users are made anew; empty where they cannot be read."""
        if not any(name == "user" for name, _ in made):
            return frozenset()
        asking = Asking("domains of the tenant", permission="Domain.Read.All")
        try:
            return frozenset([
                str(one["id"]).casefold() async for page in pages(self._graph, "/domains", asking)
                for one in page.values if one.get("authenticationType") == "Federated"
            ])
        except EntraError:
            return frozenset()  # what needs an onPremisesImmutableId is refused when it is sent, and told then

    async def _gallery(self, made: set[Key], wanted: Mapping[Key, Wanted]) -> frozenset[str]:
        """The templates of applications to be made anew that the gallery still has, and may be read."""
        row = OBJECT_TYPES["application"]
        named = {template(row, wanted[key].body) for key in made if key[0] == "application"} - {""}
        found: set[str] = set()
        for one in sorted(named):
            path = f"/applicationTemplates/{quote(one, safe='')}?$select=id,displayName"
            try:
                await self._graph.get_json(path, asked="a template of the gallery", permission="Application.Read.All")
            except EntraError:
                continue  # it is made as a plain application, and a step says so
            found.add(one)
        return frozenset(found)

    async def _skus(self, wanted: Iterable[Wanted]) -> dict[str, Sku] | None:
        """The tenant's subscriptions, where users with licences are restored; None where they cannot be read."""
        if not any(one.object_type == "user" and one.body.get("assignedLicenses") for one in wanted):
            return None
        asking = Asking("licences of the tenant", permission="LicenseAssignment.Read.All")
        try:
            return {
                str(one["skuId"]): Sku.shown(one)
                async for page in pages(self._graph, "/subscribedSkus", asking) for one in page.values
            }
        except EntraError:
            return None  # nothing is known of seats: what has none is refused when it is sent, and told then

    def _bound(self, count: int) -> None:
        if count > MOST_OBJECTS:
            raise NotRestorable(
                f"{count} objects differ, and one restore takes at most {MOST_OBJECTS}.",
                remedy="Restore by types, or by up to 10,000 ids at a time.",
            )

    async def _chosen(
        self, chosen: Chosen, known: KnownIdentities, reader: PresentReader
    ) -> AskedFor:
        """The chosen objects of the restore point, and live ones that it does not know."""
        new = self._options.new_objects == "softDelete"
        if chosen.types is None:
            return await asked_for(self._point, chosen, known, reader, new=new)
        found = await changed_since(self._point, self._graph, reader.reading, chosen.types, reader.ids)
        self._unread = found.unread
        self._bound(len(found.differing) + len(found.new))
        wanted = await read_wanted(self._point, found.differing, [OBJECT_TYPES[name] for name in chosen.types])
        return AskedFor(wanted, found.new if new else [])

    async def _situation(
        self, asked: AskedFor, reader: PresentReader, ids: Ids, chosen: Chosen
    ) -> Situation:
        wanted: dict[Key, Wanted] = {(one.object_type, one.object_id): one for one in asked.wanted}
        links = self._options.links != "skip"
        present = await reader.read(wanted.values(), links=links)
        if chosen.touched is None or chosen.follows:
            await self._add_linked(wanted, present, reader)
            await self._add_dependents(wanted, present, reader)
        names = other_names(self._known, wanted.values())
        wanted = {key: by_one_name(one, names) for key, one in wanted.items()}
        situation = Situation(
            wanted, present, self._options, ids, tuple(asked.new), touched=chosen.touched, follows=chosen.follows
        )
        made = creates(situation)
        situation = replace(
            situation, gone=await self._gone(wanted, reader, ids),
            not_assignable=await not_assignable(wanted, made, reader),
        )
        if self._options.new_objects != "keep":
            situation = replace(situation, unknown_to_point=await self._unknown_targets(present.values()))
        if self._options.delete_existing_cloud_user:
            situation = replace(situation, replaced=await self._holding_names(wanted, made, reader))
        if chosen.touched is None or chosen.follows:
            situation = await self._with_references(situation, made, reader)
        return situation

    async def _add_linked(
        self, wanted: dict[Key, Wanted], present: dict[Key, Present], reader: PresentReader
    ) -> None:
        """With `linkedObjects: direct`: the missing objects that the chosen ones link to, and no further."""
        if self._options.linked_objects != "direct":
            return
        there = {(name, reader.ids.now(one)) for name, one in wanted}
        named = {
            target: kind for one in wanted.values() for targets in one.links.values()
            for target, kind in targets.items() if (kind, reader.ids.now(target)) not in there
        }
        gone = await self._missing(named, reader)
        if gone:
            more = await known_to(self._point, gone, self._known)
            states = await reader.read(more, links=self._options.links != "skip")
            for one in more:
                key = (one.object_type, one.object_id)
                wanted[key], present[key] = one, states[key]

    async def _missing(self, named: Mapping[str, str], reader: PresentReader) -> set[str]:
        now = {reader.ids.now(one): kind for one, kind in named.items()}
        gone = await still_live(self._graph, now, reader)
        return {one for one in named if reader.ids.now(one) in gone}

    async def _add_dependents(
        self, wanted: dict[Key, Wanted], present: dict[Key, Present], reader: PresentReader
    ) -> None:
        """What belongs to objects that come back (assignments, grants, credentials), again and again until no more."""
        fresh = [one for key, one in wanted.items() if present[key].liveness in ("absent", "softDeleted")]
        while fresh:
            more = {
                (one.object_type, one.object_id): one for one in await dependents(self._point, fresh, self._known)
                if (one.object_type, one.object_id) not in wanted
            }
            states = await reader.read(more.values(), links=self._options.links != "skip")
            wanted.update(more)
            present.update(states)
            fresh = [one for key, one in more.items() if states[key].liveness in ("absent", "softDeleted")]

    async def _gone(
        self, wanted: Mapping[Key, Wanted], reader: PresentReader, ids: Ids
    ) -> frozenset[str]:
        """Link targets (as they are named now) that are neither live nor come back with this restore."""
        coming = {one for name, one in wanted if not OBJECT_TYPES[name].one_per_parent}
        named = {
            ids.now(target): kind for one in wanted.values() for targets in one.links.values()
            for target, kind in targets.items() if target not in coming
        }
        return frozenset(await still_live(self._graph, named, reader)) if named else frozenset()

    async def _holding_names(
        self, wanted: Mapping[Key, Wanted], made: set[Key], reader: PresentReader
    ) -> tuple[Present, ...]:
        """Live users that hold the user principal names of those that are to be made anew."""
        asked = []
        for key in sorted(key for key in made if key[0] == "user"):
            upn = str(wanted[key].body.get("userPrincipalName", "")).replace("'", "''")
            path = with_query("/users", filter=f"userPrincipalName eq '{upn}'", select="id")
            shown = await self._graph.get_json(path, asked="who holds a user's name")
            asked += [Wanted("user", str(one["id"]), {}) for one in shown.get("value", ())]
        states = await reader.read(asked, links=False)
        return tuple(one for one in states.values() if one.liveness == "live")

    async def _unknown_targets(self, present: Iterable[Present]) -> frozenset[str]:
        """Targets of present links that the restore point does not know: objects made since."""
        named = {target for one in present for targets in one.links.values() for target in targets}
        return await unknown_to(self._point, named, self._known)

    async def _with_references(self, situation: Situation, made: set[Key], reader: PresentReader) -> Situation:
        """What refers to objects that get new ids: links and bodies of objects that were not chosen; and links of
        these to objects that are revived without them."""
        inbound = await self._inbound(situation, made, reader)
        if not made:
            return replace(situation, inbound=inbound)
        named = Named.of([situation.wanted[key] for key in sorted(made)], self._known)
        names = other_names(self._known, situation.wanted.values())
        others = [
            by_one_name(one, names) for one in await referring(self._point, named)
            if (one.object_type, one.object_id) not in situation.wanted
        ]
        states = await reader.read(others, links=False)
        pairs = tuple((one, states[one.object_type, one.object_id]) for one in others)
        return replace(situation, inbound=inbound, referring=pairs)

    async def _inbound(
        self, situation: Situation, made: set[Key], reader: PresentReader
    ) -> tuple[InboundLink, ...]:
        if self._options.links == "skip":
            return ()
        revived = [
            situation.wanted[key] for key, one in situation.present.items()
            if one.liveness == "softDeleted" and key not in made
        ]
        names = other_names(self._known, situation.wanted.values())
        anew = Named.of([situation.wanted[key] for key in made], self._known).ids
        back = Named.of(revived, self._known).ids
        types = {**back, **anew}
        found = [one async for one in links_to(self._point, set(anew))] if anew else []
        found += [one async for one in links_to(self._point, set(back), _lost_by(set(back.values())))]
        found = [one for one in found if (one.source_type, one.source_id) not in situation.wanted]
        sources = {(one.source_type, one.source_id): Wanted(one.source_type, one.source_id, {}) for one in found}
        states = await reader.read(sources.values(), links=False)
        return tuple(
            InboundLink(
                one.source_type, state.object_id, display_name(state.body), one.link, names.now(one.target_id),
                types[one.target_id], state.body,
            )
            for one in sorted(found, key=lambda each: (each.source_type, each.source_id, each.link, each.target_id))
            if (state := states[one.source_type, one.source_id]).liveness == "live"
        )


def _lost_by(types: set[str]) -> Callable[[Link], bool]:
    """Tells the links that revived objects of these types do not get back."""
    return lambda link: link.not_revived and not types.isdisjoint(link.targets)


def rows_of(operations: Iterable[Operation]) -> list[ObjectType]:
    """The rows that operations speak of."""
    return [OBJECT_TYPES[name] for name in sorted({one.object_type for one in operations})]
