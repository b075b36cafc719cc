"""Microsoft's own recovery by its own client: objects change, and delta never tells (Entra Backup and Recovery)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from local.simulator import Simulator
from tests.local.simulator.sdk.world import World, by_id, opened

# kiota's generated request builders warn of their own names whenever one is first imported
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
async def world(simulator: Simulator, credential: ClientSecretCredential) -> AsyncIterator[World]:
    async with opened(simulator, credential) as made:
        yield made


async def round_of(builder: Any, link: str = "") -> tuple[set[str], str]:
    """The ids that a round tells and the link it ends with."""
    page = await (builder.delta.with_url(link).get() if link else builder.delta.get())
    seen = {each.id for each in page.value}
    while page.odata_next_link:
        page = await builder.delta.with_url(page.odata_next_link).get()
        seen |= {each.id for each in page.value}
    return seen, page.odata_delta_link


async def started_by(client: Any, snapshot: str, world: World, criteria: Any = None) -> Any:
    """A job of a caller, sent with the client's own models, adapter and errors."""
    kind = world.m("entraRecoveryServices.recoveryJob")
    request = RequestInformation(Method.POST, "{+baseurl}/directory/recovery/snapshots/{id}/recoveryJobs", {
        "baseurl": client.request_adapter.base_url, "id": snapshot})  # fmt: skip
    request.headers.try_add("Accept", "application/json")
    request.set_content_from_parsable(client.request_adapter, "application/json", kind(filtering_criteria=criteria))
    errors = {"XXX": world.m("oDataErrors.oDataError")}
    return await client.request_adapter.send_async(request, kind, errors)


async def test_a_job_recovers_only_what_its_criteria_name(world: World) -> None:
    client, store = world.app["v1.0"], world.store
    people = [each.key for each in store.all("user") if not each.read().get("onPremisesSyncEnabled")
              and "@odata.type" not in each.read() and not store.find("unifiedRoleAssignment", "principalId", each.key)]
    one, other = people[:2]
    was = store.records[one].read()["displayName"]
    for each in (one, other):
        await client.users.by_user_id(each).patch(world.m("user")(display_name="Overwritten"))
    newest = max((await client.directory.recovery.snapshots.get()).value, key=lambda each: each.created_date_time)
    criteria = world.m("entraRecoveryServices.recoveryJobEntityNameAndIdsFilter")(filter_values=[
        world.m("entraRecoveryServices.entityTypeAndIds")(
            entity_type=world.m("entraRecoveryServices.resourceTypeName")("user"), entity_ids=[one])])  # fmt: skip
    await started_by(world.user["v1.0"], newest.id, world, criteria)
    assert (await client.users.by_user_id(one).get()).display_name == was
    assert (await client.users.by_user_id(other).get()).display_name == "Overwritten"


async def test_a_recovery_puts_objects_back_and_leaves_no_delta_record(world: World, graph: httpx.AsyncClient) -> None:
    client, store = world.app["v1.0"], world.store
    group_ids = [each.key for each in store.all("group") if not each.read().get("onPremisesSyncEnabled")
                 and not each.read().get("groupTypes") and not each.read().get("isAssignableToRole")
                 and not each.read().get("mailEnabled") and not each.read().get("assignedLicenses")]  # fmt: skip
    kept, lost = group_ids[:2]
    person = next(each for each in store.all("user") if not each.read().get("onPremisesSyncEnabled")
                  and "@odata.type" not in each.read() and not store.link_set("members").has(kept, each.key)
                  and not store.find("unifiedRoleAssignment", "principalId", each.key)).key  # fmt: skip
    was = store.records[person].read()["displayName"]
    await client.users.by_user_id(person).patch(world.m("user")(display_name="Overwritten"))
    await client.groups.by_group_id(lost).delete()
    await client.groups.by_group_id(kept).members.ref.post(
        world.m("referenceCreate")(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{person}")
    )
    said = {"display_name": "Since", "mail_enabled": False, "mail_nickname": "since", "security_enabled": True}
    since = (await client.groups.post(world.m("group")(**said))).id
    (_, users), (_, groups) = await round_of(client.users), await round_of(client.groups)

    snapshots = (await client.directory.recovery.snapshots.get()).value
    newest = max(snapshots, key=lambda each: each.created_date_time)
    assert len(snapshots) == 5
    # the client has no builder that starts a job: it is posted through its adapter, of the user and of the application
    with pytest.raises(APIError, match="403"):
        await started_by(world.app["v1.0"], newest.id, world)
    started = await started_by(world.user["v1.0"], newest.id, world)
    assert started.total_failed_changes == 0
    with pytest.raises(APIError, match="409"):
        await started_by(world.user["v1.0"], newest.id, world)
    await graph.post("/simulator/clock", json={"advanceSeconds": 6})
    done = await by_id(client.directory.recovery.jobs, started.id).get()
    assert isinstance(done, world.m("entraRecoveryServices.recoveryJob"))
    assert str(done.status.value) == "successful"
    assert done.total_objects_modified >= 3
    assert done.total_links_modified >= 1

    assert (await client.users.by_user_id(person).get()).display_name == was
    assert (await client.groups.by_group_id(lost).get()).id == lost
    assert person not in {each.id for each in (await client.groups.by_group_id(kept).members.get()).value}
    assert since in {each.id for each in (await client.directory.deleted_items.graph_group.get()).value}
    assert (await round_of(client.users, users))[0] == set()
    assert (await round_of(client.groups, groups))[0] == set()
