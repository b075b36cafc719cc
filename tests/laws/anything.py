"""Any change that Microsoft Graph lets an administrator make, over every row of the catalog: made through the simulator's
own interface, so that only what Graph allows ever happens, with everything that follows from it.

What the rows say is taken at its word (paths, keys, requests of links, recycle bins); what Graph refuses is passed over.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from local.simulator import Simulator
from shared.catalog import OBJECT_TYPES
from shared.catalog.row import Link, ObjectType

type Json = dict[str, Any]

TRIES = 60
"""Refusals in a row after which nothing is left that could be changed."""

SPARED = frozenset({"recoverySnapshot", "recoveryJob"})
"""Microsoft's own recovery has a law of its own."""

TEXTS = ("displayName", "description", "notes", "department", "jobTitle", "city", "name", "reason", "signInPageText")


@dataclass
class Anything:
    """An administrator who does anything."""

    graph: httpx.AsyncClient
    simulator: Simulator
    chance: random.Random
    made: Counter[str] = field(default_factory=Counter)

    async def change(self, times: int) -> list[str]:
        """Make so many changes and say which."""
        done: list[str] = []
        refused = 0
        while len(done) < times and refused < TRIES:
            row = self.chance.choice([row for name, row in OBJECT_TYPES.items() if name not in SPARED])
            way = self.chance.choices(list(WAYS), weights=[weight for _, weight in WAYS.values()])[0]
            if await WAYS[way][0](self, row):
                done.append(f"{way} {row.name}")
                refused = 0
            else:
                refused += 1
        self.made.update(done)
        return done

    async def sent(self, method: str, path: str, body: Json | None = None) -> bool:
        """Whether Graph took it."""
        answer = await self.graph.request(method, path, json=body)
        assert answer.status_code < 500 or answer.status_code == 501, answer.text
        return answer.status_code < 300

    async def some(self, row: ObjectType) -> tuple[str, Json] | None:
        """An object of the type, with the address of its collection (or of itself, where there is one only)."""
        parent = ""
        if row.parent:
            above = await self.some(OBJECT_TYPES[row.parent])
            if above is None:
                return None
            parent = str(above[1][OBJECT_TYPES[row.parent].key])
        address = f"/{row.version}{row.path.replace('{id}', parent)}"
        shown = await self.graph.get(address)
        if shown.status_code != 200:
            return None
        value = shown.json()
        if row.reading == "single" or row.one_per_parent:
            return address, value
        key = row.key
        found = [
            one for one in value.get("value", [])
            if key in one and one.get("appId") != self.simulator.client_id
            and row.odata_type in ("", one.get("@odata.type", row.odata_type))
        ]
        return (address, self.chance.choice(sorted(found, key=lambda one: str(one[key])))) if found else None

    def address(self, row: ObjectType, base: str, body: Json) -> str:
        """One object's own address."""
        return base if row.reading == "single" or row.one_per_parent else f"{base}/{body[row.key]}"

    def word(self) -> str:
        """Something that nothing is called yet."""
        return f"w{self.chance.getrandbits(40):010x}"


def _of_its_own(row: ObjectType) -> frozenset[str]:
    """What no write may say."""
    return frozenset({row.key, "id", *row.read_only, *row.immutable, *row.volatile, *row.secret, *dict(row.actions)})


async def update(one: Anything, row: ObjectType) -> bool:
    """Change a text or a switch."""
    found = None if row.not_updated or row.update else await one.some(row)
    if found is None:
        return False
    base, body = found
    texts = [name for name in TEXTS if isinstance(body.get(name), str) or (name in row.select and name in TEXTS)]
    switches = [name for name, value in body.items() if isinstance(value, bool)]
    allowed = [name for name in (*texts, *switches) if name not in _of_its_own(row)]
    if not allowed:
        return False
    name = one.chance.choice(allowed)
    value: Any = one.word() if name in texts else not body[name]
    kind = {"@odata.type": body["@odata.type"]} if "@odata.type" in body else {}
    return await one.sent("PATCH", one.address(row, base, body), {**kind, name: value})


async def create(one: Anything, row: ObjectType) -> bool:
    """Make another one like one that is there."""
    found = None if row.create or row.reading == "single" else await one.some(row)
    if found is None:
        return False
    base, body = found
    left_out = {row.key, "id", "createdDateTime", *row.read_only, *row.volatile, *row.secret} - {*row.create_required}
    like = {
        name: value for name, value in body.items()
        if name not in left_out and value not in (None, [], {}) and ("@" not in name or name == "@odata.type")
    }
    for name in {*TEXTS, *row.unique} & like.keys():
        if isinstance(like[name], str) and name not in ("appId", "tenantId", "templateId"):
            like[name] = one.word() if name != "userPrincipalName" else f"{one.word()}@{like[name].partition('@')[2]}"
    if row.name in SHORT:
        like = SHORT[row.name](one, like)
    return await one.sent("POST", base, like)


