"""What an orchestration may use, it can use under the local host, and gets what it would get on Azure."""

import asyncio
import json
import logging

import pytest
from durabletask.client import OrchestrationStatus
from durabletask.entities import EntityInstanceId
from opentelemetry import context, propagate


async def until(condition) -> None:
    """Wait for what the test set going; the test's own time limit ends a wait in vain."""
    while not await condition():  # noqa: ASYNC110 -- the engine has no event to wait for
        await asyncio.sleep(0.01)


async def eight_started(hosted) -> bool:
    return len(hosted.app.started) >= 8  # the limit of host.json


async def has_status(hosted, instance_id, status) -> bool:
    return (await hosted.client.get_orchestration_state(instance_id)).runtime_status is status


async def waits_for_signal(hosted, instance_id) -> bool:
    state = await hosted.client.get_orchestration_state(instance_id)
    return state.serialized_input == "0" and state.runtime_status is OrchestrationStatus.RUNNING


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_activities_of_one_and_two_arguments_async_and_renamed_are_called(hosted):
    assert await hosted.run("call_each_kind", 4) == [8, 9, 27, "renamed 27"]


async def test_activities_and_children_go_on_with_the_trace_that_the_orchestration_was_started_in(hosted):
    for trace_id in ("0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c"):
        started_in = propagate.extract({"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})
        token = context.attach(started_in)
        try:
            instance_id = await hosted.start("traced", True)
        finally:
            context.detach(token)
        assert json.loads((await hosted.end(instance_id)).serialized_output) == [trace_id, trace_id]
    assert await hosted.run("traced", False) == ["0" * 32]


async def test_a_failed_activity_is_retried_by_its_policy(hosted):
    assert await hosted.run("retry", "key-of-this-test") == 3


@pytest.mark.parametrize(
    ("how", "type_name", "text"),
    [
        ("plain", "UnluckyError", "first line"),
        ("empty", "ValueError", ""),
        ("exit", "SystemExit", "3"),
        ("cancelled", "CancelledError", ""),
        ("set", "ValueError", "activity trigger output must be json serializable ({1, 2})"),
    ],
)
async def test_a_failure_is_told_by_its_bare_type_and_first_line(hosted, how, type_name, text):
    assert await hosted.run("tell_failure", how) == {"type": type_name, "text": text}


@pytest.mark.parametrize(("how", "text"), [("plain", "first line"), ("empty", ""), ("exit", "3")])
async def test_a_failure_is_told_so_even_where_the_log_is_silenced(hosted, how, text):
    logging.disable(logging.CRITICAL)
    try:
        assert (await hosted.run("tell_failure", how))["text"] == text
    finally:
        logging.disable(logging.NOTSET)


async def test_the_host_goes_on_after_an_activity_exits(hosted):
    await hosted.run("tell_failure", "exit")
    assert await hosted.run("child", 2) == 4


async def test_an_uncaught_failure_fails_the_orchestration_with_its_text(hosted):
    state = await hosted.end(await hosted.start("fail_uncaught", "plain"))
    assert state.runtime_status is OrchestrationStatus.FAILED
    assert state.failure_details.message.endswith("first line")


@pytest.mark.parametrize("name", ["call_unknown", "nowhere", "exit_in_orchestrator"])
async def test_what_cannot_run_fails_instead_of_hanging(hosted, name):
    state = await hosted.end(await hosted.start(name))
    assert state.runtime_status is OrchestrationStatus.FAILED


async def test_an_unknown_activity_is_named(hosted):
    state = await hosted.end(await hosted.start("call_unknown"))
    assert "'nowhere'" in state.failure_details.message


async def test_sub_orchestrations_run_and_their_failures_reach_the_parent(hosted):
    assert await hosted.run("parent", [1, 2, 3]) == [2, 4, 6]
    assert "first line" in await hosted.run("failing_parent")


async def test_a_fan_out_of_a_thousand_completes_whole(hosted):
    assert await hosted.run("fan_out", 1000) == sum(2 * n for n in range(1000))


async def test_a_timer_fires(hosted):
    assert await hosted.run("wait_for_timer", 10) == "fired"


async def test_an_external_event_is_delivered(hosted):
    instance_id = await hosted.start("wait_for_signal")
    await hosted.client.wait_for_orchestration_start(instance_id, timeout=10)
    await hosted.client.raise_orchestration_event(instance_id, "go", data={"a": 1})
    assert json.loads((await hosted.end(instance_id)).serialized_output) == {"a": 1}


async def test_an_orchestration_may_continue_as_new_many_times(hosted):
    assert await hosted.run("count_down", 50) == "done"


async def test_a_timer_of_an_earlier_round_does_not_disturb_a_later_one(hosted):
    instance_id = await hosted.start("race_then_renew", 3)
    await until(lambda: waits_for_signal(hosted, instance_id))
    await hosted.client.raise_orchestration_event(instance_id, "go", data="through")
    assert json.loads((await hosted.end(instance_id)).serialized_output) == "through"


async def test_entities_are_signalled_and_called(hosted):
    assert await hosted.run("use_counter", "key") == 5
    entity = await hosted.client.get_entity(EntityInstanceId("counter", "key"))
    assert json.loads(entity.get_state()) == 5


async def test_terminate_drops_what_was_not_started(hosted):
    hosted.app.started.clear()
    hosted.app.gate.clear()
    instance_id = await hosted.start("twelve_at_once")
    await until(lambda: eight_started(hosted))
    await hosted.client.terminate_orchestration(instance_id, output="enough")
    state = await hosted.end(instance_id)
    hosted.app.gate.set()
    assert await hosted.run("child", 1) == 2  # passes through the same lane, so the twelve are decided
    assert state.runtime_status is OrchestrationStatus.TERMINATED
    assert len(hosted.app.started) == 8


async def test_a_full_lane_of_activities_does_not_hold_up_an_orchestrator(hosted):
    hosted.app.started.clear()
    hosted.app.gate.clear()
    full = await hosted.start("twelve_at_once")
    await until(lambda: eight_started(hosted))
    assert await hosted.run("wait_for_timer", 1) == "fired"
    hosted.app.gate.set()
    assert (await hosted.end(full)).runtime_status is OrchestrationStatus.COMPLETED


async def test_a_recursive_terminate_reaches_the_child(hosted):
    parent = await hosted.start("parent_of_waiting", "the-child")
    await hosted.client.wait_for_orchestration_start(parent, timeout=10)
    await until(lambda: hosted.client.get_orchestration_state("the-child"))
    await hosted.client.terminate_orchestration(parent, recursive=True)
    assert (await hosted.end("the-child")).runtime_status is OrchestrationStatus.TERMINATED


async def test_a_suspended_orchestration_waits_and_a_resumed_one_goes_on(hosted):
    instance_id = await hosted.start("wait_for_signal")
    await hosted.client.wait_for_orchestration_start(instance_id, timeout=10)
    await hosted.client.suspend_orchestration(instance_id)
    await until(lambda: has_status(hosted, instance_id, OrchestrationStatus.SUSPENDED))
    await hosted.client.raise_orchestration_event(instance_id, "go", data=1)
    await hosted.client.resume_orchestration(instance_id)
    assert (await hosted.end(instance_id)).runtime_status is OrchestrationStatus.COMPLETED


async def test_a_rewound_orchestration_runs_only_what_failed(hosted):
    hosted.app.attempts["rewound"] = 0
    instance_id = await hosted.start("succeed_after_rewind", "rewound")
    assert (await hosted.end(instance_id)).runtime_status is OrchestrationStatus.FAILED
    hosted.app.attempts["rewound"] = 2
    before = hosted.app.attempts["before"]
    await hosted.client.rewind_orchestration(instance_id, reason="again")
    assert (await hosted.end(instance_id)).runtime_status is OrchestrationStatus.COMPLETED
    assert hosted.app.attempts["before"] == before


async def test_an_activity_over_the_function_timeout_fails_with_the_reason(hosted):
    state = await hosted.end(await hosted.start("sleep_long", 2.3))
    assert "Timeout value of 00:00:02 was exceeded by function 'sleep_in_thread'" in state.failure_details.message


async def test_an_instance_id_that_is_taken_is_refused(hosted):
    await hosted.start("wait_for_signal", instance_id="taken")
    with pytest.raises(Exception, match="already exists"):
        await hosted.start("wait_for_signal", instance_id="taken")
    await hosted.client.terminate_orchestration("taken")
