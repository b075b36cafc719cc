"""What a backup tells of its own gaps: each once, in words, and louder where it got worse."""

from typing import Any

from shared.backup import closing
from shared.backup.capturing import TypeReader
from shared.backup.checkpoint import Checkpoint
from tests.laws.conftest import Protected

REFUSED = {"kind": "status", "status": 403}


async def told(protected: Protected, code: str) -> list[dict[str, Any]]:
    """Events of that code, newest first."""
    return [
        event async for _, event in protected.opened.records.events.stream([protected.tenant_id])
        if event["code"] == code
    ]


async def test_one_event_says_what_is_worse_than_last_time_and_the_next_time_it_is_no_news(
    protected: Protected,
) -> None:
    await protected.backed_up("full")
    assert not await told(protected, "coverageWorse")
    protected.faults(*({**REFUSED, "path": f"^/v1.0/{path}"} for path in ("groups", "devices", "users")))
    await protected.backed_up()
    (event,) = await told(protected, "coverageWorse")
    assert event["severity"] == "error"
    for title in ("Groups: refused", "Devices: refused", "Users: refused", "Settings of one group"):
        assert title in event["message"], event["message"]
    waiting = [alert.event["code"] async for alert in protected.opened.records.outbox.due()]
    assert waiting.count("coverageWorse") == 1, "and one alert"
    await protected.backed_up()
    assert len(await told(protected, "coverageWorse")) == 1
    assert any("Groups: refused" in one["message"] for one in await told(protected, "coverage"))
    protected.faults()
    await protected.backed_up()
    assert len(await told(protected, "coverageWorse")) == 1


async def test_a_backup_leaves_at_most_one_event_of_each_sort(protected: Protected) -> None:
    await protected.backed_up("full")
    protected.faults({**REFUSED, "path": "^/v1.0/(groups|users|devices|applications|policies|identity)"})
    for _ in range(2):
        before = len([event async for _, event in protected.opened.records.events.stream([protected.tenant_id])])
        await protected.backed_up()
        after = len([event async for _, event in protected.opened.records.events.stream([protected.tenant_id])])
        assert after - before <= 5


async def test_a_failed_replay_is_noted_in_the_coverage_and_as_an_event_and_caught_up_with(
    protected: Protected, monkeypatch: Any
) -> None:
    await protected.backed_up("full")
    whole = TypeReader.go_on

    async def go_on(self: TypeReader, checkpoint: Checkpoint, stop_at: float) -> Checkpoint:
        if self.row.name != "user":
            return await whole(self, checkpoint, stop_at)
        protected.faults({**REFUSED, "path": "^/v1.0/users"})
        try:
            return await whole(self, checkpoint, stop_at)
        finally:
            protected.faults()

    with monkeypatch.context() as patch:
        patch.setattr(closing.TypeReader, "go_on", go_on_in_closing(go_on, whole))
        second = await protected.backed_up()
    entry = second.types["user"]
    assert entry.outcome == "complete"
    (said,) = [one for one in entry.coverage.entries if "could not be read again" in one["reason"]]
    assert said["remedy"]
    assert any(
        "could not be read again" in one["message"] and "Users" in one["message"]
        for one in await told(protected, "backupNote")
    )
    assert not await protected.apart_now(await protected.backed_up())


def go_on_in_closing(spoilt: Any, whole: Any) -> Any:
    """Spoil the reading of users in the closing lane alone: it reads over what the run has already."""

    async def go_on(self: TypeReader, checkpoint: Checkpoint, stop_at: float) -> Checkpoint:
        return await (spoilt if self.over is not None else whole)(self, checkpoint, stop_at)

    return go_on
