"""Users of federated domains: Microsoft Graph makes none without an `onPremisesImmutableId` ("Create user"). Pure.

One that the restore point shows without (made while the domain was managed) is given one that follows from its old id,
as Microsoft Entra Connect makes its own from an object's GUID; so a repeated creation gives the same.
"""

from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

IMMUTABLE_ID = "onPremisesImmutableId"


def is_federated(body: Mapping[str, Any], domains: Collection[str]) -> bool:
    """Whether the user signs in at the identity provider of one of these domains."""
    return str(body.get("userPrincipalName", "")).rpartition("@")[2].casefold() in domains


def immutable_id(body: Mapping[str, Any], object_id: str) -> str:
    """The one that the restore point holds, else the one that follows from the old id."""
    return str(body.get(IMMUTABLE_ID) or "") or _given(object_id)


def step(body: Mapping[str, Any], object_id: str) -> str:
    """What a person must do so that a user who is given one can sign in; empty where the restore point holds one."""
    if body.get(IMMUTABLE_ID):
        return ""
    domain = str(body.get("userPrincipalName", "")).rpartition("@")[2]
    return (
        f"Users of the federated domain {domain} need an {IMMUTABLE_ID}, and the restore point has none: it is made "
        f"with {_given(object_id)}. Let the domain's identity provider issue this value for the user, or set theirs "
        f"here, before they sign in."
    )


def was_given(body: Mapping[str, Any], present: Mapping[str, Any], object_id: str) -> bool:
    """Whether the user has one only because it was made anew."""
    return not body.get(IMMUTABLE_ID) and bool(shown := present.get(IMMUTABLE_ID)) and shown == _given(object_id)


def _given(object_id: str) -> str:
    try:
        return b64encode(UUID(object_id).bytes_le).decode()
    except ValueError:
        return b64encode(object_id.encode()).decode()
