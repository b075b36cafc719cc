"""Whoever has seen a task end may start the next one at once."""

from shared import operations
from shared.starting import running, start
from tests.laws.conftest import Protected


async def test_a_task_that_has_ended_holds_nobody_up_though_its_lock_is_not_let_go_yet(protected: Protected) -> None:
    task_id = await protected.begin()
    await protected.opened.records.tasks.close(task_id, "succeeded", "Done.")
    records = protected.opened.records
    assert await records.run_locks.held(protected.tenant_id, "backup")
    assert await running(records, protected.engine, protected.tenant_id, "backup") is None
    following = operations.backup(protected.tenant_id, "next", kind="full", types=["user"], requested_by="test")
    task = await start(records, protected.engine, following)
    assert task["taskId"] == "next"
