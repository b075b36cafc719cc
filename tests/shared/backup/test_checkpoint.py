"""Laws of checkpoints: each type keeps its own place, and a lane that was under way before an update goes on."""

from shared.backup.checkpoint import Checkpoint, TypeCapture, load_checkpoint, run_prefix, save_checkpoint, store_json
from shared.repository.memory_store import MemoryBlobStore

TENANT = "8d0d1d6c-0000-4000-8000-000000000001"
USER, GROUP = TypeCapture("user", started="2026-11-21T00:00:00Z"), TypeCapture("group", started="2026-11-21T00:00:00Z")


async def test_every_type_under_way_keeps_its_own_place() -> None:
    workspace = MemoryBlobStore()
    both = Checkpoint().with_capture(USER, "here").with_capture(GROUP, "there")
    name = await save_checkpoint(workspace, TENANT, "task", both)
    loaded = await load_checkpoint(workspace, name)
    assert dict(loaded.cursors) == {"user": "here", "group": "there"}
    assert dict(loaded.with_capture(USER).cursors) == {"group": "there"}
    merged = Checkpoint().with_type_of(loaded, "group")
    assert merged.of("group") == GROUP
    assert merged.of("user") is None
    assert dict(merged.cursors) == {"group": "there"}


async def test_a_lane_that_was_under_way_before_the_update_goes_on_where_it_was() -> None:
    workspace = MemoryBlobStore()
    before = {"captures": [USER.as_json(), GROUP.as_json()], "cursor": "there"}
    name = await store_json(workspace, run_prefix(TENANT, "task"), before)
    assert dict((await load_checkpoint(workspace, name)).cursors) == {"group": "there"}
