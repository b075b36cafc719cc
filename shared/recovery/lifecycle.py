"""A restore from its request to its proof: what each activity does, one function a step. All are safe to repeat."""

from collections.abc import Iterable
from functools import partial
from time import monotonic
from typing import Any

from shared.deployment import Deployment, Records
from shared.entra.transport import Graph
from shared.errors import NotRestorable, PlanStale
from shared.messages import (
    ApplyBatch,
    BatchApplied,
    BeginApply,
    FinishRestore,
    RestorePlanned,
    RestoreTenant,
    RestoreWaves,
)
from shared.records.restores import Credentials, Restore, RestoreState
from shared.records.tasks import OPEN
from shared.records.times import as_text
from shared.recovery.apply import Applying
from shared.recovery.before import not_imaged, seal_before
from shared.recovery.beside import met
from shared.recovery.chosen import Chosen
from shared.recovery.draft import Draft
from shared.recovery.from_report import chosen_changes
from shared.recovery.handing_over import hand_over, hand_over_the_rest
from shared.recovery.listening import StoppedError, listening
from shared.recovery.options import RestoreRequest
from shared.recovery.plan import Operation
from shared.recovery.planning import Planning
from shared.recovery.reading import restored_rows
from shared.recovery.state import Json
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.undoing import chosen_by
from shared.repository.restore_point import RestorePoint
from shared.starting import close

SLICE_SECONDS = 120.0
"""A batch hands back where to go on after this, far below the longest that an activity may take."""
PLANNING_SECONDS = 120.0
"""The same of a slice of planning; a part of some hundred objects is ended, however long it takes."""
SHOWN_MISMATCHES = 100
CANCELLED_EARLY = "Cancelled while it was planned: nothing was written."
REQUEST, TOUCHED = "request", "touched"


def store_of(opened: Any, tenant_id: str, restore_id: str) -> RestoreStore:
    """The blobs of one restore."""
    return RestoreStore(opened.vault, opened.workspace, tenant_id, restore_id)


async def plan(opened: Deployment, graph: Graph, message: RestoreTenant) -> RestorePlanned:
    """Go on planning the restore for a bounded time; when the plan stands, say whether it may be applied at once."""
    records, tenant_id, restore_id = opened.records, message["tenantId"], message["restoreId"]
    restore = await records.restores.get(tenant_id, restore_id)
    store = store_of(opened, tenant_id, restore_id)
    settings = (await records.tenants.settings(tenant_id)).settings
    number = message.get("slice", 0)
    if restore["planHash"] is None:
        request = RestoreRequest.model_validate(await store.note(REQUEST))
        point = await RestorePoint.open(opened.vault, tenant_id, restore["backupId"] or "latest")
        planning = Planning(opened, graph, tenant_id, point, request, scoped=bool(restore.get("scope")))
        until = monotonic() + PLANNING_SECONDS
        task_id = message["taskId"]

        async def told() -> None:
            await records.tasks.progress(task_id, "planning", done=planning.objects)
            await records.tasks.describe(task_id, planning.words)

        try:
            index = await listening(
                planning.run(await _chosen(opened, tenant_id, store, request), store, number=number, until=until),
                told, partial(_is_cancelled, records, task_id),
            )
        except StoppedError:
            await Draft(opened.workspace, store.prefix).drop()
            return RestorePlanned(
                finished=True, cancelled=True, state=restore["state"], planHash="", summary=CANCELLED_EARLY,
                mayApply=False, why="",
            )
        if index is None:
            await told()
            return RestorePlanned(
                finished=False, state=restore["state"], planHash="", summary="", mayApply=False, why=""
            )
        state: RestoreState = "awaitingApproval" if settings.approvals.required else "ready"
        restore = await records.restores.change(tenant_id, restore_id, lambda now: None if now["planHash"] else {
            "planHash": index.sha256, "plan": index.sha256, "counts": dict(index.counts),
            "state": state if now["state"] == "planning" else now["state"],
            "findings": [one.as_json() for one in index.findings],
            "missingPermissions": list(index.missing_permissions), "planned": as_text(records.clock()),
            "backupId": index.backup_id, "scope": planning.scope,
        })
    if number:
        await Draft(opened.workspace, store.prefix).drop()
    unsafe = why_unsafe(restore, force=restore["force"])
    # Its scope stands in its row by now, so of two that meet at least one sees the other.
    begins = message["apply"] and restore["state"] == "ready"
    if begins and await met(records, tenant_id, restore_id, message["taskId"]):
        unsafe = unsafe or "Another restore runs that touches some of the same. Apply it when that one has ended."
    return RestorePlanned(
        finished=True, state=restore["state"], planHash=restore["planHash"] or "", summary=planned_in_words(restore),
        # Taken up again after a crash, it may be under way already.
        mayApply=restore["state"] in ("ready", "applying", "verifying") and not unsafe, why=unsafe,
    )


