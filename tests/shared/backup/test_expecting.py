"""Laws of what a first backup expects: Graph's own counts in whatever form they come, and no failure without them."""

import pytest

from shared.backup.expecting import expected_counts
from shared.backup.run import load_run
from shared.catalog import OBJECT_TYPES
from shared.entra.transport import Graph
from tests.shared.backup.conftest import Backups
from tests.shared.entra.conftest import fake, graph, roots  # noqa: F401 - fixtures
from tests.shared.entra.scripted import Batching, FakeGraph, refusal

USERS = OBJECT_TYPES["user"]


@pytest.mark.parametrize(("body", "count"), [
    (12, 12), ("12", 12), ("MTI=", 12), ("77u/MTI=", 12), ({"value": 3}, None), ("many", None), (True, None), (-1, None),
])
async def test_a_count_is_taken_in_every_form_it_has_and_nothing_else_is_one(
    fake: FakeGraph, graph: Graph, body: object, count: int | None
) -> None:
    batching = Batching()
    fake.script("/v1.0/$batch", batching)
    batching.script("/users/$count", (200, body))
    counts = await expected_counts(graph, [USERS, OBJECT_TYPES["domain"]])
    assert counts == ({} if count is None else {"user": count})
    assert batching.asked == [["/users/$count"]]


async def test_a_tenant_that_does_not_count_is_no_failure(fake: FakeGraph, graph: Graph) -> None:
    fake.script("/v1.0/$batch", refusal(403, "Authorization_RequestDenied"))
    assert await expected_counts(graph, [USERS]) == {}


async def test_a_first_backup_knows_how_many_it_will_find(backups: Backups) -> None:
    await backups.run("full", ["user", "group"])
    runs = [entry.name async for entry in backups.opened.workspace.list("")]
    plans = [await load_run(backups.opened.workspace, name) for name in runs if "runs/" in name and name.endswith(".json")
             and b'"closing"' in await backups.opened.workspace.get(name)]
    assert plans[0].types["user"].expected_objects == len(list(backups.simulator.tenant.store.all("user")))
