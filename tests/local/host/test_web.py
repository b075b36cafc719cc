"""The HTTP front: routing, what passes through unharmed, and what is kept out."""

import asyncio
import json

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def raw(hosted, text: bytes) -> bytes:
    """The answer to bytes sent as they are."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hosted.host.port)
    writer.write(text)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_native_function_gets_the_request_whole(hosted):
    headers = [("x-many", "one"), ("x-many", "two"), ("cookie", "a=1"), ("cookie", "b=2")]
    answer = await hosted.http.post("/api/echo/a%2Fb%20c?q=1&q=2&empty=", content=b"\x00\xff", headers=headers)
    assert answer.json() == {
        "method": "POST",
        "url": f"{hosted.host.url}/api/echo/a%2Fb%20c?q=1&q=2&empty=",
        "name": "a/b c",
        "query": {"q": "1,2", "empty": ""},
        "header": "one, two",
        "cookie": "a=1; b=2",
        "body": [0, 255],
    }


async def test_every_byte_passes_both_ways(hosted):
    content = bytes(range(256)) * 4096
    answer = await hosted.http.post("/api/bytes", content=content)
    assert (answer.status_code, answer.content) == (201, content)


async def test_each_cookie_is_a_header_of_its_own(hosted):
    answer = await hosted.http.get("/api/v1/cookies")
    assert answer.headers.get_list("set-cookie") == [
        "one=1; HttpOnly; Path=/; SameSite=lax",
        "two=2; Path=/; SameSite=lax",
    ]


async def test_a_route_of_the_inner_application_uses_the_durable_client(hosted):
    answers = await asyncio.gather(*(hosted.http.post(f"/api/v1/sums/{n}") for n in range(20)))
    assert [answer.json()["output"][0] for answer in answers] == [2 * n for n in range(20)]


async def test_a_synchronous_inner_route_sees_the_client(hosted):
    assert (await hosted.http.get("/api/v1/sync")).json() == "DurableFunctionsClient"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_catch_all_serves_every_method(hosted, method):
    answer = await hosted.http.request(method, "/api/v1/method", content=b"12345")
    assert (answer.text, answer.headers["x-length"]) == (method, "5")


async def test_head_has_the_length_and_no_body(hosted):
    answer = await hosted.http.head("/api/v1/method")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "4", b"")


async def test_a_specific_route_comes_before_the_catch_all(hosted):
    assert (await hosted.http.get("/api/echo/x")).json()["name"] == "x"
    assert (await hosted.http.get("/api/echo/x/y")).json() == {"detail": "Not Found"}  # the inner application's


@pytest.mark.parametrize("path", ["/", "/nothing", "/apix", "/admin/host/status", "/runtime/other", "/runtime"])
async def test_a_path_outside_the_prefix_is_not_found(hosted, path):
    assert (await hosted.http.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/api/broken", "/api/exits"])
async def test_a_failing_function_is_an_empty_500(hosted, path, caplog):
    answer = await hosted.http.get(path)
    assert (answer.status_code, answer.content) == (500, b"")
    assert "secret words" not in caplog.text


async def test_a_function_over_its_time_is_a_504_that_says_so(hosted):
    answer = await hosted.http.get("/api/slow")
    assert (answer.status_code, answer.text) == (504, "Timeout value of 00:00:02 was exceeded by function 'slow'")


async def test_a_header_with_a_line_break_never_leaves(hosted):
    answer = await hosted.http.get("/api/splits", params={"value": "a\r\nset-cookie: stolen=1"})
    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"x-functions-key": "wrong"}, "", 401),
        ({}, "?code=wrong", 401),
        ({}, "?code=", 401),
        ({"x-functions-key": "the-system-key"}, "", 200),
        ({}, "?code=the-system-key", 200),
    ],
)
async def test_a_guarded_function_asks_for_the_key(hosted, headers, query, status):
    assert (await hosted.http.get("/api/guarded" + query, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /api/v1/method HTTP/1.1\r\nHost: [::1\r\n",
        b"GET /api/v1/method HTTP/1.1\r\nHost: a b\r\n",
        b"GET /api/%ff HTTP/1.1\r\nHost: localhost\r\n",
        b"GET api/v1 HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /api/v1/method\x01 HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /api/v1/method HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n",
        b"POST /api/bytes HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n",
    ],
)
async def test_a_malformed_request_is_refused_with_400(hosted, request_head):
    answer = await raw(hosted, request_head + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_head_that_is_too_long_is_refused(hosted):
    assert (await hosted.http.get("/api/v1/method", headers={"x-long": "a" * 40_000})).status_code == 431
    assert (await hosted.http.get("/api/v1/method?q=" + "a" * 20_000)).status_code == 414


@pytest.mark.parametrize("value", ["abc", "-1", "99999999999"])
async def test_a_strange_forwarded_port_does_no_harm(hosted, value):
    answer = await hosted.http.get("/api/v1/method", headers={"x-forwarded-port": value})
    assert answer.status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused_before_it_is_held(hosted, chunked, monkeypatch):
    monkeypatch.setattr(hosted.host._web, "_max_body_bytes", 1000)

    async def chunks():
        for _ in range(50):
            yield b"x" * 100

    content = chunks() if chunked else b"x" * 5000
    answer = await hosted.http.post("/api/bytes", content=content)
    assert (answer.status_code, answer.text) == (413, "a body may have 1000 bytes at most")
    assert (await hosted.http.post("/api/bytes", content=b"x" * 1000)).status_code == 201


async def test_a_method_that_no_function_of_the_path_takes_is_405(hosted):
    answer = await hosted.http.request("TRACE", "/api/v1/method")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


# The durable management endpoints --------------------------------------------------------------------------

ROOT = "/runtime/webhooks/durabletask/instances"
KEY = {"x-functions-key": "the-system-key"}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS"])
@pytest.mark.parametrize("path", [ROOT, f"{ROOT}/any", f"{ROOT}/any/terminate", "/runtime/webhooks/durabletask/"])
@pytest.mark.parametrize(
    "headers", [{}, {"x-functions-key": "the-system-keY"}, {"authorization": "Bearer the-system-key"}]
)
async def test_the_management_endpoints_are_locked(hosted, method, path, headers):
    assert (await hosted.http.request(method, path, headers=headers)).status_code == 401


async def test_the_lock_cannot_be_walked_around(hosted):
    for path in ["/Runtime/Webhooks/DurableTask/instances/x", "//runtime//webhooks/durabletask/instances/x"]:
        assert (await hosted.http.get(path)).status_code in (401, 404)
    for path in ["/api/../runtime/webhooks/durabletask/instances/x", "/%72untime/webhooks/durabletask/instances/x"]:
        answer = await raw(hosted, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert answer.split()[1] in (b"401", b"404")


async def test_the_status_tells_the_running_from_the_ended(hosted):
    instance_id = await hosted.start("wait_for_signal", {"a": 1})
    await hosted.client.wait_for_orchestration_start(instance_id, timeout=10)
    running = await hosted.http.get(f"{ROOT}/{instance_id}", headers=KEY)
    assert (running.status_code, running.json()["runtimeStatus"]) == (202, "Running")
    assert (running.json()["name"], running.json()["input"]) == ("wait_for_signal", {"a": 1})
    raised = await hosted.http.post(f"{ROOT}/{instance_id}/raiseEvent/go", headers=KEY, json=[1])
    assert raised.status_code == 202
    await hosted.end(instance_id)
    ended = await hosted.http.get(f"{ROOT}/{instance_id}", headers=KEY, params={"showInput": "false"})
    assert (ended.status_code, ended.json()["runtimeStatus"]) == (200, "Completed")
    assert (ended.json()["input"], ended.json()["output"]) == (None, [1])


async def test_the_verbs_act_and_refuse_what_has_ended(hosted):
    instance_id = await hosted.start("wait_for_signal")
    await hosted.client.wait_for_orchestration_start(instance_id, timeout=10)
    for verb in ("suspend", "resume", "terminate"):
        answer = await hosted.http.post(f"{ROOT}/{instance_id}/{verb}?reason=why&code=the-system-key")
        assert answer.status_code == 202, verb
    state = await hosted.end(instance_id)
    assert (state.runtime_status.name, json.loads(state.serialized_output)) == ("TERMINATED", "why")
    for verb in ("suspend", "resume", "terminate", "rewind", "raiseEvent/go"):
        assert (await hosted.http.post(f"{ROOT}/{instance_id}/{verb}", headers=KEY)).status_code == 410, verb


async def test_a_failed_orchestration_is_rewound(hosted):
    instance_id = await hosted.start("fail_uncaught", "plain")
    await hosted.end(instance_id)
    assert (await hosted.http.post(f"{ROOT}/{instance_id}/rewind", headers=KEY)).status_code == 202
    await hosted.end(instance_id)
    status = f"{ROOT}/{instance_id}?returnInternalServerErrorOnFailure=true"
    assert (await hosted.http.get(status, headers=KEY)).status_code == 500


async def test_an_ended_instance_is_purged_once(hosted):
    instance_id = await hosted.start("child", 1)
    await hosted.end(instance_id)
    first = await hosted.http.delete(f"{ROOT}/{instance_id}", headers=KEY)
    assert (first.status_code, first.json()) == (200, {"instancesDeleted": 1})
    assert (await hosted.http.delete(f"{ROOT}/{instance_id}", headers=KEY)).status_code == 404


@pytest.mark.parametrize("verb", ["", "/terminate", "/suspend", "/resume", "/rewind", "/raiseEvent/go", "/other"])
async def test_an_unknown_instance_is_not_found(hosted, verb):
    method = "POST" if verb else "GET"
    assert (await hosted.http.request(method, f"{ROOT}/unknown{verb}", headers=KEY)).status_code == 404


async def test_an_event_that_is_no_json_is_refused(hosted):
    answer = await hosted.http.post(f"{ROOT}/any/raiseEvent/go", headers=KEY, content=b"{")
    assert answer.status_code == 400


async def test_the_key_stands_in_no_address_that_the_client_builds(hosted):
    payload = hosted.client.create_http_management_payload("some-id")
    assert "the-system-key" not in json.dumps(payload)
