"""The tenant in a file: everything, its past and its secrets included, written whole or not at all.

One JSON document; a file of another version is refused.
"""

from __future__ import annotations

import base64
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from local.simulator.clock import Clock
from local.simulator.credentials import Credentials
from local.simulator.errors import GraphError
from local.simulator.schema import load_schemas
from local.simulator.store import Actor, Change, Deleted, Record, Store
from local.simulator.tenant import Tenant

VERSION = 1


def save(tenant: Tenant, path: Path) -> None:
    """Write the tenant to a file."""
    store = tenant.store
    whole = {
        "version": VERSION,
        "tenantId": store.tenant_id,
        "aheadSeconds": store.clock.ahead_seconds,
        "seq": store.seq,
        "deltaEpoch": store.delta_epoch,
        "credentials": asdict(tenant.credentials),
        "secrets": store.secrets,
        "goneTables": store.gone_tables,
        "tables": {
            name: [None if key is None else [key, store.records[key].seq, _raw(store.records[key].body)]
                   for key in table.keys]
            for name, table in store.tables.items()
        },
        "links": {name: list(held.pairs()) for name, held in store.links.items()},
        "bin": [[each.record.key, each.record.table, _raw(each.record.body), each.at, each.links]
                for each in store.bin.values()],
        "log": [_change(each) for each in store.log],
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(orjson.dumps(whole))
    Path(part.name).replace(path)


def load(path: Path) -> Tenant:
    """The tenant of a file; GraphError 400 when it is none."""
    try:
        whole = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise GraphError(400, "BadRequest", f"{path.name} is not a tenant file.") from error
    if not isinstance(whole, dict) or whole.get("version") != VERSION:
        raise GraphError(400, "BadRequest", f"{path.name} is not a tenant file of version {VERSION}.")
    store = Store(whole["tenantId"], Clock(whole["aheadSeconds"]))
    store.seq, store.delta_epoch = whole["seq"], whole["deltaEpoch"]
    store.secrets, store.gone_tables = whole["secrets"], whole["goneTables"]
    for name, rows in whole["tables"].items():
        table = store.table(name)
        for row in rows:
            if row is not None:
                store.records[row[0]] = Record(row[0], name, _bytes(row[2]) or b"{}", len(table.keys), row[1])
                table.live += 1
            table.keys.append(row[0] if row else None)
    for name, pairs in whole["links"].items():
        held = store.link_set(name)
        for source, target in pairs:
            held.add(source, target)
    for key, table_name, body, at, links in whole["bin"]:
        record = Record(key, table_name, _bytes(body) or b"{}", -1)
        store.bin[key] = Deleted(record, at, [(one[0], one[1], one[2]) for one in links])
    for each in whole["log"]:
        change = Change(**(each | {"before": _bytes(each["before"]), "after": _bytes(each["after"]),
                                   "actor": Actor(**each["actor"])}))  # fmt: skip
        store.log.append(change)
        store.table(change.table).log.append(change)
    return Tenant(store, load_schemas(), Credentials(**whole["credentials"]))


def _raw(body: bytes | None) -> Any:
    return None if body is None else base64.b64encode(body).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _change(change: Change) -> dict[str, Any]:
    told = {name: getattr(change, name) for name in Change.__slots__}
    return told | {"before": _raw(change.before), "after": _raw(change.after), "actor": asdict(change.actor)}
