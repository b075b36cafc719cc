"""Traces and metrics through OpenTelemetry's API; who takes them is set up elsewhere (in Azure by the worker, from the
connection string of Application Insights), and without anybody they cost next to nothing.

Invariants
- One trace leads from the HTTP call through orchestration and activities to the requests to Graph. In Azure the engine
  carries it (distributed tracing V2 in host.json) and the worker takes it up; on a laptop the local host does both.
  Work that nobody's trace started (timers) shares one a task, whose id follows from the task's.
- No personal value: an attribute is one of `ATTRIBUTES`, or it is refused; tenants are named by id, addresses by their
  first segment.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.trace import Span, Status, StatusCode

ATTRIBUTES = frozenset({
    "cairn.tenant", "cairn.operation", "cairn.backup.kind", "cairn.outcome", "cairn.code", "cairn.graph.collection",
    "cairn.object_type", "http.request.method", "http.response.status_code", "http.route", "error.type",
})  # fmt: skip
"""All that a span or a measurement may say of itself."""

_DURATION_BOUNDS = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is measured; names and units are what alerts and dashboards ask for (infra/modules/alerts.bicep)."""

    meter: metrics.Meter
    requests: metrics.Counter = field(init=False)
    throttled: metrics.Counter = field(init=False)
    alerts: metrics.Counter = field(init=False)
    duration: metrics.Histogram = field(init=False)
    objects: Any = field(init=False)
    not_whole: Any = field(init=False)
    backup_age: Any = field(init=False)
    queue_age: Any = field(init=False)

    def __post_init__(self) -> None:
        """Make the instruments."""
        meter = self.meter
        for name, made in {
            "requests": meter.create_counter("cairn.graph.requests", "1", "requests to Microsoft Graph"),
            "throttled": meter.create_counter("cairn.graph.throttled", "1", "429 answers of Microsoft Graph"),
            "alerts": meter.create_counter("cairn.alerts", "1", "events that are alerts, by code"),
            "duration": meter.create_histogram(
                "cairn.backup.duration", "s", "time of a backup", explicit_bucket_boundaries_advisory=_DURATION_BOUNDS
            ),
            "objects": meter.create_gauge("cairn.backup.objects", "1", "objects in the newest restore point"),
            "not_whole": meter.create_gauge("cairn.backup.coverage", "1", "types of it that were not read whole"),
            "backup_age": meter.create_gauge("cairn.backup.age", "s", "age of the newest restore point"),
            "queue_age": meter.create_gauge("cairn.task.queue_age", "s", "how long the oldest queued task waits"),
        }.items():
            object.__setattr__(self, name, made)


measure = Instruments(metrics.get_meter("cairn"))
"""The instruments of this process."""

_tracer = trace.get_tracer("cairn")


@contextmanager
def span(name: str, attributes: Mapping[str, str | int] | None = None) -> Iterator[Span]:
    """A span around the block, part of the trace that is under way; an error that leaves it is named by its type only,
    since its text may say more than a trace should hold."""
    with _tracer.start_as_current_span(
        name, attributes=safe(attributes or {}), record_exception=False, set_status_on_exception=False
    ) as started:
        try:
            yield started
        except BaseException as error:
            started.set_status(Status(StatusCode.ERROR))
            started.set_attribute("error.type", type(error).__name__)
            raise


def trace_of(task_id: str) -> str:
    """The W3C traceparent that all work of a task has in common; empty without a task."""
    if not task_id:
        return ""
    digest = hashlib.sha256(f"cairn task {task_id}".encode()).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"


@contextmanager
def continued(traceparent: str, tracestate: str = "") -> Iterator[None]:
    """Go on, for the time of the block, with the trace that these W3C headers name; or with the present one, if there
    is one: the host has put itself in between."""
    if not traceparent or trace.get_current_span().get_span_context().is_valid:
        yield
        return
    token = context.attach(propagate.extract({"traceparent": traceparent, "tracestate": tracestate}))
    try:
        yield
    finally:
        context.detach(token)


def safe(attributes: Mapping[str, str | int]) -> dict[str, str | int]:
    """The attributes, all of which must be of those that may be said; raises ValueError otherwise."""
    if unknown := set(attributes) - ATTRIBUTES:
        raise ValueError(f"telemetry may not say {', '.join(sorted(unknown))}")
    return dict(attributes)


def collection_of(address: str) -> str:
    """What an address of Graph is about, without the ids in it: `users`, `$batch`, `roleManagement`."""
    path = address.split("://", 1)[-1].partition("/")[2].partition("?")[0]
    segments = [segment for segment in path.split("/") if segment not in ("v1.0", "beta", "")]
    return segments[0].partition("(")[0][:64] if segments else ""
