"""Links whose other end the restore point does not hold: kept as they are, and listed in the coverage.

A full backup looks at every link. A later one looks at the links that it added, and again at those that dangled
before, so that its cost follows the change. A link to what no backup captures (a contact, an object of another tenant)
is among them, and rightly: restoring it is not in Cairn's hands.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.backup.checkpoint import COVERAGE_LIMIT, Json
from shared.errors import Corrupt, Missing
from shared.repository.coverage import read_coverage, store_coverage
from shared.repository.manifest import Manifest, TypeEntry
from shared.repository.records import LinkRecord
from shared.repository.restore_point import RestorePoint
from shared.repository.store import BlobStore
from shared.repository.view import TypeView

DANGLES = "danglingLink"


async def with_dangling(vault: BlobStore, draft: Manifest, previous: Manifest | None) -> dict[str, TypeEntry]:
    """The draft's types, with their dangling links in the coverage; a type's outcome is not changed by them."""
    old = {name: await _listed(vault, entry, draft.tenant_id) for name, entry in draft.types.items()}
    if draft.kind == "full" or previous is None:
        found: dict[str, list[LinkRecord]] = {}
        async for link in RestorePoint(vault, draft).dangling_links():
            found.setdefault(link.source_type, []).append(link)
    else:
        found = await _in_what_changed(vault, draft, previous)
    types: dict[str, TypeEntry] = {}
    for name, entry in draft.types.items():
        others = [one for one in old[name] if one.get("kind") != DANGLES]
        dangling = [_entry(link) for link in found.get(name, [])[:COVERAGE_LIMIT]]
        if len(others) == len(old[name]) and not dangling:
            types[name] = entry
            continue
        types[name] = replace(entry, coverage=await store_coverage(vault, draft.tenant_id, [*others, *dangling]))
    return types


async def _in_what_changed(vault: BlobStore, draft: Manifest, previous: Manifest) -> dict[str, list[LinkRecord]]:
    views = {name: TypeView(vault, draft.tenant_id, name, entry.layers) for name, entry in draft.types.items()}
    found: dict[str, list[LinkRecord]] = {}
    for name, entry in draft.types.items():
        before = previous.types[name].layers if name in previous.types else ()
        added = entry.layers[len(before):] if entry.layers[: len(before)] == before else entry.layers
        known: list[Json] = []
        if added is not entry.layers:
            try:
                known = await _listed(vault, previous.types[name], draft.tenant_id)
            except (Missing, Corrupt):  # then every link is looked at once more
                added = entry.layers
        candidates = {
            (link.source_id, link.link, link.target_id): link
            async for link in TypeView(vault, draft.tenant_id, name, added).links()
        }
        for one in known:
            if one.get("kind") == DANGLES:
                link = LinkRecord(name, one["objectId"], one["what"], one["targetId"], one["targetType"])
                candidates.setdefault((link.source_id, link.link, link.target_id), link)
        if not candidates:
            continue
        held = await _held({target for _, _, target in candidates}, views)
        open_ends = [link for key, link in candidates.items() if key[2] not in held]
        living = await views[name].links_of({link.source_id for link in open_ends}) if open_ends else {}
        still = {(link.source_id, link.link, link.target_id) for links in living.values() for link in links}
        found[name] = [link for link in open_ends if (link.source_id, link.link, link.target_id) in still]
    return found


async def _held(targets: set[str], views: Mapping[str, TypeView]) -> set[str]:
    """Those of the targets that some type holds."""
    held: set[str] = set()
    for view in views.values():
        left = targets - held
        if not left:
            break
        held.update(await view.hashes_of(left))
    return held


async def _listed(vault: BlobStore, entry: TypeEntry, tenant_id: str) -> list[Json]:
    if not entry.coverage.count:
        return []
    return [one async for one in read_coverage(vault, tenant_id, entry.coverage)]


def _entry(link: LinkRecord) -> Json:
    return {
        "kind": DANGLES, "objectId": link.source_id, "what": link.link, "targetId": link.target_id,
        "targetType": link.target_type, "reason": "The other end of this link is not in the restore point.",
        "remedy": "Nothing: it is kept, and comes back with the object it points to.",
    }  # fmt: skip

