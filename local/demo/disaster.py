"""The chapters of the disaster: damage, plan, restore, proof, undo, redo. Each claim is checked against the simulator.
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from local.demo.scene import Scene
from local.demo.truth import Truth, read_truth

USERS_SOFT, USERS_HARD = 20, 10
CONDITIONAL_ACCESS_SECONDS = 1.2
"""Graph takes one request a second there."""
WHOLE = frozenset({"succeeded", "succeededWithWarnings"})


@dataclass(frozen=True, slots=True)
class Damage:
    """What somebody did, by the ids of what they did it to."""

    soft_users: tuple[str, ...]
    hard_users: tuple[str, ...]
    group: str
    application: str
    policy: str

    @property
    def chosen(self) -> list[str]:
        """All of it, as a restore chooses it."""
        return [*self.soft_users, *self.hard_users, self.group, self.application, self.policy]


def disaster_and_recovery(scene: Scene) -> None:
    """Damage the tenant, restore it by a plan, prove it, undo the restore, and redo it."""
    before = read_truth(scene.graph_url)
    scene.stage.chapter("Disaster: users, a group, an application and a policy are gone")
    damage = _damage(scene, before)
    scene.stage.say(
        f"{len(damage.soft_users)} users in the bin, {len(damage.hard_users)} gone for good, a group and an application"
        " with its consents gone for good, a Conditional Access policy switched off"
    )
    scene.stage.chapter("The plan: POST /restores")
    with scene.stage.progress("reading both states", "objects") as advance:
        task = scene.cairn.run("restores", _restore(scene.backup_id, damage.chosen), advance)
    restore_id = task["result"]["restoreId"]
    restore = scene.cairn.get(f"restores/{restore_id}")
    plan = scene.cairn.get(f"restores/{restore_id}/plan")
    scene.stage.say(task["lastResultDescription"])
    scene.stage.say(f"plan {restore['planHash'][:16]}…, {len(plan['relinked'])} references re-written to new ids")
    scene.stage.claim("nothing was changed yet", restore["state"] == "ready", restore["state"])
    done = _applied(scene, restore)
    _prove(scene, damage, before, done)
    _undo_and_redo(scene, damage, restore_id)


def _restore(backup_id: str, chosen: list[str], *, apply: bool = False) -> dict[str, Any]:
    return {
        "source": {"backupId": backup_id}, "selection": {"objectIds": chosen}, "apply": apply,
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
    unmade = [one for one in (*damage.hard_users, damage.group, damage.application) if one not in new]
    scene.stage.claim("what was gone for good has a new id, kept in the identity map", not unmade, unmade)
    chosen = {*damage.soft_users, *damage.hard_users, damage.group}
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
    scene.stage.claim("the state before was sealed first", bool(done["beforeBackupId"]), done)


def _undo_and_redo(scene: Scene, damage: Damage, restore_id: str) -> None:
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
        task = scene.cairn.run("restores", _restore(scene.backup_id, damage.chosen, apply=True), advance)
    scene.stage.say(task["lastResultDescription"])
    after = read_truth(scene.graph_url)
    missing = [one for one in damage.soft_users if one not in after.ids["user"]]
    scene.stage.claim("redone, they are back", task["status"] in WHOLE and not missing, missing)


def _damage(scene: Scene, truth: Truth) -> Damage:
    with httpx.Client(base_url=scene.graph_url, timeout=60, trust_env=False) as graph:
        token = graph.post(
            f"/{scene.cairn.tenant_id}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials", "client_id": scene.admin_client_id,
                "client_secret": scene.admin_client_secret, "scope": f"{scene.graph_url}/.default",
            },
        ).raise_for_status().json()["access_token"]
        graph.headers["Authorization"] = f"Bearer {token}"
        users = [
            one["id"] for one in _listed(graph, "/v1.0/users?$select=id,userType,onPremisesSyncEnabled&$top=200")
            if one["userType"] == "Member" and not one["onPremisesSyncEnabled"]
        ]
        administrators = {
            one["principalId"] for one in _listed(graph, "/v1.0/roleManagement/directory/roleAssignments")
        }
        users = [one for one in users if one not in administrators][: USERS_SOFT + USERS_HARD]
        members = {edge[0]: 0 for edge in truth.edges if edge[1] == "members"}
        groups = [
            one["id"] for one in _listed(graph, "/v1.0/groups?$top=200")
            if not one["groupTypes"] and not one["mailEnabled"] and not one["onPremisesSyncEnabled"]
            and one["id"] in members and one["id"] not in administrators and not one["isAssignableToRole"]
        ]
        application = _listed(graph, "/v1.0/applications?$select=id,appId&$top=50")[3]["id"]
        policy = next(
            one["id"] for one in _listed(graph, "/v1.0/identity/conditionalAccess/policies")
            if one["state"] == "enabled"
        )
        gone = [f"users/{one}" for one in users] + [f"groups/{groups[0]}", f"applications/{application}"]
        for path in gone:
            graph.delete(f"/v1.0/{path}").raise_for_status()
        for object_id in [*users[USERS_SOFT:], groups[0], application]:
            graph.delete(f"/v1.0/directory/deletedItems/{object_id}").raise_for_status()
        time.sleep(CONDITIONAL_ACCESS_SECONDS)
        graph.patch(
            f"/v1.0/identity/conditionalAccess/policies/{policy}", json={"state": "disabled"}
        ).raise_for_status()
    return Damage(tuple(users[:USERS_SOFT]), tuple(users[USERS_SOFT:]), groups[0], application, policy)


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
    value: list[dict[str, Any]] = graph.get(path).raise_for_status().json()["value"]
    return value


def _all(scene: Scene, path: str) -> list[dict[str, Any]]:
    value: list[dict[str, Any]] = scene.cairn.get(path, top="1000")["value"]
    return value
