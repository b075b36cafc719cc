"""Users and groups changed, one percent or so many, the way administrators change them: through Graph.

Writes go in `$batch` of 20, with the simulator's quotas lifted meanwhile: how fast the bench changes is not measured.
"""

from collections.abc import Mapping, Sequence

from bench.parts import BenchError, Simulator

BATCH = 20
PAGE = 999
HOME = "@home.example"


def change_one_percent(simulator: Simulator) -> int:
    """How many objects were changed."""
    before = simulator.control("GET", "quotas")
    simulator.control("POST", "quotas", {"scale": 10_000})
    try:
        with simulator.graph() as graph:
            users, groups = _every_hundredth(graph, "users"), _every_hundredth(graph, "groups")
            requests = [
                {"method": "PATCH", "url": f"/users/{user}", "body": {"jobTitle": f"Changed {place}"}}
                for place, user in enumerate(users)
            ] + [
                {"method": "PATCH", "url": f"/groups/{group}", "body": {"description": f"Changed {place}"}}
                for place, group in enumerate(groups)
            ]
            _send(graph, requests)
    finally:
        simulator.control("POST", "quotas", {"scale": before["scale"]})
    return len(requests)


def _every_hundredth(graph, kind: str) -> list[str]:  # type: ignore[no-untyped-def]
    ids: list[str] = []
    address = f"/{kind}?$select=id&$top={PAGE}"
    while address:
        page = graph.get(address)
        page.raise_for_status()
        ids += [one["id"] for one in page.json()["value"]]
        address = page.json().get("@odata.nextLink", "")
    return ids[::100]


def change_users(simulator: Simulator, count: int, text: str) -> int:
    """How many users got this job title, the first so many in the order of the list; quotas are lifted meanwhile."""
    before = simulator.control("GET", "quotas")
    simulator.control("POST", "quotas", {"scale": 10_000})
    try:
        with simulator.graph() as graph:
            users = _first(graph, count)
            _send(graph, [{"method": "PATCH", "url": f"/users/{user}", "body": {"jobTitle": text}} for user in users])
    finally:
        simulator.control("POST", "quotas", {"scale": before["scale"]})
    return len(users)


def _send(graph, requests: Sequence[Mapping[str, object]]) -> None:  # type: ignore[no-untyped-def]
    for first in range(0, len(requests), BATCH):
        entries = [
            {"id": str(place), "headers": {"Content-Type": "application/json"}, **each}
            for place, each in enumerate(requests[first : first + BATCH])
        ]
        answer = graph.post("/$batch", json={"requests": entries})
        answer.raise_for_status()
        refused = [one for one in answer.json()["responses"] if one["status"] >= 300]
        if refused:
            raise BenchError(f"a change was refused: {refused[0]}")


def _first(graph, count: int) -> list[str]:  # type: ignore[no-untyped-def]
    """The people of `bench.tenant`, all of them free to be changed; the few others are synced, agents, or protected.

    Of a tenant that the simulator made: members that are neither synced nor agents nor protected.
    """
    ours: list[str] = []
    free: list[str] = []
    address = f"/users?$select=id,otherMails,onPremisesSyncEnabled,userType,isManagementRestricted&$top={PAGE}"
    while address and len(ours or free) < count:
        page = graph.get(address)
        page.raise_for_status()
        for one in page.json()["value"]:
            if any(mail.endswith(HOME) for mail in one["otherMails"]):
                ours.append(one["id"])
            elif one["userType"] == "Member" and "@odata.type" not in one and not (
                one["onPremisesSyncEnabled"] or one["isManagementRestricted"]
            ):
                free.append(one["id"])
        address = page.json().get("@odata.nextLink", "")
    return (ours or free)[:count]
