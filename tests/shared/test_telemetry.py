"""One trace from the HTTP call to the requests to Graph, and no personal value in it."""

import json
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from activities.boundary import answering
from local.simulator import Simulator
from shared import telemetry
from shared.backup.sessions import GraphSessions
from shared.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def spans(monkeypatch):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("cairn"))
    yield exporter.get_finished_spans
    provider.shutdown()


@pytest.fixture
def measured():
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])

    def names():
        found = reader.get_metrics_data()
        return {
            metric.name: metric.unit
            for resource in found.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics
        }

    yield telemetry.Instruments(provider.get_meter("cairn")), names
    provider.shutdown()


async def test_one_trace_leads_from_the_http_call_through_an_activity_to_graph(spans):
    async with Simulator(users=3, groups=1, seed=1) as simulator:
        settings = read_settings({
            "CAIRN_GRAPH_URL": simulator.url, "CAIRN_LOGIN_URL": simulator.url,
            "CAIRN_CLIENT_ID": simulator.client_id, "CAIRN_CLIENT_SECRET": simulator.client_secret,
        })

        @answering
        async def read_users(message):
            async with GraphSessions().reading(settings, message["tenantId"]) as graph:
                await graph.get_json("/users?$filter=mail eq 'ada@contoso.example'")
            return {}

        with telemetry.span("http", {"http.request.method": "POST"}):
            await read_users({"tenantId": simulator.tenant_id})
    assert len({one.context.trace_id for one in spans()}) == 1
    assert {"http", "activity read_users", "graph"} <= {one.name for one in spans()}
    graph = [one for one in spans() if one.name == "graph"]
    assert any(one.attributes["cairn.graph.collection"] == "users" for one in graph)
    assert all("http.response.status_code" in one.attributes for one in graph)
    assert "contoso" not in "".join(one.to_json() for one in spans())


def test_what_is_not_on_the_list_of_attributes_is_refused():
    with pytest.raises(ValueError, match="user"), telemetry.span("x", {"user": "ada@contoso.example"}):
        pass


def test_an_error_is_named_by_its_type_and_not_by_its_text(spans):
    with pytest.raises(ValueError, match="ada"), telemetry.span("x"):
        raise ValueError("ada@contoso.example")
    (failed,) = spans()
    assert failed.attributes["error.type"] == "ValueError"
    assert "ada" not in failed.to_json()


@pytest.mark.parametrize(
    ("address", "collection"),
    [
        ("https://graph.microsoft.com/v1.0/users/ada@contoso.example/manager", "users"),
        ("https://graph.microsoft.com/beta/users('ada@contoso.example')", "users"),
        ("https://graph.microsoft.com/v1.0/$batch", "$batch"),
        ("/v1.0/roleManagement/directory/roleAssignments?$top=5", "roleManagement"),
        ("https://graph.microsoft.com", ""),
    ],
)
def test_an_address_is_told_by_its_collection_alone(address, collection):
    assert telemetry.collection_of(address) == collection


def test_a_trace_goes_on_where_the_headers_say_and_the_present_one_wins(spans):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.continued(parent), telemetry.span("a"):
        pass
    with telemetry.span("b"), telemetry.continued(parent), telemetry.span("c"):
        pass
    found = {one.name: one.context.trace_id for one in spans()}
    assert f"{found['a']:032x}" == parent.split("-")[1]
    assert found["b"] == found["c"] != found["a"]


def test_without_anybody_who_listens_nothing_is_recorded():
    with telemetry.span("x") as started:
        assert not started.is_recording()
    assert not trace.get_current_span().is_recording()


def test_metrics_have_the_names_that_the_alerts_ask_for(measured):
    instruments, names = measured
    about = {"cairn.tenant": "t"}
    for counter in (instruments.requests, instruments.throttled, instruments.alerts):
        counter.add(1, about)
    instruments.duration.record(60.0, about)
    for gauge in (instruments.objects, instruments.not_whole, instruments.backup_age, instruments.queue_age):
        gauge.set(1, about)
    asked = {
        part.split('"')[1] for part in (ROOT / "infra/modules/alerts.bicep").read_text().split("Name == ")[1:]
    }
    assert asked
    assert asked <= set(names())
    assert names()["cairn.backup.age"] == "s"


async def test_all_activities_of_a_task_share_a_trace_even_where_the_engine_carries_none(spans):
    @answering
    async def work(message):
        return {}

    for task_id in ("one", "one", "other"):
        await work({"tenantId": "t", "taskId": task_id})
    first, second, other = (one.context.trace_id for one in spans())
    assert first == second != other


def test_the_host_is_told_to_carry_the_trace_in_its_engine():
    host = json.loads((ROOT / "host.json").read_text())
    assert host["telemetryMode"] == "OpenTelemetry"
    assert host["extensions"]["durableTask"]["tracing"] == {"distributedTracingEnabled": True, "version": "V2"}
