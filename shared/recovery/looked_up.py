"""What a request names and nobody knows before it is sent: the id of a group's PIM settings. Read-only.

Microsoft Entra gives these settings new ids when Privileged Identity Management takes the group on, and the first
change of them does that ("Govern membership and ownership of groups by using PIM for Groups"). So a plan writes
`{policyOf:GROUP/member}` in their place, which is looked up before each request.
"""

import re

from shared.catalog import object_type
from shared.catalog.row import PARENT
from shared.entra.single_reads import permission_of
from shared.entra.transport import Graph
from shared.errors import NotFound
from shared.recovery.requests import only_of, read_path

POLICY = re.compile(r"\{policyOf:([^{}/]+)/(\w+)\}")


def place_of_policy(group_id: str, access: str) -> str:
    """What stands for the id of the settings of a group's members or owners; the group may be a placeholder itself."""
    return f"{{policyOf:{group_id}/{access}}}"


async def looked_up(graph: Graph, path: str) -> str:
    """The path with the id of the settings that it names, as it is now.

    Raises NotFound while the group or its settings cannot be seen (yet), and what reading raises.
    """
    found = POLICY.search(path)
    if found is None:
        return path
    group_id, access = found.groups()
    row = object_type("groupRoleManagementPolicy")
    answer = await graph.get_json(
        read_path(row, f"{group_id}/{access}", {PARENT: group_id}), version=row.version,
        asked=f"one of {row.title}", permission=permission_of(row),
    )
    settings = only_of(row, answer)
    if settings is None or not isinstance(settings.get("policyId"), str):
        raise NotFound(f"{row.title}: group {group_id} shows none for {access}s", status=404)
    return path.replace(found.group(), settings["policyId"])
