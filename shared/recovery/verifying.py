"""Verifying a restore in slices: each reads back some objects, keeps its facts, and says where to go on. Safe to
repeat.

    workspace  restores/{r}/facts/{start}.json          what one slice found, until the last one is done
    vault      restores/{r}/verification.json           how much was checked and differs; the pages
    vault      restores/{r}/verification/{page}.json    every fact: expected, found, whether they match

Lag is waited out from the time when the first slice begins, so that many slices wait no longer than one.
"""

from collections.abc import AsyncIterator, Mapping
from time import monotonic
from zlib import crc32

from shared.deployment import Deployment
from shared.entra.transport import Graph
from shared.messages import RestoreVerified, VerifyRestore
from shared.records.times import as_text, as_time
from shared.recovery.plan import Operation
from shared.recovery.reading import PresentReader, reading_of
from shared.recovery.relink import Ids
from shared.recovery.state import Json
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.undoing import ids_made
from shared.recovery.verification import AT_ONCE, LAG_SECONDS, Expected, expectations, verify, written

SLICE_SECONDS = 120.0
SHARE_OPERATIONS = 25_000
"""Operations that are in memory together, with their receipts: a larger restore is verified share by share."""
SPAN = 1_000_000
"""Places of a share: what is told as a place is the share and the object in it."""
VERIFICATION = "verification"
SHOWN = 100
"""Differences that stand beside the restore; all facts are in the pages."""


async def verify_slice(opened: Deployment, graph: Graph, message: VerifyRestore) -> RestoreVerified:
    """Read back from the object at `start` on, for a bounded time; the last slice writes the report."""
    records, tenant_id, restore_id = opened.records, message["tenantId"], message["restoreId"]
    start, began = message["start"], monotonic()
    store = RestoreStore(opened.vault, opened.workspace, tenant_id, restore_id)
    await records.tasks.describe(message["taskId"], "Reading back what was written.")
    since = await _since(opened, store, tenant_id, restore_id)
    index = await store.plan(message["planHash"])
    new_ids = await ids_made(store, index)
    settings = (await records.tenants.settings(tenant_id)).settings
    reader = PresentReader(graph, await reading_of(graph, settings.options), Ids())
    waited = (records.clock() - as_time(since)).total_seconds()
    facts: list[Json] = []
    shares = -(-index.total // SHARE_OPERATIONS)
    at = start
    while (share := at // SPAN) < shares and (at == start or monotonic() - began < SLICE_SECONDS):
        expected = await _expected(store, index, new_ids, share, shares)
        place = at % SPAN
        while place < len(expected) and (at == start or monotonic() - began < SLICE_SECONDS):
            some = expected[place : place + AT_ONCE]
            until = began + max(0.0, LAG_SECONDS - waited)
            facts += [one.as_json() for one in await verify(reader, some, until=until)]
            place += len(some)
            at = share * SPAN + place
        if place >= len(expected):
            at = (share + 1) * SPAN
    finished = at >= shares * SPAN
    await store.put_note(f"facts/{start:08d}", {"next": start if finished else at, "facts": facts})
    if finished:
        await _report(opened, store, tenant_id, restore_id)
    return RestoreVerified(finished=finished, next=at)


async def _expected(
    store: RestoreStore, index: PlanIndex, new_ids: Mapping[str, str], share: int, shares: int
) -> list[Expected]:
    """One share of the objects as they should be: all operations of an object are in the share of its id."""
    operations: list[Operation] = []
    receipts: dict[int, Json] = {}
    for number in range(1, len(index.pages) + 1):
        known = (await store.journal(number)).receipts
        for one in (await store.batch(index, number)).operations:
            receipt = known.get(one.order)
            try:
                object_id = written(one, receipt, new_ids) if receipt is not None else ""
            except KeyError:
                continue
            if receipt is not None and crc32(object_id.encode()) % shares == share:
                operations.append(one)
                receipts[one.order] = receipt
    return expectations(operations, receipts, new_ids)


async def facts_of(store: RestoreStore, *, after: int = 0) -> AsyncIterator[tuple[int, Json]]:
    """(place from 1, fact) of every fact that was checked, from the one after `after` on."""
    report = await store.evidence(VERIFICATION)
    place = 0
    for page, count in enumerate((report or {}).get("pages", ()), start=1):
        if place + count > after:
            for number, fact in enumerate(await store.evidence(f"verification/{page:06d}"), start=place + 1):
                if number > after:
                    yield number, fact
        place += count


async def _since(opened: Deployment, store: RestoreStore, tenant_id: str, restore_id: str) -> str:
    """When verifying began."""
    noted = await store.note("verifying")
    if noted is None:
        noted = as_text(opened.records.clock())
        await store.put_note("verifying", noted)
        await opened.records.restores.set(tenant_id, restore_id, state="verifying")
    return str(noted)


async def _report(opened: Deployment, store: RestoreStore, tenant_id: str, restore_id: str) -> None:
    now = opened.records.clock()
    pages: list[int] = []
    wrong: list[Json] = []
    differing = place = 0
    while (part := await store.note(f"facts/{place:08d}")) is not None:
        pages.append(len(part["facts"]))
        await store.put_evidence(f"verification/{len(pages):06d}", part["facts"], now)
        differing += sum(not one["matches"] for one in part["facts"])
        wrong += [one for one in part["facts"] if not one["matches"]][: SHOWN - len(wrong)]
        if part["next"] == place:
            break
        place = part["next"]
    checked = sum(pages)
    report = {"checked": checked, "matching": checked - differing, "differing": differing}
    await store.put_evidence(VERIFICATION, {**report, "differences": wrong, "pages": pages}, now)
    # Values are people's: they stay in the vault, and the row says only what they are values of.
    told = [{name: one[name] for name in ("objectType", "objectId", "what")} for one in wrong]
    await opened.records.restores.set(tenant_id, restore_id, verification={**report, "differences": told})