SHORT: dict[str, Callable[[Anything, Json], Json]] = {
    "user": lambda one, like: {
        "displayName": one.word(), "mailNickname": one.word(), "accountEnabled": True, "department": one.word(),
        "userPrincipalName": like["userPrincipalName"], "passwordProfile": {"password": "Aa1!" + one.word()},
    },
    "group": lambda one, _: {
        "displayName": one.word(), "mailNickname": one.word(), "mailEnabled": False, "securityEnabled": True,
    },
    "application": lambda one, _: {"displayName": one.word(), "notes": one.word()},
}
"""Where what is there says more than a new one may."""


async def delete(one: Anything, row: ObjectType) -> bool:
    """Delete one, softly where there is a bin."""
    found = None if row.not_deleted or row.delete or row.reading == "single" else await one.some(row)
    return found is not None and await one.sent("DELETE", one.address(row, *found))


async def from_the_bin(one: Anything, row: ObjectType) -> bool:
    """Bring one back, or end it."""
    bin_ = row.recycle_bin
    if bin_ is None:
        return False
    shown = await one.graph.get(f"/{bin_.version}{bin_.path}")
    listed = shown.json().get("value", ()) if shown.status_code == 200 else ()
    waiting = sorted(str(each[row.key]) for each in listed)
    if not waiting:
        return False
    which = one.chance.choice(waiting)
    if one.chance.random() < 0.5:
        base = f"/{bin_.version}/directory/deletedItems" if "microsoft.graph" in bin_.path else f"/{bin_.version}{bin_.path}"
        return await one.sent("DELETE", f"{base}/{which}")
    method, _, path = bin_.restore.partition(" ")
    return await one.sent(method, f"/{bin_.version}{path.replace('{id}', which)}", {})


async def link(one: Anything, row: ObjectType) -> bool:
    """Add or take away a link, by the requests that the row names."""
    links = [each for each in row.links if each.add]
    if not links:
        return False
    chosen = one.chance.choice(links)
    target_row = OBJECT_TYPES[one.chance.choice(chosen.targets or ("user",))]
    source, target = await one.some(row), await one.some(target_row)
    if source is None or target is None:
        return False
    template = chosen.remove if chosen.remove and one.chance.random() < 0.4 else chosen.add
    if template == chosen.remove:
        linked = await _linked(one, row, chosen, source[1])
        if linked is None:
            return False
        target_row, target = linked
    words = {
        "{id}": str(source[1][row.key]), "{target}": str(target[1][target_row.key]),
        "{targetCollection}": target_row.path, "{root}": f"{one.simulator.url}/v1.0",
        "{odataType}": str(source[1].get("@odata.type", "")).removeprefix("#"),
    }

    def filled(text: str) -> str:
        for name, value in words.items():
            text = text.replace(name, value)
        return text

    method, _, path = template.partition(" ")
    body = None if method == "DELETE" else {name: filled(value) for name, value in chosen.add_body}
    return await one.sent(method, f"/{chosen.version if chosen.version == 'beta' else row.version}{filled(path)}", body)


async def _linked(
    one: Anything, row: ObjectType, chosen: Link, source: Json
) -> tuple[ObjectType, tuple[str, Json]] | None:
    """Something that the link points to."""
    path = (chosen.path or f"{row.path}/{{id}}/{chosen.name}").replace("{id}", str(source[row.key]))
    shown = await one.graph.get(f"/{row.version}{path}")
    if shown.status_code != 200:
        return None
    value = shown.json()
    ends = sorted(value.get("value", [value]), key=lambda each: str(each["id"]))
    if not ends:
        return None
    end = one.chance.choice(ends)
    kind = str(end.get("@odata.type", "")).removeprefix("#microsoft.graph.")
    return OBJECT_TYPES.get(kind, OBJECT_TYPES["user"]), ("", end)


type Way = Callable[[Anything, ObjectType], Awaitable[bool]]

WAYS: dict[str, tuple[Way, float]] = {
    "update": (update, 4), "create": (create, 2), "delete": (delete, 1), "bin": (from_the_bin, 2), "link": (link, 4),
}


@asynccontextmanager
async def anything(simulator: Simulator, chance: random.Random) -> AsyncIterator[Anything]:
    """The tenant under an administrator's hands."""
    async with httpx.AsyncClient(base_url=simulator.url, timeout=30, trust_env=False) as graph:
        granted = await graph.post(f"/{simulator.tenant_id}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": simulator.client_id,
            "client_secret": simulator.client_secret, "scope": f"{simulator.url}/.default",
        })
        graph.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        yield Anything(graph, simulator, chance)
