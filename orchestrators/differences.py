"""Report what separates two states of a tenant.

1. `begin_differences` decides what is read of the live tenant, and how; nothing, where two restore points are compared.
2. Every lane is read at once, slice by slice (`read_live`, a sub-orchestration), then a closing lane, as in a backup.
3. `seal_live` makes of them the live state, which lies with the report and is no restore point.
4. `compare_states` compares type by type, a slice at a time.
5. `finish_differences` puts changes under their causes, and says who made them and when.
6. `close_report` ends report and task, whatever happened.

Invariant: a report shows what it found before until the new one is whole; everything may be repeated.
"""

from collections.abc import Generator
from typing import Any

from durabletask.task import OrchestrationContext

from orchestrators.answers import CLOSE_RETRY, FAILURES, all_answers, answer, first_line
from shared.messages import (
    CloseReport,
    CompareStates,
    DifferencesBegun,
    DifferencesFound,
    Lane,
    LiveSealed,
    ReadLive,
    ReportDifferences,
    SealLive,
    SliceCaptured,
    StatesCompared,
)

SLICES_PER_HISTORY = 50
"""A new history begins after this many slices, so that replaying it stays cheap."""

CLOSING_LANE = "closing"


def report_differences(ctx: OrchestrationContext, request: ReportDifferences) -> Generator[Any, Any, bool]:
    """Return whether the report was made; its task says why if it was not."""
    tenant_id, task_id, report_id = request["tenantId"], request["taskId"], request["reportId"]
    checkpoint, live = request.get("checkpoint", ""), request.get("live", "")
    try:
        if not checkpoint:
            live = yield from _live(ctx, request)
        for _ in range(SLICES_PER_HISTORY):
            compared: StatesCompared = yield from answer(
                ctx, "compare_states",
                CompareStates(
                    tenantId=tenant_id, taskId=task_id, reportId=report_id, live=live, checkpoint=checkpoint
                ),
            )
            checkpoint = compared["checkpoint"]
            if compared["finished"]:
                break
        else:
            ctx.continue_as_new({**request, "checkpoint": checkpoint, "live": live})
            return False
        found: DifferencesFound = yield from answer(
            ctx, "finish_differences",
            CompareStates(tenantId=tenant_id, taskId=task_id, reportId=report_id, live=live, checkpoint=checkpoint),
        )
    except FAILURES as failure:
        closing = CloseReport(
            tenantId=tenant_id, taskId=task_id, reportId=report_id, status="failed", summary=first_line(failure)
        )
        yield ctx.call_activity("close_report", input=closing, retry_policy=CLOSE_RETRY)
        return False
    closing = CloseReport(
        tenantId=tenant_id, taskId=task_id, reportId=report_id, summary=found["summary"],
        status="succeededWithWarnings" if found["warnings"] else "succeeded",
    )  # fmt: skip
    yield ctx.call_activity("close_report", input=closing, retry_policy=CLOSE_RETRY)
    return True


def _live(ctx: OrchestrationContext, request: ReportDifferences) -> Generator[Any, Any, str]:
    """The number of the live state, or an empty text where none is compared."""
    tenant_id, task_id, report_id = request["tenantId"], request["taskId"], request["reportId"]
    begun: DifferencesBegun = yield from answer(ctx, "begin_differences", request)
    if not begun["run"]:
        return ""
    captured: list[str] = yield from all_answers(
        ctx.call_sub_orchestrator(
            "read_live",
            input=ReadLive(tenantId=tenant_id, taskId=task_id, reportId=report_id, run=begun["run"], lane=lane),
            instance_id=f"{task_id}:{lane['name']}",
        )
        for lane in begun["lanes"]
    )
    closed: str = yield ctx.call_sub_orchestrator(
        "read_live",
        input=ReadLive(
            tenantId=tenant_id, taskId=task_id, reportId=report_id, run=begun["run"],
            lane=Lane(name=CLOSING_LANE, types=[], share=1.0), closing=True, after=captured,
        ),
        instance_id=f"{task_id}:{CLOSING_LANE}",
    )
    sealed: LiveSealed = yield from answer(
        ctx, "seal_live",
        SealLive(
            tenantId=tenant_id, taskId=task_id, reportId=report_id, run=begun["run"], checkpoints=[*captured, closed]
        ),
    )
    return sealed["live"]


def read_live(ctx: OrchestrationContext, request: ReadLive) -> Generator[Any, Any, str]:
    """Return the name of the lane's last checkpoint; one activity a slice, a new history every so many."""
    slices = request.get("slices", 0)
    for _ in range(SLICES_PER_HISTORY):
        captured: SliceCaptured = yield from answer(ctx, "read_live_slice", {**request, "slices": slices})
        if captured["finished"]:
            return captured["checkpoint"]
        slices += 1
        request = {**request, "checkpoint": captured["checkpoint"]}
    ctx.continue_as_new({**request, "slices": slices})
    return ""
