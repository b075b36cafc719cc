"""Secure Score: what Graph says, or why it is not known; never a number that was not given."""

from typing import Any

import pytest

from local.simulator import Simulator
from shared.backup.sessions import GraphSessions
from shared.errors import EntraError, NotPermitted, Rejected
from shared.tenants.secure_score import secure_score
from tests.simulated import settings_for


class Graph:
    """Answers one request."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def get_json(self, path: str, **_: Any) -> Any:
        assert path == "/security/secureScores?$top=1"
        if isinstance(self._answer, EntraError):
            raise self._answer
        return self._answer


async def test_the_score_is_the_newest_one_in_percent() -> None:
    newest = {"currentScore": 42.0, "maxScore": 84.0, "createdDateTime": "2026-11-20T00:00:00Z"}
    found = await secure_score(Graph({"value": [newest]}))  # type: ignore[arg-type]
    assert (found["known"], found["percent"], found["measuredAt"]) == (True, 50.0, "2026-11-20T00:00:00Z")


@pytest.mark.parametrize("answer", [
    NotPermitted("no"), Rejected("no"), {"value": []}, {"value": [{"currentScore": None, "maxScore": 1}]},
    {"value": [{"currentScore": 1, "maxScore": 0}]},
])  # fmt: skip
async def test_what_is_not_known_is_said_with_its_reason(answer: Any) -> None:
    found = await secure_score(Graph(answer))  # type: ignore[arg-type]
    assert (found["known"], found["current"], found["percent"]) == (False, None, None)
    assert found["reason"]


async def test_the_score_is_read_from_a_tenant_as_graph_gives_it() -> None:
    async with (
        Simulator(users=3, groups=1, seed=1) as simulator,
        GraphSessions().reading(settings_for(simulator), simulator.tenant_id) as graph,
    ):
        found = await secure_score(graph)
    assert (found["known"], found["current"], found["max"], found["percent"]) == (True, 40.0, 80.0, 50.0)
    assert found["measuredAt"] == "2026-10-31T00:00:00Z"
