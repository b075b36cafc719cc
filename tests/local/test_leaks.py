"""After a whole story on a local stack, secrets and personal values stand where they belong, and nowhere else.

Values are planted in the tenant and in what is asked of Cairn; a user with them is lost and re-created with a generated
password; then everything that is kept or was said is searched: log, tables, names of blobs, blobs that are no copy of the
tenant, and every orchestration's input and output.
"""

import importlib.util
import io
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import zstandard
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local import azurite as azurite_process
from local.data_folder import DataFolder

_spec = importlib.util.spec_from_file_location("stack_for_leaks", Path(__file__).with_name("test_rebuild.py"))
assert _spec
assert _spec.loader
told = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = told
_spec.loader.exec_module(told)

PERSONAL = ("Lanosrep", "lanosrep.plant", "5550123", "recipient.plant")
HOOK = "planted-webhook-path"
COPIES = re.compile(
    r"(?:tenants/[^/]+/)?(?:segments/|indexes?/|restores/|differences/|reports/|exports/|states/|runs/|checkpoints?/|unpacked/|seen/)"
)
"""Folders that hold copies of the tenant's objects: that is what they are for."""


def planted(up: Any) -> tuple[str, str]:
    """The id of a new user with planted values, and its domain."""
    with told.graph(up) as client:
        domain = client.get("/organization").json()["value"][0]["verifiedDomains"][0]["name"]
        made = client.post("/users", json={
            "displayName": "Lanosrep Planted", "userPrincipalName": f"lanosrep.plant@{domain}", "accountEnabled": True,
            "mailNickname": "lanosrep.plant", "mobilePhone": "+49 170 5550123",
            "passwordProfile": {"password": "Planted-Passw0rd!", "forceChangePasswordNextSignIn": False},
        })
        assert made.status_code == 201, made.text
        return str(made.json()["id"]), domain


def lose(up: Any, user: str) -> None:
    with told.graph(up) as client:
        assert client.delete(f"/users/{user}").status_code == 204
        assert client.delete(f"/directory/deletedItems/{user}").status_code == 204


def story(up: Any, address: str) -> list[str]:
    """Back up, ask, export, compare, lose, restore, fetch; the secrets that came up on the way."""
    tenant = f"/tenants/{up.ready['tenant']}"
    channels = {
        "recipients": [{"email": "recipient.plant@contoso.example"}],
        "webhooks": [{"url": address.replace("/hook", f"/{HOOK}"), "secret": told.SECRET}],
    }
    assert up.call("PUT", f"{tenant}/notifications", json=channels).status_code == 200
    user, _ = planted(up)
    told.run(up, f"{tenant}/backups", {"kind": "full", "types": ["user", "group"]})
    told.run(up, f"{tenant}/backups/latest/unpack", {})
    for path in (
        "/objects?q=Lanosrep", "/objects.csv?q=Lanosrep", f"/objects/{user}", f"/objects/{user}/versions",
        "/objects?q=(Lanosrep", "/consents", "/notifications",
    ):
        assert up.call("GET", f"{tenant}{path}").status_code in (200, 400), path
    up.call("POST", f"{tenant}/notifications/test", json={})
    up.call("POST", f"{tenant}/consents/basic/check", json={})
    up.call("PUT", f"{tenant}/settings", json={"Lanosrep": "lanosrep.plant"})
    up.call("GET", "/tasks?q=Lanosrep")
    lose(up, user)
    report = told.run(up, f"{tenant}/differences", {"backupId": "latest"})["result"]["reportId"]
    assert "Lanosrep" in up.call("GET", f"{tenant}/differences/{report}/changes").text
    chosen = {"source": {"backupId": "latest"}, "selection": {"objectIds": [user]}, "apply": True, "reason": "Drill"}
    restore = told.run(up, f"{tenant}/restores", chosen)["result"]["restoreId"]
    found = up.call("GET", f"{tenant}/restores/{restore}/credentials").json()["value"]
    assert len(found) == 1
    assert up.call("GET", f"{tenant}/restores/{restore}/credentials").status_code == 404
    again = up.call("POST", f"{tenant}/restores/{restore}/undo", json={"apply": True})
    told.wait(up, again.json())
    return [str(found[0]["password"]), told.SECRET, up.ready["secret"], told.stacks.token(up.data).rsplit(".", 1)[1]]


