"""What time takes away, and what nobody may make or remove."""

import uuid

from tests.local.simulator.writes.conftest import Graph

MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


async def test_after_30_days_a_deleted_object_is_gone_with_all_that_was_its_own(tenant: Graph) -> None:
    store, user = tenant.simulator.store, await tenant.user()
    method = f"/users/{user}/authentication/emailMethods"
    await tenant.make(method, {"emailAddress": "a@b.example"})
    child = next(iter(store.link_set("authentication/methods").targets(user)))
    await tenant.send("DELETE", f"/users/{user}")
    await tenant.client.post("/simulator/clock", json={"advanceSeconds": 31 * 86400})
    assert user not in store.bin
    assert child not in store.records


async def test_microsofts_own_service_principals_stay(tenant: Graph) -> None:
    store = tenant.simulator.store
    graph = next(
        each for each in store.all("servicePrincipal") if each.read().get("appOwnerOrganizationId") == MICROSOFT
    )
    assert (await tenant.refused("DELETE", f"/servicePrincipals/{graph.key}"))[0] == 403
    body = {"appId": graph.read()["appId"]}
    assert (await tenant.refused("POST", "/servicePrincipals", body))[0] in (400, 409)


async def test_a_managed_identity_is_neither_changed_nor_restored(tenant: Graph) -> None:
    store, key = tenant.simulator.store, str(uuid.uuid4())
    identity = {"id": key, "appId": str(uuid.uuid4()), "displayName": "vm", "servicePrincipalType": "ManagedIdentity"}
    store.create("servicePrincipal", identity)
    assert (await tenant.refused("PATCH", f"/servicePrincipals/{key}", {"notes": "x"}))[0] == 403
    assert (await tenant.send("DELETE", f"/servicePrincipals/{key}"))[0] == 204
    assert (await tenant.refused("POST", f"/directory/deletedItems/{key}/restore"))[0] == 404


async def test_reference_data_is_read_only(tenant: Graph) -> None:
    for path in ("/subscribedSkus", "/contracts", "/organization", "/applicationTemplates", "/contacts"):
        status, _, _ = await tenant.refused("POST", path, {"displayName": "x"})
        assert status in (403, 405)
    for path in ("/roleManagement/directory/roleEligibilitySchedules", "/policies/roleManagementPolicies"):
        assert (await tenant.refused("POST", path, {"id": "x"}))[0] in (403, 405)


async def test_a_body_that_is_no_object_is_refused(tenant: Graph) -> None:
    for content in (b"", b"[]", b"{", b'"x"', b"null"):
        answer = await tenant.client.post("/v1.0/groups", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert set(answer.json()["error"]) >= {"code", "message", "innerError"}
    answer = await tenant.client.post("/v1.0/groups", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415


async def test_deleting_a_link_target_under_its_collection_deletes_nothing(tenant: Graph) -> None:
    group, user = await tenant.group(), await tenant.user()
    await tenant.send("POST", f"/groups/{group}/members/$ref", tenant.reference(user))
    assert (await tenant.refused("DELETE", f"/groups/{group}/members/{user}"))[0] in (400, 403, 405)
    assert (await tenant.send("GET", f"/users/{user}"))[0] == 200
