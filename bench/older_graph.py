"""A stand-in for the older interface (graph.windows.net, 1.61-internal) over a tenant file, for rivals that speak it.

As the service does: 100 objects a page, every property shown (null or empty where there is none), `$links` with 100 a
page and a nextLink, `$expand` of owners, gzip. Kinder than the service: pages are made beforehand, so that it answers
at once, it never throttles, and whatever it has no data for is an empty list. Latency is added to every answer.
"""

import argparse
import asyncio
import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
import uvloop

from local.simulator.statefile import load
from local.simulator.store import Store

PAGE = 100
ROOT = "https://graph.windows.net"
COLLECTIONS = {
    "users": "user", "groups": "group", "servicePrincipals": "servicePrincipal", "applications": "application",
    "devices": "device",
}  # fmt: skip
EXPANDED = (("servicePrincipals", "owners"), ("applications", "owners"), ("devices", "registeredOwners"))
CLASSES = {
    "user": "Microsoft.DirectoryServices.User", "group": "Microsoft.DirectoryServices.Group",
    "servicePrincipal": "Microsoft.DirectoryServices.ServicePrincipal",
    "device": "Microsoft.DirectoryServices.Device",
}  # fmt: skip
RENAMED = {
    "id": "objectId", "mobilePhone": "mobile", "officeLocation": "physicalDeliveryOfficeName",
    "operatingSystem": "deviceOSType", "operatingSystemVersion": "deviceOSVersion", "trustType": "deviceTrustType",
    "physicalIds": "devicePhysicalIds", "model": "deviceModel", "manufacturer": "deviceManufacturer",
    "approximateLastSignInDateTime": "approximateLastLogonTimestamp", "appOwnerOrganizationId": "appOwnerTenantId",
    "securityIdentifier": "cloudSecurityIdentifier", "appId": "appId",
}  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"
NOTHING = orjson.dumps({"value": []})


class OlderGraph:
    """Answers by path and query, made beforehand where they are pages."""

    def __init__(self, store: Store, columns: Mapping[str, Mapping[str, str]]) -> None:
        self.requests = 0
        self._store = store
        self._base = f"{ROOT}/{store.tenant_id}"
        self._pages: dict[tuple[str, str, int], bytes] = {}
        for path, table in COLLECTIONS.items():
            shapes: dict[str, Any] = {name: [] if kind == "JSON" else None for name, kind in columns[path].items()}
            self._listed(path, "", [_shown(record.read(), shapes, table) for record in store.all(table)])
        for path, link in EXPANDED:
            ends = store.link_set(link)
            objects = [
                {"objectId": record.key, link: [self._expanded(key) for key in ends.targets(record.key)]}
                for record in store.all(COLLECTIONS[path])
            ]
            self._listed(path, link, objects)
        for path in ("servicePrincipals", "applications"):
            told = [{"objectId": record.key, "keyCredentials": []} for record in store.all(COLLECTIONS[path])]
            self._listed(path, "keyCredentials", told)
        self._assigned: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for record in store.all("appRoleAssignment"):
            body = record.read()
            row = {
                "objectId": body["id"], "objectType": "AppRoleAssignment", "creationTimestamp": body["createdDateTime"],
                "id": body["appRoleId"], "principalDisplayName": body["principalDisplayName"],
                "principalId": body["principalId"], "principalType": body["principalType"],
                "resourceDisplayName": body["resourceDisplayName"], "resourceId": body["resourceId"],
            }  # fmt: skip
            self._assigned.setdefault(("appRoleAssignedTo", body["resourceId"]), []).append(row)
            self._assigned.setdefault(("appRoleAssignments", body["principalId"]), []).append(row)

    def answer(self, target: str) -> bytes:
        """The whole answer to a GET of that target."""
        self.requests += 1
        path, _, query = target.partition("?")
        options = dict(parse_qsl(query))
        parts = unquote(path).strip("/").split("/")[1:]
        skip = int(options.get("$skiptoken", "0"))
        match parts:
            case [collection] if collection in COLLECTIONS:
                special = options.get("$expand", "") or ("keyCredentials" if "$select" in options else "")
                return self._pages.get((collection, special, skip), _http(NOTHING))
            case [collection, key, "$links", link]:
                return self._links(collection, key, link, skip)
            case ["servicePrincipals", key, ("appRoleAssignedTo" | "appRoleAssignments") as kind]:
                rows = self._assigned.get((kind, key), [])
                return _http(_page(rows, f"{self._base}/servicePrincipals/{key}/{kind}?", skip))
            case ["applicationRefs", key]:
                return _http(orjson.dumps({"objectId": key, "objectType": "ApplicationRef", "appId": key}))
            case _:
                return _http(NOTHING)

    def _listed(self, path: str, special: str, objects: list[dict[str, Any]]) -> None:
        option = {"": "", "keyCredentials": "$select=keyCredentials,objectId&"}.get(special, f"$expand={special}&")
        for skip in range(0, max(1, len(objects)), PAGE):
            self._pages[path, special, skip] = _http(_page(objects, f"{self._base}/{path}?{option}", skip))

    def _links(self, collection: str, key: str, link: str, skip: int) -> bytes:
        told = [
            {"url": f"{self._base}/directoryObjects/{target}/{CLASSES[self._store.records[target].table]}"}
            for target in self._store.link_set(link).targets(key)
        ]
        return _http(_page(told, f"{self._base}/{collection}/{key}/$links/{link}?", skip))

    def _expanded(self, key: str) -> dict[str, Any]:
        record = self._store.records[key]
        return {"odata.type": CLASSES[record.table], "objectId": key, "objectType": record.table.capitalize()}


