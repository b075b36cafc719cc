"""Delta: a full round, then what changed, told from the change log (Use delta query to track changes).

- A token is bound to a position S in the log. A full round pages over the living objects and ends with a deltaLink
  for the S at which it began; a later round tells every object that the log names after S, and ends at the E at which
  *it* began. Whatever changes meanwhile is told again next time, so replaying from any token gives the state.
- `$select` fixes properties and links for the life of the token: it travels inside it.
- Objects are told as they are now; links as the difference of the log between S and E. A group with many changed
  links goes on over the next pages, again under its id.
- Tokens live seven days on the tenant's clock.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.simulator import model
from local.simulator.access import permissions
from local.simulator.errors import GraphError, bad_request, unsupported_query
from local.simulator.http_types import Request, Response, json_response
from local.simulator.reads.tokens import pack, unpack
from local.simulator.reads.view import NEVER_SHOWN, USER_SINGLE, View, default_names, parse_select
from local.simulator.routing import Target
from local.simulator.schema import Schema
from local.simulator.store import Body, Change, Record, Store, changed_names

if TYPE_CHECKING:
    from local.simulator.tenant import Tenant

TOKEN_SECONDS = 7 * 86400
OBJECTS_A_PAGE = 200
LINKS_A_PAGE = 500
ROUNDS_HELD = 32

# Links that come inline without being selected, and those that do when selected (group: delta, user: delta,
# directoryRole: delta, administrativeUnit: delta). Other links are not tracked: unconfirmed, so not offered.
DEFAULT_LINKS = {"group": ("members",), "directoryRole": ("members",), "administrativeUnit": ("members",)}
SELECTED_LINKS = {"group": ("members", "owners"), "user": ("manager",), "directoryRole": ("members",),
                  "administrativeUnit": ("members",)}  # fmt: skip
# Not told by delta: held elsewhere, or not tracked (facts: SharePoint-held properties, custom security attributes).
UNTRACKED = USER_SINGLE | NEVER_SHOWN | {"customSecurityAttributes", "signInActivity", "passwordProfile"}


@dataclass(frozen=True, slots=True)
class Round:
    """One round of delta: from log position `since` (-1: everything) up to `until`, going on at `at`."""

    tables: tuple[str, ...]
    select: tuple[str, ...] | None
    since: int
    until: int
    at: int = 0
    link_at: int = 0
    ids: tuple[str, ...] = ()


def answer(tenant: Tenant, request: Request, target: Target) -> Response:
    """One page of a delta round."""
    store, schema = tenant.store, tenant.schemas[target.version]
    horizon = tenant.delta_horizon()
    query = request.query
    entity_set = target.entity_set
    if entity_set is None or target.version not in entity_set.delta:
        raise bad_request("Resource not found for the segment 'delta'.", "BadRequest")
    for option in ("$top", "$expand", "$orderby", "$search", "$count", "$skip"):
        if option in query:
            raise unsupported_query(f"The query option '{option}' is not supported by delta.")
    base = f"{request.root}/{target.version}/{entity_set.path}/delta"
    token = query.get("$deltatoken") or target.arguments.get("token")
    tables = model.DIRECTORY_TABLES if entity_set.type == "directoryObject" else (target.table,)
    if "$skiptoken" in query:
        round_ = _read_token(store, query["$skiptoken"], "skip", base)
    elif token and token.lower() != "latest":
        resumed = _read_token(store, token, "delta", base)
        round_ = Round(resumed.tables, resumed.select, resumed.until, max(resumed.until, horizon), ids=resumed.ids)
    else:
        # an empty delta token, as a reset's Location carries it, starts afresh too
        select = parse_select(query.get("$select"))
        ids = _ids(query.get("$filter"))
        if token:
            return _page(base, request, target, [], Round(tables, select, -1, horizon, ids=ids), None, store)
        round_ = Round(tables, select, -1, horizon, ids=ids)
    if round_.tables != tables:
        raise bad_request("The delta token belongs to another collection.")
    minimal = request.prefers("return=minimal") and round_.since >= 0
    teller = _Teller(tenant, schema, round_, minimal, request.prefers("include-unknown-enum-members"))
    told, following = teller.page()
    return _page(base, request, target, told, round_, following, store)


def _page(
    base: str, request: Request, target: Target, told: list[Body], round_: Round, following: tuple[int, int] | None,
    store: Store,
) -> Response:  # fmt: skip
    context = f"{request.root}/{target.version}/$metadata#{target.entity_set.path if target.entity_set else ''}"
    if round_.select:
        context += f"({','.join(round_.select)})"
    page: Body = {"@odata.context": f"{context}/$delta" if round_.since >= 0 else context}
    common = [list(round_.tables), list(round_.select) if round_.select else None]
    if following is not None:
        link = pack(["skip", *common, round_.since, round_.until, *following, list(round_.ids), store.clock.now()])
        page["@odata.nextLink"] = f"{base}?$skiptoken={link}"
    else:
        link = pack(["delta", *common, -1, round_.until, 0, 0, list(round_.ids), store.clock.now()])
        page["@odata.deltaLink"] = f"{base}?$deltatoken={link}"
    page["value"] = told
    return json_response(200, page)


def _read_token(store: Store, token: str, kind: str, base: str) -> Round:
    try:
        said, tables, select, since, until, at, link_at, ids, issued = unpack(token)
    except (GraphError, ValueError) as error:
        raise GraphError(400, "Request_BadRequest", "The delta token or skip token is not valid.") from error
    if said != kind:
        raise GraphError(400, "Request_BadRequest", "The delta token or skip token is not valid.")
    if store.clock.now() - issued >= TOKEN_SECONDS:
        raise GraphError(
            400, "syncStateNotFound", "The delta token is expired; a full synchronization is needed."
        )
    if until > store.seq or issued < store.delta_epoch:
        raise _reset(base)
    return Round(tuple(tables), tuple(select) if select else None, since, until, at, link_at, tuple(ids))


def _reset(base: str) -> GraphError:
    return GraphError(
        410, "resyncRequired", "Resync required. Replace any local items with the server's version.",
        {"location": f"{base}?$deltatoken="},
    )  # fmt: skip


def _ids(text: str | None) -> tuple[str, ...]:
    """The ids of `id eq 'a' or id eq 'b'`, the only filter that delta takes (at most 50)."""
    if text is None:
        return ()
    ids = []
    for part in text.split(" or "):
        name, _, value = part.strip().partition(" eq ")
        if name.strip().lower() != "id" or not value.strip().startswith("'"):
            raise unsupported_query("Delta supports $filter on id only.")
        ids.append(value.strip().strip("'").lower())
    if len(ids) > 50:
        raise bad_request("Too many ids in the filter; at most 50 are supported.")
    return tuple(ids)


class _Teller:
    """Tells one page of a round."""

    def __init__(self, tenant: Tenant, schema: Schema, round_: Round, minimal: bool, unknown: bool) -> None:
        self.tenant = tenant
        self.store = tenant.store
        self.schema = schema
        self.round = round_
        self.minimal = minimal
        self.view = View(schema, None, single=False, unknown_enum_members=unknown)
        self.links = {table: self._links(table) for table in round_.tables}
        self._names: dict[str, list[str]] = {}

    def page(self) -> tuple[list[Body], tuple[int, int] | None]:
        """The entries and where to go on, None at the end."""
        return self._everything() if self.round.since < 0 else self._changes()

    def _links(self, table: str) -> tuple[str, ...]:
        if self.round.select is None:
            return DEFAULT_LINKS.get(table, ())
        return tuple(name for name in SELECTED_LINKS.get(table, ()) if name in self.round.select)

    def _everything(self) -> tuple[list[Body], tuple[int, int] | None]:
        tables = [self.store.table(table).keys for table in self.round.tables]
        keys = tables[0] if len(tables) == 1 else [key for each in tables for key in each]
        at, link_at = self.round.at, self.round.link_at
        told: list[Body] = []
        links_left = LINKS_A_PAGE
        while at < len(keys):
            key = keys[at]
            record = self.store.get(key) if key else None
            if (
                record is None or (self.round.ids and record.key not in self.round.ids)
                or self.tenant.hidden(record)
            ):  # fmt: skip
                at, link_at = at + 1, 0
                continue
            if len(told) >= OBJECTS_A_PAGE or links_left <= 0:
                return told, (at, link_at)
            entry = self._entry(record.table, record.read())
            pairs = [] if self._veiled(record) else [(name, each) for name in self.links[record.table]
                     for each in self.store.link_set(name).targets(record.key)]  # fmt: skip
            part = pairs[link_at : link_at + links_left]
            for name, target in part:
                entry.setdefault(f"{name}@delta", []).append(self._link(target, removed=False))
            told.append(entry)
            links_left -= len(part)
            if link_at + len(part) < len(pairs):
                return told, (at, link_at + len(part))
            at, link_at = at + 1, 0
        return told, None

    def _changes(self) -> tuple[list[Body], tuple[int, int] | None]:
        touched = self._touched()
        keys = list(touched)
        at, link_at = self.round.at, self.round.link_at
        told: list[Body] = []
        links_left = LINKS_A_PAGE
        while at < len(keys):
            if len(told) >= OBJECTS_A_PAGE or links_left <= 0:
                return told, (at, link_at)
            key, changes = keys[at], touched[keys[at]]
            record = self.store.get(key)
            if record is None or self.tenant.hidden(record):
                soft = key in self.store.bin
                told.append({"id": key, "@removed": {"reason": "changed" if soft else "deleted"}})
                at, link_at = at + 1, 0
                continue
            entry = self._entry(record.table, record.read(), changes)
            pairs = [] if self._veiled(record) else self._link_changes(key, changes)
            part = pairs[link_at : link_at + links_left]
            for name, target, removed in part:
                entry.setdefault(f"{name}@delta", []).append(self._link(target, removed=removed))
            told.append(entry)
            links_left -= len(part)
            if link_at + len(part) < len(pairs):
                return told, (at, link_at + len(part))
            at, link_at = at + 1, 0
        return told, None

    def _touched(self) -> dict[str, list[Change]]:
        """What the log says of this round, by object: the same for each of its pages."""
        held = self.tenant.delta_rounds
        key = (self.round.tables, self.round.select, self.round.since, self.round.until, self.round.ids)
        touched = held.get(key)
        if touched is None:
            touched = {}
            for change in self._log():
                if change.in_delta and self._matters(change):
                    touched.setdefault(change.key, []).append(change)
            if len(held) > ROUNDS_HELD:
                held.clear()
            held[key] = touched
        return touched

    def _log(self) -> Iterator[Change]:
        if len(self.round.tables) == 1:
            log = self.store.table(self.round.tables[0]).log
        else:
            wanted = set(self.round.tables)
            log = [each for each in self.store.log if each.table in wanted]
        start = bisect_right(log, self.round.since, key=lambda change: change.seq)
        for at in range(start, len(log)):
            if log[at].seq > self.round.until:
                return
            if not self.round.ids or log[at].key in self.round.ids:
                yield log[at]

    def _matters(self, change: Change) -> bool:
        if change.kind in ("link", "unlink"):
            return change.name in self.links[change.table]
        if change.kind != "update":
            return True
        names = self._tracked(change.table)
        return any(name in names for name in changed_names(change))

    def _tracked(self, table: str) -> list[str]:
        found = self._names.get(table)
        if found is None:
            type_name = model.TABLE_TYPES.get(table, table)
            properties = self.schema.structural(type_name)
            if self.round.select is None:
                wanted = default_names(self.schema, type_name)
            else:
                known = {name for each in self.schema.family(type_name) for name in self.schema.structural(each)}
                wanted = [n for n in self.round.select if n in known or n.startswith("extension_")]
                if "id" in properties and "id" not in wanted:
                    wanted.insert(0, "id")
            found = self._names[table] = [name for name in wanted if name not in UNTRACKED]
        return found

    def _entry(self, table: str, body: Body, changes: list[Change] | None = None) -> Body:
        names = self._tracked(table)
        if self.minimal and changes is not None and all(c.kind in ("update", "link", "unlink") for c in changes):
            touched = {name for change in changes if change.kind == "update" for name in changed_names(change)}
            names = ["id", *(name for name in names if name in touched and name != "id")]
        # a property never set is absent, one that was cleared is null (Use delta query: representation)
        entry = {name: body[name] for name in names if name in body}
        if "@odata.type" in body:
            entry = {"@odata.type": body["@odata.type"], **entry}
        if "keyCredentials" in entry:
            entry["keyCredentials"] = [{**each, "key": None} for each in entry["keyCredentials"]]
        return entry

    def _veiled(self, record: Record) -> bool:
        """Whether the members are hidden from this caller (groups with hidden membership)."""
        return (
            record.table in ("group", "administrativeUnit") and self.tenant.caller is not None
            and record.read().get("visibility") == "HiddenMembership"
            and permissions.hidden_members(self.tenant.caller) is not None
        )  # fmt: skip

    def _link(self, key: str, *, removed: bool) -> Body:
        table = self._table_of(key)
        link: Body = {"@odata.type": f"#microsoft.graph.{table}", "id": key}
        if removed:
            link["@removed"] = {"reason": "deleted"}
        return link

    def _table_of(self, key: str) -> str:
        record = self.store.get(key)
        if record is not None:
            return model.type_of(record.table, record.read())
        entry = self.store.bin.get(key)
        if entry is not None:
            return model.type_of(entry.record.table, entry.record.read())
        return self.store.gone_tables.get(key, "directoryObject")

    def _link_changes(self, key: str, changes: list[Change]) -> list[tuple[str, str, bool]]:
        born = any(change.kind in ("create", "restore") for change in changes)
        names = self.links[changes[0].table]
        pairs: dict[tuple[str, str], bool] = {}
        if born:
            # told whole: whoever replays may have dropped it when it was removed
            for name in names:
                for target in self.store.link_set(name).targets(key):
                    pairs[name, target] = False
        for change in changes:
            if change.kind in ("link", "unlink"):
                pairs[change.name, change.target] = not self.store.link_set(change.name).has(key, change.target)
        return [(name, target, removed) for (name, target), removed in pairs.items()]
