"""Applications and service principals: identity, entitlements, credentials, consents, cascades."""

import base64
import uuid
from typing import Any

import pytest
from cryptography import x509

from tests.local.simulator.writes.conftest import GALLERY_TEMPLATE, Graph

ROLE = "11111111-1111-1111-1111-111111111111"


def role(**more: Any) -> dict[str, Any]:
    return {
        "id": ROLE,
        "allowedMemberTypes": ["User", "Application"],
        "displayName": "R",
        "description": "R",
        "isEnabled": True,
        "value": "R",
    } | more


async def test_an_application_takes_its_service_principal_along_and_comes_back_without_it(tenant: Graph) -> None:
    application = await tenant.application("pay", appRoles=[role()])
    principal = await tenant.make("/servicePrincipals", {"appId": application["appId"]})
    await tenant.change(f"/applications/{application['id']}", {"displayName": "pay 2"})
    found = await tenant.get(f"/servicePrincipals/{principal['id']}")
    assert (found["displayName"], found["appRoles"][0]["value"]) == ("pay 2", "R")
    assert (await tenant.send("DELETE", f"/applications/{application['id']}"))[0] == 204
    assert (await tenant.send("GET", f"/servicePrincipals/{principal['id']}"))[0] == 404
    assert (await tenant.refused("POST", f"/directory/deletedItems/{principal['id']}/restore"))[0] == 400
    status, restored = await tenant.send("POST", f"/directory/deletedItems/{application['id']}/restore")
    assert (status, restored["appId"]) == (200, application["appId"])
    assert (await tenant.send("GET", f"/servicePrincipals/{principal['id']}"))[0] == 404
    assert (await tenant.send("POST", f"/directory/deletedItems/{principal['id']}/restore"))[0] == 200


async def test_deleting_a_service_principal_takes_assignments_and_grants_of_both_sides(tenant: Graph) -> None:
    client, resource = await tenant.principal("client"), await tenant.principal("api", appRoles=[role()])
    await tenant.make(
        f"/servicePrincipals/{resource['id']}/appRoleAssignedTo",
        {"principalId": client["id"], "resourceId": resource["id"], "appRoleId": ROLE},
    )
    grant = await tenant.make(
        "/oauth2PermissionGrants",
        {"clientId": client["id"], "resourceId": resource["id"], "consentType": "AllPrincipals", "scope": "a"},
    )
    both = [
        f"/servicePrincipals/{resource['id']}/appRoleAssignedTo",
        f"/servicePrincipals/{client['id']}/appRoleAssignments",
    ]
    assert [len((await tenant.get(each))["value"]) for each in both] == [1, 1]
    assert (await tenant.send("DELETE", f"/servicePrincipals/{resource['id']}"))[0] == 204
    assert (await tenant.send("GET", f"/oauth2PermissionGrants/{grant['id']}"))[0] == 404
    assert (await tenant.get(both[1]))["value"] == []
    assert (await tenant.send("POST", f"/directory/deletedItems/{resource['id']}/restore"))[0] == 200
    assert (await tenant.get(both[0]))["value"] == []


async def test_an_enabled_role_is_disabled_before_it_goes(tenant: Graph) -> None:
    application = await tenant.application(appRoles=[role()])
    path = f"/applications/{application['id']}"
    assert await tenant.refused("PATCH", path, {"appRoles": []}) == (
        400,
        "CannotDeleteOrUpdateEnabledEntitlement",
        "Permission (scope or role) cannot be deleted or updated unless disabled first.",
    )
    await tenant.change(path, {"appRoles": [role(isEnabled=False)]})
    await tenant.change(path, {"appRoles": []})
    assert (await tenant.get(path))["appRoles"] == []


async def test_an_identifier_uri_is_unique_and_on_a_verified_domain(tenant: Graph) -> None:
    uri = f"https://{tenant.domain}/pay"
    application = await tenant.application(identifierUris=[uri])
    other = await tenant.application("other")
    path = f"/applications/{other['id']}"
    assert (await tenant.refused("PATCH", path, {"identifierUris": [uri]}))[0] == 400
    await tenant.send("DELETE", f"/applications/{application['id']}")
    assert "identifierUris" in (await tenant.refused("PATCH", path, {"identifierUris": [uri]}))[2]
    assert (await tenant.refused("PATCH", path, {"identifierUris": ["https://elsewhere.example"]}))[1] == (
        "HostNameNotOnVerifiedDomain"
    )
    await tenant.change(path, {"identifierUris": [f"api://{other['appId']}"]})


