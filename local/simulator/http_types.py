"""A request as the simulator sees it and the answer it gives, free of any server."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from local.simulator.errors import GraphError, bad_request


@dataclass(slots=True)
class Response:
    """Status, headers and body; a copy of a kept answer shares that one's compressed body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    gzipped: bytes | None = None
    kept: Response | None = None


@dataclass
class Request:
    """One HTTP request, or one entry of a `$batch` (`in_batch`)."""

    method: str
    target: str  # path and query as sent
    headers: dict[str, str]  # names in lower case
    body: bytes = b""
    root: str = ""  # scheme and host as the caller wrote them
    in_batch: bool = False

    @cached_property
    def path(self) -> str:
        """The path as sent, without the query."""
        return self.target.partition("?")[0]

    @cached_property
    def segments(self) -> list[str]:
        """Path segments, percent-decoded."""
        return [unquote(part) for part in self.path.split("/") if part]

    @cached_property
    def query(self) -> dict[str, str]:
        """System query options by name with `$`; an unknown or repeated one is refused."""
        options: dict[str, str] = {}
        for name, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True):
            known = name.lower() if name.startswith("$") else f"${name.lower()}"
            if known not in SYSTEM_OPTIONS:
                if name.startswith("$"):
                    raise GraphError(400, "BadRequest", f"Unrecognized query option '{name}'.")
                options[name] = value
                continue
            if known in options:
                raise bad_request(f"Query option '{known}' was specified more than once.")
            options[known] = value
        return options

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, or 400 as Graph words it."""
        if not self.body:
            raise GraphError(400, "BadRequest", "Empty Payload. JSON content expected.")
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise GraphError(415, "Request_BadRequest", f"The content type '{kind}' is not supported.")
        try:
            parsed = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload.") from error
        if not isinstance(parsed, dict):
            raise GraphError(400, "BadRequest", "Unable to read JSON request payload. Expected an object.")
        return parsed

    def prefers(self, preference: str) -> bool:
        """Whether the Prefer header names a preference."""
        said = self.headers.get("prefer", "")
        return any(part.strip().lower() == preference for part in said.replace(";", ",").split(","))


SYSTEM_OPTIONS = frozenset(
    [
        "$select", "$filter", "$expand", "$top", "$skip", "$orderby", "$count", "$search", "$skiptoken",
        "$deltatoken", "$format",
    ]
)  # fmt: skip


def json_response(status: int, value: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    made = {"content-type": "application/json;odata.metadata=minimal;odata.streaming=true;charset=utf-8"}
    return Response(status, orjson.dumps(value), made | (headers or {}))
