"""The host starts whole or not at all, and ends in bounded time with nothing left running."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from local.host import HostError, LocalHost
from local.host.errors import NotIndexed, NotSupported, PortTaken, WrongHostFile

APP = Path(__file__).parent / "app"
ROOT = Path(__file__).parents[3]
SETTINGS = {"FIXTURE_SCHEDULE": "0 0 0 29 2 *"}

HEAD = "import azure.functions as func\nimport azure.durable_functions as df\napp = df.DFApp()\n"


def host(**given) -> LocalHost:
    return LocalHost(APP, 0, **{"settings": SETTINGS, **given})


def app_of(folder: Path, code: str) -> Path:
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(code)
    return folder


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("cairn-")]


async def test_a_second_start_in_one_process_works_as_the_first(caplog):
    for _ in range(2):
        async with host() as running, httpx.AsyncClient(base_url=running.url) as http:
            assert (await http.post("/api/v1/sums/4", timeout=30)).json()["output"][0] == 8
    assert own_threads() == []


async def test_nothing_is_left_of_a_host_that_ended():
    before = dict(os.environ), list(sys.path), sys.modules.get("function_app")
    levels = {name: logging.getLogger(name).level for name in ("durabletask", "azure.functions", "uvicorn")}
    async with host() as running:
        assert os.environ["FIXTURE_SCHEDULE"] == SETTINGS["FIXTURE_SCHEDULE"]
        port = running.port
    assert (dict(os.environ), list(sys.path), sys.modules.get("function_app")) == before
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert own_threads() == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


async def test_the_handlers_that_a_caller_set_for_signals_stay():
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, asked.set)
    try:
        async with host():
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(asked.wait(), 5)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_two_hosts_at_once_are_refused():
    async with host():
        with pytest.raises(HostError, match="one app at a time"):
            await host().__aenter__()


async def test_a_taken_port_is_told_and_leaves_nothing():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} on 127\.0\.0\.1 cannot be taken"):
            await LocalHost(APP, port, settings=SETTINGS).__aenter__()
    assert own_threads() == []


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("def (", NotIndexed, "SyntaxError"),
        ("import nowhere_at_all", NotIndexed, "indexed: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("import sys\nsys.exit(4)", NotIndexed, "SystemExit"),
        ("x = 1", NotIndexed, "Could not find top level function app"),
        (HEAD + "more = df.DFApp()", NotIndexed, "More than one"),
        (HEAD + "@app.activity_trigger(input_name='a')\ndef f(b): ...", NotIndexed, "cannot load the f function"),
        (
            HEAD + "@app.activity_trigger(input_name='a')\ndef f(a: list[int]): ...",
            NotIndexed,
            "cannot load the f function",
        ),
        (
            HEAD + "@app.queue_trigger(arg_name='a', queue_name='q', connection='c')\ndef f(a): ...",
            NotSupported,
            "queueTrigger",
        ),
        (
            HEAD + "@app.timer_trigger(arg_name='a', schedule='%NOT_SET%')\ndef f(a: func.TimerRequest): ...",
            NotSupported,
            "NOT_SET",
        ),
        (
            HEAD + "@app.route(route='{*a}/b')\ndef f(req: func.HttpRequest): ...",
            NotSupported,
            "function f: the route",
        ),
    ],
)
async def test_an_app_that_cannot_run_is_refused_in_one_line_and_leaves_nothing(tmp_path, code, kind, text):
    with pytest.raises(kind) as refusal:
        await LocalHost(app_of(tmp_path, code), 0).__aenter__()
    assert text in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
    assert own_threads() == []
    async with host():
        pass  # and the next start succeeds


async def test_a_folder_without_an_app_is_refused(tmp_path):
    with pytest.raises(WrongHostFile):
        await LocalHost(tmp_path, 0).__aenter__()
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with pytest.raises(NotIndexed, match=r"function_app\.py is missing"):
        await LocalHost(tmp_path, 0).__aenter__()


async def test_a_timer_with_run_on_startup_runs_at_start_with_the_durable_client():
    async with host(settings={**SETTINGS, "FIXTURE_TIMER_STARTS": "1"}) as running:
        client = running.durable_client()
        while (state := await client.get_orchestration_state("by-timer")) is None:  # noqa: ASYNC110 -- no event to wait for
            await asyncio.sleep(0.01)
        assert state.name == "call_each_kind"
        assert sys.modules["function_app"].timer_runs == [False]


async def test_a_timer_can_be_fired_by_hand():
    async with host() as running:
        before = len(sys.modules["function_app"].timer_runs)
        outcome = await running.fire_timer("tick")
        assert outcome.failure is None
        assert len(sys.modules["function_app"].timer_runs) > before


async def test_a_running_activity_is_given_the_drain_to_end():
    async with host() as running:
        app = sys.modules["function_app"]
        app.gate.clear()
        await running.durable_client().schedule_new_orchestration("twelve_at_once")
        while len(app.started) < 8:  # noqa: ASYNC110 -- the app's list has no event
            await asyncio.sleep(0.01)
        threading.Timer(0.2, app.gate.set).start()
    assert running.abandoned == ()
    assert len(app.started) == 8, "nothing new started during the drain"
    assert own_threads() == []


async def test_a_function_that_does_not_end_is_left_behind_after_the_drain(caplog):
    async with host(drain_seconds=0.1) as running:
        app = sys.modules["function_app"]
        app.gate.clear()
        await running.durable_client().schedule_new_orchestration("four_in_order")
        while not app.started:  # noqa: ASYNC110 -- the app's list has no event
            await asyncio.sleep(0.01)
    app.gate.set()  # for this process's sake
    assert running.abandoned == ("wait_for_gate",)
    assert "left behind, still running: wait_for_gate" in caplog.text


async def test_using_a_host_that_does_not_run_is_refused():
    idle = host()
    for use in (idle.serve_forever(), idle.fire_timer("tick")):
        with pytest.raises(RuntimeError, match="not running"):
            await use
    with pytest.raises(RuntimeError, match="not running"):
        idle.durable_client()
    assert idle.functions == ()


async def test_fewer_activities_than_threads_run_at_once(caplog):
    async with host(settings={**SETTINGS, "PYTHON_THREADPOOL_THREAD_COUNT": "4"}) as running:
        app = sys.modules["function_app"]
        app.gate.clear()
        client = running.durable_client()
        await client.schedule_new_orchestration("twelve_at_once")
        while len(app.started) < 3:  # noqa: ASYNC110 -- the app's list has no event
            await asyncio.sleep(0.01)
        waiting = await client.schedule_new_orchestration("wait_for_timer", input=1)
        state = await client.wait_for_orchestration_completion(waiting, timeout=10)
        assert (state.runtime_status.name, len(app.started)) == ("COMPLETED", 3)
        app.gate.set()
    assert "3 activities at once, not 8: the pool has 4 threads" in caplog.text


async def test_a_failure_is_logged_by_its_type_without_its_words(caplog):
    with caplog.at_level(logging.INFO):
        async with host() as running, httpx.AsyncClient(base_url=running.url) as http:
            await http.get("/api/broken")
            client = running.durable_client()
            instance_id = await client.schedule_new_orchestration("fail_uncaught", input="plain")
            await client.wait_for_orchestration_completion(instance_id, timeout=10)
    assert f"activity fail failed: UnluckyError (instance {instance_id})" in caplog.text
    assert "http broken failed: UnluckyError" in caplog.text
    assert "secret words" not in caplog.text
    assert "second line" not in caplog.text
    libraries = [r for r in caplog.records if r.name.startswith(("durabletask", "azure.", "uvicorn"))]
    assert [r.getMessage() for r in libraries if r.levelno < logging.WARNING] == []


SERVE = """
import asyncio, sys
from local.host import LocalHost
async def serve():
    settings = {"FIXTURE_SCHEDULE": "0 0 0 29 2 *"}
    async with LocalHost(sys.argv[1], 0, settings=settings, drain_seconds=float(sys.argv[2])) as host:
        if sys.argv[3] == "busy":
            await host.durable_client().schedule_new_orchestration("four_in_order")
            while not sys.modules["function_app"].started:
                await asyncio.sleep(0.01)
        await host.serve_forever(on_ready=lambda: print(host.port, flush=True))
    print("ended", flush=True)
asyncio.run(serve())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("work", ["idle", "busy"])
def test_a_signal_ends_the_process_in_bounded_time(number, work):
    command = [sys.executable, "-W", "error", "-c", SERVE, str(APP), "0.2", work]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.send_signal(number)
        output, errors = process.communicate(timeout=9)  # the busy function would take 10 s a call
    assert (process.returncode, output) == (0, "ended\n"), errors
    assert "Traceback" not in errors


def test_a_second_signal_cuts_the_drain_short():
    command = [sys.executable, "-c", SERVE, str(APP), "60", "busy"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=9)
    assert (process.returncode, output) == (0, "ended\n"), errors
