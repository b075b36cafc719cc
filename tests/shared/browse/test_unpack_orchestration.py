"""The unpack orchestration: slice by slice, closed whatever happens, and its history never grows without bound."""

from typing import Any

import pytest

from orchestrators.unpack import SLICES_PER_HISTORY, unpack_backup

REQUEST = {"tenantId": "t", "taskId": "k", "backupId": "00000001", "clearPrevious": True, "requestedBy": "p"}


class Context:
    """Records what the orchestration calls, and whether it began a new history."""

    def __init__(self) -> None:
        self.continued: Any = None

    def call_activity(self, name: str, *, input: Any, retry_policy: Any) -> tuple[str, Any]:  # noqa: A002
        return name, input

    def continue_as_new(self, message: Any) -> None:
        self.continued = message


def played(answers: dict[str, Any]) -> tuple[list[tuple[str, Any]], Any, Context]:
    context = Context()
    running = unpack_backup(context, REQUEST)  # type: ignore[arg-type]
    calls: list[tuple[str, Any]] = []
    sent = None
    while True:
        try:
            name, message = running.send(sent)
        except StopIteration as ended:
            return calls, ended.value, context
        calls.append((name, message))
        found = answers[name]
        sent = found(message) if callable(found) else found


def test_slices_follow_each_other_until_the_last_and_the_task_is_closed() -> None:
    def unpacked(message: Any) -> Any:
        number = int(message["checkpoint"] or 0) + 1
        return {"checkpoint": str(number), "finished": number == 3}

    calls, result, _ = played({"unpack_slice": unpacked, "finish_unpack": {"summary": "done"}, "close_task": {}})
    assert [name for name, _ in calls] == ["unpack_slice"] * 3 + ["finish_unpack", "close_task"]
    assert calls[-1][1]["status"] == "succeeded"
    assert result is True


@pytest.mark.parametrize("failing", ["unpack_slice", "finish_unpack"])
def test_a_failure_closes_the_task_with_its_reason(failing: str) -> None:
    failure = {"failure": "It is damaged.", "remedy": "Run verify.", "code": "Corrupt"}
    answers = {"unpack_slice": {"checkpoint": "", "finished": True}, "finish_unpack": {"summary": ""}, "close_task": {}}
    calls, result, _ = played({**answers, failing: failure})
    assert (calls[-1][0], calls[-1][1]["status"]) == ("close_task", "failed")
    assert calls[-1][1]["summary"] == "It is damaged. Run verify."
    assert result is False


def test_a_long_unpacking_goes_on_in_a_new_history() -> None:
    calls, _, context = played({"unpack_slice": {"checkpoint": "c", "finished": False}})
    assert len(calls) == SLICES_PER_HISTORY
    assert context.continued == {**REQUEST, "checkpoint": "c"}
