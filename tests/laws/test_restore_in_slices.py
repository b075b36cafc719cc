"""A plan, the before images of a restore and its verification are the same in however many slices they are made, and
wherever a slice is cut and run again."""

import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.records.memory_table import MemoryTable
from shared.records.restores import Restore
from shared.recovery import before, everything, lifecycle, planning, verifying
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.restore_point import RestorePoint
from tests.laws.damages import administrator
from tests.laws.restoring import EXACT, restoring
from tests.laws.test_restore_cut_anywhere import SOME, Cut, Scissors, strike
from tests.laws.views import View
from tests.shared.recovery.conftest import Restores


@pytest.fixture
async def hurt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small tenant with one of every kind of damage, read in parts of a few objects."""
    monkeypatch.setattr(planning, "PART", 3)
    monkeypatch.setattr(planning, "NARROW_PART", 2)
    monkeypatch.setattr(planning, "INBOUND_SOURCES", 2)
    monkeypatch.setattr(planning, "ASKED_TOGETHER", 4)
    async with (
        restoring(tmp_path, monkeypatch, users=14, groups=8, seed=5) as restores,
        administrator(restores.simulator, random.Random(5)) as tenant,
    ):
        await restores.backups.run("full")
        await strike(tenant)
        yield restores


def in_slices(monkeypatch: pytest.MonkeyPatch, *, pieces: float) -> None:
    """A slice ends after so many pieces: time is counted, not measured."""
    steps = count()
    for module in (lifecycle, planning, before):
        monkeypatch.setattr(module, "monotonic", lambda: float(next(steps)))
    for name in ("PLANNING_SECONDS", "SLICE_SECONDS"):
        monkeypatch.setattr(lifecycle, name, pieces)


async def planned(restores: Restores, **options: Any) -> tuple[Restore, int]:
    """A plan, and how many parts wait in the workspace when it stands."""
    done = await restores.plan(**options)
    prefix = f"{lifecycle.store_of(restores.opened, restores.tenant_id, done['restoreId']).prefix}draft/"
    return done, len([one async for one in restores.opened.workspace.list(prefix)])


def cutting(monkeypatch: pytest.MonkeyPatch) -> Scissors:
    """What cuts at the writes of blobs and rows, while it has a kind."""
    scissors = Scissors("")
    for store, sort in ((MemoryBlobStore, "blob"), (MemoryTable, "row")):
        for name in ("put_new", "put", "delete") if sort == "blob" else ("insert", "update", "upsert"):
            real = getattr(store, name)
            monkeypatch.setattr(
                store, name,
                lambda self, *args, real=real, sort=sort, **kw: scissors.around(sort, real)(self, *args, **kw),
            )
    return scissors


def chosen(restores: Restores) -> dict[str, Callable[[], dict[str, Any]]]:
    """What may be asked for, by what is shown with it."""
    store = restores.simulator.store
    return {
        "everything, exactly": lambda: EXACT,
        "everything": dict,
        "types": lambda: {"types": ["user", "group", "conditionalAccessPolicy"]},
        "groups and what is missing": lambda: {
            "object_ids": sorted(one.key for one in store.all("group")), "linkedObjects": "direct",
        },
    }  # fmt: skip


@pytest.mark.timeout(600)
@pytest.mark.parametrize("what", ["everything, exactly", "everything", "types", "groups and what is missing"])
async def test_a_plan_is_the_same_in_one_slice_and_in_many(
    hurt: Restores, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    asked = chosen(hurt)[what]()
    in_slices(monkeypatch, pieces=1e9)
    whole, left = await planned(hurt, **asked)
    assert left == 0
    assert whole["counts"]["update"]
    in_slices(monkeypatch, pieces=9)
    slices, left = await planned(hurt, **asked)
    assert left == 0, "a plan that stands leaves no part behind"
    assert slices["counts"] == whole["counts"]
    assert slices["planHash"] == whole["planHash"]


async def test_a_type_that_is_compared_in_slices_is_compared_whole(
    hurt: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_slices(monkeypatch, pieces=1e9)
    whole = await hurt.plan(types=["user"])
    begun, reads = everything.capture, count()

    def a_page_at_a_time(*asked: Any, **more: Any) -> Any:
        next(reads)
        return begun(*asked, **{**more, "stop_at": 0.0})

    monkeypatch.setattr(everything, "capture", a_page_at_a_time)
    in_slices(monkeypatch, pieces=0)
    assert (await hurt.plan(types=["user"]))["planHash"] == whole["planHash"]
    assert next(reads) > 1


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that a cut process had open
@pytest.mark.parametrize("kind", ["blob", "row"])
async def test_planning_that_is_cut_anywhere_and_run_again_makes_the_same_plan(
    hurt: Restores, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    in_slices(monkeypatch, pieces=9)
    whole = await hurt.plan(None, **EXACT)
    scissors = cutting(monkeypatch)
    real = lifecycle.plan

    async def cut_and_run_again(*asked: Any) -> Any:
        scissors.kind = kind
        try:
            return await real(*asked)
        except Cut:
            scissors.at, scissors.dead = 0, False
            return await real(*asked)
        finally:
            scissors.kind = ""

    monkeypatch.setattr(lifecycle, "plan", cut_and_run_again)
    assert (await hurt.plan(None, **EXACT))["planHash"] == whole["planHash"]
    boundaries = scissors.passed
    assert boundaries > SOME
    for at in sorted(random.Random(kind).sample(range(1, boundaries + 1), SOME)):
        scissors.at, scissors.passed = at, 0
        again = await hurt.plan(None, **EXACT)
        assert again["planHash"] == whole["planHash"], f"cut at {kind} {at} of {boundaries}"
        assert not scissors.at, "it was cut"


@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
async def test_before_images_that_are_cut_anywhere_and_run_again_show_what_was_there(
    hurt: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(before, "PART", 2)
    scissors = cutting(monkeypatch)

    async def sealed(*, pieces: float, at: int = 0) -> tuple[View, int]:
        """What the images of a restore show, and in how many slices they were made."""
        in_slices(monkeypatch, pieces=1e9)
        planned = await hurt.plan(None, **EXACT)
        step: Any = {name: planned[name] for name in ("tenantId", "taskId", "restoreId", "planHash")}  # type: ignore[literal-required]
        in_slices(monkeypatch, pieces=pieces)
        scissors.at, scissors.passed, begun, number = at, 0, {"finished": False}, 0
        async with hurt.sessions.restoring(hurt.opened.settings, hurt.tenant_id) as graph:
            while not begun["finished"]:
                scissors.kind = "blob"
                try:
                    begun = dict(await lifecycle.begin(hurt.opened, graph, {**step, "slice": number}))
                    number += 1
                except Cut:
                    scissors.at, scissors.dead = 0, False
                scissors.kind = ""
        point = await RestorePoint.open(hurt.opened.vault, hurt.tenant_id, str(begun["beforeBackupId"]))
        return await hurt.backups.view(point.manifest), number

    whole, slices = await sealed(pieces=1e9)
    assert slices == 1
    for _ in range(2):  # the second finds the segments of the first, and so has the fewer boundaries of all after it
        shown, slices = await sealed(pieces=2)
        assert slices > 3
        assert shown == whole
    boundaries = scissors.passed
    for at in sorted(random.Random(5).sample(range(1, boundaries + 1), SOME)):
        shown, _ = await sealed(pieces=2, at=at)
        assert shown == whole, f"cut at blob {at} of {boundaries}"
        assert not scissors.at, "it was cut"


async def test_a_small_plan_leaves_nothing_in_the_workspace(hurt: Restores) -> None:
    puts: list[str] = []
    real = hurt.opened.workspace.put

    async def told(name: str, content: bytes) -> None:
        puts.append(name)
        await real(name, content)

    hurt.opened.workspace.put = told  # type: ignore[method-assign]
    await hurt.plan(object_ids=[next(iter(hurt.simulator.store.all("user"))).key])
    assert not [one for one in puts if "/draft/" in one]


@pytest.mark.timeout(600)
async def test_what_was_written_is_verified_whole_in_one_slice_and_in_many_shares(
    hurt: Restores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "SHARE_OPERATIONS", 5)
    monkeypatch.setattr(verifying, "AT_ONCE", 2)
    monkeypatch.setattr(verifying, "SLICE_SECONDS", 0.0)
    done = await hurt.run(None, **EXACT)
    store = lifecycle.store_of(hurt.opened, hurt.tenant_id, done["restoreId"])
    in_shares = [fact async for _, fact in verifying.facts_of(store)]
    assert done["verification"]["differing"] == 0
    assert done["verification"]["checked"] == len(in_shares)
    for blobs in (hurt.opened.vault.blobs, hurt.opened.workspace.blobs):  # type: ignore[attr-defined]
        for name in [one for one in blobs if "/verification" in one or "/facts/" in one]:
            del blobs[name]
    monkeypatch.undo()
    step: Any = {"tenantId": hurt.tenant_id, "taskId": done["restoreId"], "restoreId": done["restoreId"],
                 "planHash": done["planHash"], "start": 0}
    async with hurt.sessions.restoring(hurt.opened.settings, hurt.tenant_id) as graph:
        assert (await verifying.verify_slice(hurt.opened, graph, step))["finished"]
    whole = [fact async for _, fact in verifying.facts_of(store)]
    assert sorted(map(str, whole)) == sorted(map(str, in_shares))
