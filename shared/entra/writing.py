"""One write to Microsoft Graph: its answer, or what Graph's refusal means for someone who repeats it.

Invariants: nothing is sent twice that is not harmless twice; a write whose answer was lost (504, a cut connection) is
told as `Unavailable`, and only the caller, who can look whether it was done, may send it again. Writes wait for their
turn in the governor's bucket of writes (3,000 in 150 seconds for an app and tenant, "Microsoft Graph service-specific
throttling limits"), Conditional Access in its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from shared.entra.governor import Bucket
from shared.entra.transport import PREFER, Graph
from shared.errors import EntraError, NotFound, Rejected

type Json = dict[str, Any]
Method = Literal["POST", "PATCH", "PUT", "DELETE"]

UPSERT = {"Prefer": f"{PREFER}, create-if-missing"}
"""Source: "Upsert group", "Upsert application"."""

# Graph has no codes of its own for these; wording from "Microsoft Graph error responses" and public reports.
_LINK_IS_THERE = ("object references already exist", "already exists on the object", "already exist for the following")
_REFERENCE_IS_MISSING = ("does not reference a valid", "does not exist or one of its queried reference",
                         "resource does not exist", "referenced object", "invalid object id", "does not exist")


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changes the tenant."""

    method: Method
    path: str
    payload: Json | bytes | None = field(default=None, repr=False)
    version: str = "v1.0"
    bucket: Bucket = "writes"
    upsert: bool = False
    permission: str = ""
    asked: str = ""

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.upsert or self.method in ("PATCH", "PUT")


@dataclass(frozen=True, slots=True)
class Written:
    """Graph's answer to a write."""

    status: int
    body: Json = field(default_factory=dict, repr=False)
    request_id: str = ""


async def write(graph: Graph, request: Write) -> Written:
    """Graph's answer, or one typed error."""
    headers: Mapping[str, str] = UPSERT if request.upsert else {}
    payload = request.payload
    if isinstance(payload, bytes):
        headers = {**headers, "Content-Type": "application/octet-stream"}
    answer = await graph.send(
        request.method, request.path, payload=orjson.dumps(payload) if isinstance(payload, dict) else payload,
        version=request.version, asked=request.asked or f"{request.method} {request.path.split('?')[0]}",
        permission=request.permission, bucket=request.bucket, headers=headers, repeatable=request.repeatable,
    )
    content = answer.content()
    body: Json = {}
    if content[:1] == b"{":
        body = orjson.loads(content)
    return Written(answer.status, body, answer.request_id)


def link_is_there(error: EntraError) -> bool:
    """Whether the refusal says that the link exists already: what was asked for is so."""
    return isinstance(error, Rejected) and any(words in str(error) for words in _LINK_IS_THERE)


def was_made(error: EntraError) -> bool:
    """Whether the refusal says that the assignment exists already ("Create roleEligibilityScheduleRequests")."""
    return isinstance(error, Rejected) and "RoleAssignmentExists" in str(error)


def is_taken(error: EntraError) -> bool:
    """Whether the refusal says that another object holds a name or address that must be unique ("Create user")."""
    return isinstance(error, Rejected) and "another object with the same value for property" in str(error).lower()


def may_be_lag(error: EntraError) -> bool:
    """Whether the refusal may only mean that something made a moment ago is not everywhere yet.

    Source: "Microsoft Graph best practices"; there is no bound on replication.
    """
    if isinstance(error, NotFound):
        return True
    return isinstance(error, Rejected) and any(words in str(error).lower() for words in _REFERENCE_IS_MISSING)
