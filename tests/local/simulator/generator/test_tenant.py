"""Generated tenants: repeatable, complete even when small, and skewed as real ones are."""

import random
from collections.abc import Mapping
from itertools import pairwise

import pytest

from local.simulator import model
from local.simulator.clock import Clock
from local.simulator.generator import populate
from local.simulator.generator.memberships import sizes
from local.simulator.schema import Schema, load_schemas
from local.simulator.store import Store
from tests.local.simulator.generator.conftest import TENANT_ID, generated

# What comes to be only by use: requests, audit entries, and Microsoft's own backup, whose snapshots follow the clock.
BY_USE = {
    "invitations", "auditLogs/directoryAudits", "directory/recovery/snapshots", "directory/recovery/jobs",
    "directory/recovery",
}  # fmt: skip
CHILDREN_BY_USE = {"recoveryJobs", "recoveryPreviewJobs", "synchronization"}


class FixedClock(Clock):
    """A clock that stands."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self._at = at

    def now(self) -> float:
        return self._at


def whole(at: float, seed: int) -> tuple[object, ...]:
    store = Store(TENANT_ID, FixedClock(at))
    store.recording = False
    credentials = populate(store, load_schemas(), users=90, groups=30, seed=seed)
    return (
        {key: record.body for key, record in store.records.items()},
        {name: list(held.pairs()) for name, held in store.links.items()},
        {key: (entry.record.body, entry.links) for key, entry in store.bin.items()},
        credentials, store.secrets,
    )  # fmt: skip


def test_equal_arguments_give_equal_tenants() -> None:
    assert whole(1_795_000_000.0, 5) == whole(1_795_000_000.0, 5)


def test_another_seed_gives_another_tenant() -> None:
    first, second = whole(1_795_000_000.0, 5), whole(1_795_000_000.0, 6)
    assert first[0] != second[0]
    assert first[3] != second[3]


def test_living_content_does_not_depend_on_the_clock() -> None:
    early, late = whole(1_795_000_000.0, 5), whole(1_830_000_000.0, 5)
    assert early[:2] == late[:2]
    assert early[2] != late[2]


def test_every_collection_that_the_model_knows_holds_something(small: Store) -> None:
    empty = [each.path for each in model.SETS
             if each.path not in BY_USE and not small.table(each.table or model.table_of(each.type)).live]  # fmt: skip
    empty += [each.path for each in model.SINGLETONS if each.path not in BY_USE and not small.table(each.type).live]
    assert empty == []


def test_every_link_that_the_model_knows_is_there(small: Store) -> None:
    known = {(each.source, model.link_name(each)) for each in model.NAVIGATION if each.how in ("link", "child")}
    present = {(small.records[source].table, name) for name, held in small.links.items() for source, _ in held.pairs()}
    assert {(source, name) for source, name in known - present if name not in CHILDREN_BY_USE} == set()


def test_singletons_are_single(small: Store) -> None:
    for each in model.SINGLETONS:
        assert small.table(each.type).live <= 1


def test_names_come_in_many_scripts(ordinary: Store) -> None:
    names = " ".join(each.read()["displayName"] for each in ordinary.all("user"))
    for sample in ("é", "ü", "ł", "α", "и", "م", "ה", "王", "田", "김", "श", "'", "🚀", "🏽"):
        assert sample in names, sample


def test_display_names_repeat_and_user_names_do_not(ordinary: Store) -> None:
    users = [each.read() for each in ordinary.all("user")]
    assert len({each["displayName"] for each in users}) < 0.8 * len(users)
    assert len({each["userPrincipalName"] for each in users}) == len(users)


def test_figures_of_an_ordinary_tenant(ordinary: Store) -> None:
    users = [each.read() for each in ordinary.all("user")]
    groups = [each.read() for each in ordinary.all("group")]
    assert (len(users), len(groups)) == (2000, 400)
    guests = sum(each["userType"] == "Guest" for each in users)
    synced = sum(bool(each.get("onPremisesSyncEnabled")) for each in users)
    disabled = sum(not each["accountEnabled"] for each in users)
    assert 0.05 < guests / 2000 < 0.12
    assert 0.35 < synced / 2000 < 0.6
    assert 0.02 < disabled / 2000 < 0.12
    assert ordinary.table("device").live == 600
    assert ordinary.table("servicePrincipal").live >= 200
    assert 1_500 < sum(len(each.body) for each in ordinary.all("user")) / 2000 < 3_800
    assert any("DynamicMembership" in each["groupTypes"] for each in groups)
    assert any(each.get("visibility") == "HiddenMembership" for each in groups)


def test_membership_is_skewed(ordinary: Store) -> None:
    members = ordinary.link_set("members")
    counts = sorted((len(list(members.targets(each.key))) for each in ordinary.all("group")), reverse=True)
    assert 3_500 < sum(counts) < 5_500
    assert counts[0] >= 60
    assert counts[len(counts) // 2] <= 6
    assert 8 <= counts.count(0) <= 60


def test_sizes_sum_to_what_is_wanted_with_a_long_tail() -> None:
    drawn = sizes(random.Random(1), 20_000, 200_000, 100_000)
    assert abs(sum(drawn) - 200_000) < 4_000
    assert 4_000 < drawn[0] < 5_000
    assert 0.04 < drawn.count(0) / 20_000 < 0.06
    assert all(one >= other for one, other in pairwise(drawn))
    assert sum(drawn[:200]) > 0.3 * sum(drawn)


def test_groups_nest_and_hold_devices_and_service_principals(ordinary: Store) -> None:
    members = ordinary.link_set("members")
    tables = {ordinary.records[key].table for group in ordinary.all("group") for key in members.targets(group.key)}
    assert tables >= {"user", "group", "device", "servicePrincipal"}


@pytest.mark.parametrize("users", [0, 1, 2, 3, 5, 12, 25])
@pytest.mark.parametrize("groups", [0, 1, 7])
def test_any_size_is_made_exactly(users: int, groups: int, schemas: Mapping[str, Schema]) -> None:
    store = generated(users, groups, seed=users)
    assert (store.table("user").live, store.table("group").live) == (users, groups)
    assert store.table("authorizationPolicy").live == 1


def test_sizes_can_be_asked_for() -> None:
    store = generated(50, 10, applications=30, service_principals=150, devices=77, memberships=400)
    assert store.table("application").live == 31  # with the administrator's
    assert store.table("servicePrincipal").live == 151
    assert store.table("device").live == 77
