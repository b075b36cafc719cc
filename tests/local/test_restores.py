"""Restores over HTTP on the whole local stack: a second person's approval, cancelling, credentials once, changes of a
report, and a Cairn that is killed in the middle of applying."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.test_stack import ROOT, Up, clean_environment, stack, token

READY = re.compile(r"ready (?P<url>\S+) tenant=(?P<tenant>\S+) client=(?P<client>\S+) secret=(?P<secret>\S+)\n")
ENDED = ("succeeded", "succeededWithWarnings", "failed", "cancelled")


REFUSED = ("restricted management", "Specified HTTP method")
"""What no restore brings back: members of restricted units; and sponsors of agents, which the simulator takes no writes
of."""


class Tenant:
    """A simulated tenant in a process of its own, which outlives the Cairn that protects it."""

    def __init__(self, ready: re.Match[str]) -> None:
        self.ready = ready
        self.graph = httpx.Client(base_url=ready["url"], timeout=60, trust_env=False)
        granted = self.graph.post(f"/{ready['tenant']}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": ready["client"], "client_secret": ready["secret"],
            "scope": f"{ready['url']}/.default",
        })
        self.graph.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"

    def sent(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.graph.request(method, f"/v1.0{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def faults(self, *rules: dict[str, Any]) -> None:
        self.graph.delete("/simulator/faults")
        for rule in rules:
            assert self.graph.post("/simulator/faults", json=rule).is_success

    def people(self) -> list[str]:
        """Users of the cloud whom every administrator may write: without a role, in no restricted unit or
        federated domain, no agents."""
        units = self.sent("GET", "/directory/administrativeUnits")["value"]
        restricted = {
            member["id"] for unit in units if unit.get("isMemberManagementRestricted")
            for member in self.sent("GET", f"/directory/administrativeUnits/{unit['id']}/members?$top=999")["value"]
        }
        roles = {one["principalId"] for one in self.sent("GET", "/roleManagement/directory/roleAssignments")["value"]}
        managed = {one["id"] for one in self.sent("GET", "/domains")["value"] if one["authenticationType"] == "Managed"}
        query = "/users?$select=id,userType,onPremisesSyncEnabled,identities,userPrincipalName&$top=500"
        return [
            one["id"] for one in self.sent("GET", query)["value"]
            if one["userType"] == "Member" and not one["onPremisesSyncEnabled"] and one["id"] not in roles
            and len(one["identities"]) == 1 and "@odata.type" not in one and one["id"] not in restricted
            and one["userPrincipalName"].partition("@")[2] in managed
        ]


@contextmanager
def simulated(users: int, groups: int) -> Iterator[Tenant]:
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "simulator", "--port", "0", "--users", str(users), "--groups", str(groups),
         "--seed", "3", "--until-stdin-closes"],
        cwd=ROOT, env=clean_environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )
    try:
        assert process.stdout
        ready = READY.fullmatch(said := process.stdout.readline())
        assert ready, said
        tenant = Tenant(ready)
        yield tenant
        tenant.graph.close()
    finally:
        process.terminate()
        process.wait(30)
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


class Cairn:
    """One tenant's part of the interface, as several people call it."""

    def __init__(self, up: Up, tenant_id: str) -> None:
        self.up, self.tenant_id = up, tenant_id
        self.tokens: dict[str, str] = {}

    def call(self, method: str, path: str, body: Any = None, *, role: str = "Administrator", **more: Any) -> httpx.Response:
        if role not in self.tokens:
            self.tokens[role] = token(self.up.data, role)
        headers = {"Authorization": f"Bearer {self.tokens[role]}", **more.pop("headers", {})}
        root = f"{self.up.ready['url']}/api/v1"
        address = f"{root}{path}" if path.startswith("/") else f"{root}/tenants/{self.tenant_id}/{path}"
        return httpx.request(method, address, json=body, headers=headers, timeout=60, trust_env=False, **more)

    def got(self, path: str, **query: Any) -> Any:
        answer = self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def task(self, answer: httpx.Response, *, seconds: float = 150) -> dict[str, Any]:
        """The task of a 202, when it has ended."""
        assert answer.status_code == 202, answer.text
        return self.ended(answer.json()["taskId"], seconds=seconds)

    def ended(self, task_id: str, *, seconds: float = 150) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while (task := self.got(f"/tasks/{task_id}"))["status"] not in ENDED:
            assert time.monotonic() < until, task
            time.sleep(0.2)
        return task

    def planned(self, object_ids: list[str], **more: Any) -> dict[str, Any]:
        """The restore, planned."""
        body = {"source": {"backupId": "latest"}, "selection": {"objectIds": object_ids}, **more}
        task = self.task(self.call("POST", "restores", body))
        return self.got(f"restores/{task['result']['restoreId']}")


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    with simulated(260, 12) as made:
        yield made


