"""Whatever was done to a tenant: an exact restore leaves nothing but what the catalog declares, a merging one exactly
what was added, and undoing either gives back what was there before it."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.simulator.faults.rules import parse
from shared.backup import sessions
from shared.entra.governors import Governors
from shared.records.restores import Restore
from tests.laws.damages import DAMAGES, Tenant, administrator, damage
from tests.laws.optional_damages import ALL_DAMAGES
from tests.laws.restoring import EXACT, left, refused, restoring, seen
from tests.laws.views import View
from tests.shared.recovery.conftest import Restores

FAULTS: dict[str, list[dict[str, Any]]] = {
    "a calm day": [],
    "throttled": [{"kind": "throttle", "retryAfter": 0.05, "probability": 0.05, "seed": 1}],
    "answers lost after the write": [{
        "kind": "timeoutAfterWrite", "method": "POST|PATCH|PUT|DELETE", "path": "^(?!.*batch).*$", "probability": 0.15,
        "seed": 2,
    }],
    "outages and cut connections": [
        {"kind": "status", "status": 503, "retryAfter": 0.05, "probability": 0.04, "seed": 3},
        {"kind": "cut", "path": "^(?!.*batch).*$", "probability": 0.03, "seed": 4},
    ],
    "replication lag": [{"kind": "lag", "method": "POST|PATCH|PUT", "seconds": 1}],
}
KINDS = tuple(FAULTS)


@dataclass
class Damaged:
    """A tenant that was backed up and then damaged."""

    restores: Restores
    tenant: Tenant
    before: View
    point: str
    done_to: list[str]

    async def exactly(self, **options: Any) -> Restore:
        """The restore of everything, applied, which must have gone well."""
        done = await self.restores.apply(await self.restores.plan(None, backup_id=self.point, **{**EXACT, **options}))
        bad = await refused(self.restores, done)
        assert not bad, self.told(*bad)
        assert done["verification"] is not None
        assert done["verification"]["differing"] == 0, self.told(done["verification"])
        return done

    async def known(self) -> Any:
        return await self.restores.opened.records.identity_map.resolved(self.restores.tenant_id)

    def told(self, *what: object) -> str:
        return "\n".join(map(str, (self.done_to, *what)))


@asynccontextmanager
async def damaged(tmp_path: Path, patch: pytest.MonkeyPatch, seed: int) -> AsyncIterator[Damaged]:
    chance = random.Random(seed)
    users, groups = chance.randint(12, 40), chance.randint(6, 14)
    options = seed % 2 == 1  # what the tenant's settings can turn on, all or nothing of it
    async with (
        restoring(tmp_path, patch, users=users, groups=groups, seed=seed, options=options) as restores,
        administrator(restores.simulator, chance) as tenant,
    ):
        before = await seen(restores)
        point = (await restores.opened.records.restore_points.get(restores.tenant_id, "latest"))["backupId"]
        done_to = await damage(tenant, chance.randint(3, 14), among=ALL_DAMAGES if options else DAMAGES)
        yield Damaged(restores, tenant, before, point, done_to)


@pytest.mark.parametrize("seed", range(10))
async def test_after_an_exact_restore_nothing_differs_but_what_the_catalog_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async with damaged(tmp_path, monkeypatch, seed) as one:
        rules = one.restores.simulator.tenant.faults.rules
        rules.extend(parse(rule) for rule in FAULTS[KINDS[seed % len(KINDS)]])
        await one.exactly()
        rules.clear()
        monkeypatch.setattr(sessions, "GOVERNORS", Governors())
        wrong = left(one.before, await seen(one.restores), await one.known())
        assert not wrong, one.told(*wrong)


@pytest.mark.parametrize("seed", range(20, 24))
async def test_applied_twice_is_applied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async with damaged(tmp_path, monkeypatch, seed) as one:
        done = await one.exactly()
        once = await seen(one.restores)
        changes = len(one.restores.simulator.store.log)
        await one.restores.opened.records.restores.set(one.restores.tenant_id, done["restoreId"], state="ready")
        await one.restores.apply(await one.restores.restore(done["restoreId"]))
        assert len(one.restores.simulator.store.log) == changes, one.told()
        again = await one.restores.plan(None, backup_id=one.point, **EXACT)
        more = [
            f"{each.kind} {each.object_type} {each.path} {each.body}"
            for each, _ in await one.restores.operations(again)
        ]
        assert not more, one.told(*more)
        assert not left(once, await seen(one.restores)), one.told()


def added(lines: list[str]) -> set[str]:
    """What came since: objects, links, and the licences that a group gives to those who joined it."""
    joined = {line.rpartition(" ")[2] for line in lines if ": linkAdded members" in line}
    return {
        line for line in lines if ": new" in line or ": linkAdded" in line
        or (" assignedLicenses:" in line and line.split()[1] in joined)
    }


@pytest.mark.parametrize("seed", range(30, 36))
async def test_a_merging_restore_leaves_exactly_what_was_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async with damaged(tmp_path, monkeypatch, seed) as one:
        hurt = await seen(one.restores)
        await one.exactly(links="merge", newObjects="keep")
        known = await one.known()
        after = await seen(one.restores)
        # All that is told of as left has come since; and all that had come since is still there.
        remains = left(one.before, after, known)
        wrong = set(remains) - added(remains)
        assert not wrong, one.told(*wrong)
        assert added(left(one.before, hurt)) == set(remains), one.told(*remains)


@pytest.mark.parametrize("seed", range(40, 48))
async def test_undoing_a_restore_gives_back_what_was_there_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async with damaged(tmp_path, monkeypatch, seed) as one:
        hurt = await seen(one.restores)
        done = await one.exactly()
        undone = await one.restores.undo(done)
        bad = await refused(one.restores, undone)
        assert not bad, one.told(*bad)
        wrong = left(hurt, await seen(one.restores), await one.known())
        assert not wrong, one.told(*wrong)
