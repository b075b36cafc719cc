"""The chapters of the disaster: damage, differences, plan, restore, proof, undo, redo. Each claim is checked against
the simulator.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from local.demo.scene import Scene
from local.demo.truth import Truth, read_truth

USERS_SOFT, USERS_HARD = 20, 10
CONDITIONAL_ACCESS_SECONDS = 1.2
"""Graph takes one request a second there."""
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
SHOWN = 4
WHOLE = frozenset({"succeeded", "succeededWithWarnings"})


@dataclass(frozen=True, slots=True)
class Damage:
    """What somebody did, by the ids of what they did it to."""

    soft_users: tuple[str, ...]
    hard_users: tuple[str, ...]
    group: str
    nested: str
    """A member of that group, and a group itself."""
    application: str
    principal: str
    """The application's service principal, gone with it."""
    policy: str
    role: tuple[str, str, str]
    """(principal, role, scope) of the assignment that was taken away."""

    @property
    def gone(self) -> list[str]:
        """What was deleted for good."""
        return [*self.hard_users, self.group, self.nested, self.application]

    @property
    def told(self) -> frozenset[str]:
        """The objects that a difference report must name."""
        return frozenset((*self.soft_users, *self.gone, self.principal, self.policy))


def disaster_and_recovery(scene: Scene) -> None:
    """Damage the tenant, restore it by a plan, prove it, undo the restore, and redo it."""
    before = read_truth(scene.graph_url)
    scene.stage.chapter("Disaster: users, groups, an application, a policy and a role")
    damage = _damage(scene, before)
    scene.stage.say(
        f"{len(damage.soft_users)} users in the bin, {len(damage.hard_users)} gone for good, a group with a group among"
        " its members gone for good, both of them"
    )
    scene.stage.say(
        "an application gone for good with its service principal and consents, a Conditional Access policy switched"
        " off, an administrator's role taken away"
    )
    report_id = _differences(scene, damage)
    scene.stage.chapter("The plan: POST /restores")
    with scene.stage.progress("reading both states", "objects") as advance:
        task = scene.cairn.run("restores", _restore(report_id), advance)
    restore_id = task["result"]["restoreId"]
    restore = scene.cairn.get(f"restores/{restore_id}")
    plan = scene.cairn.get(f"restores/{restore_id}/plan")
    scene.stage.say(task["lastResultDescription"])
    scene.stage.say(f"plan {restore['planHash'][:16]}…, {len(plan['relinked'])} references re-written to new ids")
    scene.stage.claim("nothing was changed yet", restore["state"] == "ready", restore["state"])
    done = _applied(scene, restore)
    _prove(scene, damage, before, done)
    _nothing_left(scene)
    _undo_and_redo(scene, damage, restore_id, report_id)


