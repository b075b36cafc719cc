"""The description of the interface is served, whole, and says what each route asks."""

import httpx

from api.app import routes
from api.guard import access_of


async def test_the_description_is_served_with_every_route_and_its_permission(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    described = {
        (method, path): operation for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert len(described) == sum(len(route.methods) for _, route in routes())
    for operation in described.values():
        assert operation["security"] == ([] if operation["x-permission"] == "public" else [{"bearer": []}])
        assert "422" not in operation["responses"]
    assert ("get", "/api/v1/tenants/{tenantId}/settings") in described
    asked = sorted(operation["x-permission"] for operation in described.values())
    assert asked == sorted(access_of(route.endpoint).asks for _, route in routes())


async def test_bodies_are_described_with_their_limits(anonymous: httpx.AsyncClient) -> None:
    schemas = (await anonymous.get("/openapi.json")).json()["components"]["schemas"]
    settings = next(schema for schema in schemas.values() if "retentionDays" in schema.get("properties", {}))
    assert settings["properties"]["retentionDays"]["maximum"] == 1825


async def test_there_is_no_page_of_documentation_to_run_scripts_from(anonymous: httpx.AsyncClient) -> None:
    for path in ("/docs", "/redoc", "https://cairn.example/docs"):
        assert (await anonymous.get(path)).status_code == 404
