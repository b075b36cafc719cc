"""What a tenant says of itself, and what it lets Cairn's app do: organization, licences, permissions.

Permissions are read from our own access token, which Graph issued for us a moment ago: its `roles` are the application
permissions with admin consent ("Microsoft identity platform access tokens"). The token is decoded, not verified, since
it is only asked what we may try; Graph itself decides.
"""

from base64 import urlsafe_b64decode
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from shared.entra.listing import Asking, pages, with_query
from shared.entra.pages import Body, body_of
from shared.entra.transport import Graph
from shared.entra.wanted import holds_permission
from shared.errors import Garbled


@dataclass(frozen=True, slots=True)
class Permissions:
    """What is wanted of a tenant, and what is there."""

    held: frozenset[str]
    """Every application permission that the token holds."""
    missing: tuple[str, ...]
    """Of those wanted, the ones that neither stand in the token nor are contained in one that does."""


async def held_permissions(graph: Graph, *, fresh: bool = False) -> frozenset[str]:
    """The application permissions in the session's token; `fresh` asks for a new one, after consent was given."""
    return roles_of(await graph.token(fresh=fresh))


async def permissions(graph: Graph, wanted: Iterable[str], *, fresh: bool = False) -> Permissions:
    """Which of the wanted permissions are held and which are missing."""
    held = await held_permissions(graph, fresh=fresh)
    return Permissions(held, tuple(sorted({one for one in wanted if not holds_permission(held, one)})))


def roles_of(token: str) -> frozenset[str]:
    """The `roles` of an access token; Garbled if it is no such token."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        roles = claims.get("roles", [])
    except (IndexError, ValueError, AttributeError):
        raise Garbled("the access token cannot be read", code="notAToken") from None
    return frozenset(str(role) for role in roles) if isinstance(roles, list) else frozenset()


async def organization(graph: Graph, select: tuple[str, ...] = ()) -> Body:
    """The tenant's organization object, by which its name, its id and its kind are known."""
    path = with_query("/organization", select=",".join(select))
    document = await graph.get_json(path, asked="the organization", permission="Organization.Read.All")
    values = document.get("value")
    if not isinstance(values, list) or not values or not isinstance(values[0], dict):
        raise Garbled("the organization was answered without a value", code="noValue")
    return body_of(values[0])


async def subscribed_skus(graph: Graph) -> list[Body]:
    """The tenant's licences: names, plans, and how many are bought and used."""
    asking = Asking(asked="licences", permission="LicenseAssignment.Read.All")
    return [body_of(value) async for page in pages(graph, "/subscribedSkus", asking) for value in page.values]


async def directory_extensions(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The names of all directory extensions registered in the tenant, by the kind of object that has them.

    Source: "directoryObject: getAvailableExtensionProperties", which tells of every application's, also of other
    tenants' applications that are used here.
    """
    document = await graph.post_json(
        "/directoryObjects/getAvailableExtensionProperties", b"{}", asked="directory extensions",
        permission="Directory.Read.All",
    )
    values = document.get("value")
    if not isinstance(values, list):
        raise Garbled("directory extensions were answered without `value`", code="noValue")
    names: dict[str, list[str]] = {}
    for value in values:
        for target in value.get("targetObjects") or ():
            names.setdefault(str(target), []).append(str(value["name"]))
    return {target: tuple(sorted(set(found))) for target, found in sorted(names.items())}
