"""The orchestrators of difference reports: what they call, and how every failure ends report and task."""

from typing import Any

import pytest

from shared.errors import StoreUnavailable
from tests.laws.driver import Engine, answering

REQUEST = {"tenantId": "t", "taskId": "task", "reportId": "report"}
LANES = [{"name": "user", "types": ["user"], "share": 0.5}, {"name": "small", "types": ["group"], "share": 0.5}]
FAILED = {"failure": "It went wrong.", "remedy": "Mend it.", "code": "Wrong"}


def engine(slices: int = 1, **answers: Any) -> Engine:
    """An engine whose activities answer from a table; reading and comparing take so many slices."""

    async def sliced(message: dict[str, Any]) -> Any:
        made = int(message.get("checkpoint") or 0) + 1
        return {"checkpoint": str(made), "finished": made >= slices}

    table: dict[str, Any] = {
        "begin_differences": {"run": "run", "lanes": LANES}, "read_live_slice": sliced, "seal_live": {"live": "7"},
        "compare_states": sliced, "finish_differences": {"summary": "Found.", "warnings": 0},
        "close_report": {"closed": True}, "write_changes": {"rows": 3}, "close_task": {"closed": True}, **answers,
    }

    return Engine(activities=answering(table))


def named(made: Engine) -> list[str]:
    return [name for name, _ in made.calls if name != "read_live"]


async def run(made: Engine) -> Any:
    return await made.run("report_differences", REQUEST, "task")


async def test_the_live_tenant_is_read_before_anything_is_compared() -> None:
    made = engine()
    assert await run(made) is True
    assert named(made) == [
        "begin_differences", "read_live_slice", "read_live_slice", "read_live_slice", "seal_live", "compare_states",
        "finish_differences", "close_report",
    ]
    assert dict(made.calls)["compare_states"]["live"] == "7"
    assert made.calls[-1][1]["status"] == "succeeded"


async def test_a_report_that_finds_nothing_to_read_ends_all_the_same() -> None:
    made = engine(begin_differences={"run": "run", "lanes": []})
    assert await run(made) is True
    assert named(made) == [
        "begin_differences", "read_live_slice", "seal_live", "compare_states", "finish_differences", "close_report",
    ]


async def test_two_restore_points_are_compared_without_reading_the_tenant() -> None:
    made = engine(begin_differences={"run": "", "lanes": []})
    await run(made)
    assert named(made) == ["begin_differences", "compare_states", "finish_differences", "close_report"]


async def test_comparing_goes_on_where_it_stopped_over_several_histories() -> None:
    made = engine(slices=120, begin_differences={"run": "", "lanes": []})
    assert await run(made) is True
    assert named(made).count("begin_differences") == 1
    seen = [message["checkpoint"] for name, message in made.calls if name == "compare_states"]
    assert seen == ["", *map(str, range(1, 120))]


@pytest.mark.parametrize(
    "failing", ["begin_differences", "read_live_slice", "seal_live", "compare_states", "finish_differences"]
)
@pytest.mark.parametrize("how", [FAILED, StoreUnavailable("the storage account did not answer")])
async def test_every_failure_ends_the_report_once_with_its_cause(failing: str, how: Any) -> None:
    made = engine(**{failing: how})
    assert await run(made) is False
    assert named(made).count("close_report") == 1
    name, message = made.calls[-1]
    assert (name, message["status"]) == ("close_report", "failed")
    assert message["summary"] in ("It went wrong. Mend it.", "the storage account did not answer")


async def test_types_that_could_not_be_compared_are_a_warning() -> None:
    made = engine(finish_differences={"summary": "Found.", "warnings": 1})
    await run(made)
    assert made.calls[-1][1]["status"] == "succeededWithWarnings"


@pytest.mark.parametrize(("written", "status"), [({"rows": 3}, "succeeded"), (FAILED, "failed")])
async def test_an_export_ends_its_task(written: dict[str, Any], status: str) -> None:
    made = engine(write_changes=written)
    await made.run("export_changes", {**REQUEST, "filter": {}}, "task")
    assert made.calls[-1][0] == "close_task"
    assert made.calls[-1][1]["status"] == status