def _differences(scene: Scene, damage: Damage) -> str:
    """The id of the report that tells it all."""
    scene.stage.chapter("What happened? POST /differences")
    report_id, changes = _compared(scene)
    kinds = Counter(one["changeType"] for one in changes)
    scene.stage.say(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    unnamed = damage.told - {one["objectId"] for one in changes}
    scene.stage.claim("the report names everything that was done", not unnamed, unnamed)
    stripped = [
        one for one in changes if one["objectType"] == "unifiedRoleAssignment" and one["changeType"] == "hardDeleted"
    ]
    scene.stage.claim("the stripped role too", bool(stripped), kinds)
    deleted = {one["objectId"]: one["changeType"] for one in changes if one["changeType"].endswith("Deleted")}
    wrong = [one for one in damage.soft_users if deleted.get(one) != "softDeleted"]
    wrong += [one for one in damage.gone if deleted.get(one) != "hardDeleted"]
    scene.stage.claim("it tells what waits in the bin from what is gone for good", not wrong, wrong)
    return report_id


def _compared(scene: Scene) -> tuple[str, list[dict[str, Any]]]:
    with scene.stage.progress("comparing with the tenant", "objects") as advance:
        task = scene.cairn.run("differences", {"backupId": scene.backup_id, "against": "live"}, advance)
    scene.stage.claim("the report is whole", task["status"] in WHOLE, task["lastResultDescription"])
    report_id: str = task["result"]["reportId"]
    return report_id, [one for one in _all(scene, f"differences/{report_id}/changes") if not one["noise"]]


def _nothing_left(scene: Scene) -> None:
    scene.stage.chapter("And now? POST /differences again")
    _, changes = _compared(scene)
    left = [
        (one["changeType"], one["objectType"], one["objectName"], one["changedAttribute"]) for one in changes
        if one["restorable"]
    ]
    scene.stage.claim("no difference is left that a restore could take back", not left, left[:5])
    if changes:
        names = Counter(f"{one['objectType']} {one['changedAttribute']}".strip() for one in changes)
        shown = ", ".join(f"{count} {name}" for name, count in names.most_common(SHOWN))
        scene.stage.say(f"what stays is declared, with its reason in the report: {shown}")


def _restore(report_id: str, *, apply: bool = False) -> dict[str, Any]:
    return {
        "source": {"reportId": report_id}, "selection": {"all": True}, "apply": apply, "force": apply,
        "options": {"conditionalAccessState": "asBackedUp"}, "reason": "Told in the demo",
    }


def _applied(scene: Scene, restore: dict[str, Any]) -> dict[str, Any]:
    scene.stage.chapter("Apply it: POST /restores/{id}/apply, and verify")
    with scene.stage.progress("writing", "operations") as advance:
        path = f"restores/{restore['restoreId']}/apply"
        task = scene.cairn.run(path, {"planHash": restore["planHash"]}, advance)
    scene.stage.say(task["lastResultDescription"])
    done: dict[str, Any] = scene.cairn.get(f"restores/{restore['restoreId']}")
    operations = scene.cairn.get(f"restores/{restore['restoreId']}/operations", top="1000")["value"]
    failed = [(one["kind"], one["path"], one["error"]) for one in operations if one["state"] in ("failed", "stale")]
    scene.stage.claim("every operation was done, with a receipt", not failed, failed[:3])
    differing = done["verification"]["differing"]
    scene.stage.claim(
        f"read back, {done['verification']['checked']} facts are as planned", differing == 0,
        done["verification"]["differences"][:3],
    )
    return done


def _prove(scene: Scene, damage: Damage, before: Truth, done: dict[str, Any]) -> None:
    after = read_truth(scene.graph_url)
    new = {one["oldId"]: one["newId"] for one in _all(scene, "identityMap")}
    missing = [one for one in damage.soft_users if one not in after.ids["user"]]
    scene.stage.claim("soft-deleted users are back with their ids", not missing, missing)
    unmade = [one for one in (*damage.gone, damage.principal) if one not in new]
    scene.stage.claim("what was gone for good has a new id, kept in the identity map", not unmade, unmade)
    chosen = {*damage.soft_users, *damage.hard_users, damage.group, damage.nested}
    lost = [
        edge for edge in before.edges
        if edge[1] in ("members", "owners", "manager") and chosen & {edge[0], edge[2]}
        and (new.get(edge[0], edge[0]), edge[1], new.get(edge[2], edge[2])) not in after.edges
    ]
    held_elsewhere = _left_alone(scene)
    lost = [edge for edge in lost if edge[0] not in held_elsewhere]
    scene.stage.claim(
        "members, owners and managers are linked as they were, but for what rules, Exchange or Active Directory hold",
        not lost, lost[:3],
    )
    nested = (new[damage.group], "members", new[damage.nested])
    scene.stage.claim("the nested group is a member of the new one again", nested in after.edges, nested)
    principal, role, scope = damage.role
    roles = _roles(scene)
    scene.stage.claim("the administrator has the role again", (new.get(principal, principal), role, scope) in roles)
    held = _consented(scene, new[damage.principal])
    scene.stage.claim("the application's consents stand on its new service principal", held > 0, held)
    scene.stage.claim("the state before was sealed first", bool(done["beforeBackupId"]), done)


def _undo_and_redo(scene: Scene, damage: Damage, restore_id: str, report_id: str) -> None:
    scene.stage.chapter("Undo it: POST /restores/{id}/undo; then redo it")
    with scene.stage.progress("going back", "operations") as advance:
        task = scene.cairn.run(f"restores/{restore_id}/undo", {"apply": True, "force": True}, advance)
    scene.stage.say(task["lastResultDescription"])
    after = read_truth(scene.graph_url)
    still = [one for one in damage.soft_users if one in after.ids["user"]]
    operations = scene.cairn.get(f"restores/{task['result']['restoreId']}/operations", top="1000")["value"]
    failed = [(one["kind"], one["path"], one["error"]) for one in operations if one["state"] in ("failed", "stale")]
    scene.stage.claim(
        "undone, the users are in the bin again", task["status"] in WHOLE and not still, failed[:3] or still
    )
    with scene.stage.progress("redoing it", "operations") as advance:
        task = scene.cairn.run("restores", _restore(report_id, apply=True), advance)
    scene.stage.say(task["lastResultDescription"])
    after = read_truth(scene.graph_url)
    missing = [one for one in damage.soft_users if one not in after.ids["user"]]
    scene.stage.claim("redone, they are back", task["status"] in WHOLE and not missing, missing)


def _damage(scene: Scene, truth: Truth) -> Damage:
    with _graph(scene) as graph:
        roles = _listed(graph, "/v1.0/roleManagement/directory/roleAssignments")
        holders = {one["principalId"] for one in roles}
        users = [
            one["id"] for one in _listed(graph, "/v1.0/users?$select=id,userType,onPremisesSyncEnabled&$top=200")
            if one["userType"] == "Member" and not one["onPremisesSyncEnabled"] and one["id"] not in holders
        ][: USERS_SOFT + USERS_HARD]
        groups = {
            one["id"] for one in _listed(graph, "/v1.0/groups?$top=999")
            if not one["groupTypes"] and not one["mailEnabled"] and not one["onPremisesSyncEnabled"]
            and one["id"] not in holders and not one["isAssignableToRole"]
        }
        group, nested = min(
            (edge[0], edge[2]) for edge in truth.edges if edge[1] == "members" and {edge[0], edge[2]} <= groups
        )
        application, principal = _with_consents(graph, scene.admin_client_id)
        policy = next(
            one["id"] for one in _listed(graph, "/v1.0/identity/conditionalAccess/policies")
            if one["state"] == "enabled"
        )
        role = next(
            one for one in roles if one["directoryScopeId"] == "/" and one["principalId"] in truth.ids["user"]
            and one["principalId"] not in users and one["roleDefinitionId"] != GLOBAL_ADMINISTRATOR
        )
        gone = [f"users/{one}" for one in users] + [f"groups/{group}", f"groups/{nested}"]
        gone += [f"applications/{application}", f"roleManagement/directory/roleAssignments/{role['id']}"]
        for path in gone:
            graph.delete(f"/v1.0/{path}").raise_for_status()
        for object_id in [*users[USERS_SOFT:], group, nested, application]:
            graph.delete(f"/v1.0/directory/deletedItems/{object_id}").raise_for_status()
        graph.delete(f"/v1.0/directory/deletedItems/{principal}")  # it may have gone with its application
        time.sleep(CONDITIONAL_ACCESS_SECONDS)
        graph.patch(
            f"/v1.0/identity/conditionalAccess/policies/{policy}", json={"state": "disabled"}
        ).raise_for_status()
    return Damage(
        tuple(users[:USERS_SOFT]), tuple(users[USERS_SOFT:]), group, nested, application, principal, policy,
        (role["principalId"], role["roleDefinitionId"], role["directoryScopeId"]),
    )


def _with_consents(graph: httpx.Client, spared: str) -> tuple[str, str]:
    """An application and its service principal, which holds consents, and whose users Graph assigns again: it takes
    no groups that are not security-enabled, though the tenant has such assignments from before."""
    granted = {one["clientId"] for one in _listed(graph, "/v1.0/oauth2PermissionGrants")}
    principals = {
        one["appId"]: one["id"] for one in _listed(graph, "/v1.0/servicePrincipals?$select=id,appId&$top=999")
        if one["id"] in granted and one["appId"] != spared
    }
    mail_only = {one["id"] for one in _listed(graph, "/v1.0/groups?$top=999") if not one["securityEnabled"]}
    return next(
        (one["id"], principals[one["appId"]]) for one in _listed(graph, "/v1.0/applications?$top=999")
        if one["appId"] in principals and "@odata.type" not in one
        and not mail_only & {
            each["principalId"]
            for each in _listed(graph, f"/v1.0/servicePrincipals/{principals[one['appId']]}/appRoleAssignedTo")
        }
    )


def _roles(scene: Scene) -> set[tuple[str, str, str]]:
    with _graph(scene) as graph:
        return {
            (one["principalId"], one["roleDefinitionId"], one["directoryScopeId"])
            for one in _listed(graph, "/v1.0/roleManagement/directory/roleAssignments")
        }


def _consented(scene: Scene, truth_of: str) -> int:
    """How many consents the service principal of that id holds now."""
    with _graph(scene) as graph:
        return sum(one["clientId"] == truth_of for one in _listed(graph, "/v1.0/oauth2PermissionGrants"))


@contextmanager
def _graph(scene: Scene) -> Iterator[httpx.Client]:
    """Graph as the people see it who change the tenant."""
    with httpx.Client(base_url=scene.graph_url, timeout=60, trust_env=False) as graph:
        token = graph.post(
            f"/{scene.cairn.tenant_id}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials", "client_id": scene.admin_client_id,
                "client_secret": scene.admin_client_secret, "scope": f"{scene.graph_url}/.default",
            },
        ).raise_for_status().json()["access_token"]
        graph.headers["Authorization"] = f"Bearer {token}"
        yield graph


def _left_alone(scene: Scene) -> frozenset[str]:
    """Users and groups whose links Graph takes from no one: synced ones, groups of a rule, groups of Exchange."""
    with httpx.Client(base_url=scene.graph_url, timeout=60, trust_env=False) as client:
        objects = client.get("/simulator/state").raise_for_status().json()["objects"]
    return frozenset(
        key for name in ("user", "group") for key, body in objects.get(name, {}).items()
        if body.get("onPremisesSyncEnabled") or "DynamicMembership" in body.get("groupTypes", ())
        or (body.get("mailEnabled") and "Unified" not in body.get("groupTypes", ()))
    )


def _listed(graph: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while path:
        page = graph.get(path).raise_for_status().json()
        found += page["value"]
        path = page.get("@odata.nextLink", "")
    return found


def _all(scene: Scene, path: str) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = scene.cairn.get(path, top="1000")["value"]
    return value