def credentials(tenant: Tenant) -> dict[str, str]:
    ready = tenant.ready
    return {"CAIRN_TENANT_ID": ready["tenant"], "CAIRN_CLIENT_ID": ready["client"],
            "CAIRN_CLIENT_SECRET": ready["secret"]}


@pytest.fixture(scope="module")
def cairn(tenant: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cairn]:
    with stack(
        tmp_path_factory.mktemp("restores"), "--graph-url", tenant.ready["url"], **credentials(tenant)
    ) as up:
        made = Cairn(up, tenant.ready["tenant"])
        assert made.task(made.call("POST", "backups", {"kind": "full"}))["status"].startswith("succeeded")
        yield made


@pytest.fixture
def unharmed(tenant: Tenant) -> Iterator[list[str]]:
    """Users to harm; no fault outlives the test."""
    yield tenant.people()
    tenant.faults()


def settings_of(cairn: Cairn, **changed: Any) -> None:
    now = cairn.got("settings")
    assert cairn.call("PUT", "settings", {**now, **changed}).is_success


def test_a_second_person_approves_the_plan_that_they_saw_before_it_is_applied(
    cairn: Cairn, tenant: Tenant, unharmed: list[str]
) -> None:
    user = unharmed[0]
    tenant.sent("PATCH", f"/users/{user}", {"department": "Elsewhere"})
    settings_of(cairn, approvals={"required": True})
    try:
        at_once = {"source": {"backupId": "latest"}, "selection": {"objectIds": [user]}, "apply": True}
        refused = cairn.call("POST", "restores", at_once)
        assert (refused.status_code, refused.json()["code"]) == (422, "approvalRequired")
        restore = cairn.planned([user])
        assert restore["state"] == "awaitingApproval"
        path = f"restores/{restore['restoreId']}"
        early = cairn.call("POST", f"{path}/apply", {"planHash": restore["planHash"]})
        assert early.status_code == 409
        myself = cairn.call("POST", f"{path}/approve", {"planHash": restore["planHash"]})
        assert (myself.status_code, myself.json()["code"]) == (403, "selfApproval")
        assert cairn.call("POST", f"{path}/approve", {}, role="Reader").status_code == 403
        other = cairn.call("POST", f"{path}/approve", {"planHash": "0" * 64}, role="Approver")
        assert (other.status_code, other.json()["code"]) == (409, "planChanged")
        approved = cairn.call("POST", f"{path}/approve", {"planHash": restore["planHash"]}, role="Approver")
        assert approved.status_code == 200, approved.text
        assert approved.json()["state"] == "ready"
        assert approved.json()["approvedBy"] not in (None, restore["requestedBy"])
        unlike = cairn.call("POST", f"{path}/apply", {"planHash": "0" * 64})
        assert (unlike.status_code, unlike.json()["code"]) == (409, "planChanged")
        done = cairn.task(cairn.call("POST", f"{path}/apply", {"planHash": restore["planHash"]}))
        assert done["status"] == "succeeded", done
        assert tenant.sent("GET", f"/users/{user}?$select=department")["department"] != "Elsewhere"
        again = cairn.call("POST", f"{path}/apply", {"planHash": restore["planHash"]})
        assert (again.status_code, again.json()["code"]) == (409, "wrongState")
    finally:
        settings_of(cairn, approvals={"required": False})


def test_an_approval_needs_a_recent_sign_in(cairn: Cairn, unharmed: list[str]) -> None:
    restore = cairn.planned(unharmed[:1])
    made = subprocess.run(
        [sys.executable, "-m", "local", "token", "--role", "Approver", "--authenticated-ago", "2", "--data",
         str(cairn.up.data)], cwd=ROOT, capture_output=True, text=True, check=True,
    )
    late = cairn.call(
        "POST", f"restores/{restore['restoreId']}/approve", {}, headers={"Authorization": f"Bearer {made.stdout.strip()}"}
    )
    assert late.status_code == 401
    assert "insufficient_user_authentication" in late.headers["www-authenticate"]


