"""A restore that is cut at any single boundary, and between a request and its answer, is taken up again and ends as one
that was not: everything done, verified, and nothing made twice.

The plan covers every kind of operation. Boundaries are counted and not guessed: each write to Graph, to a blob and to
a table has one before it and one after it; an uncut run tells how many there are, and each is then cut once. After a
cut nothing of that process does anything any more.
"""

import asyncio
import copy
import gc
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.simulator import statefile
from shared.entra import writing
from shared.records.memory_table import MemoryTable
from shared.records.restores import Restore
from shared.recovery import apply as applying
from shared.recovery import lifecycle
from shared.recovery.plan import KINDS
from shared.repository.memory_store import MemoryBlobStore
from tests.laws.damages import Tenant, administrator
from tests.laws.restoring import EXACT, refused, restoring
from tests.shared.recovery.conftest import Restores


class Cut(BaseException):
    """The process ended here: no handler of errors may catch it."""


@dataclass
class Scissors:
    """Counts boundaries, and ends the process at one of them."""

    kind: str
    """What is cut: `write` (to Graph), `blob`, or `row`."""
    at: int = 0
    passed: int = 0
    dead: bool = False

    def snip(self, kind: str) -> None:
        """A boundary."""
        if self.dead:
            raise Cut
        if kind == self.kind:
            self.passed += 1
            if self.passed == self.at:
                self.dead = True
                raise Cut

    def around[**P, A](self, kind: str, real: Callable[P, Awaitable[A]]) -> Callable[P, Awaitable[A]]:
        """The call with a boundary before and one after it."""

        async def call(*args: P.args, **kwargs: P.kwargs) -> A:
            self.snip(kind)
            answer = await real(*args, **kwargs)
            self.snip(kind)
            return answer

        return call


@dataclass
class Hurt:
    """A damaged tenant with the plan that mends it, which can be had again and again."""

    restores: Restores
    planned: Restore
    tenant_file: Path
    kept: tuple[Any, ...] = ()
    running: list[str] = field(default_factory=list)

    def again(self) -> None:
        """Both the tenant and Cairn's own records, as they were when the plan stood."""
        simulator, opened = self.restores.simulator, self.restores.opened
        quotas = simulator.tenant.throttle.quotas
        simulator.app.replace(statefile.load(self.tenant_file))
        simulator.tenant.throttle.quotas.update(quotas)
        vault, workspace, tables = copy.deepcopy(self.kept)
        opened.vault.blobs, opened.workspace.blobs = vault, workspace  # type: ignore[attr-defined]
        for table, rows in zip(tables_of(opened), tables, strict=True):
            table._rows, table._keys = rows

    def tables(self) -> Counter[str]:
        """How many objects of each kind there are; those that only say what was asked for are not objects."""
        store = self.restores.simulator.store
        return Counter(one.table for one in store.records.values() if "Request" not in one.table)


def tables_of(opened: Any) -> list[MemoryTable]:
    """Every table of the records, each once."""
    found: dict[int, MemoryTable] = {}
    seen: set[int] = set()

    def look(one: Any, depth: int) -> None:
        if isinstance(one, MemoryTable):
            found[id(one)] = one
        elif depth and id(one) not in seen and type(one).__module__.startswith("shared."):
            seen.add(id(one))
            names = [*getattr(one, "__dict__", ()), *getattr(type(one), "__slots__", ())]
            for name in names:
                look(getattr(one, name, None), depth - 1)

    look(opened.records, 4)
    return list(found.values())


async def strike(tenant: Tenant) -> None:
    """One of each damage, so that the plan holds every kind of operation."""
    store = tenant.simulator.store
    roles = {one.read()["principalId"] for one in store.all("unifiedRoleAssignment")}
    people = sorted(
        one.key for one in store.all("user")
        if not (body := one.read()).get("onPremisesSyncEnabled") and body["userType"] == "Member"
        and one.key not in roles and "@odata.type" not in body and "customer" not in str(body.get("identities"))
    )
    licensed = next(
        one for one in people if any(
            not each.get("assignedByGroup") for each in store.get(one).read().get("licenseAssignmentStates") or ()
        )
    )
    soft, hard, changed = [one for one in people if one != licensed][:3]
    group = next(
        one for one in store.all("group") if not (body := one.read())["groupTypes"] and not body["mailEnabled"]
        and not body.get("onPremisesSyncEnabled") and not body.get("isAssignableToRole")
    ).key
    application = next(
        one.read() for one in store.all("application") if "@odata.type" not in one.read()
        and one.read()["appId"] != tenant.simulator.client_id
    )
    policy = next(iter(store.all("conditionalAccessPolicy"))).key
    sku = next(
        each["skuId"] for each in store.get(licensed).read()["licenseAssignmentStates"]
        if not each.get("assignedByGroup")
    )
    new = {"displayName": "New", "mailNickname": "new", "mailEnabled": False, "securityEnabled": True}
    for method, path, body in (
        ("POST", f"/v1.0/groups/{group}/members/$ref", tenant.ref(hard)),
        ("DELETE", f"/v1.0/users/{soft}", None),
        ("DELETE", f"/v1.0/users/{hard}", None),
        ("DELETE", f"/v1.0/directory/deletedItems/{hard}", None),
        ("PATCH", f"/v1.0/users/{changed}", {"department": "Elsewhere"}),
        ("POST", f"/v1.0/users/{licensed}/assignLicense", {"addLicenses": [], "removeLicenses": [sku]}),
        ("DELETE", f"/v1.0/applications/{application['id']}", None),
        ("DELETE", f"/v1.0/directory/deletedItems/{application['id']}", None),
        ("DELETE", f"/v1.0/identity/conditionalAccess/policies/{policy}", None),
        ("POST", "/v1.0/groups", new),
        ("POST", f"/v1.0/groups/{group}/members/$ref", tenant.ref(changed)),
    ):
        await tenant.sent(method, path, body)


