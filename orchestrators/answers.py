"""How an orchestration takes an activity's answer: as it is, or as the failure that ends the operation."""

from collections.abc import Generator, Iterable
from datetime import timedelta
from typing import Any

from durabletask.task import OrchestrationContext, RetryPolicy, Task, TaskFailedError, when_all

RETRY = RetryPolicy(
    first_retry_interval=timedelta(seconds=5),
    max_number_of_attempts=5,
    backoff_coefficient=2.0,
    max_retry_interval=timedelta(minutes=2),
)
"""An exception from an activity means: run the whole call again. Five times spans a short outage of storage."""

CLOSE_RETRY = RetryPolicy(
    first_retry_interval=timedelta(seconds=5),
    max_number_of_attempts=20,
    backoff_coefficient=2.0,
    max_retry_interval=timedelta(minutes=5),
)
"""Closing a task is tried for about an hour and a half, since a task that stays open blocks the next one."""


WATCH_RETRY = RetryPolicy(first_retry_interval=timedelta(seconds=5), max_number_of_attempts=2)
"""Watching comes when the work is done, and must not hold up its end for long."""


class OperationFailed(Exception):
    """An activity answered that trying again would not help; its text is the task's last line, `code` is its kind."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


FAILURES = (OperationFailed, TaskFailedError)
"""What ends an operation: an answer that says so, or a call whose tries are used up."""


def answer(ctx: OrchestrationContext, activity: str, message: Any) -> Generator[Any, Any, Any]:
    """Return the activity's answer; raises OperationFailed, or TaskFailedError when all tries are used up."""
    found: Any = yield ctx.call_activity(activity, input=message, retry_policy=RETRY)
    if isinstance(found, dict) and "failure" in found:
        raise OperationFailed(f"{found['failure']} {found['remedy']}", found.get("code", ""))
    return found


def all_answers(calls: Iterable[Task[Any]]) -> Generator[Any, Any, list[Any]]:
    """Return the answers of calls that run side by side; none at once for no calls, since waiting for all of nothing
    never ends."""
    waited = list(calls)
    if not waited:
        return []
    found: list[Any] = yield when_all(waited)
    return found


def first_line(failure: BaseException) -> str:
    """The failure in one line, without the engine's own prefix; Azure keeps no more than that."""
    text = str(failure).strip()
    line = text.splitlines()[0] if text else type(failure).__name__
    marker = " failed: "
    while marker in line:
        line = line[line.index(marker) + len(marker):]
    return line