def test_cancelling_while_it_applies_says_what_was_done(cairn: Cairn, tenant: Tenant, unharmed: list[str]) -> None:
    users = unharmed[6:86]
    assert len(users) == 80
    for one in users:
        tenant.sent("PATCH", f"/users/{one}", {"city": "Elsewhere"})
    restore = cairn.planned(users)
    path = f"restores/{restore['restoreId']}"
    tenant.faults({"kind": "slow", "method": "PATCH", "path": "/users/", "seconds": 3})
    started = cairn.call("POST", f"{path}/apply", {"planHash": restore["planHash"]})
    assert started.status_code == 202
    task_id, until = started.json()["taskId"], time.monotonic() + 60
    while cairn.got(path)["state"] != "applying":
        assert time.monotonic() < until
        time.sleep(0.1)
    time.sleep(1.0)
    assert cairn.call("POST", f"{path}/cancel").status_code == 202
    task = cairn.ended(task_id)
    tenant.faults()
    assert task["status"] == "cancelled", task
    ended = cairn.got(path)
    assert ended["state"] == "cancelled"
    assert ended["results"]["done"] + ended["results"]["skipped"] == len(users)
    assert ended["results"]["done"] >= 1, ended["results"]
    assert ended["results"]["skipped"] >= 1, ended["results"]
    operations = cairn.got(f"{path}/operations", top=1000)["value"]
    done = {one["objectId"] for one in operations if one["state"] == "done"}
    for one in users:
        assert (tenant.sent("GET", f"/users/{one}?$select=city")["city"] != "Elsewhere") == (one in done)
    finished = cairn.planned(users, apply=True)
    assert finished["results"]["done"] == len(users) - len(done)


def test_restores_of_different_people_run_at_once_and_a_third_of_one_of_them_waits(
    cairn: Cairn, tenant: Tenant, unharmed: list[str]
) -> None:
    one, other = unharmed[90:92]
    for user in (one, other):
        tenant.sent("PATCH", f"/users/{user}", {"city": "Elsewhere"})
    tenant.faults({"kind": "slow", "method": "PATCH", "path": "/users/", "seconds": 3})
    asked = {"source": {"backupId": "latest"}, "apply": True}
    first = cairn.call("POST", "restores", {**asked, "selection": {"objectIds": [one]}})
    second = cairn.call("POST", "restores", {**asked, "selection": {"objectIds": [other]}})
    assert [first.status_code, second.status_code] == [202, 202], second.text
    third = cairn.call("POST", "restores", {**asked, "selection": {"objectIds": [other]}})
    assert (third.status_code, third.json()["taskId"]) == (409, second.json()["taskId"])
    alone = cairn.call("POST", "restores", {**asked, "selection": {"all": True}})
    assert alone.status_code == 409
    for started in (first, second):
        assert cairn.task(started)["status"] == "succeeded"
    for user in (one, other):
        assert tenant.sent("GET", f"/users/{user}?$select=city")["city"] != "Elsewhere"
    tenant.faults()
    assert cairn.planned([one, other], apply=True)["counts"]["update"] == 0, "the lock is free, and nothing differs"


def test_passwords_are_shown_once_and_to_the_person_who_restores(
    cairn: Cairn, tenant: Tenant, unharmed: list[str]
) -> None:
    user = unharmed[-1]
    tenant.sent("DELETE", f"/users/{user}")
    tenant.sent("DELETE", f"/directory/deletedItems/{user}")
    restore = cairn.planned([user], apply=True)
    assert restore["state"] == "done", restore
    assert restore["credentials"] == "waiting"
    path = f"restores/{restore['restoreId']}/credentials"
    assert cairn.call("GET", path, role="Operator").status_code == 403
    shown = cairn.call("GET", path)
    assert shown.status_code == 200
    assert len(shown.json()["value"][0]["password"]) >= 16
    assert cairn.call("GET", path).status_code == 404
    assert shown.json()["value"][0]["password"] not in (cairn.up.data / "cairn.log").read_text()
    facts = cairn.got(f"restores/{restore['restoreId']}/verification", top=1000)["value"]
    assert {"userPrincipalName", "displayName"} <= {one["what"] for one in facts}
    assert all(one["matches"] for one in facts), [one for one in facts if not one["matches"]]


def test_chosen_changes_of_a_report_are_restored_and_no_others(
    cairn: Cairn, tenant: Tenant, unharmed: list[str]
) -> None:
    user, other = unharmed[1], unharmed[2]
    tenant.sent("PATCH", f"/users/{user}", {"department": "Elsewhere", "jobTitle": "Somebody"})
    tenant.sent("PATCH", f"/users/{other}", {"department": "Elsewhere"})
    task = cairn.task(cairn.call("POST", "differences", {
        "backupId": "latest", "against": "live", "objectIds": [user, other],
    }))
    report_id = task["result"]["reportId"]
    changes = cairn.got(f"differences/{report_id}/changes")["value"]
    chosen = next(one for one in changes if one["objectId"] == user and one["attribute"] == "department")
    done = cairn.task(cairn.call("POST", "restores", {
        "source": {"reportId": report_id}, "apply": True,
        "selection": {"changeIds": [chosen["changeId"], "no-such-change"]},
    }))
    assert done["status"] == "succeeded", done
    left = cairn.got(f"restores/{done['result']['restoreId']}/plan")["notRestored"]
    assert [one["objectId"] for one in left] == ["no-such-change"]
    shown = tenant.sent("GET", f"/users/{user}?$select=department,jobTitle")
    assert shown["department"] == chosen["oldValue"]
    assert shown["jobTitle"] == "Somebody"
    assert tenant.sent("GET", f"/users/{other}?$select=department")["department"] == "Elsewhere"