async def begin(opened: Deployment, graph: Graph, message: BeginApply) -> RestoreWaves:
    """Seal the before images and say what goes in which order."""
    records, tenant_id, restore_id = opened.records, message["tenantId"], message["restoreId"]
    restore = await records.restores.get(tenant_id, restore_id)
    if restore["state"] not in ("ready", "applying", "verifying") or restore["planHash"] != message["planHash"]:
        raise PlanStale("the approved plan is not the one that is to be applied", remedy="Look at the plan again.")
    store = store_of(opened, tenant_id, restore_id)
    index = await store.plan(message["planHash"])
    task_id = message["taskId"]
    await records.tasks.progress(task_id, "planning", done=0, total=0, unit="operations")  # objects are counted no more
    await records.tasks.progress(task_id, "operations", done=0, total=index.total, unit="operations")
    before = restore["beforeBackupId"]
    if before is None and index.total:
        try:
            before = await listening(
                seal_before(
                    opened, graph, tenant_id, restore_id, index, store, number=message.get("slice", 0),
                    until=monotonic() + SLICE_SECONDS,
                ),
                partial(records.tasks.describe, task_id, "Sealing what is there before the first write."),
                partial(_is_cancelled, records, task_id),
            )
        except StoppedError:
            return RestoreWaves(finished=True, cancelled=True, waves=[], beforeBackupId="")
        if before is None:
            return RestoreWaves(finished=False, waves=[], beforeBackupId="")
    await records.restores.set(
        tenant_id, restore_id, state="applying", beforeBackupId=before, applyTaskId=message["taskId"]
    )
    await records.tasks.describe(task_id, "Writing to the tenant.")
    waves = [[[lane[0], lane[-1]] for lane in wave] for wave in index.waves]
    return RestoreWaves(finished=True, waves=waves, beforeBackupId=before or "")


async def _is_cancelled(records: Records, task_id: str) -> bool:
    """Somebody wants the task stopped."""
    return (await records.tasks.get(task_id))["cancelRequested"]


class _OrphanedError(Exception):
    """The restore's task has ended, since another lane failed: this one stops, and a later apply goes on from here."""


async def apply_batch(opened: Deployment, graph: Graph, message: ApplyBatch) -> BatchApplied:
    """Go on with one batch for a bounded time."""
    records, tenant_id, restore_id = opened.records, message["tenantId"], message["restoreId"]
    task_id, number = message["taskId"], message["batch"]
    store = store_of(opened, tenant_id, restore_id)
    index = await store.plan(message["planHash"])

    async def new_ids(names: Iterable[str]) -> dict[str, str]:
        return await records.identity_map.made_by(tenant_id, restore_id, names)

    async def remember(one: Operation, receipt: Json) -> None:
        await records.identity_map.add(
            tenant_id, old_id=one.object_id, new_id=str(receipt["newObjectId"]), object_type=one.object_type,
            restore_id=restore_id, old_app_id=receipt.get("oldAppId"), new_app_id=receipt.get("newAppId"),
        )

    async def cancelled() -> bool:
        task = await records.tasks.get(task_id)
        if task["status"] not in OPEN:
            raise _OrphanedError
        return task["cancelRequested"]

    async def told(done: int) -> None:
        await records.tasks.progress(task_id, f"batch {number}", done=done, total=0, unit="operations")

    applying = Applying(
        graph, store, opened.cipher, tenant_id, new_ids, remember, cancelled,
        now=lambda: as_text(records.clock()), stop_at=monotonic() + SLICE_SECONDS, not_imaged=await not_imaged(store),
    )
    try:
        applied = await applying.run(index, number, told=told)
    except _OrphanedError:
        return BatchApplied(finished=False, cancelled=True)
    if applied.finished or applied.cancelled:
        await _forget_unused(store, await applying.seal(index, number, records.clock()))
        batch = await store.batch(index, number)
        await hand_over(opened, tenant_id, restore_id, store, {one.order for one in batch.operations})
    await told(applied.done)
    return BatchApplied(finished=applied.finished, cancelled=applied.cancelled)


