"""Where errors leave an activity: what is worth another try is raised, what is not is an answer.

An exception makes the engine run the whole activity again, with growing pauses. That helps against a throttle or an
outage, and only delays the news that a credential is wrong. So an error that is not `retryable` returns as `Failed`.
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.errors import CairnError
from shared.messages import Failed
from shared.telemetry import continued, span, trace_of

_LOG = logging.getLogger("cairn.activities")


def answering[Message: Mapping[str, Any], Answer](
    activity: Callable[[Message], Awaitable[Answer]],
) -> Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]:
    """The activity, registered under its own name, with its errors told apart."""

    @functools.wraps(activity)
    async def run(message: dict[str, Any]) -> dict[str, Any]:
        about = {"cairn.operation": activity.__name__, "cairn.tenant": str(message.get("tenantId", ""))}
        try:
            with continued(trace_of(str(message.get("taskId", "")))), span(f"activity {activity.__name__}", about):
                return await activity(message)  # type: ignore[arg-type, return-value]
        except CairnError as error:
            if error.retryable:
                raise
            _LOG.warning("%s ended: %s", activity.__name__, type(error).__name__)
            return dict(Failed(failure=str(error), remedy=error.remedy, code=type(error).__name__))

    # The worker library reads annotations, and takes no TypedDict apart: both ends are JSON objects.
    run.__annotations__ = {"message": dict, "return": dict}
    del run.__wrapped__
    return run
