"""The fixture: one small function app that uses everything the local host claims to run."""

import asyncio
import json
import os
import sys
import threading
import time
from contextvars import ContextVar
from datetime import timedelta
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
from durabletask import task
from durabletask.entities import EntityInstanceId
from fastapi import Depends, FastAPI, Request, Response
from opentelemetry import trace

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

# What happened, for tests in the same process.
attempts: dict[str, int] = {}
started: list[str] = []
timer_runs: list[bool] = []
gate = threading.Event()


class UnluckyError(Exception):
    pass


# Activities -------------------------------------------------------------------------------------------------


@app.activity_trigger(input_name="number")
def double(number: int) -> int:
    return number * 2


@app.activity_trigger(input_name="message")
def add_two(ctx, message: dict) -> int:
    return message["left"] + message["right"]


@app.activity_trigger(input_name="number")
async def triple(number: int) -> int:
    await asyncio.sleep(0)
    return number * 3


@app.activity_trigger(input_name="number", activity="renamed")
def under_another_name(number: int) -> str:
    return f"renamed {number}"


@app.activity_trigger(input_name="key")
def succeed_at_third(key: str) -> int:
    attempts[key] = attempts.get(key, 0) + 1
    if attempts[key] < 3:
        raise UnluckyError("not yet\nwith a second line")
    return attempts[key]


@app.activity_trigger(input_name="key")
def count(key: str) -> int:
    attempts[key] = attempts.get(key, 0) + 1
    return attempts[key]


@app.activity_trigger(input_name="how")
def fail(how: str) -> None:
    if how == "exit":
        sys.exit(3)
    if how == "cancelled":
        raise asyncio.CancelledError
    if how == "empty":
        raise ValueError
    if how == "set":
        return {1, 2}
    raise UnluckyError("first line\nsecond line")


@app.activity_trigger(input_name="seconds")
def sleep_in_thread(seconds: float) -> str:
    started.append("sleep")
    time.sleep(seconds)
    return "slept"


@app.activity_trigger(input_name="key")
def wait_for_gate(key: str) -> str:
    started.append(key)
    gate.wait(10)
    return key


# Orchestrators ----------------------------------------------------------------------------------------------


@app.orchestration_trigger(context_name="ctx")
def call_each_kind(ctx: task.OrchestrationContext, number: int):
    doubled = yield ctx.call_activity("double", input=number)
    added = yield ctx.call_activity("add_two", input={"left": doubled, "right": 1})
    tripled = yield ctx.call_activity("triple", input=added)
    renamed = yield ctx.call_activity("renamed", input=tripled)
    return [doubled, added, tripled, renamed]


@app.activity_trigger(input_name="message")
async def trace_seen(message: dict) -> str:
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


@app.orchestration_trigger(context_name="ctx")
def traced(ctx: task.OrchestrationContext, deeper: bool):
    seen = [(yield ctx.call_activity("trace_seen", input={}))]
    if deeper:
        seen += yield ctx.call_sub_orchestrator("traced", input=False)
    return seen


@app.orchestration_trigger(context_name="ctx")
def call_unknown(ctx: task.OrchestrationContext, message):
    return (yield ctx.call_activity("nowhere", input=1))


@app.orchestration_trigger(context_name="ctx")
def retry(ctx: task.OrchestrationContext, key: str):
    policy = task.RetryPolicy(first_retry_interval=timedelta(milliseconds=1), max_number_of_attempts=4)
    return (yield ctx.call_activity("succeed_at_third", input=key, retry_policy=policy))


@app.orchestration_trigger(context_name="ctx")
def succeed_after_rewind(ctx: task.OrchestrationContext, key: str):
    yield ctx.call_activity("count", input="before")
    return (yield ctx.call_activity("succeed_at_third", input=key))


@app.orchestration_trigger(context_name="ctx")
def tell_failure(ctx: task.OrchestrationContext, how: str):
    try:
        yield ctx.call_activity("fail", input=how)
    except task.TaskFailedError as error:
        return {"type": error.details.error_type, "text": error.details.message}
    return None


@app.orchestration_trigger(context_name="ctx")
def fail_uncaught(ctx: task.OrchestrationContext, how: str):
    yield ctx.call_activity("fail", input=how)


@app.orchestration_trigger(context_name="ctx")
def exit_in_orchestrator(ctx: task.OrchestrationContext, message):
    sys.exit(1)
    yield


@app.orchestration_trigger(context_name="ctx")
def fan_out(ctx: task.OrchestrationContext, count: int):
    results = yield task.when_all([ctx.call_activity("double", input=n) for n in range(count)])
    return sum(results)


@app.orchestration_trigger(context_name="ctx")
def chain(ctx: task.OrchestrationContext, length: int):
    for number in range(length):
        yield ctx.call_activity("double", input=number)


@app.orchestration_trigger(context_name="ctx")
def batches(ctx: task.OrchestrationContext, sizes: list):
    results = yield task.when_all([ctx.call_sub_orchestrator("fan_out", input=size) for size in sizes])
    return sum(results)


@app.orchestration_trigger(context_name="ctx")
def parent(ctx: task.OrchestrationContext, numbers: list):
    results = yield task.when_all([ctx.call_sub_orchestrator("child", input=n) for n in numbers])
    return results


@app.orchestration_trigger(context_name="ctx")
def child(ctx: task.OrchestrationContext, number: int):
    return (yield ctx.call_activity("double", input=number))


