"""The description of the interface: what FastAPI derives, with the sign-in, the permissions and the problems added."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.alias_generators import to_camel

from api.guard import access_of
from api.problems import MEDIA_TYPE

FILES = {"csv": "text/csv", "txt": "text/plain"}
"""What an address answers with that ends so."""

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "errors", "remedy"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what programs should look at."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "value", "expected"],
                "properties": {"field": {"type": "string"}, "value": {}, "expected": {"type": "string"}},
            },
        },
        "remedy": {"type": "string"},
        "taskId": {"type": "string", "description": "The running task, where that is what stands in the way."},
    },
}


def describe(app: FastAPI, routes: list[tuple[str, APIRoute]]) -> dict[str, Any]:
    """The OpenAPI document of the app; `routes` are its routes with their whole paths."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A Microsoft Entra token."}
    }
    for path, route in routes:
        for method in route.methods or ():
            operation = document["paths"][path][method.lower()]
            _complete(operation, access_of(route.endpoint).asks)
            kind = FILES.get(path.rpartition(".")[2])
            if kind is not None:
                operation["responses"]["200"]["content"] = {kind: {"schema": {"type": "string"}}}
    document["paths"] = {with_camel_parameters(path): operations for path, operations in document["paths"].items()}
    return document


def _complete(operation: dict[str, Any], asks: str) -> None:
    operation["security"] = [] if asks == "public" else [{"bearer": []}]
    operation["x-permission"] = asks
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = {
        "description": "A problem.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["name"] = to_camel(parameter["name"])


def with_camel_parameters(path: str) -> str:
    """The path with its parameters named as JSON names are: `{tenantId}`."""
    return "/".join(f"{{{to_camel(part[1:-1])}}}" if part.startswith("{") else part for part in path.split("/"))