def histories(up: Any) -> str:
    """What the durable engine shows of every task's orchestration, to who has its key: nobody but this test."""
    tasks = up.call("GET", "/tasks?top=1000").json()["value"]
    return "\n".join(str(task) for task in tasks)


def kept(data: Path) -> Iterator[tuple[str, bytes]]:
    """(place, content) of every row, and of every blob's name and content, decompressed where it is compressed."""
    storage = azurite_process.start(DataFolder(data).azurite)
    try:
        with TableServiceClient.from_connection_string(storage.connection_string) as tables:
            for table in tables.list_tables():
                with tables.get_table_client(table.name) as client:
                    for row in client.list_entities():
                        yield f"table {table.name} {row['PartitionKey']}", str(dict(row)).encode()
        with BlobServiceClient.from_connection_string(storage.connection_string) as blobs:
            for container in blobs.list_containers():
                with blobs.get_container_client(container.name) as client:
                    for name in client.list_blob_names():
                        content = client.download_blob(name).readall()
                        yield f"name {container.name}", name.encode()
                        yield f"blob {name}", readable(content)
    finally:
        azurite_process.stop(storage)


def readable(content: bytes) -> bytes:
    if not content.startswith(b"\x28\xb5\x2f\xfd"):
        return content
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content), read_across_frames=True)
    return content + reader.read()


def test_what_is_planted_is_found_in_copies_of_the_tenant_alone_and_secrets_nowhere(tmp_path: Path) -> None:
    with told.receiver() as (address, taken), told.stacks.stack(tmp_path, *told.stacks.SMALL) as up:
        secrets = story(up, address)
        deadline = time.monotonic() + 60
        while not any(b"restoreApplied" in body for _, _, body in taken):
            assert time.monotonic() < deadline, taken
            time.sleep(0.5)
        shown = histories(up)
        assert up.end() == 0
    said: list[tuple[str, bytes]] = [
        ("log", (tmp_path / "cairn.log").read_bytes()), ("standard error", (tmp_path / "up.log").read_bytes()),
        ("tasks", shown.encode()), ("webhooks", b"".join(body for _, _, body in taken)), *kept(tmp_path),
    ]
    nowhere = [*secrets, HOOK, "recipient.plant", "Planted-Passw0rd", "eyJhbGci", "deltatoken="]
    found = {
        (place, value) for place, content in said for value in nowhere if value.lower().encode() in content.lower()
    }
    assert {(place, value) for place, value in found if value != "eyJhbGci"} == set()
    personal, copies = set(), 0
    for place, content in said:
        copy = place.startswith("blob ") and COPIES.match(place.removeprefix("blob "))
        for value in PERSONAL:
            if value.lower().encode() in content.lower():
                copies += bool(copy)
                if not copy:
                    personal.add((place, value, content[max(0, content.lower().find(value.lower().encode()) - 80) :][:160]))
    assert personal == set()
    assert copies > 3, "the search finds what it looks for"
    assert any(place.startswith("table cairnAudit") for place, _ in said)
    assert {place for place, value in found if value == "eyJhbGci"} == set()


def test_the_engine_s_own_endpoints_ask_for_a_key_that_nobody_has(tmp_path: Path) -> None:
    with told.stacks.stack(tmp_path, *told.stacks.SMALL) as up:
        task = up.call("POST", f"/tenants/{up.ready['tenant']}/backups", json={"types": ["user"]}).json()
        root = f"{up.ready['url']}/runtime/webhooks/durabletask/instances/{task['taskId']}"
        bearer = {"Authorization": f"Bearer {told.stacks.token(up.data)}"}
        for method, path in (("GET", ""), ("POST", "/terminate"), ("POST", "/raiseEvent/x"), ("DELETE", "")):
            for headers in ({}, bearer):
                for query in ("", "?code=", "?code=guess"):
                    answer = httpx.request(method, f"{root}{path}{query}", headers=headers, trust_env=False)
                    assert answer.status_code == 401, (method, path, answer.text)
        assert told.wait(up, task)["status"].startswith("succeeded")
