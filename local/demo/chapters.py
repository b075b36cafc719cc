"""The chapters of the demo, in order; each does its part over the HTTP interface and checks what it
claims.
"""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from local.demo.disaster import disaster_and_recovery
from local.demo.scene import Scene
from local.demo.truth import Edge, read_truth, size_of
from local.demo.vault import VaultCopy, copy_vault, damaged

SHOWN = 3
WHOLE = frozenset({"succeeded", "succeededWithWarnings"})


def meet_the_tenant(scene: Scene) -> None:
    """Show what there is to lose."""
    scene.stage.chapter("A tenant")
    truth = read_truth(scene.graph_url)
    scene.stage.say(f"Microsoft Graph, simulated at {scene.graph_url}")
    scene.stage.say(size_of(truth))
    registered = scene.cairn.get("")
    scene.stage.claim("Cairn protects it", registered["tenantId"] == scene.cairn.tenant_id, registered)


def back_up(scene: Scene) -> None:
    """Take a full backup and watch its task."""
    scene.stage.chapter("Back it up: POST /backups")
    with scene.stage.progress("reading the tenant", "objects") as advance:
        task = scene.cairn.run("backups", {"kind": "full"}, advance)
    scene.stage.claim("the backup succeeded", task["status"] in WHOLE, task["lastResultDescription"])
    scene.backup_id = task["result"]["backupId"]
    scene.stage.say(task["lastResultDescription"].split(" Not whole:")[0])  # the next chapter says what is not


def look_at_the_restore_point(scene: Scene) -> None:
    """Show counts and coverage beside the simulator's truth."""
    backup = scene.cairn.get("backups/latest")
    scene.stage.chapter(f"The restore point {backup['backupId']}: GET /backups/latest")
    truth = read_truth(scene.graph_url)
    counts: dict[str, int] = backup["counts"]
    coverage: dict[str, str] = backup["coverage"]
    held = [name for name in coverage if counts.get(name) or truth.counts.get(name)]
    rows = [(name, counts.get(name, 0), truth.counts.get(name, "-"), coverage[name]) for name in held]
    scene.stage.table(("object type", "backup", "tenant", "coverage"), rows)
    _say_what_else(scene, {name: outcome for name, outcome in coverage.items() if name not in held})
    scene.stage.say(
        f"{backup['sizeBytes'] / 1e6:.1f} MB, {backup['requests']} requests to Graph,"
        f" {backup['durationSeconds']:.1f} s; kept until {backup['expires'][:10]}"
    )
    scene.stage.claim("it is the one just made", backup["backupId"] == scene.backup_id, backup["backupId"])
    # What only a signed-in person may read is refused to every application, and its coverage says so.
    expected = {"complete", "off", "refused"} if backup["outcome"] == "complete" else {"complete", "off"}
    short = {name: outcome for name, _, _, outcome in rows if outcome not in expected}
    scene.stage.claim("every type that an application may read was read whole, but for what is off", not short, short)
    told = [
        row for row in rows if row[3] not in {"off", "refused"} and row[0] in truth.counts
    ]  # what the simulator makes up on request has no count
    missing = {name: (kept, there) for name, kept, there, _ in told if kept != there}
    scene.stage.claim("every object of these types is in it", bool(told) and not missing, missing)


def _say_what_else(scene: Scene, coverage: dict[str, str]) -> None:
    """The types of which the tenant has nothing, and those that could not be read, by name."""
    unread = {name: outcome for name, outcome in coverage.items() if outcome not in {"complete", "off"}}
    empty = sum(outcome == "complete" for outcome in coverage.values())
    off = sum(outcome == "off" for outcome in coverage.values())
    scene.stage.say(f"and {empty} more types that are empty here, {off} that are off until the settings ask for them")
    if unread:
        names = ", ".join(f"{name} ({outcome})" for name, outcome in list(unread.items())[:SHOWN])
        rest = f" and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        scene.stage.say(f"not read, as its coverage says: {names}{rest}")


COMPARED = {
    "user": frozenset({"manager", "sponsors"}), "group": frozenset({"members", "owners"}),
    "application": frozenset({"owners"}), "servicePrincipal": frozenset({"owners"}),
    "device": frozenset({"registeredOwners", "registeredUsers"}), "administrativeUnit": frozenset({"members"}),
}
"""Types and links that the simulator's own state names as the catalog does, compared one by one."""


