"""Run in a process of its own, in an unpacked deployment package: Microsoft's worker library indexes it and invokes an
HTTP function, a timer, an activity and an orchestrator. Prints what came of each as JSON."""

import asyncio
import base64
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb

from local.host.functions import Datum, Functions, indexed_app

CLIENT = json.dumps({"taskHubName": "probe", "rpcBaseUrl": "http://127.0.0.1:1", "connectionName": "Storage"})


def text(value: str) -> Datum:
    return Datum(value, "string")


async def deployment_in_memory() -> Any:
    from shared.deployment import Deployment, records_in_memory
    from shared.repository.memory_store import MemoryBlobStore
    from shared.repository.tokens import LocalTokenCipher
    from shared.settings import read_settings

    key = Path(tempfile.mkdtemp()) / "key"
    return Deployment(
        read_settings({}), records_in_memory(), MemoryBlobStore(), MemoryBlobStore(), LocalTokenCipher(key)
    )


async def probe(package: Path) -> dict[str, Any]:
    began = time.perf_counter()
    async with indexed_app(package) as indexed:
        took = time.perf_counter() - began
        functions = Functions(indexed, CLIENT, 30)
        import shared.deployment as opened

        opened.deployment._opening = deployment_in_memory
        records = (await opened.deployment()).records
        await records.tasks.create(
            task_id="t", tenant_id="11111111-1111-4111-8111-111111111111", type="expiry", name="Expiry",
            requested_by="probe",
        )
        return {
            "shared": opened.__file__,
            "indexedSeconds": took,
            "functions": sorted(f"{one.kind} {one.durable_name}" for one in indexed),
            "http": await http(functions),
            "timer": await timer(functions),
            "activity": await activity(functions),
            "closed": (await records.tasks.get("t"))["status"],
            "orchestrator": await orchestrator(functions),
        }


async def http(functions: Functions) -> dict[str, Any]:
    request = Datum(
        {
            "method": text("GET"), "url": text("https://cairn.example/api/v1/health"), "headers": {}, "query": {},
            "params": {"path": text("api/v1/health")}, "body": Datum(b"", "bytes"),
        },
        "http",
    )
    outcome = await functions.invoke(functions.of_kind("httpTrigger")[0], request)
    if outcome.failure:
        return {"failure": f"{outcome.failure.type_name}: {outcome.failure.text}"}
    answer = outcome.value.value
    return {"status": answer["status_code"].value, "body": json.loads(answer["body"].value)}


async def timer(functions: Functions) -> str:
    watch = next(one for one in functions.of_kind("timerTrigger") if one.name == "send_alerts")
    outcome = await functions.invoke(watch, Datum(json.dumps({"IsPastDue": False, "ScheduleStatus": {}}), "json"))
    return f"{outcome.failure.type_name}: {outcome.failure.text}" if outcome.failure else "done"


async def activity(functions: Functions) -> Any:
    close = functions.durable("activityTrigger", "close_task")
    assert close is not None
    message = {
        "tenantId": "11111111-1111-4111-8111-111111111111", "taskId": "t", "kind": "expiry", "status": "succeeded",
        "summary": "Nothing had expired.", "code": "expired",
    }
    outcome = await functions.invoke(close, Datum(json.dumps(message), "json"))
    return f"{outcome.failure.type_name}: {outcome.failure.text}" if outcome.failure else str(outcome.value.value)


async def orchestrator(functions: Functions) -> Any:
    expire = functions.durable("orchestrationTrigger", "expire_backups")
    assert expire is not None
    given = json.dumps({"tenantId": "11111111-1111-4111-8111-111111111111", "taskId": "t", "requestedBy": "probe"})
    request = pb.OrchestratorRequest(
        instanceId="t",
        newEvents=[
            helpers.new_orchestrator_started_event(),
            helpers.new_execution_started_event("expire_backups", "t", encoded_input=given),
        ],
    )
    encoded = base64.b64encode(request.SerializeToString()).decode("ascii")
    outcome = await functions.invoke(expire, text(encoded), limited=False)
    if outcome.failure:
        return f"{outcome.failure.type_name}: {outcome.failure.text}"
    response = pb.OrchestratorResponse.FromString(base64.b64decode(outcome.value.value))
    return [action.scheduleTask.name for action in response.actions]


if __name__ == "__main__":
    print("PROBE " + json.dumps(asyncio.run(probe(Path(sys.argv[1])))))
