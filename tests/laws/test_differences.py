"""A report lists exactly the net changes: against live and between restore points, incremental or full, with faults."""

import random
import tempfile
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import activities.differences
from shared import operations
from shared.backup import sessions
from shared.catalog import OBJECT_TYPES
from shared.catalog.noise import NOISE_RULES
from shared.differences.segments import read_lines, read_list
from shared.repository.manifest import Manifest
from shared.starting import start
from tests.laws.anything import anything
from tests.laws.changes import CHANGES
from tests.laws.conftest import Protected, protected_tenant
from tests.laws.test_faults_of_graph import PASSING
from tests.laws.views import View

SEVERAL = settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OVER_EVERYTHING = settings(
    max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=True,
    phases=[Phase.generate],
)
SEQUENCES = st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=12)
UNDER = {
    name: PASSING[name]
    for name in ("throttled, told how long", "cut in the body", "delta expired", "503, told how long")
}

type Told = set[tuple[str, str, str, str, str]]


class Reporting:
    """A protected tenant whose activities of reports work on it too."""

    def __init__(self, protected: Protected) -> None:
        self.protected = protected


@pytest.fixture
def reporting(protected: Protected, monkeypatch: pytest.MonkeyPatch) -> Reporting:
    async def deployment() -> Any:
        return protected.opened

    monkeypatch.setattr(activities.differences, "deployment", deployment)
    monkeypatch.setattr(activities.differences, "sessions", sessions.GraphSessions())
    return Reporting(protected)


async def report(protected: Protected, backup_id: str, against: str) -> list[dict[str, Any]]:
    """All that a report of these two states lists, with what it sets aside."""
    records, report_id = protected.opened.records, str(uuid.uuid4())
    await records.reports.create({
        "reportId": report_id, "tenantId": protected.tenant_id, "origin": "request", "backupId": backup_id,
        "against": against, "taskId": report_id, "requestedBy": "test", "types": None, "objectCount": None,
        "noise": dict.fromkeys(NOISE_RULES, True),
    })
    operation = operations.differences(
        protected.tenant_id, report_id, report_id=report_id, name="Differences", requested_by="test"
    )
    await start(records, protected.engine, operation)
    await protected.engine.ended(report_id)
    task = await records.tasks.get(report_id)
    assert task["status"] in ("succeeded", "succeededWithWarnings"), task["lastResultDescription"]
    made = await records.reports.get(protected.tenant_id, report_id)
    assert made["status"] == task["status"]
    return [
        orjson.loads(line) for name in await read_list(protected.opened.workspace, made["found"])
        for line in await read_lines(protected.opened.workspace, name)
    ]


def told(changes: list[dict[str, Any]]) -> Told:
    found = [
        (one["changeType"], one["objectType"], one["objectId"], one["attribute"] or one["link"] or "",
         one["targetId"] or "")
        for one in changes
    ]
    assert len(found) == len(set(found)), "a change is listed twice"
    return at_once(set(found))


def at_once(changes: Told) -> Told:
    """Without the slow lane, which is as old as its last whole read."""
    slow = {(name, link.name) for name, row in OBJECT_TYPES.items() for link in row.links if link.slow}
    return {one for one in changes if (one[1], one[3]) not in slow and not OBJECT_TYPES[one[1]].slow}


def net(before: View, after: View, bins: set[str]) -> Told:
    """What separates two views, told by plain comparison."""
    found: Told = set()
    for name, row in OBJECT_TYPES.items():
        if row.reference_only or name not in before or name not in after:
            continue
        old, new = before[name]["objects"], after[name]["objects"]
        for key in old.keys() - new.keys():
            binned = row.recycle_bin and key in bins  # what hangs on an object waits there with it, under no address
            found.add(("softDeleted" if binned else "hardDeleted", name, key, "", ""))
        found |= {("newObject", name, key, "", "") for key in new.keys() - old.keys()}
        for key in old.keys() & new.keys():
            found |= {
                ("changed", name, key, prop, "") for prop in {*old[key], *new[key]}
                if plain(old[key].get(prop)) != plain(new[key].get(prop))
            }
        links, now = before[name]["links"], after[name]["links"]
        found |= {("linkRemoved", name, *link) for link in links - now}
        found |= {("linkAdded", name, *link) for link in now - links}
    return at_once(found)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(map(str, value)) or None
    return value


@SEVERAL
@given(names=SEQUENCES, seed=st.integers(0, 2**32))
async def test_a_report_lists_exactly_the_net_changes(reporting: Reporting, names: list[str], seed: int) -> None:
    await exactly(reporting.protected, names, seed)


@pytest.mark.parametrize("fault", UNDER)
async def test_it_does_so_under_faults(reporting: Reporting, fault: str) -> None:
    chance = random.Random(fault)
    names = [chance.choice(sorted(CHANGES)) for _ in range(12)]
    await exactly(reporting.protected, names, 7, UNDER[fault])


async def exactly(
    protected: Protected, names: list[str], seed: int, fault: dict[str, Any] | None = None
) -> None:
    chance = random.Random(f"{seed} {len(protected.store.log)}")  # an example goes on where the one before ended
    first = await protected.backed_up()
    before, _ = await protected.tenant_now()
    for name in names:
        CHANGES[name](protected.store, chance)
    await lists_the_net_changes(protected, first, before, fault)


@OVER_EVERYTHING
@given(times=st.integers(1, 40), seed=st.integers(0, 2**32), fault=st.sampled_from(["", *UNDER]))
async def test_over_every_type_and_link_that_graph_lets_anybody_write(times: int, seed: int, fault: str) -> None:
    await anything_at_all(times, seed, UNDER.get(fault))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(times=st.integers(1, 60), seed=st.integers(0, 2**32), fault=st.sampled_from(["", *UNDER]))
async def test_fifty_more_over_everything(times: int, seed: int, fault: str) -> None:
    await anything_at_all(times, seed, UNDER.get(fault))


async def anything_at_all(times: int, seed: int, fault: dict[str, Any] | None) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        async with (
            protected_tenant(Path(folder)) as protected,
            anything(protected.simulator, random.Random(seed)) as anyone,
        ):
            patch.setattr(activities.differences, "sessions", sessions.GraphSessions())
            await protected.read_everything()
            first = await protected.backed_up("full")
            before, _ = await protected.tenant_now()
            await anyone.change(times)
            await lists_the_net_changes(protected, first, before, fault)


async def lists_the_net_changes(
    protected: Protected, first: Manifest, before: View, fault: dict[str, Any] | None
) -> None:
    after, _ = await protected.tenant_now()
    expected = net(before, after, {key.rpartition(":")[2] for key in protected.store.bin})
    if fault:
        protected.faults(fault)
    assert told(await report(protected, first.backup_id, "live")) == expected
    incremental = await protected.backed_up()
    assert told(await report(protected, first.backup_id, incremental.backup_id)) == expected
    whole = await protected.backed_up("full")
    assert told(await report(protected, first.backup_id, whole.backup_id)) == expected
    assert told(await report(protected, incremental.backup_id, whole.backup_id)) == set()
    assert told(await report(protected, whole.backup_id, "live")) == set()
