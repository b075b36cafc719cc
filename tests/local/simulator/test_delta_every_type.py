"""Delta's law for each of the ten types: from any earlier token to the state, through faults, resets and expiries."""

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.simulator import model
from local.simulator.faults.rules import parse
from local.simulator.http_types import Request
from local.simulator.reads.delta import SELECTED_LINKS
from local.simulator.store import Record
from local.simulator.tenant import Tenant, new_tenant
from tests.local.simulator.test_delta import Follower, Replica

PATHS = {each.type: each.path for each in reversed(model.SETS) if "v1.0" in each.delta} | {
    "directoryObject": "directoryObjects"
}
CHANGED = {"oAuth2PermissionGrant": "scope"}
# What a tenant deletes softly; the rest goes for good.
SOFT = ("user", "group", "application", "servicePrincipal", "administrativeUnit")

OPERATION = st.tuples(
    st.sampled_from(["change", "change", "create", "delete", "restore", "purge", "link", "unlink", "dropTarget"]),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)
FAULT = st.sampled_from(
    [
        {"kind": "repeat", "probability": 0.5},
        {"kind": "status", "status": 503, "probability": 0.3},
        {"kind": "throttle", "probability": 0.3},
        {"kind": "cut", "probability": 0.3},
        {"kind": "truncate", "probability": 0.2},
        {"kind": "stale", "seconds": 3600, "probability": 0.4},
        {"kind": "deltaReset", "count": 1},
        {"kind": "deltaReset", "count": 1, "after": 1},
        {"kind": "deltaExpired", "count": 1},
    ]
)


class Restarting(Follower):
    """A client that begins again, knowing nothing, whenever its token is refused."""

    def follow(self, replica: Replica, link: str, start: str) -> str:
        for _ in range(200):
            request = Request(
                "GET", link.removeprefix("http://sim"), {"authorization": f"Bearer {self.token}"}, root="http://sim"
            )
            answer = self.app.answer(request)
            if ":cut" in answer.headers or ":truncate" in answer.headers or answer.status in (429, 503):
                continue
            page = orjson.loads(answer.body)
            if answer.status != 200:
                assert answer.status == 410 or page["error"]["code"] == "syncStateNotFound", page
                replica.objects.clear()
                replica.links.clear()
                link = start
                continue
            for entry in page["value"]:
                replica.take(entry)
            assert ("@odata.deltaLink" in page) != ("@odata.nextLink" in page)
            link = str(page.get("@odata.nextLink") or page["@odata.deltaLink"])
            if "@odata.deltaLink" in page:
                return link
        raise AssertionError("the round never ends")


def tables(type_name: str) -> tuple[str, ...]:
    return model.DIRECTORY_TABLES if type_name == "directoryObject" else (type_name,)


def living(tenant: Tenant, type_name: str) -> list[Record]:
    return [each for table in tables(type_name) for each in tenant.store.all(table)]


def perform(tenant: Tenant, type_name: str, what: str, one: int, two: int) -> None:
    store = tenant.store
    records = [each for each in living(tenant, type_name) if each.table != "organization"]
    binned = [key for key, each in store.bin.items() if each.record.table in tables(type_name)]
    record = records[one % len(records)] if records else None
    if what == "create":
        table = tables(type_name)[two % len(tables(type_name))]
        key = f"{one:08x}-0000-4000-8000-{two:012x}"
        if key not in store.records and key not in store.bin and table != "organization":
            store.create(table, {"id": key, CHANGED.get(type_name, "displayName"): f"New {one}"})
    elif what in ("restore", "purge") and binned:
        getattr(store, what)(binned[one % len(binned)])
    elif record is None:
        return
    elif what == "change":
        name = CHANGED.get(record.table, "displayName")
        store.update(record.key, record.read() | {name: f"Changed {two}"})
    elif what == "delete":
        store.delete(record.key, soft=record.table in SOFT and two % 3 != 0)
    elif what in ("link", "unlink", "dropTarget"):
        names = SELECTED_LINKS.get(record.table, ())
        users = [each.key for each in store.all("user") if each.key != record.key]
        if names and users:
            name, user = names[two % len(names)], users[two % len(users)]
            if what == "dropTarget" and type_name != "user":
                store.delete(user, soft=one % 2 == 0)
            elif what == "link":
                store.link(record.key, name, user)
            else:
                store.unlink(record.key, name, next(iter(store.link_set(name).targets(record.key)), user))


def truth(tenant: Tenant, type_name: str) -> tuple[dict[str, Any], dict[str, set[tuple[str, str]]]]:
    objects, links = {}, {}
    for record in living(tenant, type_name):
        name = CHANGED.get(type_name, "displayName")
        objects[record.key] = {each: value for each, value in record.read().items() if each in ("id", name)}
        names = SELECTED_LINKS.get(record.table, ()) if type_name != "directoryObject" else ()
        pairs = {(each, target) for each in names for target in tenant.store.link_set(each).targets(record.key)}
        if pairs:
            links[record.key] = pairs
    return objects, links


@pytest.mark.parametrize("type_name", PATHS)
def test_replaying_from_any_earlier_token_gives_the_state(type_name: str) -> None:
    links = ",".join(SELECTED_LINKS.get(type_name, ()))
    select = f"$select={CHANGED.get(type_name, 'displayName')}{',' if links else ''}{links}"
    start = f"/v1.0/{PATHS[type_name]}/delta?{select}"

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        steps=st.lists(st.lists(OPERATION, max_size=10), min_size=1, max_size=4), faults=st.lists(FAULT, max_size=2)
    )
    def law(steps: list[list[tuple[str, int, int]]], faults: list[dict[str, Any]]) -> None:
        tenant = new_tenant(25, 6, 1)
        tenant.throttle.set(1e6, {})
        follower, first = Restarting(tenant), Replica()
        tokens = [(follower.follow(first, start, start), first)]
        for step in steps:
            for what, one, two in step:
                perform(tenant, type_name, what, one, two)
            tenant.faults.rules = [parse(fault | {"path": "/delta"}) for fault in faults]
            link, known = tokens[-1]
            replica = known.copy()
            tokens.append((follower.follow(replica, link, start), replica))
            tenant.faults.rules = []
            for old, was_known in tokens:
                replayed = was_known.copy()
                follower.follow(replayed, old, start)
                assert (replayed.objects, {k: v for k, v in replayed.links.items() if v}) == truth(tenant, type_name)

    law()


def test_the_types_are_the_ten_of_the_published_schema() -> None:
    assert {*PATHS} == {"user", "group", "application", "servicePrincipal", "device", "administrativeUnit",
                        "directoryRole", "directoryObject", "oAuth2PermissionGrant", "orgContact"}  # fmt: skip