def test_an_idempotency_key_starts_one_restore(cairn: Cairn, unharmed: list[str]) -> None:
    body = {"source": {"backupId": "latest"}, "selection": {"objectIds": unharmed[:1]}}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = cairn.call("POST", "restores", body, headers=key)
    second = cairn.call("POST", "restores", body, headers=key)
    assert first.json()["taskId"] == second.json()["taskId"]
    cairn.task(first)
    unlike = cairn.call("POST", "restores", {**body, "reason": "another"}, headers=key)
    assert unlike.status_code in (409, 422)


def test_an_undo_of_chosen_objects_leaves_the_others_restored(
    cairn: Cairn, tenant: Tenant, unharmed: list[str]
) -> None:
    user, other = unharmed[3], unharmed[4]
    for one in (user, other):
        tenant.sent("PATCH", f"/users/{one}", {"officeLocation": "Elsewhere"})
    restore = cairn.planned([user, other], apply=True)
    path = f"restores/{restore['restoreId']}/undo"
    assert cairn.call("POST", path, {"objectIds": [unharmed[5]]}).status_code == 422
    undone = cairn.task(cairn.call("POST", path, {"objectIds": [user], "apply": True}))
    assert undone["status"] == "succeeded", undone
    offices = [tenant.sent("GET", f"/users/{one}?$select=officeLocation")["officeLocation"] for one in (user, other)]
    assert offices[0] == "Elsewhere"
    assert offices[1] != "Elsewhere"


@pytest.mark.timeout(600)
def test_killed_in_the_middle_of_applying_it_goes_on_and_makes_nothing_twice(
    tenant: Tenant, tmp_path: Path
) -> None:
    tenant.faults()
    with stack(tmp_path, "--graph-url", tenant.ready["url"], **credentials(tenant)) as up:
        cairn = Cairn(up, tenant.ready["tenant"])
        cairn.task(cairn.call("POST", "backups", {"kind": "full"}))
        users = tenant.people()[10:60]
        count = len(tenant.sent("GET", "/users?$top=999&$select=id")["value"])
        for one in users:
            tenant.sent("DELETE", f"/users/{one}")
            tenant.sent("DELETE", f"/directory/deletedItems/{one}")
        restore = cairn.planned(users)
        tenant.faults({"kind": "slow", "method": "POST|PATCH", "path": "/users", "seconds": 2})
        asked = {"planHash": restore["planHash"], "force": True}
        started = cairn.call("POST", f"restores/{restore['restoreId']}/apply", asked)
        assert started.status_code == 202, started.text
        until = time.monotonic() + 240
        while len(tenant.graph.get("/v1.0/users?$top=999&$select=id").json()["value"]) <= count - len(users) + 3:
            assert time.monotonic() < until
            time.sleep(0.05)
        os.killpg(up.process.pid, signal.SIGKILL)
        up.end()
    tenant.faults()
    with stack(tmp_path, "--graph-url", tenant.ready["url"], **credentials(tenant)) as up:
        cairn = Cairn(up, tenant.ready["tenant"])
        task = cairn.ended(started.json()["taskId"])
        assert task["status"] in ("succeeded", "succeededWithWarnings"), task
        done = cairn.got(f"restores/{restore['restoreId']}")
        assert done["state"] == "done"
        operations = cairn.got(f"restores/{restore['restoreId']}/operations", top=1000)["value"]
        failed = [(one["kind"], one["path"], one["error"]) for one in operations if one["state"] in ("failed", "stale")]
        assert not [one for one in failed if not any(words in str(one[2]) for words in REFUSED)
                    and "microsoft.graph.agent" not in one[1]], failed
        assert done["verification"]["differing"] == 0, done["verification"]
        assert len(tenant.sent("GET", "/users?$top=999&$select=id")["value"]) == count
        made = [one["newId"] for one in cairn.got("identityMap", top=1000)["value"]]
        assert len(made) == len(set(made))
