"""Restore: plan it, apply it wave by wave, verify it.

1. `plan_restore` reads both states and stores the plan under its hash, slice by slice; nothing in the tenant changes.
2. Unless it is to be applied at once, the task ends here, and applying is a task of its own.
3. `begin_apply` seals the before images as a restore point, slice by slice.
4. Waves go one after the other; the lanes of a wave side by side (`apply_lane`), a batch of 250 operations at a time.
5. `verify_restore` reads back what was written, a slice at a time; `finish_restore` ends the task, whatever happened.

Invariant: every step may run again; what was sent is known by the journal and is not sent twice.
"""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, all_answers, answer, first_line
from shared.messages import (
    ApplyBatch,
    ApplyLane,
    BatchApplied,
    BeginApply,
    FinishRestore,
    RestorePlanned,
    RestoreStep,
    RestoreTenant,
    RestoreVerified,
    RestoreWaves,
    VerifyRestore,
)

BATCHES_PER_HISTORY = 50
"""A lane starts a new history after this many batches, so that replaying it stays cheap."""

SLICES_PER_HISTORY = 50
"""The same for slices of planning. Before images are as many as a plan has objects: they need no new history."""


def restore_tenant(ctx: OrchestrationContext, request: RestoreTenant) -> Generator[Any, Any, str]:
    """Return the restore's id, or an empty text where planning goes on in a new history."""
    end = FinishRestore(
        tenantId=request["tenantId"], taskId=request["taskId"], restoreId=request["restoreId"], outcome="planned",
        summary="",
    )
    try:
        plan_hash = request.get("planHash", "")
        if not plan_hash:
            planned: RestorePlanned | None = yield from _planned(ctx, request)
            if planned is None:
                return ""
            plan_hash = planned["planHash"]
            end["summary"] = planned["summary"]
            if planned.get("cancelled", False):
                end["outcome"] = "cancelled"
            elif request["apply"] and not planned["mayApply"]:
                end["outcome"] = "unsafe"
                end["summary"] = f"Planned, and not applied: {planned['why'] or 'it waits for approval.'}"
        if request["apply"] and end["outcome"] == "planned":
            cancelled: bool = yield from _apply(ctx, request, plan_hash)
            end["outcome"] = "cancelled" if cancelled else "applied"
    except FAILURES as failure:
        end["outcome"], end["summary"] = "failed", first_line(failure)
    yield ctx.call_activity("finish_restore", input=end, retry_policy=CLOSE_RETRY)
    return request["restoreId"]


def _planned(ctx: OrchestrationContext, request: RestoreTenant) -> Generator[Any, Any, RestorePlanned | None]:
    """Return the plan, slice by slice; None where a new history goes on with it."""
    for _ in range(SLICES_PER_HISTORY):
        planned: RestorePlanned = yield from answer(ctx, "plan_restore", request)
        if planned.get("finished", True):  # what was planned under 0.1.0 is in one answer
            return planned
        request = {**request, "slice": request.get("slice", 0) + 1}
    ctx.continue_as_new(request)
    return None


def _apply(ctx: OrchestrationContext, request: RestoreTenant, plan_hash: str) -> Generator[Any, Any, bool]:
    """Return whether it was cancelled."""
    tenant_id, task_id, restore_id = request["tenantId"], request["taskId"], request["restoreId"]
    step = RestoreStep(tenantId=tenant_id, taskId=task_id, restoreId=restore_id, planHash=plan_hash)
    begun: RestoreWaves = yield from answer(ctx, "begin_apply", step)
    number = 0
    while not begun.get("finished", True):  # as above
        number += 1
        begun = yield from answer(ctx, "begin_apply", BeginApply(**step, slice=number))
    if begun.get("cancelled", False):  # before the first write: there is nothing to verify
        return True
    cancelled = False
    for wave in begun["waves"]:
        if cancelled:
            break
        stopped: list[bool] = yield from all_answers(
            ctx.call_sub_orchestrator(
                "apply_lane",
                input=ApplyLane(
                    tenantId=tenant_id, taskId=task_id, restoreId=restore_id, planHash=plan_hash, first=lane[0],
                    last=lane[1],
                ),
                instance_id=f"{task_id}:lane:{lane[0]}",
            )
            for lane in wave
        )
        cancelled = any(stopped)
    yield from _verify(ctx, step)
    return cancelled


def _verify(ctx: OrchestrationContext, step: RestoreStep) -> Generator[Any, Any]:
    """Read back slice by slice; the report lies in the vault, and finish_restore reads the restore."""
    verified = RestoreVerified(finished=False, next=0)
    while not verified["finished"]:
        verified = yield from answer(ctx, "verify_restore", VerifyRestore(**step, start=verified["next"]))


def apply_lane(ctx: OrchestrationContext, request: ApplyLane) -> Generator[Any, Any, bool]:
    """Return whether it was cancelled; one activity a slice of a batch, a new history every so many batches."""
    batch = request["first"]
    for _ in range(BATCHES_PER_HISTORY):
        applied: BatchApplied = yield from answer(
            ctx, "apply_batch",
            ApplyBatch(
                tenantId=request["tenantId"], taskId=request["taskId"], restoreId=request["restoreId"],
                planHash=request["planHash"], batch=batch,
            ),
        )
        if applied["cancelled"]:
            return True
        if applied["finished"]:
            batch += 1
        if batch > request["last"]:
            return False
    ctx.continue_as_new({**request, "first": batch})
    return False
