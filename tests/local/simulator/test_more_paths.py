"""Paths beside the great collections: audit records, people settings, provisioning, extension properties, PKI bins."""

import httpx
import pytest

from local.simulator import Simulator


@pytest.fixture(autouse=True)
def unlimited(simulator: Simulator) -> None:
    simulator.tenant.throttle.set(1e6, {})


async def test_an_audit_record_is_read_by_its_id(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(simulator.store.all("user")).key
    assert (await graph.patch(f"/v1.0/users/{user}", json={"city": "Łódź"})).status_code == 204
    listed = (await graph.get("/v1.0/auditLogs/directoryAudits")).json()["value"][0]
    read = await graph.get(f"/v1.0/auditLogs/directoryAudits/{listed['id']}")
    assert read.status_code == 200
    assert {name: read.json()[name] for name in listed} == listed
    assert read.json()["targetResources"][0]["id"] == user
    assert (await graph.get(f"/v1.0/auditLogs/directoryAudits/{listed['id']}0")).status_code == 404
    assert (await graph.get("/v1.0/auditLogs/directoryAudits/nothing")).status_code == 404


async def test_people_settings_are_listed_made_changed_and_deleted(graph: httpx.AsyncClient) -> None:
    for path, body, change in (
        ("profilePropertySettings", {"name": "interests", "prioritizedSourceUrls": ["https://a.example/"]},
         {"prioritizedSourceUrls": []}),
        ("profileSources", {"sourceId": "crm", "displayName": "CRM", "webUrl": "https://crm.example/"},
         {"displayName": "Customers"}),
    ):  # fmt: skip
        at = f"/v1.0/admin/people/{path}"
        before = (await graph.get(at)).json()["value"]
        assert before
        made = await graph.post(at, json=body)
        assert made.status_code == 201, made.text
        one = f"{at}/{made.json()['id']}"
        assert (await graph.patch(one, json=change)).status_code == 204
        assert (await graph.get(one)).json().items() >= (body | change).items()
        assert (await graph.delete(one)).status_code == 204
        assert (await graph.get(at)).json()["value"] == before
    assert (await graph.get("/v1.0/admin/people/profileSources(sourceId='hr')")).json()["displayName"] == "HR"


async def test_every_extension_property_of_the_tenant_is_told_at_once(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    told = (await graph.post("/v1.0/directoryObjects/getAvailableExtensionProperties", json={})).json()["value"]
    assert {each["id"] for each in told} == {record.key for record in simulator.store.all("extensionProperty")}
    assert all(each["name"].startswith("extension_") and each["targetObjects"] and each["dataType"]
               and each["appDisplayName"] for each in told)  # fmt: skip
    synced = {"isSyncedFromOnPremises": True}
    answer = await graph.post("/v1.0/directoryObjects/getAvailableExtensionProperties", json=synced)
    assert answer.json()["value"] == [each for each in told if each["isSyncedFromOnPremises"]]


async def test_a_provisioning_job_is_made_started_paused_and_deleted(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    template = next(simulator.store.all("synchronizationTemplate"))
    principal = next(iter(simulator.store.link_set("synchronization/templates").sources(template.key)))
    at = f"/v1.0/servicePrincipals/{principal}/synchronization"
    assert (await graph.get(at)).status_code == 200
    known = (await graph.get(f"{at}/templates")).json()["value"]
    refused = await graph.post(f"{at}/jobs", json={"templateId": "none"})
    assert refused.status_code == 400
    made = await graph.post(f"{at}/jobs", json={"templateId": known[0]["id"]})
    assert made.status_code == 201, made.text
    job = f"{at}/jobs/{made.json()['id']}"
    for action, state in (("start", "Active"), ("pause", "Paused"), ("restart", "Active")):
        assert (await graph.post(f"{job}/{action}")).status_code == 204
        assert (await graph.get(job)).json()["schedule"]["state"] == state
    schema = {"synchronizationRules": [{"name": "USERS", "priority": 1, "objectMappings": []}], "version": "v2"}
    assert (await graph.put(f"{job}/schema", json=schema)).status_code == 204
    assert (await graph.get(f"{job}/schema")).json()["synchronizationRules"][0]["name"] == "USERS"
    assert (await graph.put(f"{job}/schema", json={**schema, "wrong": 1})).status_code == 400
    assert (await graph.delete(job)).status_code == 204
    assert (await graph.get(job)).status_code == 404


async def test_a_certificate_infrastructure_comes_back_with_its_authorities(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    pki = next(simulator.store.all("certificateBasedAuthPki")).key
    at = f"/v1.0/directory/publicKeyInfrastructure/certificateBasedAuthConfigurations/{pki}"
    held = (await graph.get(f"{at}/certificateAuthorities")).json()["value"]
    assert (await graph.delete(at)).status_code == 204
    listed = (await graph.get("/v1.0/directory/deletedItems/microsoft.graph.certificateBasedAuthPki")).json()
    assert pki in {each["id"] for each in listed["value"]}
    assert (await graph.post(f"/v1.0/directory/deletedItems/{pki}/restore")).status_code == 200
    assert (await graph.get(f"{at}/certificateAuthorities")).json()["value"] == held
    one = held[0]["id"]
    assert (await graph.delete(f"{at}/certificateAuthorities/{one}")).status_code == 204
    assert (await graph.post(f"/v1.0/directory/deletedItems/{one}/restore")).status_code == 200
    back = (await graph.get(f"{at}/certificateAuthorities")).json()["value"]
    assert {each["id"] for each in back} == {each["id"] for each in held}


async def test_a_federated_credential_answers_to_its_name(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    application = next(simulator.store.all("application")).key
    at = f"/v1.0/applications/{application}/federatedIdentityCredentials(name='deploy')"
    body = {"issuer": "https://token.example/", "subject": "repo:main", "audiences": ["api://AzureADTokenExchange"]}
    assert (await graph.get(at)).status_code == 404
    assert (await graph.patch(at, json=body)).status_code == 404
    upsert = {"prefer": "create-if-missing"}
    assert (await graph.patch(at, json=body, headers=upsert)).status_code == 201
    assert (await graph.patch(at, json={"subject": "repo:next"}, headers=upsert)).status_code == 204
    assert (await graph.get(at)).json()["subject"] == "repo:next"
    assert (await graph.delete(at)).status_code == 204
    assert (await graph.get(at)).status_code == 404


async def test_an_enum_of_flags_is_one_string(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    application = next(simulator.store.all("application")).key
    at = f"/v1.0/applications/{application}"
    none = {"nativeAuthenticationApisEnabled": None}
    for wrong in ([], ["all"], "some", "unknownFutureValue"):
        answer = await graph.patch(at, json={"nativeAuthenticationApisEnabled": wrong})
        assert answer.status_code == 400, wrong
    assert (await graph.patch(at, json={"nativeAuthenticationApisEnabled": "all"})).status_code == 204
    assert (await graph.get(at)).json()["nativeAuthenticationApisEnabled"] == "all"
    assert (await graph.patch(at, json=none)).status_code == 204
    assert (await graph.get(at)).json().items() >= none.items()


async def test_licence_details_follow_the_licences(simulator: Simulator, graph: httpx.AsyncClient) -> None:
    user = next(each for each in simulator.store.all("user")
                if not each.read().get("assignedLicenses") and each.read().get("usageLocation")).key  # fmt: skip
    sku = next(body for each in simulator.store.all("subscribedSku") if (body := each.read())["servicePlans"]
               and body["prepaidUnits"]["enabled"] > body["consumedUnits"])  # fmt: skip
    off = sku["servicePlans"][-1]["servicePlanId"]
    added = {"addLicenses": [{"skuId": sku["skuId"], "disabledPlans": [off]}], "removeLicenses": []}
    answer = await graph.post(f"/v1.0/users/{user}/assignLicense", json=added)
    assert answer.status_code == 200, answer.text
    (told,) = (await graph.get(f"/v1.0/users/{user}/licenseDetails")).json()["value"]
    assert told["skuPartNumber"] == sku["skuPartNumber"]
    assert {each["servicePlanId"] for each in told["servicePlans"] if each["provisioningStatus"] == "Disabled"} == {off}
    removed = {"addLicenses": [], "removeLicenses": [sku["skuId"]]}
    assert (await graph.post(f"/v1.0/users/{user}/assignLicense", json=removed)).status_code == 200
    assert (await graph.get(f"/v1.0/users/{user}/licenseDetails")).json()["value"] == []


async def test_external_authentication_methods_are_a_collection_of_their_own(
    simulator: Simulator, graph: httpx.AsyncClient
) -> None:
    user = next(simulator.store.all("user")).key
    answer = await graph.get(f"/v1.0/users/{user}/authentication/externalAuthenticationMethods")
    assert answer.status_code == 200
    held = [simulator.store.records[key] for key in simulator.store.link_set("authentication/methods").targets(user)]
    wanted = {body["id"] for each in held if "external" in (body := each.read())["@odata.type"]}
    assert {each["id"] for each in answer.json()["value"]} == wanted
