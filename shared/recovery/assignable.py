"""Whom applications can be assigned to: of groups only those that are security-enabled. Read-only.

An assignment outlives a change of its group, so a restore point may hold one that Microsoft Graph would not make again.
"""

from collections.abc import Iterable

from shared.recovery.bearings import Bearings
from shared.recovery.reading import PresentReader
from shared.recovery.state import Wanted


async def not_assignable(made: Iterable[Wanted], bearings: Bearings, reader: PresentReader) -> frozenset[str]:
    """The groups, by their ids in the restore point, that Graph would refuse an assignment that is to be made anew."""
    named = {str(one.body.get("principalId")) for one in made if _is_of_a_group(one)}
    others = [one for one in sorted(named) if not bearings.holds("group", one)]
    states = await reader.read([Wanted("group", one, {}) for one in others], links=False)
    return frozenset(
        one for one in named
        if one in bearings.unsecured
        or (("group", one) in states and states["group", one].body.get("securityEnabled") is False)
    )


def _is_of_a_group(one: Wanted) -> bool:
    return one.object_type == "appRoleAssignment" and one.body.get("principalType") == "Group"