def read_it_without_cairn(scene: Scene) -> None:
    """Copy the files, decode them with zstd and JSON alone, and compare object by object, link by link."""
    scene.stage.chapter("The files, read without Cairn: zstd and jq")
    with scene.stage.progress("copying the vault"):
        copy = copy_vault(scene.storage, scene.cairn.tenant_id, scene.folder / "vault-copy")
    manifest = copy.manifest(scene.backup_id)
    scene.stage.say(
        f"manifests/{scene.backup_id}.json names {len(_segments(manifest))} segments; {copy.bytes():,} bytes"
    )
    first = manifest["types"]["user"]["layers"][0]["objects"][0]
    _show_one_record(scene, copy, first["sha256"])
    truth = read_truth(scene.graph_url)
    wrong: dict[str, str] = {}
    links = 0
    for name, compared in COMPARED.items():
        captured = manifest["types"][name]
        ids, edges = _view(copy, captured["layers"])
        links += sum(edge[1] in compared for edge in edges)
        if ids != truth.ids.get(name, frozenset()):
            wrong[name] = "other objects than in the tenant"
        there = truth.edges_from(name, compared)
        if there - edges:
            wrong[f"links of {name}"] = f"{len(there - edges)} are missing"
    scene.stage.claim("every id of users, groups, applications, devices and units is the tenant's", not wrong, wrong)
    scene.stage.claim(f"every link of the tenant is in it ({links:,} links)", links > 0, links)


def verify(scene: Scene) -> None:
    """Verify, damage one byte, see it named, put it back, verify again."""
    scene.stage.chapter("Verify: POST /backups/latest/verify")
    scene.stage.claim("every file is there and has its hash", _verified(scene)["status"] == "succeeded")
    copy = VaultCopy(scene.folder / "vault-copy" / "tenants" / scene.cairn.tenant_id)
    sha256 = copy.manifest(scene.backup_id)["types"]["group"]["layers"][0]["objects"][0]["sha256"]
    scene.stage.say(f"now somebody with the storage key flips one byte in segment {sha256[:12]}…")
    with damaged(scene.storage, scene.cairn.tenant_id, copy.segment_path(sha256)):
        task = _verified(scene)
    found = task["lastResultDescription"]
    scene.stage.claim("verify finds it and names the file", task["status"] == "failed" and sha256[:12] in found, found)
    scene.stage.claim("put back, it verifies again", _verified(scene)["status"] == "succeeded")


CHAPTERS: tuple[Callable[[Scene], None], ...] = (
    meet_the_tenant,
    back_up,
    look_at_the_restore_point,
    read_it_without_cairn,
    verify,
    disaster_and_recovery,
)


def _verified(scene: Scene) -> dict[str, Any]:
    with scene.stage.progress("hashing every file", "files") as advance:
        return scene.cairn.run(f"backups/{scene.backup_id}/verify", {}, advance)


def _segments(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    layers = [layer for captured in manifest["types"].values() for layer in captured["layers"]]
    return [segment for layer in layers for segment in (*layer["objects"], *layer["links"])]


def _view(copy: VaultCopy, layers: list[dict[str, Any]]) -> tuple[frozenset[str], frozenset[Edge]]:
    """Ids and links of one type in a full backup, which has one layer and removes nothing."""
    objects = [segment for layer in layers for segment in layer["objects"]]
    links = [segment for layer in layers for segment in layer["links"]]
    ids = frozenset(record["id"] for record in copy.records(objects) if record["kind"] == "object")
    edges = (
        (record["id"], record["link"], record["target"]) for record in copy.records(links) if record["kind"] == "link"
    )
    return ids, frozenset(edges)


def _show_one_record(scene: Scene, copy: VaultCopy, sha256: str) -> None:
    """Run the documented command line where its tools are there; else show the same by Python's zstd."""
    path = copy.segment_path(sha256)
    scene.stage.say(f"$ zstd -dc {path.parent}/{sha256[:12]}….ndjson.zst | jq .body.displayName | head -3")
    zstd, jq = shutil.which("zstd"), shutil.which("jq")
    if zstd and jq:
        lines = subprocess.run([zstd, "-dc", copy.folder / path], capture_output=True, check=True).stdout
        shown = subprocess.run([jq, ".body.displayName"], input=lines, capture_output=True, check=True).stdout
        names = shown.decode().splitlines()
    else:
        names = [f'"{record["body"]["displayName"]}"' for record in copy.records([{"sha256": sha256}])]
    for name in names[:3]:
        scene.stage.say(f"  {name}")
    scene.stage.claim(f"{len(names):,} users are readable with standard tools", bool(names))
