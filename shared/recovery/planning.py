"""From a request to a stored plan: read both states, plan, look at what is unsafe, store it under its hash. Changes
nothing in the tenant; safe to repeat.

A plan is made in steps, each piece by piece, and may stop after any piece: where it goes on is its progress.

    compare     whole types with the tenant: which objects differ          (types only)
    read        both states of what was chosen, in parts of a few hundred objects
    linked      missing objects that the chosen ones link to               (linkedObjects: direct)
    dependents  what belongs to objects that come back, again and again until no more
    around      what links and assignments lead to: gone, unknown, barred; who holds the names of users to be made
    references  what refers to objects that get new ids
    plan        the operations of each part, by the pure planner
    store       all operations in their order, what is unsafe, the pages

Invariants: how parts are cut follows from what was chosen and not from time, so the same states make the same plan in
however many slices; of all objects together only their bearings are in memory, else one part.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import numpy as np
import orjson

from shared.catalog import OBJECT_TYPES, permissions
from shared.catalog.row import ObjectType
from shared.deployment import Deployment
from shared.entra.transport import Graph
from shared.errors import EntraError, Missing, NotRestorable
from shared.records.times import as_text, as_time
from shared.recovery.asked import UNKNOWN, AskedFor, asked_for, known_to, unknown_to
from shared.recovery.assignable import not_assignable
from shared.recovery.bearings import Bearings, Key
from shared.recovery.chosen import Chosen
from shared.recovery.draft import Draft, parts_of, situation_as_json
from shared.recovery.everything import TypeComparison
from shared.recovery.fixups import Circumstances
from shared.recovery.from_report import NOT_REPORTED
from shared.recovery.guarded import from_the_last_administrator
from shared.recovery.linked import Named, dependents, holding, links_to, referring
from shared.recovery.names import held_names, holders, in_words
from shared.recovery.new_credentials import Asked
from shared.recovery.not_read import PartsNotHeld, types_not_held, types_not_shown
from shared.recovery.one_name import by_one_name
from shared.recovery.options import RestoreOptions, RestoreRequest
from shared.recovery.order import Ordering, Sorting
from shared.recovery.plan import Finding, NotRestored, Operation
from shared.recovery.planner import InboundLink, Planner, Situation
from shared.recovery.protection import safety_facts
from shared.recovery.reading import Bins, PresentReader, read_wanted, reading_of, restored_rows, still_live
from shared.recovery.relink import Ids
from shared.recovery.requirements import read_standing, unmet
from shared.recovery.safety import findings
from shared.recovery.scope import MOST_HELD, Scope
from shared.recovery.scope import planned as scope_of
from shared.recovery.seats import Seats
from shared.recovery.state import Json, Present, Wanted, display_name
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.surroundings import Surroundings, read_surroundings
from shared.repository.records import LinkRecord
from shared.repository.restore_point import RestorePoint
from shared.repository.view import TypeView, Winners

MOST_OBJECTS = 400_000
"""What stays in memory of each object, its id and of one that is gone what decides on it, fits into an instance for so
many (docs/recovery.md)."""

PART, NARROW_PART = 500, 100
"""Objects read together; fewer where Graph takes one request a second."""
PART_LINKS = 50_000
"""Links of the objects of a part, so that large groups do not come together."""
ASKED_TOGETHER = 5_000
"""Ids that are looked up in the restore point together, since each look opens what lies around it."""
INBOUND_LINKS, INBOUND_SOURCES = 2_000, 500
"""Links to objects made anew that are planned together, and the objects that have them."""
STORED_AT_ONCE = 50_000
"""A plan of more objects is put into its order and stored by a slice of its own."""
STORING: Json = {"storing": True}
STEPS = (
    "Comparing with the tenant", "Reading both states of what differs", "Looking for missing objects that are linked",
    "Looking for what hangs on objects that come back", "Looking at what the plan meets in the tenant",
    "Looking for references to new ids", "Planning the operations", "Putting the operations into their order",
)
"""What a person reads of each step of `Planning.run`, and of storing the plan."""
BY_TYPE, BY_PART = (0, 1), (4, 6)
"""Steps that go type by type, or part by part."""
REMEMBERED = 200_000
"""Link targets of which a slice remembers whether they are there."""

type Pieces = AsyncGenerator[None]


@dataclass(slots=True)
class Progress:
    """How far a plan has come."""

    now: str
    """When it was begun: what a plan says of time it says of this one."""
    step: int = 0
    at: Json = field(default_factory=dict)
    """Where the step goes on."""
    parts: int = 0
    differing: dict[str, str] = field(default_factory=dict)
    """Type → keys of objects that differ, as base64."""
    unread: dict[str, str] = field(default_factory=dict)
    """Types that the tenant did not show, and why."""
    unknown: list[str] = field(default_factory=list)
    """Chosen ids that neither the restore point nor, where it is asked, the tenant knows."""
    bearings: Bearings = field(default_factory=Bearings)
    around: list[int] = field(default_factory=list)
    """Parts of which something lies around: a link target that is gone or unknown, a group that takes no application,
    the holder of a name."""
    surroundings: Surroundings | None = None
    taken: dict[str, int] | None = None
    short: dict[str, int] = field(default_factory=dict)
    """Seats of licences that the parts so far take, and lack."""
    held: list[str] = field(default_factory=list)
    """Names of users who come back that others hold, each in words."""

    def as_json(self) -> Json:
        """As one slice hands it to the next."""
        return {
            "now": self.now, "step": self.step, "at": self.at, "parts": self.parts, "differing": self.differing,
            "unread": self.unread, "unknown": self.unknown, "bearings": self.bearings.as_json(), "taken": self.taken,
            "short": self.short, "around": self.around, "held": self.held,
            "surroundings": self.surroundings.as_json() if self.surroundings else None,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Progress":
        """The inverse."""
        around = value["surroundings"]
        return Progress(
            value["now"], value["step"], value["at"], value["parts"], value["differing"], value["unread"],
            value["unknown"], Bearings.from_json(value["bearings"]), value["around"],
            Surroundings.from_json(around) if around else None, value["taken"], value["short"], value["held"],
        )


class Planning:
    """Makes the plan of one restore, slice by slice."""

    def __init__(
        self, opened: Deployment, graph: Graph, tenant_id: str, point: RestorePoint, request: RestoreRequest, *,
        scoped: bool = False,
    ) -> None:
        self._opened, self._graph, self._tenant_id, self._point = opened, graph, tenant_id, point
        self._options: RestoreOptions = request.options
        self.scope: Scope | None = None
        """What the plan may write, once it is made, if asked for; None where the restore must run alone."""
        self._scoped = scoped
        self._progress = Progress("")
        self._types = 0
        self._made: dict[Key, str] | None = None
        self._one_name: Ids | None = None
        self._there: dict[str, bool] = {}
        self._nothing: NotRestorable | None = None

    @property
    def objects(self) -> int:
        """How many objects were read so far."""
        return sum(map(len, self._progress.bearings.ids.values()))

    @property
    def words(self) -> str:
        """What is under way, in one line."""
        at, step = self._progress.at, min(self._progress.step, len(STEPS) - 1)
        line = STEPS[step]
        if step in BY_TYPE and self._types:
            line += f": {min(at.get('type', 0) + 1, self._types)} of {self._types} types"
        elif step in BY_PART:
            line += f": {at.get('part', 0)} of {self._progress.parts} parts"
        return f"{line}."

    async def run(
        self, chosen: Chosen, store: RestoreStore, *, number: int = 0, until: float = float("inf")
    ) -> PlanIndex | None:
        """The stored plan, or None where the next slice goes on: slice `number`, to about `until` of `monotonic()`."""
        records = self._opened.records
        self._chose, self._store, self._until = chosen, store, until
        self._types = len(chosen.types or ())
        self._draft = Draft(self._opened.workspace, store.prefix)
        self._settings = (await records.tenants.settings(self._tenant_id)).settings
        self._known = await records.identity_map.resolved(self._tenant_id)
        ids = Ids(self._known.objects, self._known.applications)
        reading = await reading_of(self._graph, self._settings.options)
        self._reader = PresentReader(self._graph, reading, ids, Bins())
        self._progress = (
            Progress.from_json(await self._draft.get("progress", number)) if number
            else Progress(as_text(records.clock()))
        )
        steps: tuple[Callable[[], Pieces], ...] = (
            self._compare, self._read, self._linked, self._dependents, self._around, self._references, self._plan,
        )
        while self._progress.step < len(steps):
            async with aclosing(steps[self._progress.step]()) as pieces:
                async for _ in pieces:
                    if monotonic() >= until:
                        await self._hand_on(number)
                        return None
            self._progress.step, self._progress.at = self._progress.step + 1, {}
        if self.objects > STORED_AT_ONCE and self._progress.at != STORING:  # that takes a slice of its own
            self._progress.at = STORING
            await self._hand_on(number)
            return None
        return await self._stored()

    async def _hand_on(self, number: int) -> None:
        """Keep all that the next slice goes on from."""
        await self._draft.put("progress", number + 1, self._progress.as_json())
        await self._draft.save()

    # -- what was chosen ----------------------------------------------------------------------------------------

    async def _compare(self) -> Pieces:
        """Whole types with the tenant, one after the other."""
        names, at = self._chose.types or (), self._progress.at
        soft_delete = self._options.new_objects == "softDelete"
        for place in range(at.get("type", 0), len(names)):
            name, row = names[place], OBJECT_TYPES[names[place]]
            view = self._view(row)
            if view is None or row.reference_only:
                continue
            comparison = await TypeComparison.begun(view, row, self._reader.ids, new=soft_delete)
            if cursor := at.pop("cursor", ""):
                text = await self._opened.cipher.decrypt(cursor, tenant_id=self._tenant_id, purpose="cursor")
                comparison.resumed(await self._draft.get("comparing", 0), orjson.loads(text))
            try:
                while not await comparison.run(self._graph, self._reader.reading, self._graph_until()):
                    await self._draft.put("comparing", 0, comparison.as_json())
                    cursor = await self._opened.cipher.encrypt(
                        orjson.dumps(comparison.cursor).decode(), tenant_id=self._tenant_id, purpose="cursor"
                    )
                    self._progress.at = {"type": place, "cursor": cursor}
                    yield
            except EntraError as error:
                self._progress.unread[name] = str(error)
            else:
                self._progress.differing[name] = b64encode(comparison.differing()).decode()
                await self._take_new(comparison.unknown())
                self._bound(sum(len(one) * 3 // 4 // 16 for one in self._progress.differing.values()))
            self._progress.at = {"type": place + 1}
            yield

    async def _read(self) -> Pieces:
        """Both states of what was chosen."""
        if self._chose.types is None:
            async with aclosing(self._read_ids()) as pieces:
                async for _ in pieces:
                    yield
            return
        at = self._progress.at
        for place in range(at.get("type", 0), len(self._chose.types)):
            row = OBJECT_TYPES[self._chose.types[place]]
            keys = b64decode(self._progress.differing.get(row.name, ""))
            view = self._view(row)
            if not keys or view is None:
                continue
            winners = await view.winners_of("objects", {keys[at_ : at_ + 16] for at_ in range(0, len(keys), 16)})
            parts = await _cut(view, row, winners)
            for number in range(at.pop("part", 0), len(parts)):
                records = await view.read_objects(parts[number])
                links = await view.links_of([one.object_id for one in records]) if row.links else {}
                await self._take([
                    Wanted(row.name, one.object_id, one.body, _by_name(links.get(one.object_id, ())))
                    for one in records
                ])
                self._progress.at = {"type": place, "part": number + 1}
                yield
            self._progress.at = {"type": place + 1}

    async def _read_ids(self) -> Pieces:
        """The same for ids, `ASKED_TOGETHER` at a time."""
        ids, new, at = sorted(self._chose.object_ids), sorted(self._chose.new), self._progress.at
        self._bound(len(ids) + len(new))
        first, done = at.get("first", 0), at.get("done", 0)
        while first < max(1, len(ids), len(new)):
            together = slice(first, first + ASKED_TOGETHER)
            asked = await self._chosen(frozenset(ids[together]), tuple(new[together]))
            parts = _parted(asked.wanted)
            for number in range(done, len(parts)):
                await self._take(parts[number])
                self._progress.at = {"first": first, "done": number + 1}
                yield
            await self._take_new(asked.new)
            self._progress.unknown += asked.unknown
            first, done = first + ASKED_TOGETHER, 0
            self._progress.at = {"first": first}
            yield
        if self._nothing is not None and not self._progress.parts:
            raise self._nothing

    async def _chosen(self, ids: Collection[str], new: tuple[Key, ...]) -> AskedFor:
        """Some of the chosen objects in the restore point, and live ones that it does not know."""
        chosen = self._chose
        touched = chosen.touched
        if self._narrow and touched is not None:
            touched = {key: what for key, what in touched.items() if key[1] in ids}
        try:
            some = replace(chosen, object_ids=tuple(sorted(ids)), touched=touched, new=new)
            return await asked_for(
                self._point, some, self._known, self._reader, new=self._options.new_objects == "softDelete"
            )
        except NotRestorable as nothing:
            self._nothing = nothing  # of all of them it is an error, of some it is not
            return AskedFor([], [], tuple(sorted(ids)))

    # -- what hangs on it, and what it hangs on -----------------------------------------------------------------

    async def _linked(self) -> Pieces:
        """With `linkedObjects: direct`: the missing objects that the chosen ones link to, and no further."""
        if self._options.linked_objects != "direct" or self._narrow:
            return
        last = self._progress.at.setdefault("last", self._progress.parts)
        for number in range(self._progress.at.get("part", 0), last):
            part = await self._part(number)
            named = {
                target: kind for one in part.wanted.values() for targets in one.links.values()
                for target, kind in targets.items() if not self._chose_by_any_id(kind, target)
            }
            ids = self._reader.ids
            gone = await still_live(self._graph, {ids.now(one): kind for one, kind in named.items()}, self._reader)
            missing = sorted(one for one in named if ids.now(one) in gone)
            more = await known_to(self._point, missing, self._known) if missing else []
            for some in _parted(more):
                await self._take(some)
            self._progress.at = {"last": last, "part": number + 1}
            yield

    async def _dependents(self) -> Pieces:
        """What belongs to objects that come back (assignments, grants, credentials), again and again until no more."""
        if self._narrow:
            return
        bearings, at = self._progress.bearings, self._progress.at
        first, last, begin = at.get("first", 0), at.get("last", len(bearings.away)), at.get("row", 0)
        while first < last:
            fresh = bearings.away[first:last]
            rows = holding(one.object_type for one in fresh)
            named = Named.of((one.named for one in fresh), self._known)
            for place in range(begin, len(rows)):
                row = rows[place]
                ids = [one for one in await dependents(self._point, row, named) if not bearings.holds(row.name, one)]
                for one in range(0, len(ids), PART):
                    for some in _parted(await read_wanted(self._point, ids[one : one + PART], [row])):
                        await self._take(some)
                    self._progress.at = {"first": first, "last": last, "row": place}
                    yield
                self._progress.at = {"first": first, "last": last, "row": place + 1}
                yield
            first, last, begin = last, len(bearings.away), 0
        self._bound(self.objects)

    async def _around(self) -> Pieces:
        """Of each part: link targets that are gone, those unknown to the restore point, holders of needed names."""
        for number in range(self._progress.at.get("part", 0), self._progress.parts):
            part = await self._part_by_one_name(number)
            gone = await self._gone(part) if self._options.links != "skip" else set()
            unknown = await self._unknown_targets(part) if self._options.new_objects != "keep" else set()
            replaced = await self._holding_names(part) if self._options.delete_existing_cloud_user else []
            barred = await not_assignable(
                [one for key, one in part.wanted.items() if key in self._all_made()], self._progress.bearings,
                self._reader,
            )
            self._progress.held += await self._names_held(
                part, {one.object_id for one in replaced} | self._progress.bearings.deleted
            )
            if gone or unknown or replaced or barred:
                await self._draft.put("around", number, {
                    "gone": sorted(gone), "unknown": sorted(unknown), "barred": sorted(barred),
                    "replaced": situation_as_json(self._situation(replaced=tuple(replaced))),
                })
                self._progress.around.append(number)
            self._progress.at["part"] = number + 1
            yield

    async def _gone(self, part: Situation) -> set[str]:
        """Targets of links to be made (as they are named now) that are neither live nor come back with this restore."""
        ids, named = self._reader.ids, dict[str, str]()
        for key, wanted in part.wanted.items():
            for link, targets in wanted.links.items():
                current = part.present[key].links.get(link, {})
                named |= {
                    now: kind for target, kind in targets.items()
                    if (now := ids.now(target)) not in current and not self._progress.bearings.are(target)
                }
        asked = {one: kind for one, kind in named.items() if one not in self._there}
        gone = await still_live(self._graph, asked, self._reader) if asked else set()
        if len(self._there) > REMEMBERED:
            self._there = {}
        self._there |= {one: one not in gone for one in asked}
        return {one for one in named if one in gone or not self._there.get(one, True)}

    async def _unknown_targets(self, part: Situation) -> frozenset[str]:
        """Targets of present links that the restore point has neither as links nor as objects: objects made since."""
        named: set[str] = set()
        for key, wanted in part.wanted.items():
            for link, targets in part.present[key].links.items():
                had = {self._reader.ids.now(one) for one in wanted.links.get(link, ())}
                named |= {one for one in targets if one not in had}
        return await unknown_to(self._point, named, self._known) if named else frozenset()

    async def _holding_names(self, part: Situation) -> list[Present]:
        """Live users that hold the user principal names of those that are to be made anew."""
        made = [one for key, one in part.wanted.items() if key[0] == "user" and key in self._all_made()]
        ids = sorted({str(one["id"]) for _, one in await holders(self._graph, made, mail=False)})
        states = await self._reader.read([Wanted("user", one, {}) for one in ids], links=False)
        return [one for one in states.values() if one.liveness == "live"]

    async def _names_held(self, part: Situation, replaced: Collection[str]) -> list[str]:
        """Whose names others hold, of the users who come back; none where that is not shown."""
        row = OBJECT_TYPES["user"]
        back = [
            one for key, one in part.wanted.items()
            if key[0] == row.name and part.present[key].liveness in ("absent", "softDeleted")
            and not row.mastered_on_premises(one.body)
        ]
        try:
            held = await holders(self._graph, back, mail=True)
        except EntraError:
            return []
        return [in_words(user, one) for user, one in held if one.get("id") not in replaced]

    async def _references(self) -> Pieces:
        """What refers to objects that get new ids: links and bodies of objects that were not chosen; and links of
        these to objects that are revived without them."""
        made, at, rows = self._all_made(), self._progress.at, restored_rows()
        if self._narrow:
            return
        away = self._progress.bearings.away
        named = Named.of((one.named for one in away if one.key in made), self._known)
        back = Named.of((one.named for one in away if one.soft and one.key not in made), self._known)
        anew, revived, types = named.ids, back.ids, {**back.ids, **named.ids}
        for place in range(at.get("row", 0), len(rows)):
            done = at.pop("links", 0)
            if self._options.links != "skip" and "objects" not in at:
                async with aclosing(self._inbound(rows[place], anew, revived, done)) as blocks:
                    async for block in blocks:
                        done += len(block)
                        await self._take_inbound(block, types)
                        self._progress.at = at = {"row": place, "links": done}
                        yield
            row, held = rows[place], self._progress.bearings
            ids = await referring(self._point, row, named) if anew else []
            ids = [one for one in ids if not held.holds(row.name, one)]
            for first in range(at.pop("objects", 0), len(ids), PART):
                others = await read_wanted(self._point, ids[first : first + PART], [row])
                states = await self._reader.read(others, links=False)
                pairs = tuple(
                    (by_one_name(one, self._names()), states[one.object_type, one.object_id]) for one in others
                )
                await self._put(self._situation(referring=pairs))
                self._progress.at = at = {"row": place, "objects": first + PART}
                yield
            self._progress.at = at = {"row": place + 1}
            yield

    async def _inbound(
        self, row: ObjectType, anew: Mapping[str, str], revived: Mapping[str, str], done: int
    ) -> AsyncGenerator[list[LinkRecord]]:
        """Links of objects of the type that were not chosen to these, a block at a time, but for the first `done`."""
        block: list[LinkRecord] = []
        sources: set[str] = set()
        async with aclosing(self._lost(row, anew, revived)) as links:
            async for one in links:
                if self._progress.bearings.holds(one.source_type, one.source_id):
                    continue
                if done:
                    done -= 1
                    continue
                block.append(one)
                sources.add(one.source_id)
                if len(block) == INBOUND_LINKS or len(sources) == INBOUND_SOURCES:
                    yield block
                    block, sources = [], set()
        if block:
            yield block

    async def _lost(
        self, row: ObjectType, anew: Mapping[str, str], revived: Mapping[str, str]
    ) -> AsyncGenerator[LinkRecord]:
        """Every link of objects of the type that these come back without."""
        if anew:
            async for one in links_to(self._point, row, anew):
                yield one
        types = set(revived.values())
        if revived:
            async for one in links_to(
                self._point, row, revived, lambda link: link.not_revived and not types.isdisjoint(link.targets)
            ):
                yield one

    async def _take_inbound(self, links: list[LinkRecord], types: Mapping[str, str]) -> None:
        sources = {(one.source_type, one.source_id): Wanted(one.source_type, one.source_id, {}) for one in links}
        states = await self._reader.read(sources.values(), links=False)
        await self._put(self._situation(inbound=tuple(
            InboundLink(
                one.source_type, state.object_id, display_name(state.body), one.link,
                self._names().now(one.target_id), types[one.target_id], state.body,
            )
            for one in sorted(links, key=lambda each: (each.source_type, each.source_id, each.link, each.target_id))
            if (state := states[one.source_type, one.source_id]).liveness == "live"
        )))

    # -- the plan -----------------------------------------------------------------------------------------------

    async def _plan(self) -> Pieces:
        """The operations of each part, and what is left of it."""
        progress, made = self._progress, self._all_made()
        if progress.surroundings is None:
            progress.surroundings = await read_surroundings(
                self._graph, self._opened.settings, self._settings.break_glass_ids, progress.bearings, made
            )
        whole = self._situation()
        planner = Planner(whole, progress.bearings)
        if progress.taken is not None:
            planner.seats.taken, planner.seats.short = dict(progress.taken), dict(progress.short)
        not_held = PartsNotHeld(self._opened.vault, self._point, progress.bearings.ids)
        for number in range(progress.at.get("part", 0), progress.parts):
            part = await self._part_by_one_name(number)
            around = await self._draft.get("around", number) if number in progress.around else {}
            if around:
                part = replace(
                    part, gone=frozenset(around["gone"]), unknown_to_point=frozenset(around["unknown"]),
                    not_assignable=frozenset(around["barred"]),
                    replaced=parts_of(around["replaced"])["replaced"],
                )
            operations, left = planner.run(part)
            left = [*left, *await not_held.of(part.wanted.values())]
            await self._draft.put("operations", number, [one.as_json() for one in operations])
            await self._draft.put("left", number, [one.as_json() for one in left])
            progress.at, progress.taken, progress.short = (
                {"part": number + 1}, dict(planner.seats.taken), dict(planner.seats.short)
            )
            yield

    async def _stored(self) -> PlanIndex:
        """All operations in their order, with what a person should know of them."""
        progress, chosen = self._progress, self._chose
        around = progress.surroundings or Surroundings()
        client_id = self._opened.settings.restore_client_id or self._opened.settings.client_id
        with Ordering() as ordering:
            for number in range(progress.parts):
                ordering.put(Operation.from_json(one) for one in await self._draft.get("operations", number))
            spared, more = from_the_last_administrator(ordering, around.administrators)
            ordering.drop(spared)
            asked = chosen.types if chosen.types is not None else progress.bearings.ids
            not_held, told = types_not_held(self._point, sorted(asked), {name for name, _ in self._all_made()})
            more += [*not_held, *types_not_shown(progress.unread)]
            more += [
                NotRestored(*one, "", "", "it was made since, and newObjects says keep") for one in chosen.kept_new
            ]
            more += [NotRestored("", one, "", "", UNKNOWN) for one in progress.unknown]
            more += [NotRestored("", one, "", "", NOT_REPORTED) for one in chosen.unknown]
            standing = await read_standing(self._graph, ordering, client_id)
            facts = await safety_facts(
                self._graph, self._point, ordering, self._settings.break_glass_ids, around.administrators.enabled
            )
            seats = Seats(around.skus, short=progress.short)
            told += [*findings(ordering, self._options, facts), *unmet(ordering, standing), *seats.findings()]
            told += held_names(progress.held)
            wanted = sorted({one for each in ordering for one in each.permission.split()})
            self.scope = await self._planned_scope(ordering) if self._scoped else None
            return await self._store.put_plan(
                ordering, self._left(more), _sorted(told),
                permissions.missing(wanted, self._reader.reading.held or ()),
                backup_id=self._point.manifest.backup_id, options=self._options.model_dump(by_alias=True, mode="json"),
                now=self._opened.records.clock(),
            )

    async def _left(self, more: Iterable[NotRestored]) -> AsyncIterator[NotRestored]:
        """All that is left, of the parts and of the plan as a whole, in an order that knows nothing of parts."""
        with Sorting() as sorting:
            for number in range(self._progress.parts):
                sorting.put(await self._draft.get("left", number))
            sorting.put(one.as_json() for one in more)
            for one in sorting:
                yield NotRestored.from_json(one)

    async def _planned_scope(self, operations: Iterable[Operation]) -> Scope | None:
        if self.objects > MOST_HELD:
            return None
        wanted: dict[Key, Wanted] = {}
        for number in range(self._progress.parts):
            wanted |= (await self._part_by_one_name(number)).wanted
        return scope_of(operations, wanted, self._reader.ids)

    # -- within -------------------------------------------------------------------------------------------------

    @property
    def _narrow(self) -> bool:
        """Whether only what was chosen is planned, and nothing that hangs on it or refers to it."""
        return self._chose.touched is not None and not self._chose.follows

    def _all_made(self) -> dict[Key, str]:
        """What is made anew; only asked for when everything is read."""
        if self._made is None:
            self._progress.bearings.by_one_name(self._names())
            self._made = self._progress.bearings.made(self._options)
        return self._made

    def _names(self) -> Ids:
        """Other ids of chosen objects → the ones by which the plan has them; as `_all_made`."""
        if self._one_name is None:
            self._one_name = self._progress.bearings.names(self._known)
        return self._one_name

    def _chose_by_any_id(self, object_type: str, object_id: str) -> bool:
        return any(self._progress.bearings.holds(object_type, one) for one in self._known.all_of(object_id))

    def _at(self) -> Circumstances:
        around = self._progress.surroundings or Surroundings()
        return Circumstances(
            as_time(self._progress.now), self._tenant_id, around.federated,
            Asked.by(self._options, self._opened.settings.cloud), around.gallery,
        )

    def _situation(self, **part: Any) -> Situation:
        """A part of the plan, with what holds for all of it."""
        around = self._progress.surroundings or Surroundings()
        return Situation(
            part.pop("wanted", {}), part.pop("present", {}), self._options, self._reader.ids, **part,
            touched=self._chose.touched, follows=self._chose.follows, protected=around.protected, at=self._at(),
            connector_groups=around.connector_groups, skus=around.skus,
        )

    async def _part(self, number: int) -> Situation:
        return self._situation(**parts_of(await self._draft.get("part", number)))

    async def _part_by_one_name(self, number: int) -> Situation:
        """The part with all that its objects name under one name each; only when everything is read."""
        part, names = await self._part(number), self._names()
        return replace(part, wanted={key: by_one_name(one, names) for key, one in part.wanted.items()})

    async def _put(self, part: Situation) -> None:
        await self._draft.put("part", self._progress.parts, situation_as_json(part))
        self._progress.parts += 1

    async def _take(self, wanted: Iterable[Wanted]) -> None:
        """Read what these objects are now, and keep both states as a part."""
        bearings, at = self._progress.bearings, self._at()
        asked = {(one.object_type, one.object_id): one for one in wanted if not bearings.holds(
            one.object_type, one.object_id
        )}
        present = await self._reader.read(asked.values(), links=self._options.links != "skip")
        for key, one in asked.items():
            bearings.add(one, present[key], at)
            if self._options.new_objects == "softDelete":
                bearings.add_name(one, present[key])
        if asked:
            await self._put(self._situation(wanted=asked, present=present))

    async def _take_new(self, new: list[Present]) -> None:
        """Keep live objects that the restore point does not know, to be deleted."""
        self._progress.bearings.deleted.update(one.object_id for one in new if one.liveness == "live")
        for first in range(0, len(new), PART):
            await self._put(self._situation(new=tuple(new[first : first + PART])))

    def _view(self, row: ObjectType) -> TypeView | None:
        """What the restore point has of a type; None where it knows nothing of it."""
        try:
            view = self._point.view(row.name)
        except Missing:
            return None
        return view if view.layers else None

    def _graph_until(self) -> float:
        """The end of this slice, as a time of the session."""
        return self._graph.now() + min(3600.0, max(0.0, self._until - monotonic()))

    def _bound(self, count: int) -> None:
        if count > MOST_OBJECTS:
            raise NotRestorable(
                f"{count} objects differ, and one restore takes at most {MOST_OBJECTS}.",
                remedy="Restore by types, or by up to 10,000 ids at a time.",
            )


async def _cut(view: TypeView, row: ObjectType, winners: Winners) -> list[Winners]:
    """Objects of a type in the order in which they lie, in parts that are read together."""
    order = np.lexsort((winners.places(), winners.segments))
    lying = winners.only(order)
    keys = lying.keys()
    links: dict[bytes, int] = {}
    linking = await view.winners_of("links", set(keys)) if row.links else None
    for key in linking.keys() if linking is not None else ():
        links[key] = links.get(key, 0) + 1
    size = NARROW_PART if row.special_bucket else PART
    cuts, linked = [0], 0
    for place, key in enumerate(keys):
        linked += links.get(key, 0)
        if place > cuts[-1] and (place - cuts[-1] >= size or linked > PART_LINKS):
            cuts.append(place)
            linked = links.get(key, 0)
    return [
        lying.only(np.arange(first, last)) for first, last in zip(cuts, [*cuts[1:], len(keys)], strict=True)
        if first < last
    ]


def _parted(wanted: Iterable[Wanted]) -> list[list[Wanted]]:
    """The same of objects that were read already, whatever their types, in the order of type and id."""
    parts: list[list[Wanted]] = []
    linked = 0
    for one in sorted(wanted, key=lambda each: (each.object_type, each.object_id)):
        count = sum(map(len, one.links.values()))
        size = NARROW_PART if OBJECT_TYPES[one.object_type].special_bucket else PART
        linked += count
        if not parts or len(parts[-1]) >= size or linked > PART_LINKS:
            parts.append([])
            linked = count
        parts[-1].append(one)
    return parts


def _by_name(links: Iterable[LinkRecord]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in links:
        found.setdefault(one.link, {})[one.target_id] = one.target_type
    return found


def _sorted(told: Iterable[Finding]) -> list[Finding]:
    return sorted(told, key=lambda one: (not one.blocks, one.code, one.message))