@app.orchestration_trigger(context_name="ctx")
def failing_parent(ctx: task.OrchestrationContext, message):
    try:
        yield ctx.call_sub_orchestrator("fail_uncaught", input="plain")
    except task.TaskFailedError as error:
        return error.details.message
    return None


@app.orchestration_trigger(context_name="ctx")
def wait_for_timer(ctx: task.OrchestrationContext, milliseconds: int):
    yield ctx.create_timer(timedelta(milliseconds=milliseconds))
    return "fired"


@app.orchestration_trigger(context_name="ctx")
def wait_for_signal(ctx: task.OrchestrationContext, message):
    return (yield ctx.wait_for_external_event("go"))


@app.orchestration_trigger(context_name="ctx")
def parent_of_waiting(ctx: task.OrchestrationContext, child_id: str):
    return (yield ctx.call_sub_orchestrator("wait_for_signal", instance_id=child_id))


@app.orchestration_trigger(context_name="ctx")
def count_down(ctx: task.OrchestrationContext, number: int):
    yield ctx.call_activity("double", input=number)
    if number:
        ctx.continue_as_new(number - 1)
        return None
    return "done"


@app.orchestration_trigger(context_name="ctx")
def race_then_renew(ctx: task.OrchestrationContext, round_number: int):
    late = ctx.create_timer(timedelta(milliseconds=50))
    quick = ctx.call_activity("double", input=1)
    yield task.when_any([late, quick])
    if round_number:
        ctx.continue_as_new(round_number - 1)
        return None
    signal = yield ctx.wait_for_external_event("go")
    return signal


@app.orchestration_trigger(context_name="ctx")
def four_in_order(ctx: task.OrchestrationContext, message):
    for number in range(4):
        yield ctx.call_activity("wait_for_gate", input=f"step {number}")


@app.orchestration_trigger(context_name="ctx")
def twelve_at_once(ctx: task.OrchestrationContext, message):
    yield task.when_all([ctx.call_activity("wait_for_gate", input=f"call {n}") for n in range(12)])


@app.orchestration_trigger(context_name="ctx")
def sleep_long(ctx: task.OrchestrationContext, seconds: float):
    return (yield ctx.call_activity("sleep_in_thread", input=seconds))


@app.orchestration_trigger(context_name="ctx")
def use_counter(ctx: task.OrchestrationContext, key: str):
    counter = EntityInstanceId("counter", key)
    ctx.signal_entity(counter, "add", input=2)
    yield ctx.call_entity(counter, "add", input=3)
    return (yield ctx.call_entity(counter, "get"))


# Entities ---------------------------------------------------------------------------------------------------


@app.entity_trigger(context_name="context")
def counter(context, given):
    value = context.get_state(int, 0)
    if context.operation == "add":
        context.set_state(value + given)
        return None
    return value


# Timers -----------------------------------------------------------------------------------------------------


@app.timer_trigger(arg_name="timer", schedule="%FIXTURE_SCHEDULE%", run_on_startup=True)
@app.durable_client_input(client_name="client")
async def tick(timer: func.TimerRequest, client: df.DurableFunctionsClient) -> None:
    timer_runs.append(timer.past_due)
    if os.environ.get("FIXTURE_TIMER_STARTS"):
        await client.schedule_new_orchestration("call_each_kind", input=1, instance_id="by-timer")


# HTTP -------------------------------------------------------------------------------------------------------


@app.route(route="echo/{name}", methods=["GET", "POST"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "name": req.route_params.get("name"),
        "query": dict(req.params),
        "header": req.headers.get("x-many"),
        "cookie": req.headers.get("cookie"),
        "body": list(req.get_body()),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.route(route="bytes", methods=["POST"])
def give_back(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream", status_code=201)


@app.route(route="broken")
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise UnluckyError("secret words")


@app.route(route="exits")
def exits(req: func.HttpRequest) -> func.HttpResponse:
    sys.exit(9)


@app.route(route="splits")
def splits(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("", headers={"x-split": req.params["value"]})


@app.route(route="slow")
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(30)
    return func.HttpResponse("never")


@app.route(route="guarded", auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")


api = FastAPI(openapi_url=None)
_client: ContextVar[df.DurableFunctionsClient] = ContextVar("client")


async def durable() -> df.DurableFunctionsClient:
    return _client.get()


@api.post("/api/v1/sums/{number}")
async def run_sum(number: int, client: Annotated[df.DurableFunctionsClient, Depends(durable)]) -> dict:
    instance_id = await client.schedule_new_orchestration("call_each_kind", input=number)
    state = await client.wait_for_orchestration_completion(instance_id, timeout=20)
    return {"output": json.loads(state.serialized_output)}


@api.get("/api/v1/sync")
def read_in_thread(client: Annotated[df.DurableFunctionsClient, Depends(durable)]) -> str:
    return type(client).__name__


@api.get("/api/v1/cookies")
async def set_cookies(response: Response) -> dict:
    response.set_cookie("one", "1", httponly=True, samesite="lax")
    response.set_cookie("two", "2")
    return {}


@api.api_route("/api/v1/method", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def method(request: Request) -> Response:
    return Response(request.method, headers={"x-length": str(len(await request.body()))})


middleware = func.AsgiMiddleware(api)


@app.route(route="{*path}", methods=list(func.HttpMethod))
@app.durable_client_input(client_name="client")
async def web(req: func.HttpRequest, context: func.Context, client: df.DurableFunctionsClient) -> func.HttpResponse:
    token = _client.set(client)
    try:
        return await middleware.handle_async(req, context)
    finally:
        _client.reset(token)
