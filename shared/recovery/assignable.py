"""Whom applications can be assigned to: of groups only those that are security-enabled. Read-only.

An assignment outlives a change of its group, so a restore point may hold one that Microsoft Graph would not make again.
"""

from collections.abc import Collection, Mapping

from shared.recovery.reading import Key, PresentReader
from shared.recovery.state import Wanted


async def not_assignable(
    wanted: Mapping[Key, Wanted], made: Collection[Key], reader: PresentReader
) -> frozenset[str]:
    """The groups, by their ids in the restore point, that Graph would refuse an assignment that is to be made anew."""
    named = {str(wanted[key].body.get("principalId")) for key in made if _is_of_a_group(key, wanted)}
    chosen = {one: wanted["group", one].body for one in named if ("group", one) in wanted}
    others = await reader.read([Wanted("group", one, {}) for one in sorted(named - chosen.keys())], links=False)
    bodies = {**chosen, **{object_id: present.body for (_, object_id), present in others.items()}}
    return frozenset(one for one, body in bodies.items() if body.get("securityEnabled") is False)


def _is_of_a_group(key: Key, wanted: Mapping[Key, Wanted]) -> bool:
    return key[0] == "appRoleAssignment" and wanted[key].body.get("principalType") == "Group"
