"""What a backup reads, and how, follows from the rows, the restore point before and the time, and from nothing else."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from shared.backup.planning import Before, TypePlan, closing_order, lanes, plan_types
from shared.catalog import OBJECT_TYPES

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
USER, GROUP = OBJECT_TYPES["user"], OBJECT_TYPES["group"]
POLICY, SETTING = OBJECT_TYPES["conditionalAccessPolicy"], OBJECT_TYPES["groupSpecificSetting"]
ROWS = (USER, GROUP, POLICY, SETTING)
DIGESTS = {row.name: "digest" for row in ROWS}
HEALTHY = Before(
    outcome="complete", read_at=NOW - timedelta(hours=6), full_read_at=NOW - timedelta(days=2), row_digest="digest",
    has_token=True,
)


def plan(before=None, rows=ROWS, **changes):
    arguments = {
        "before": {row.name: HEALTHY for row in rows} if before is None else before, "digests": DIGESTS,
        "enabled": frozenset(row.name for row in rows), "wanted": None, "kind": "incremental", "cloud": "global",
        "now": NOW, **changes,
    }
    return {one.object_type: one for one in plan_types(rows, **arguments)}


def test_with_nothing_before_everything_is_read_in_full():
    assert {one.mode for one in plan(before={}).values()} == {"full"}


def test_a_type_with_delta_and_a_living_token_is_read_by_changes():
    assert plan()["user"].mode == "changes"


def test_a_type_without_delta_is_read_in_full_every_time():
    assert plan()["conditionalAccessPolicy"].mode == "full"


def test_a_slow_type_under_parents_is_read_under_those_that_changed():
    assert plan()["groupSpecificSetting"].mode == "parents"


def test_a_slow_type_is_read_in_full_when_its_parent_is():
    before = {**{row.name: HEALTHY for row in ROWS}, "group": dataclasses.replace(HEALTHY, has_token=False)}
    assert plan(before)["groupSpecificSetting"].mode == "full"


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"outcome": "partial"}, "not read whole"),
        ({"outcome": "failed"}, "not read whole"),
        ({"row_digest": "other"}, "has changed"),
        ({"has_token": False}, "no delta token"),
        ({"read_at": NOW - timedelta(days=6, hours=13)}, "too old"),
        ({"full_read_at": NOW - timedelta(days=7)}, "a week old"),
        ({"full_read_at": None}, "a week old"),
    ],
)
def test_what_was_before_may_ask_for_a_full_read(change, because):
    planned = plan({**{row.name: HEALTHY for row in ROWS}, "user": dataclasses.replace(HEALTHY, **change)})["user"]
    assert planned.mode == "full"
    assert because in planned.reason


def test_microsofts_own_recovery_asks_for_a_full_read_of_everything():
    recovered = dataclasses.replace(HEALTHY, recovered_since=True)
    assert {one.mode for one in plan({row.name: recovered for row in ROWS}).values()} == {"full"}


def test_a_full_backup_reads_everything_in_full():
    assert {one.mode for one in plan(kind="full").values()} == {"full"}


def test_what_is_not_asked_for_is_carried_and_what_is_off_stays_off():
    planned = plan(wanted=frozenset({"user"}), enabled=frozenset({"user", "group"}))
    assert (planned["user"].mode, planned["group"].mode) == ("changes", "carried")
    assert planned["conditionalAccessPolicy"].mode == "off"


def test_what_is_not_asked_for_and_in_no_restore_point_is_off():
    assert plan(before={}, wanted=frozenset({"user"}))["group"].mode == "off"


def test_a_cloud_without_delta_for_a_type_reads_it_in_full():
    unit = OBJECT_TYPES["administrativeUnit"]
    planned = plan(
        rows=(unit,), before={unit.name: HEALTHY}, digests={unit.name: "digest"}, cloud="china",
        enabled=frozenset({unit.name}),
    )
    assert planned[unit.name].mode == "full"


def test_shares_of_all_lanes_add_up_to_no_more_than_the_budget_and_every_type_is_in_one_lane():
    rows = tuple(OBJECT_TYPES.values())
    planned = plan_types(
        rows, before={}, digests={row.name: "" for row in rows}, enabled=frozenset(row.name for row in rows),
        wanted=None, kind="full", cloud="global", now=NOW,
    )
    made = lanes(rows, planned)
    assert sum(lane["share"] for lane in made) <= 1.0 + 1e-9
    assert sorted(name for lane in made for name in lane["types"]) == sorted(row.name for row in rows)


def test_what_is_swept_under_objects_that_are_read_by_changes_follows_them_in_their_lane():
    rows = tuple(OBJECT_TYPES.values())
    modes = {row.name: "changes" if row.reading == "delta" else "full" for row in rows}
    made = lanes(rows, [TypePlan(row.name, modes[row.name], "") for row in rows])  # type: ignore[arg-type]
    types = {lane["name"]: lane["types"] for lane in made}
    assert types["servicePrincipal"] == ["servicePrincipal", "appRoleAssignment"]
    assert types["application"][0] == "application"
    assert "federatedIdentityCredential" in types["application"]
    assert "appRoleAssignment" not in types
    assert sum(lane["share"] for lane in made) <= 1.0 + 1e-9
    assert sorted(name for lane in made for name in lane["types"]) == sorted(row.name for row in rows)


def test_all_conditional_access_types_are_in_one_lane():
    rows = tuple(OBJECT_TYPES.values())
    planned = plan_types(
        rows, before={}, digests={row.name: "" for row in rows}, enabled=frozenset(row.name for row in rows),
        wanted=None, kind="full", cloud="global", now=NOW,
    )
    narrow = {row.name for row in rows if row.special_bucket == "conditionalAccess"}
    holding = [lane for lane in lanes(rows, planned) if narrow.intersection(lane["types"])]
    assert len(holding) == 1
    assert set(holding[0]["types"]) == narrow


def test_the_closing_round_reads_sources_of_links_before_their_targets():
    order = closing_order(OBJECT_TYPES.values())
    assert set(order) == {row.name for row in OBJECT_TYPES.values() if row.reading == "delta"}
    assert order.index("group") < order.index("servicePrincipal") < order.index("user")
    assert order.index("administrativeUnit") < order.index("group")
    assert order.index("directoryRole") < order.index("user")
