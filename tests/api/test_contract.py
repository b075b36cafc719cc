"""The interface keeps its own OpenAPI document: schemathesis draws requests from it, valid ones and others."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from api.app import create_api
from tests.api.conftest import TENANT, FakeDurable

EXAMPLES = 3
"""Of each operation in each mode; all together take well below a minute."""

given_little = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
SCHEMA = schemathesis.openapi.from_dict(create_api().openapi())
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}
NEED_MORE = frozenset({"notConfigured", "notReady", "graphUnavailable", "storageUnavailable", "notStarted"})
"""5xx that say what this deployment in memory lacks."""


VALID, WRONG = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
CASES = [
    (label, mode) for label, one in sorted(OPERATIONS.items()) for mode in (VALID, WRONG)
    if mode is VALID or list(one.iter_parameters()) or list(one.body)  # else nothing about it can be wrong
]


@pytest.mark.parametrize(("label", "mode"), CASES)
@given_little
@given(data=st.data())
async def test_every_answer_is_one_that_the_document_promises(
    client: httpx.AsyncClient, tenant: str, durable: FakeDurable, label: str, mode: Any, data: st.DataObject
) -> None:
    operation = OPERATIONS[label]
    case = data.draw(operation.as_strategy(generation_mode=mode))
    if "tenantId" in (case.path_parameters or {}):
        case.path_parameters["tenantId"] = TENANT
    sent = case.as_transport_kwargs(base_url="https://cairn.example")
    sent["headers"] = {
        name: value for name, value in dict(sent["headers"]).items()
        if name.lower() not in ("authorization", "user-agent", "accept-encoding", "connection")
    }
    request = client.build_request(
        sent["method"], sent["url"], params=sent.get("params"), headers=_ascii(sent["headers"]), json=sent.get("json"),
        content=sent.get("data"), cookies=sent.get("cookies"),
    )  # fmt: skip
    answer = await client.send(request)
    assert "Traceback" not in answer.text
    if answer.status_code >= 500 and answer.json()["code"] in NEED_MORE:
        return
    response = schemathesis.Response.from_any(answer)
    case.validate_response(
        response, checks=[not_a_server_error, content_type_conformance, response_schema_conformance]
    )


def _ascii(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if str(value).isascii() and str(value).isprintable()}