REFUSALS: list[dict[str, Any]] = [
    {"appId": "7f3c0c55-0d2c-4a3e-9a55-2f1b6a3f8f10"},
    {"publisherDomain": "x"},
    {"passwordCredentials": []},
    {"nosuch": 1},
    {"signInAudience": "Everyone"},
    {"appRoles": [role(origin="Application")]},
    {"appRoles": [role(id="no guid")]},
    {"appRoles": [role(), role()]},
    {"appRoles": [role(allowedMemberTypes=["Robot"])]},
    {"web": {"redirectUris": "x"}},
    {"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA"}]},
    {"api": {"preAuthorizedApplications": [{"appId": ROLE, "delegatedPermissionIds": [ROLE]}]}},
]


@pytest.mark.parametrize("more", REFUSALS, ids=lambda each: str(each)[:40])
async def test_an_application_that_graph_refuses_is_neither_created_nor_changed(
    tenant: Graph, more: dict[str, Any]
) -> None:
    application = await tenant.application()
    assert (await tenant.refused("PATCH", f"/applications/{application['id']}", more))[0] == 400
    assert (await tenant.refused("POST", "/applications", {"displayName": "x"} | more))[0] == 400


async def test_a_service_principal_needs_an_application_and_is_made_once(tenant: Graph) -> None:
    status, code, message = await tenant.refused("POST", "/servicePrincipals", {"appId": str(uuid.uuid4())})
    assert (status, code) == (400, "NoBackingApplicationObject")
    assert "does not reference a valid application object" in message
    application = await tenant.application()
    status, made = await tenant.send(
        "PATCH", f"/servicePrincipals(appId='{application['appId']}')", {"notes": "x"}, prefer="create-if-missing"
    )
    assert (status, made["notes"]) == (201, "x")
    assert (await tenant.refused("POST", "/servicePrincipals", {"appId": application["appId"]}))[:2] == (
        409,
        "Request_MultipleObjectsWithSameKeyValue",
    )


async def test_a_secret_is_shown_once_and_opens_the_door(tenant: Graph) -> None:
    application = await tenant.application()
    path = f"/applications/{application['id']}"
    status, made = await tenant.send("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "s"}})
    assert status == 200
    kept = (await tenant.get(path))["passwordCredentials"][0]
    assert (kept["secretText"], kept["hint"]) == (None, made["secretText"][:3])
    assert tenant.simulator.store.secrets[made["keyId"]] == made["secretText"]
    assert (await tenant.send("POST", f"{path}/removePassword", {"keyId": made["keyId"]}))[0] == 204
    assert (await tenant.refused("POST", f"{path}/removePassword", {"keyId": made["keyId"]}))[0] == 400


async def test_a_signing_certificate_is_real_and_a_key_needs_proof(tenant: Graph) -> None:
    principal = await tenant.principal()
    path = f"/servicePrincipals/{principal['id']}"
    status, made = await tenant.send("POST", f"{path}/addTokenSigningCertificate", {"displayName": "CN=signing"})
    assert status == 200
    certificate = x509.load_der_x509_certificate(base64.b64decode(made["key"]))
    assert certificate.subject.rfc4514_string() == "CN=signing"
    await tenant.change(path, {"preferredTokenSigningKeyThumbprint": made["thumbprint"]})
    assert (await tenant.refused("PATCH", path, {"preferredTokenSigningKeyThumbprint": "00"}))[0] == 400
    assert (await tenant.refused("POST", f"{path}/addTokenSigningCertificate", {"displayName": "signing"}))[0] == 400
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": made["key"]}
    assert (await tenant.refused("POST", f"{path}/addKey", {"keyCredential": key, "proof": "x.y.z"}))[0] == 400


async def test_known_keys_survive_a_patch_that_leaves_their_bytes_out(tenant: Graph) -> None:
    principal = await tenant.principal()
    _, made = await tenant.send(
        "POST", f"/servicePrincipals/{principal['id']}/addTokenSigningCertificate", {"displayName": "CN=x"}
    )
    application = await tenant.application()
    path = f"/applications/{application['id']}"
    await tenant.change(
        path, {"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": made["key"]}]}
    )
    held = (await tenant.get(path))["keyCredentials"]
    await tenant.change(path, {"keyCredentials": held})
    again = (await tenant.get(f"{path}?$select=keyCredentials"))["keyCredentials"]
    assert [(each["keyId"], each["key"]) for each in again] == [(held[0]["keyId"], made["key"])]


