"""What the simulated tenant really holds, asked of the simulator itself and not of Graph."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

TITLES = {
    "user": "users",
    "group": "groups",
    "application": "applications",
    "servicePrincipal": "service principals",
}
Edge = tuple[str, str, str]
"""Source id, link name, target id."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Ids by object type, and every link."""

    ids: Mapping[str, frozenset[str]]
    edges: frozenset[Edge]

    @property
    def counts(self) -> dict[str, int]:
        """How many objects there are of each type."""
        return {name: len(ids) for name, ids in self.ids.items()}

    def edges_from(self, object_type: str, names: frozenset[str]) -> frozenset[Edge]:
        """The links of these names whose source is of that type."""
        sources = self.ids.get(object_type, frozenset())
        return frozenset(edge for edge in self.edges if edge[0] in sources and edge[1] in names)


def read_truth(graph_url: str) -> Truth:
    """The state of the simulator at that address."""
    with httpx.Client(base_url=graph_url, timeout=60, trust_env=False) as client:
        state: dict[str, Any] = client.get("/simulator/state").raise_for_status().json()
    return Truth(
        ids={
            name: _ids({key: body for key, body in objects.items() if _is_kept(state, name, body)})
            for name, objects in state["objects"].items()
        },
        edges=frozenset(
            (source, name, target)
            for name, held in state["links"].items()
            for source, targets in held.items()
            for target in targets
        ),
    )


def _ids(objects: dict[str, dict[str, Any]]) -> frozenset[str]:
    """Their ids, or their keys where several parents have objects of one id."""
    ids = frozenset(body.get("id", key) for key, body in objects.items())
    return ids if len(ids) == len(objects) else frozenset(objects)


def _is_kept(state: dict[str, Any], name: str, body: dict[str, Any]) -> bool:
    """Whether Cairn keeps such an object under this name: settings of groups and federated credentials of managed
    identities are types of their own (docs/object-types.md)."""
    if "scopeType" in body:
        return bool(body["scopeType"] == "DirectoryRole")
    if name == "federatedIdentityCredential":
        held = state["links"].get("federatedIdentityCredentials", {})
        return any(body["id"] in held.get(application, ()) for application in state["objects"]["application"])
    return True


SHOWN_LINKS = 4


def size_of(truth: Truth) -> str:
    """The tenant's size in words."""
    objects = ", ".join(f"{truth.counts.get(name, 0):,} {title}" for name, title in TITLES.items())
    links = Counter(name for _, name, _ in truth.edges)
    names = ", ".join(f"{count:,} {name}" for name, count in links.most_common(SHOWN_LINKS))
    return f"{objects}; {sum(links.values()):,} links of {len(links)} kinds ({names}, …)"
