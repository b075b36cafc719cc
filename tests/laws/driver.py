"""Cairn's own orchestrators and activities without an engine: calls are made as they come, retried without waiting.

It keeps what the engine promises and no more: messages are plain JSON below 16 kB, an activity runs at least once, a
call whose tries are used up raises TaskFailedError, and nothing outlives `crash`.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from durabletask.client import OrchestrationStatus
from durabletask.task import CompletableTask, RetryPolicy, WhenAllTask

import function_app

MESSAGE_BYTES = 16 * 1024

ORCHESTRATORS: Mapping[str, Callable[..., Any]] = {one.__name__: one for one in function_app.ORCHESTRATORS}
ACTIVITIES: Mapping[str, Callable[..., Any]] = {one.__name__: one for one in function_app.ACTIVITIES}


def sent(message: Any) -> Any:
    """The message as it arrives."""
    text = orjson.dumps(message)
    assert len(text) < MESSAGE_BYTES, f"a message of {len(text)} bytes"
    return orjson.loads(text)


class Call(CompletableTask[Any]):
    """Something that an orchestrator asked for and that is not done yet."""

    def __init__(self, kind: str, name: str, message: Any, policy: RetryPolicy | None, instance_id: str) -> None:
        super().__init__()
        self.kind, self.name, self.message = kind, name, sent(message)
        self.tries = policy.max_number_of_attempts if policy else 1
        self.instance_id = instance_id


@dataclass
class Context:
    """What an orchestrator sees."""

    instance_id: str
    asked: list[Call] = field(default_factory=list)
    anew: Any = None

    def call_activity(
        self, activity: str, *, input: Any = None, retry_policy: RetryPolicy | None = None,  # noqa: A002 - its name
    ) -> Call:
        self.asked.append(Call("activity", activity, input, retry_policy, ""))
        return self.asked[-1]

    def call_sub_orchestrator(
        self, orchestrator: str, *, input: Any = None, instance_id: str | None = None,  # noqa: A002 - its name
        retry_policy: RetryPolicy | None = None,
    ) -> Call:
        self.asked.append(Call("orchestrator", orchestrator, input, retry_policy, instance_id or ""))
        return self.asked[-1]

    def continue_as_new(self, new_input: Any, *, save_events: bool = False) -> None:
        self.anew = sent(new_input)


@dataclass
class State:
    runtime_status: OrchestrationStatus


@dataclass
class Engine:
    """Runs orchestrations; also the durable client that starts them."""

    activities: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: dict(ACTIVITIES))
    orchestrators: Mapping[str, Callable[..., Any]] = field(default_factory=lambda: dict(ORCHESTRATORS))
    calls: list[tuple[str, Any]] = field(default_factory=list)
    _running: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    async def schedule_new_orchestration(
        self, orchestrator: str, /, *, input: Any = None, instance_id: str | None = None  # noqa: A002 - its name
    ) -> str:
        assert instance_id is not None
        assert instance_id not in self._running, "ALREADY_EXISTS"
        self._running[instance_id] = asyncio.create_task(self.run(orchestrator, input, instance_id))
        return instance_id

    async def get_orchestration_state(self, instance_id: str, *, fetch_payloads: bool = True) -> State | None:
        running = self._running.get(instance_id)
        if running is None:
            return None
        if not running.done():
            return State(OrchestrationStatus.RUNNING)
        failed = running.cancelled() or running.exception() is not None
        return State(OrchestrationStatus.FAILED if failed else OrchestrationStatus.COMPLETED)

    async def terminate_orchestration(
        self, instance_id: str, *, output: Any | None = None, recursive: bool = True
    ) -> None:
        self._running[instance_id].cancel()

    async def crash(self) -> None:
        """Everything in memory is gone, as after SIGKILL."""
        running, self._running = list(self._running.values()), {}
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def ended(self, instance_id: str) -> Any:
        """What the orchestration returned, when it has."""
        return await self._running[instance_id]

    async def run(self, name: str, message: Any, instance_id: str) -> Any:
        """What the orchestrator returns."""
        message = sent(message)
        while True:
            context = Context(instance_id)
            found = self.orchestrators[name](context, message)
            result = await self._drive(found) if inspect.isgenerator(found) else found
            if context.anew is None:
                return result
            message = context.anew

    async def _drive(self, steps: Any) -> Any:
        try:
            waiting = next(steps)
            while True:
                await self._answer(waiting)
                if waiting.is_failed:
                    waiting = steps.throw(waiting.get_exception())
                else:
                    waiting = steps.send(waiting.get_result())
        except StopIteration as done:
            return done.value

    async def _answer(self, waiting: Any) -> None:
        calls = waiting.get_tasks() if isinstance(waiting, WhenAllTask) else [waiting]
        assert calls, "waiting for all of nothing never ends"
        await asyncio.gather(*(self._made(call) for call in calls))

    async def _made(self, call: Call) -> None:
        last: Exception | None = None
        for _ in range(call.tries):
            self.calls.append((call.name, call.message))
            try:
                if call.kind == "activity":
                    result = sent(await self.activities[call.name](call.message))
                else:
                    result = sent(await self.run(call.name, call.message, call.instance_id))
            except Exception as error:  # noqa: BLE001 - the engine takes whatever an activity raises
                last = error
                continue
            call.complete(result)
            return
        assert last is not None
        call.fail(f"{call.instance_id}: Activity task #1 failed: {last}", last)


def answering(table: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    """Activities that answer from a table: a value, an exception to raise, or a function of the message."""

    def activity(found: Any) -> Callable[..., Any]:
        async def answer(message: dict[str, Any]) -> Any:
            if isinstance(found, Exception):
                raise found
            given = found(message) if callable(found) else found
            return await given if inspect.isawaitable(given) else given

        return answer

    return {name: activity(found) for name, found in table.items()}