async def test_a_gallery_template_gives_an_application_and_its_service_principal(tenant: Graph) -> None:
    status, made = await tenant.send(
        "POST", f"/applicationTemplates/{GALLERY_TEMPLATE}/instantiate", {"displayName": "Shop"}
    )
    assert status == 201
    assert made["application"]["appId"] == made["servicePrincipal"]["appId"]
    assert made["application"]["applicationTemplateId"] == GALLERY_TEMPLATE
    path = f"/applications/{made['application']['id']}"
    assert (await tenant.refused("PATCH", path, {"appRoles": []}))[1] == "CannotDeleteOrUpdateEnabledEntitlement"
    await tenant.change(path, {"appRoles": [each | {"isEnabled": False} for each in made["application"]["appRoles"]]})
    await tenant.change(path, {"appRoles": []})
    assert (await tenant.get(f"/servicePrincipals/{made['servicePrincipal']['id']}"))["appRoles"] == []
    for body in ({}, {"displayName": ""}, {"displayName": "x", "notes": "y"}):
        assert (await tenant.refused("POST", f"/applicationTemplates/{GALLERY_TEMPLATE}/instantiate", body))[0] == 400
    nobody = str(uuid.uuid4())
    refused = await tenant.refused("POST", f"/applicationTemplates/{nobody}/instantiate", {"displayName": "x"})
    assert refused[0] == 404


async def test_a_blueprint_says_what_its_agents_inherit_and_no_other_application_does(tenant: Graph) -> None:
    blueprint = await tenant.make("/applications", {
        "@odata.type": "#microsoft.graph.agentIdentityBlueprint", "displayName": "Agents",
    })
    path = f"/applications/{blueprint['id']}/microsoft.graph.agentIdentityBlueprint/inheritablePermissions"
    everything = {"inheritableScopes": {"@odata.type": "microsoft.graph.allAllowedScopes"}}
    some = {"inheritableScopes": {"@odata.type": "microsoft.graph.enumeratedScopes", "scopes": ["User.Read"]}}
    made = await tenant.make(path, {"resourceAppId": ROLE} | everything)
    assert (made["resourceAppId"], made["inheritableScopes"]["kind"]) == (ROLE, "allAllowed")
    assert (await tenant.refused("POST", path, {"resourceAppId": ROLE} | some))[0] == 409
    await tenant.change(f"{path}/{ROLE}", some)
    assert (await tenant.get(f"{path}/{ROLE}"))["inheritableScopes"]["scopes"] == ["User.Read"]
    none = {"inheritableScopes": some["inheritableScopes"] | {"scopes": []}}
    for body in (none, {"inheritableScopes": {"kind": "none"}}, {"resourceAppId": str(uuid.uuid4())}):
        assert (await tenant.refused("PATCH", f"{path}/{ROLE}", body))[0] == 400
    assert (await tenant.send("DELETE", f"{path}/{ROLE}"))[0] == 204
    plain = await tenant.application()
    refused = await tenant.refused("POST", f"/applications/{plain['id']}/inheritablePermissions", everything)
    assert refused[0] == 400


async def test_grants_are_unique_and_only_their_scope_changes(tenant: Graph) -> None:
    client, resource = await tenant.principal("client"), await tenant.principal("api")
    body = {"clientId": client["id"], "resourceId": resource["id"], "consentType": "AllPrincipals", "scope": "a"}
    grant = await tenant.make("/oauth2PermissionGrants", body)
    assert (await tenant.refused("POST", "/oauth2PermissionGrants", body))[0] == 409
    await tenant.change(f"/oauth2PermissionGrants/{grant['id']}", {"scope": "a b"})
    assert (await tenant.refused("PATCH", f"/oauth2PermissionGrants/{grant['id']}", {"clientId": resource["id"]}))[
        0
    ] == 400
    assert (await tenant.refused("POST", "/oauth2PermissionGrants", body | {"consentType": "Principal"}))[0] == 400
    missing = body | {"clientId": str(uuid.uuid4())}
    assert (await tenant.refused("POST", "/oauth2PermissionGrants", missing))[0] == 404
    assert (await tenant.send("DELETE", f"/oauth2PermissionGrants/{grant['id']}"))[0] == 204


async def test_an_app_role_assignment_is_one_record_on_two_sides(tenant: Graph) -> None:
    resource, user = await tenant.principal("api", appRoles=[role()]), await tenant.user()
    body = {"principalId": user, "resourceId": resource["id"], "appRoleId": ROLE}
    path = f"/users/{user}/appRoleAssignments"
    made = await tenant.make(path, body)
    assert await tenant.refused("POST", path, body) == (
        400,
        "Request_BadRequest",
        "Permission being assigned already exists on the object.",
    )
    other = f"/servicePrincipals/{resource['id']}/appRoleAssignedTo"
    assert [each["id"] for each in (await tenant.get(other))["value"]] == [made["id"]]
    assert (await tenant.refused("POST", other, body | {"appRoleId": str(uuid.uuid4())}))[0] == 400
    assert (await tenant.refused("PATCH", f"{other}/{made['id']}", {"appRoleId": ROLE}))[0] in (400, 405)
    await tenant.send("DELETE", f"/users/{user}")
    assert (await tenant.get(other))["value"] == []
    await tenant.send("POST", f"/directory/deletedItems/{user}/restore")
    assert [each["id"] for each in (await tenant.get(other))["value"]] == [made["id"]]
    assert (await tenant.send("DELETE", f"{other}/{made['id']}"))[0] == 204


