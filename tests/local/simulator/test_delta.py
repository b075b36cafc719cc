"""Delta's law: replaying from any earlier token gives the state, whatever changed between, faults or not."""

from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.simulator.app import App
from local.simulator.faults.rules import parse
from local.simulator.http_types import Request
from local.simulator.tenant import Tenant, new_tenant

SELECT = "$select=displayName,mailNickname,members,owners"


class Replica:
    """What a client that follows delta knows."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.links: dict[str, set[tuple[str, str]]] = {}

    def copy(self) -> "Replica":
        made = Replica()
        made.objects = {key: dict(each) for key, each in self.objects.items()}
        made.links = {key: set(each) for key, each in self.links.items()}
        return made

    def take(self, entry: dict[str, Any]) -> None:
        key = entry["id"]
        if "@removed" in entry:
            self.objects.pop(key, None)
            self.links.pop(key, None)
            return
        known = self.objects.setdefault(key, {})
        known |= {name: value for name, value in entry.items() if "@" not in name}
        for name, changes in ((n.partition("@")[0], v) for n, v in entry.items() if n.endswith("@delta")):
            for change in changes:
                pair = (name, change["id"])
                held = self.links.setdefault(key, set())
                held.discard(pair) if "@removed" in change else held.add(pair)


class Follower:
    def __init__(self, tenant: Tenant) -> None:
        self.app = App(tenant)
        self.token = self.app.issuer.app_token(
            tenant.store.find("servicePrincipal", "appId", tenant.credentials.client_id)[0], "graph"
        )

    def get(self, target: str) -> dict[str, Any]:
        for _ in range(50):
            request = Request("GET", target.removeprefix("http://sim"), {"authorization": f"Bearer {self.token}"},
                              root="http://sim")
            answer = self.app.answer(request)
            if answer.status == 200 and ":cut" not in answer.headers:
                if answer.headers["content-type"].startswith("application/json"):
                    return orjson.loads(answer.body)  # type: ignore[no-any-return]
            else:
                assert answer.status in (429, 503) or ":cut" in answer.headers, answer.body
        raise AssertionError("the faults never end")

    def round(self, replica: Replica, link: str) -> str:
        while True:
            page = self.get(link)
            for entry in page["value"]:
                replica.take(entry)
            if "@odata.deltaLink" in page:
                assert "@odata.nextLink" not in page
                return str(page["@odata.deltaLink"])
            link = str(page["@odata.nextLink"])


def truth(tenant: Tenant) -> tuple[dict[str, Any], dict[str, set[tuple[str, str]]]]:
    store = tenant.store
    names = ("displayName", "mailNickname", "id")
    objects = {r.key: {n: v for n, v in r.read().items() if n in names} for r in store.all("group")}
    links = {}
    for key in objects:
        pairs = {(name, target) for name in ("members", "owners") for target in store.link_set(name).targets(key)}
        if pairs:
            links[key] = pairs
    return objects, links


OPERATION = st.tuples(
    st.sampled_from(
        ["rename", "delete", "purge", "restore", "link", "unlink", "own", "create", "dropUser", "backUser"]
    ),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
)
FAULT = st.sampled_from(
    [
        {"kind": "repeat", "probability": 0.5},
        {"kind": "status", "status": 503, "probability": 0.3},
        {"kind": "throttle", "probability": 0.3},
        {"kind": "cut", "probability": 0.3},
        {"kind": "notJson", "probability": 0.2},
        {"kind": "change", "probability": 0.4},
        {"kind": "change", "change": "delete", "probability": 0.2},
        {"kind": "change", "change": "create", "probability": 0.2},
        {"kind": "stale", "seconds": 3600, "probability": 0.4},
    ]
)


def perform(tenant: Tenant, what: str, one: int, two: int) -> None:
    store = tenant.store
    groups, users = [r.key for r in store.all("group")], [r.key for r in store.all("user")]
    binned = [key for key, each in store.bin.items() if each.record.table == "group"]
    gone = [key for key, each in store.bin.items() if each.record.table == "user"]
    if what == "create":
        key = f"{one:08x}-0000-4000-8000-{two:012x}"
        if key not in store.records and key not in store.bin:
            store.create("group", {"id": key, "displayName": f"New {one}", "mailNickname": f"n{one}"})
    elif what == "purge" and binned:
        store.purge(binned[one % len(binned)])
    elif what == "restore" and binned:
        store.restore(binned[one % len(binned)])
    elif what == "backUser" and gone:
        store.restore(gone[one % len(gone)])
    elif what == "dropUser" and users:
        store.delete(users[one % len(users)], soft=two % 2 == 0)
    elif groups:
        group = groups[one % len(groups)]
        if what == "rename":
            store.update(group, store.records[group].read() | {"displayName": f"Renamed {two}"})
        elif what == "delete":
            store.delete(group, soft=two % 3 != 0)
        elif users:
            user = users[two % len(users)]
            name = "owners" if what == "own" else "members"
            store.unlink(group, name, user) if what == "unlink" else store.link(group, name, user)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(st.lists(OPERATION, max_size=12), min_size=1, max_size=5),
    faults=st.lists(FAULT, max_size=2),
    seed=st.integers(0, 3),
)
def test_replaying_delta_from_any_earlier_token_gives_the_state(
    steps: list[list[tuple[str, int, int]]], faults: list[dict[str, Any]], seed: int
) -> None:
    tenant = new_tenant(30, 8, seed)
    tenant.throttle.set(1e6, {})
    follower = Follower(tenant)
    first = Replica()
    tokens = [(follower.round(first, f"/v1.0/groups/delta?{SELECT}"), first)]
    for step in steps:
        for what, one, two in step:
            perform(tenant, what, one, two)
        tenant.faults.rules = [parse(fault | {"path": "/groups/delta"}) for fault in faults]
        link, known = tokens[-1]
        replica = known.copy()
        tokens.append((follower.round(replica, link), replica))
        tenant.faults.rules = []
        for old, what_was_known in tokens:
            replayed = what_was_known.copy()
            follower.round(replayed, old)
            assert (replayed.objects, {k: v for k, v in replayed.links.items() if v}) == truth(tenant)
