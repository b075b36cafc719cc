"""Who holds the names that users who come back need: Microsoft Entra gives no name to two. Read-only.

Source: Microsoft Graph "Create user", "Restore deleted item" (userPrincipalName and mail addresses are unique).
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing

from shared.entra.batch import Part, read_parts
from shared.entra.listing import with_query
from shared.entra.transport import Graph
from shared.recovery.plan import Finding
from shared.recovery.state import Json, Wanted

NAMED = 5
"""So many names a finding shows."""


async def holders(graph: Graph, users: Iterable[Wanted], *, mail: bool) -> list[tuple[Wanted, Json]]:
    """The users with each live one who holds their principal name, and with `mail` their address as well.

    EntraError where that cannot be read.
    """
    by_id = {one.object_id: one for one in users if one.body.get("userPrincipalName")}
    parts = [
        Part(
            one.object_id, with_query("/users", filter=_same_name(one, mail=mail), select="id,displayName"),
            asked="who holds a user's name", permission="User.Read.All",
        )
        for _, one in sorted(by_id.items())
    ]
    found: list[tuple[Wanted, Json]] = []
    async with aclosing(read_parts(graph, parts)) as answers:
        async for answer in answers:
            if answer.error is not None:
                raise answer.error
            held = answer.body.get("value") if isinstance(answer.body, dict) else None
            found += [(by_id[answer.part.id], one) for one in held or () if one.get("id") != answer.part.id]
    return sorted(found, key=lambda one: (one[0].object_id, str(one[1].get("id"))))


def in_words(user: Wanted, holder: Json) -> str:
    """Whose name it is and who holds it, for a person."""
    return f"{user.body['userPrincipalName']} by {holder.get('displayName') or holder.get('id')}"


def held_names(lines: Sequence[str]) -> list[Finding]:
    """What a person should know of names that others hold."""
    if not lines:
        return []
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return [Finding(
        "nameHeld", "Others hold the names of users who come back, whom Microsoft Graph will refuse: "
        f"{', '.join(lines[:NAMED])}{more}. Rename those who hold them first; deleteExistingCloudUser deletes those "
        "who hold the principal name of a user made anew.", blocks=False, count=len(lines),
    )]


def _same_name(user: Wanted, *, mail: bool) -> str:
    name = _quoted(user.body["userPrincipalName"])
    address = _quoted(user.body.get("mail") or user.body["userPrincipalName"])
    return f"userPrincipalName eq {name}" + (f" or mail eq {address}" if mail else "")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