async def test_federated_credentials_and_extension_properties_hang_on_the_application(tenant: Graph) -> None:
    application = await tenant.application()
    path = f"/applications/{application['id']}"
    body = {"name": "github", "issuer": "https://token.example", "subject": "s", "audiences": ["api://x"]}
    made = await tenant.make(f"{path}/federatedIdentityCredentials", body)
    assert (await tenant.refused("POST", f"{path}/federatedIdentityCredentials", body))[0] == 409
    assert (await tenant.refused("PATCH", f"{path}/federatedIdentityCredentials/{made['id']}", {"name": "x"}))[0] == 400
    await tenant.change(f"{path}/federatedIdentityCredentials/{made['id']}", {"subject": "t"})
    extension = await tenant.make(
        f"{path}/extensionProperties", {"name": "cost", "dataType": "String", "targetObjects": ["User"]}
    )
    assert extension["name"] == f"extension_{application['appId'].replace('-', '')}_cost"
    user = await tenant.user(**{extension["name"]: "42"})
    assert (await tenant.get(f"/users/{user}?$select={extension['name']}"))[extension["name"]] == "42"
    assert (await tenant.refused("POST", "/groups", tenant.group_body("g", **{extension["name"]: "x"})))[0] == 400


async def test_policies_are_linked_but_do_not_come_back_with_a_service_principal(tenant: Graph) -> None:
    principal = await tenant.principal()
    policy = await tenant.make(
        "/policies/claimsMappingPolicies", {"displayName": "c", "definition": ['{"ClaimsMappingPolicy":{}}']}
    )
    path = f"/servicePrincipals/{principal['id']}/claimsMappingPolicies"
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/claimsMappingPolicies/{policy['id']}"}
    assert (await tenant.send("POST", f"{path}/$ref", reference))[0] == 204
    assert (await tenant.refused("DELETE", f"/policies/claimsMappingPolicies/{policy['id']}"))[0] == 400
    await tenant.send("DELETE", f"/servicePrincipals/{principal['id']}")
    await tenant.send("POST", f"/directory/deletedItems/{principal['id']}/restore")
    assert (await tenant.get(path))["value"] == []
    bad = {"displayName": "c", "definition": ["not json"]}
    assert (await tenant.refused("POST", "/policies/claimsMappingPolicies", bad))[0] == 400


async def test_links_are_bound_where_graph_binds_them_and_nowhere_else(tenant: Graph) -> None:
    owner = await tenant.user()
    reference = tenant.reference(owner)["@odata.id"]
    application = await tenant.application(**{"owners@odata.bind": [reference]})
    assert [each["id"] for each in (await tenant.get(f"/applications/{application['id']}/owners"))["value"]] == [owner]
    report = await tenant.user(**{"manager@odata.bind": reference})
    assert (await tenant.get(f"/users/{report}/manager"))["id"] == owner
    body = {"displayName": "u", "members@odata.bind": [reference]}
    assert (await tenant.refused("POST", "/directory/administrativeUnits", body))[0] == 400
    path = f"/applications/{application['id']}"
    assert (await tenant.refused("PATCH", path, {"owners@odata.bind": [reference]}))[0] == 400


async def test_proxy_settings_are_patched_in_beta(tenant: Graph) -> None:
    application = await tenant.application()
    path = f"/beta/applications/{application['id']}"
    settings = {"internalUrl": "https://in.example/", "externalUrl": "https://out.example/"}
    await tenant.change(path, {"onPremisesPublishing": settings})
    await tenant.change(path, {"onPremisesPublishing": {"isHttpOnlyCookieEnabled": True}})
    stored = tenant.simulator.store.records[application["id"]].read()["onPremisesPublishing"]
    assert (stored["internalUrl"], stored["isHttpOnlyCookieEnabled"]) == ("https://in.example/", True)
    refused = {"onPremisesPublishing": {"isOnPremPublishingEnabled": True}}
    assert (await tenant.refused("PATCH", path, refused))[0] == 400
    plain = f"/applications/{application['id']}"
    assert (await tenant.refused("PATCH", plain, {"onPremisesPublishing": settings}))[0] == 400