async def _forget_unused(store: RestoreStore, receipts: Iterable[Json]) -> None:
    """Drop what was generated for something that Graph refused to make: who holds its name has another password.

    Where the answer was lost it is kept, since it may have been made after all.
    """
    refused = {one["order"] for one in receipts if one["state"] == "failed" and one.get("status") in _REFUSED}
    for name in [name async for name, _ in store.secrets()] if refused else ():
        if store.order_of(name) in refused:
            await store.forget(name)


_REFUSED = frozenset(range(400, 500)) - {408, 429}


async def finish(opened: Deployment, message: FinishRestore) -> dict[str, bool]:
    """Close the restore's task, and the restore itself where it has come to its end."""
    records, tenant_id, restore_id = opened.records, message["tenantId"], message["restoreId"]
    restore = await records.restores.get(tenant_id, restore_id)
    task = await records.tasks.get(message["taskId"])
    outcome, summary, status = message["outcome"], message["summary"], "succeeded"
    if outcome in ("applied", "cancelled") and restore["planHash"]:
        store = store_of(opened, tenant_id, restore_id)
        index = await store.plan(restore["planHash"])
        results = await tally(store, index)
        bad = results.get("failed", 0) + results.get("stale", 0)
        await hand_over_the_rest(opened, tenant_id, restore_id, store, message["taskId"])
        credentials = await _credentials(store)
        vault = (await records.tenants.settings(tenant_id)).settings.credentials_vault
        worked = sum(results.get(one, 0) for one in ("done", "unchanged", "manual"))
        state: RestoreState = "done" if worked or not bad else "failed"
        if outcome == "cancelled":
            state = "cancelled"
        verification = restore["verification"] or {}
        restore = await records.restores.set(
            tenant_id, restore_id, state=state, results=results, stale=results.get("stale", 0),
            applied=as_text(records.clock()), credentials=credentials,
        )
        summary = applied_in_words(results, verification, cancelled=outcome == "cancelled")
        summary += passwords_in_words(credentials, vault=bool(vault))
        warns = (credentials == "waiting" and vault) or bad or results.get("manual") or verification.get("differing")
        status = "cancelled" if outcome == "cancelled" else (
            "failed" if state == "failed" else "succeededWithWarnings" if warns else "succeeded")
        await _mark_undone(opened, restore)
        await _tell_failures(opened, restore, store, index)
    elif outcome == "cancelled":
        status = "cancelled"
        await records.restores.set(tenant_id, restore_id, state="cancelled", message=summary)
    elif outcome == "failed":
        status = "failed"
        if restore["beforeBackupId"] and not restore["applied"]:
            summary += " Apply it again with the same planHash: it goes on where it stopped, and sends nothing twice."
        elif restore["planHash"] and not restore["applied"]:
            summary += " Apply it again with the same planHash, or plan again: a plan leaves out what cannot be read."
        await records.restores.change(
            tenant_id, restore_id, lambda now: None if now["state"] in ("done", "cancelled") else
            {"state": "failed", "message": summary}
        )
    elif outcome == "unsafe":
        status = "failed"
        await records.restores.set(tenant_id, restore_id, message=summary)
    waits = outcome == "planned" and restore["state"] == "awaitingApproval"
    closed = await close(
        records, task, status, summary, lock="restore",  # type: ignore[arg-type]
        code="approvalWanted" if waits else _CODES[outcome],
        result={"restoreId": restore_id, **({"backupId": restore["backupId"]} if restore["backupId"] else {})},
    )
    return {"closed": closed}


_CODES = {
    "planned": "restorePlanned", "applied": "restoreApplied", "cancelled": "restoreCancelled",
    "failed": "restoreFailed", "unsafe": "restoreUnsafe",
}


async def _credentials(store: RestoreStore) -> Credentials:
    """Whether passwords wait to be fetched, are all in a Key Vault, or there are none."""
    found: Credentials = "none"
    async for _, one in store.secrets():
        if "secret" in one:
            return "waiting"
        found = "keyVault"
    return found


async def tally(store: RestoreStore, index: PlanIndex) -> dict[str, int]:
    """How many operations ended how."""
    found: dict[str, int] = {}
    for number in range(1, len(index.pages) + 1):
        journal = await store.journal(number)
        for receipt in journal.receipts.values():
            found[receipt["state"]] = found.get(receipt["state"], 0) + 1
        if not journal.sealed:
            batch = await store.batch(index, number)
            open_ones = len(batch.operations) - len(journal.receipts)
            if open_ones:
                found["skipped"] = found.get("skipped", 0) + open_ones
    return found


