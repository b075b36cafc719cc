"""What was granted: app roles to users, groups and service principals, delegated permissions, and how these are rated.

Assignments are skewed: most go to the few applications that everybody uses.
"""

from __future__ import annotations

from local.simulator.generator.draft import Draft, ids, moments
from local.simulator.generator.facts import first_party
from local.simulator.generator.permissions import role_ids, scope_ids
from local.simulator.store import Body

FREE = 4  # the first users hold no grants: deleting one of them deletes nothing else
DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"
CONSENTED = ("openid profile email offline_access User.Read", "User.Read Mail.Read", "User.Read Files.ReadWrite.All",
             "User.Read Calendars.ReadWrite People.Read")  # fmt: skip


class _Assigner:
    """Makes app role assignments, each once."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.chance = draft.rng("app role assignments")
        self.new_id = ids(draft.rng("app role assignment ids"))
        self.moment = moments(self.chance)
        self.made: set[tuple[str, str, str]] = set()

    def assign(self, principal: str, kind: str, name: str, resource: tuple[str, str], role: str) -> None:
        """Assign a role of a resource (id, name) to a principal."""
        if (principal, resource[0], role) in self.made:
            return
        self.made.add((principal, resource[0], role))
        self.draft.add(
            "appRoleAssignment",
            {"id": self.new_id(), "appRoleId": role, "principalId": principal, "principalType": kind,
             "principalDisplayName": name, "resourceId": resource[0], "resourceDisplayName": resource[1],
             "createdDateTime": self.moment(900)},
        )  # fmt: skip


def make_grants(draft: Draft) -> None:
    """Create app role assignments, delegated grants and their classifications."""
    assigner = _Assigner(draft)
    chance = assigner.chance
    graph = draft.first_party[first_party.GRAPH]
    for object_id, _, name in draft.principals:
        if chance.random() < 0.4:
            for value in chance.sample(("User.Read.All", "Group.Read.All", "Mail.Send", "AuditLog.Read.All"), 2):
                assigner.assign(object_id, "ServicePrincipal", name, graph, role_ids()[value])
    for object_id, _, name in draft.managed[:200]:
        if chance.random() < 0.5:
            assigner.assign(object_id, "ServicePrincipal", name, graph, role_ids()["User.Read.All"])
    used = [(key, name, _role(draft, key)) for key, _, name in [*draft.gallery, *draft.principals]]
    for key, name, role in used:
        for group in chance.sample(draft.all_groups, min(len(draft.all_groups), int(chance.random() * 3))):
            assigner.assign(group, "Group", draft.group_names.get(group, "Group"), (key, name), role)
    users = draft.users[FREE:]
    for number in range(draft.sizes.users // 4 if users and used else 0):
        key, name, role = used[min(len(used) - 1, int(chance.paretovariate(0.8)) - 1)]
        user = users[number * 7 % len(users)]
        shown = draft.people.get(user)
        assigner.assign(user, "User", shown.name if shown else "User", (key, name), role)
    _delegated(draft, graph)


def _role(draft: Draft, key: str) -> str:
    roles = [
        each["id"] for each in draft.store.records[key].read().get("appRoles",
                                                                   ()) if "User" in each["allowedMemberTypes"]
    ]
    return roles[0] if roles else DEFAULT_ROLE


def _delegated(draft: Draft, graph: tuple[str, str]) -> None:
    chance = draft.rng("delegated grants")
    clients = [*draft.gallery, *draft.principals]
    for number, (key, _, _) in enumerate(clients):
        if number < 6 or chance.random() < 0.5:
            draft.add("oAuth2PermissionGrant", _grant(draft, key, graph[0], None, chance.choice(CONSENTED)))
    users = draft.users[FREE:]
    for number in range(max(4, draft.sizes.users // 10) if users and clients else 0):
        key, _, _ = clients[min(len(clients) - 1, int(chance.paretovariate(0.7)) - 1)]
        user = users[number * 11 % len(users)]
        body = _grant(draft, key, graph[0], user, chance.choice(CONSENTED))
        if body["id"] not in draft.store.records:
            draft.add("oAuth2PermissionGrant", body)
    new_id = ids(draft.rng("classifications"))
    for value, rating in (("User.Read", "low"), ("openid", "low"), ("email", "low"), ("Mail.Read", "medium"),
                          ("Sites.Read.All", "high")):  # fmt: skip
        draft.add(
            "delegatedPermissionClassification",
            {"id": new_id(), "permissionId": scope_ids()[value], "permissionName": value, "classification": rating},
            graph[0], "delegatedPermissionClassifications",
        )  # fmt: skip


def _grant(draft: Draft, client: str, resource: str, user: str | None, scope: str) -> Body:
    body: Body = {
        "id": draft.known_id(f"grant {client} {user}").replace("-", "").upper(), "clientId": client,
        "consentType": "Principal" if user else "AllPrincipals", "resourceId": resource, "scope": scope,
    }  # fmt: skip
    return body | {"principalId": user} if user else body