type Striking = Callable[[Tenant], Awaitable[None]]


@asynccontextmanager
async def hurt(
    tmp_path: Path, patch: pytest.MonkeyPatch, *, made: Striking | None = None, struck: Striking = strike,
    kinds: frozenset[str] = frozenset(KINDS) - {"manual"}, **options: Any,
) -> AsyncIterator[Hurt]:
    """A small tenant, with what is `made` in it, backed up and then `struck`: with one of every kind of damage."""
    async with (
        restoring(tmp_path, patch, users=14, groups=8, seed=5) as restores,
        administrator(restores.simulator, random.Random(5)) as tenant,
    ):
        if made is not None:
            await made(tenant)
        await restores.backups.run("full")
        point = (await restores.opened.records.restore_points.get(restores.tenant_id, "latest"))["backupId"]
        await struck(tenant)
        planned = await restores.plan(None, backup_id=point, **{**EXACT, **options})
        missing = kinds - {one.kind for one, _ in await restores.operations(planned)}
        assert not missing
        statefile.save(restores.simulator.tenant, tmp_path / "tenant")
        opened = restores.opened
        kept = copy.deepcopy((
            opened.vault.blobs, opened.workspace.blobs, [(one._rows, one._keys) for one in tables_of(opened)]  # type: ignore[attr-defined]
        ))
        yield Hurt(restores, planned, tmp_path / "tenant", kept)


async def run_until_cut(restores: Restores, planned: Restore) -> bool:
    """Whether the restore came to its end; what a cut leaves running is gone."""
    try:
        await restores.apply(await restores.restore(planned["restoreId"]))
    except Cut:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            code = getattr(task.get_coro(), "cr_code", None)
            if code is not None and "/shared/" in code.co_filename:
                task.cancel()
        await asyncio.sleep(0)
        return False
    return True


async def taken_up(restores: Restores, planned: Restore) -> None:
    """Gone on with from where it was cut, as an orchestrator does: at the end, when nothing but the end is left."""
    restore = await restores.restore(planned["restoreId"])
    if restore["state"] in ("ready", "applying", "verifying"):
        assert await run_until_cut(restores, planned)
        return
    await lifecycle.finish(restores.opened, {
        "tenantId": restores.tenant_id, "taskId": planned["restoreId"], "restoreId": planned["restoreId"],
        "planHash": planned["planHash"] or "", "outcome": "applied", "summary": "",
    })


SOME = 8
"""Boundaries around Cairn's own records that are tried each time; `make soak` tries all."""


def chosen(kind: str, part: str, boundaries: int) -> list[int]:
    """The boundaries to cut at: of writes to Graph every one, in two halves."""
    everything = range(1, boundaries + 1)
    if part in ("odd", "even"):
        return [one for one in everything if one % 2 == (part == "odd")]
    return list(everything) if part == "all" else sorted(random.Random(kind).sample(everything, SOME))


@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that a cut process had open
@pytest.mark.parametrize(("kind", "part"), [
    ("write", "odd"), ("write", "even"), ("blob", "some"), ("row", "some"),
    pytest.param("blob", "all", marks=pytest.mark.slow), pytest.param("row", "all", marks=pytest.mark.slow),
])
async def test_cut_at_any_boundary_and_taken_up_again_it_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, part: str
) -> None:
    async with hurt(tmp_path, monkeypatch) as one:
        scissors = Scissors(kind)
        monkeypatch.setattr(applying, "write", lambda *asked: scissors.around("write", writing.write)(*asked))
        for store, sort in ((MemoryBlobStore, "blob"), (MemoryTable, "row")):
            for name in ("put_new", "put") if sort == "blob" else ("insert", "update", "upsert"):
                real = getattr(store, name)
                monkeypatch.setattr(
                    store, name,
                    lambda self, *args, real=real, sort=sort, **kw: scissors.around(sort, real)(self, *args, **kw),
                )
        assert await run_until_cut(one.restores, one.planned)
        boundaries, whole = scissors.passed, one.tables()
        assert boundaries > SOME
        for at in chosen(kind, part, boundaries):
            one.again()
            scissors.at, scissors.passed, scissors.dead = at, 0, False
            ended = await run_until_cut(one.restores, one.planned)
            scissors.at, scissors.dead = 0, False
            if not ended:
                await taken_up(one.restores, one.planned)
            done = await one.restores.restore(one.planned["restoreId"])
            bad = await refused(one.restores, done)
            assert not bad, f"cut at {kind} {at} of {boundaries}\n" + "\n".join(bad)
            assert done["state"] == "done"
            assert done["verification"]["differing"] == 0, f"cut at {kind} {at}: {done['verification']}"
            assert one.tables() == whole, f"cut at {kind} {at}: {one.tables() - whole} more, {whole - one.tables()} less"
    gc.collect()