def why_unsafe(restore: Restore, *, force: bool) -> str:
    """Why the plan may not be applied as it is; empty where it may."""
    if force:
        return ""
    reasons = [str(one["message"]) for one in restore["findings"] if one["blocks"]]
    if restore["missingPermissions"]:
        reasons.append("The restoring app lacks " + ", ".join(restore["missingPermissions"]) + ".")
    return " ".join(reasons)


def planned_in_words(restore: Restore) -> str:
    """The plan in one line."""
    counts = restore["counts"]
    parts = [f"{count} to {kind}" for kind, count in counts.items() if count and kind not in ("leave", "manual")]
    line = "Planned: " + (", ".join(parts) if parts else "nothing differs") + "."
    if counts.get("manual"):
        line += f" {counts['manual']} steps are for a person."
    if counts.get("leave"):
        line += f" {counts['leave']} things are left as they are."
    return line


def applied_in_words(results: dict[str, int], verification: dict[str, Any], *, cancelled: bool) -> str:
    """What was done, in one line."""
    parts = [f"{count} {state}" for state, count in sorted(results.items())]
    line = ("Cancelled: " if cancelled else "Restored: ") + (", ".join(parts) or "nothing to do") + "."
    short = results.get("failed", 0) + results.get("stale", 0)
    if verification and verification["checked"]:
        wrong = verification["differing"]
        line += f" Verified {verification['checked']} facts{' of what was written' if short else ''}: "
        line += f"{wrong} differ." if wrong else "all are as planned."
    if short:
        line += " Look at the operations that failed or are stale, then plan again for what is missing."
    return line


def passwords_in_words(credentials: Credentials, *, vault: bool) -> str:
    """Where generated passwords are, in one more sentence; empty where the tenant's settings name no Key Vault."""
    if credentials == "keyVault":
        return " Generated passwords and secrets are in the Key Vault."
    if credentials == "waiting" and vault:
        return " The Key Vault did not take all passwords and secrets: GET …/credentials shows the others once."
    return ""


async def _chosen(
    opened: Deployment, tenant_id: str, store: RestoreStore, request: RestoreRequest
) -> Chosen:
    selection = request.selection
    if request.source.report_id is not None:
        report = await opened.records.reports.get(tenant_id, request.source.report_id)
        return await chosen_changes(opened, report, selection, request.options)
    if selection.all:
        return Chosen(types=tuple(row.name for row in restored_rows()))
    if selection.types is not None:
        return Chosen(types=tuple(dict.fromkeys(selection.types)))
    if selection.object_ids is not None:
        noted = await store.note(TOUCHED)
        if noted is not None:
            return chosen_by(noted)
        return Chosen(object_ids=tuple(dict.fromkeys(selection.object_ids)))
    raise NotRestorable("the changes of a report are chosen by their changeIds", remedy="Choose objectIds.")


async def _mark_undone(opened: Deployment, restore: Restore) -> None:
    if restore["undoOf"] and restore["state"] == "done":
        await opened.records.restores.set(restore["tenantId"], restore["undoOf"], undoneBy=restore["restoreId"])


async def _tell_failures(opened: Deployment, restore: Restore, store: RestoreStore, index: PlanIndex) -> None:
    """An event for each of the first operations that failed or were stale."""
    told = 0
    for number in range(1, len(index.pages) + 1):
        if told >= SHOWN_MISMATCHES:
            return
        receipts = (await store.journal(number)).receipts
        bad = {order for order, one in receipts.items() if one["state"] in ("failed", "stale")}
        for one in (await store.batch(index, number)).operations if bad else ():
            if one.order in bad and told < SHOWN_MISMATCHES:
                told += 1
                receipt = receipts[one.order]
                await opened.records.events.record(
                    f"operation:{restore['restoreId']}:{one.order}", tenant_id=restore["tenantId"],
                    severity="error" if receipt["state"] == "failed" else "warning",
                    code="operationFailed" if receipt["state"] == "failed" else "targetStale",
                    # Graph's own words may quote what it was sent; they stand in the operation's receipt.
                    message=f"{one.kind} {one.object_type} {one.object_id}: {_answered(receipt)}. See its operation.",
                    task={"taskId": restore["applyTaskId"] or restore["taskId"], "name": "Restore"},
                )


def _answered(receipt: Json) -> str:
    if receipt["state"] == "stale":
        return "it is not as the plan expected any more"
    status = receipt.get("status")
    return f"Microsoft Graph answered {status}" if status else "it was not done"
