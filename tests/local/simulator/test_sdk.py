"""Microsoft's own client, unmodified, is the judge of the simulator."""

from collections.abc import Callable

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import GetByIdsPostRequestBody
from msgraph.generated.models.conditional_access_policy import ConditionalAccessPolicy
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph_core.tasks.page_iterator import PageIterator

from local.simulator import Simulator

# kiota's generated request builders warn of their own names whenever one is first imported
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


async def test_azure_identity_gets_a_token_and_is_refused_a_wrong_secret(
    credential: ClientSecretCredential, credential_with: Callable[[str], ClientSecretCredential]
) -> None:
    assert (await credential.get_token("https://graph.microsoft.com/.default")).token.count(".") == 2
    async with credential_with("wrong") as wrong:
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            await wrong.get_token("https://graph.microsoft.com/.default")


async def test_the_page_iterator_sees_every_user_once(simulator: Simulator, sdk: GraphServiceClient) -> None:
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder  # it warns while imported

    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        top=7, select=["id", "displayName", "accountEnabled"]
    )
    first = await sdk.users.get(request_configuration=RequestConfiguration(query_parameters=query))
    seen: list[str] = []

    def take(user: User) -> bool:
        assert user.display_name
        assert user.account_enabled is not None
        seen.append(str(user.id))
        return True

    await PageIterator(first, sdk.request_adapter).iterate(take)
    assert sorted(seen) == sorted(record.key for record in simulator.store.all("user"))


async def test_typed_reads_of_links_agree_with_the_store(simulator: Simulator, sdk: GraphServiceClient) -> None:
    group = next(r for r in simulator.store.all("group") if list(simulator.store.link_set("members").targets(r.key)))
    members = await sdk.groups.by_group_id(group.key).members.get()
    assert members is not None
    assert {m.id for m in members.value or []} == {
        key for key in simulator.store.link_set("members").targets(group.key)
        if simulator.store.records[key].table != "servicePrincipal"
    }
    user = next(key for key, _ in simulator.store.link_set("manager").pairs())
    manager = await sdk.users.by_user_id(user).manager.get()
    assert manager is not None
    assert [manager.id] == list(simulator.store.link_set("manager").targets(user))


async def test_a_missing_object_is_a_typed_error_with_its_code(sdk: GraphServiceClient) -> None:
    with pytest.raises(ODataError) as raised:
        await sdk.users.by_user_id("00000000-0000-4000-8000-000000000000").get()
    assert raised.value.response_status_code == 404
    assert raised.value.error is not None
    assert raised.value.error.code == "Request_ResourceNotFound"


async def test_create_link_delete_and_undelete_through_the_typed_client(
    simulator: Simulator, sdk: GraphServiceClient
) -> None:
    made = await sdk.groups.post(
        Group(display_name="Ops", mail_enabled=False, mail_nickname="ops", security_enabled=True)
    )
    assert made is not None
    assert made.id
    user = next(simulator.store.all("user")).key
    await sdk.groups.by_group_id(made.id).members.ref.post(
        ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{user}")
    )
    with pytest.raises(ODataError, match="already exist"):
        await sdk.groups.by_group_id(made.id).members.ref.post(
            ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{user}")
        )
    await sdk.groups.by_group_id(made.id).delete()
    with pytest.raises(ODataError):
        await sdk.groups.by_group_id(made.id).get()
    deleted = await sdk.directory.deleted_items.graph_group.get()
    assert deleted is not None
    assert made.id in {each.id for each in deleted.value or []}
    await sdk.directory.deleted_items.by_directory_object_id(made.id).restore.post()
    members = await sdk.groups.by_group_id(made.id).members.get()
    assert members is not None
    assert [each.id for each in members.value or []] == [user]


async def test_the_retry_handler_waits_out_a_throttled_answer(simulator: Simulator, sdk: GraphServiceClient) -> None:
    async with httpx.AsyncClient(base_url=simulator.url) as control:
        rule = {"kind": "throttle", "path": "/v1.0/organization", "count": 1, "retryAfter": 1}
        assert (await control.post("/simulator/faults", json=rule)).status_code == 200
        organization = await sdk.organization.get()
        assert organization is not None
        assert [each.id for each in organization.value or []] == [simulator.tenant_id]
        told = (await control.get("/simulator/faults")).json()
        assert told["struck"] == {"throttle": 1}


async def test_delta_through_the_typed_client_ends_with_a_delta_link(
    simulator: Simulator, sdk: GraphServiceClient
) -> None:
    page = await sdk.groups.delta.get()
    seen: set[str] = set()
    while page is not None:
        seen |= {str(each.id) for each in page.value or []}
        if page.odata_delta_link:
            break
        page = await sdk.groups.delta.with_url(str(page.odata_next_link)).get()
    assert seen == {record.key for record in simulator.store.all("group")}
    assert page is not None
    again = await sdk.groups.delta.with_url(str(page.odata_delta_link)).get()
    assert again is not None
    assert again.value == []


async def test_get_by_ids_leaves_out_what_does_not_live(simulator: Simulator, sdk: GraphServiceClient) -> None:
    user, group = next(simulator.store.all("user")).key, next(simulator.store.all("group")).key
    body = GetByIdsPostRequestBody(ids=[user, group, "00000000-0000-4000-8000-000000000000"])
    found = await sdk.directory_objects.get_by_ids.post(body)
    assert found is not None
    assert {type(each).__name__: each.id for each in found.value or []} == {"User": user, "Group": group}


async def test_conditional_access_shows_newer_controls_only_to_those_who_ask(
    simulator: Simulator, graph: httpx.AsyncClient, sdk: GraphServiceClient
) -> None:
    simulator.store.create(
        "conditionalAccessPolicy",
        {"id": "11111111-1111-4111-8111-111111111111", "displayName": "Risk", "state": "disabled",
         "conditions": {"clientAppTypes": ["all"]},
         "grantControls": {"operator": "AND", "builtInControls": ["mfa", "riskRemediation"]}},
    )
    path = "/v1.0/identity/conditionalAccess/policies/11111111-1111-4111-8111-111111111111"
    simulator.tenant.throttle.set(1000.0, {})
    plain = (await graph.get(path)).json()
    assert plain["grantControls"]["builtInControls"] == ["mfa", "unknownFutureValue"]
    whole = (await graph.get(path, headers={"Prefer": "include-unknown-enum-members"})).json()
    assert whole["grantControls"]["builtInControls"] == ["mfa", "riskRemediation"]
    typed = await sdk.identity.conditional_access.policies.get()
    assert typed is not None
    assert all(isinstance(each, ConditionalAccessPolicy) for each in typed.value or [])