def _shown(body: dict[str, Any], shapes: Mapping[str, Any], table: str) -> dict[str, Any]:
    shown = {**shapes, "objectType": table.capitalize()}
    for name, value in body.items():
        older = RENAMED.get(name, name)
        if older in shown:
            shown[older] = value
    return shown


def _page(objects: list[dict[str, Any]], base: str, skip: int) -> bytes:
    told: dict[str, Any] = {"odata.metadata": ROOT, "value": objects[skip : skip + PAGE]}
    if len(objects) > skip + PAGE:
        told["odata.nextLink"] = f"{base}$skiptoken={skip + PAGE}"
    return orjson.dumps(told)


def _http(body: bytes) -> bytes:
    if len(body) < 1400:
        return HEAD % (b"", len(body), body)
    packed = gzip.compress(body, 1)
    return HEAD % (b"content-encoding: gzip\r\n", len(packed), packed)


class _Connection(asyncio.Protocol):
    def __init__(self, graph: OlderGraph, latency_seconds: float) -> None:
        self._graph, self._latency = graph, latency_seconds
        self._transport: asyncio.Transport | None = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, received: bytes) -> None:
        self._held += received
        while b"\r\n\r\n" in self._held:
            head, self._held = self._held.split(b"\r\n\r\n", 1)
            target = head.split(b" ", 2)[1].decode()
            if target == "/bench/requests":
                self._write(_http(orjson.dumps(self._graph.requests)))
            else:
                answer = self._graph.answer(target)
                asyncio.get_running_loop().call_later(self._latency, self._write, answer)

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(graph: OlderGraph, latency_ms: float, tenant_id: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(graph, latency_ms / 1000), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"ready http://127.0.0.1:{port} tenant={tenant_id}", flush=True)
    await server.serve_forever()


def main(arguments: Iterable[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.older_graph")
    parser.add_argument("--tenant", type=Path, required=True)
    parser.add_argument("--columns", type=Path, required=True, help="by collection: column and its type")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    asked = parser.parse_args(None if arguments is None else list(arguments))
    store = load(asked.tenant).store
    graph = OlderGraph(store, orjson.loads(asked.columns.read_bytes()))
    uvloop.run(_serve(graph, asked.latency_ms, store.tenant_id))


if __name__ == "__main__":
    main()
