"""Refusals in Graph's shape: a status, a code and a message (Microsoft Graph error responses and resource types)."""

from __future__ import annotations


class GraphError(Exception):
    """An answer other than success; `headers` go out with it, `inner` is merged into `innerError`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: dict[str, str] | None = None,
        details: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.details = details


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    """400: the request itself is wrong."""
    return GraphError(400, code, message)


def unsupported_query(message: str) -> GraphError:
    """400 as directory queries answer what they cannot do (Advanced query capabilities on directory objects)."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def not_found(identifier: str) -> GraphError:
    """404 for an object that is not (or not yet) there."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{identifier}' does not exist or one of its queried reference-property objects are not present.",
    )


def no_segment(segment: str) -> GraphError:
    """400 for a path that the schema does not know."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


def denied(message: str = "Insufficient privileges to complete the operation.") -> GraphError:
    """403 for a missing permission or role."""
    return GraphError(403, "Authorization_RequestDenied", message)


def not_allowed(message: str = "Specified HTTP method is not allowed for the request target.") -> GraphError:
    """405 for a method that the path does not take."""
    return GraphError(405, "Request_BadRequest", message)
