"""What a restore point shows and what a tenant holds, as plain values that can be compared."""

from typing import Any

from local.simulator.store import Store
from shared.catalog import OBJECT_TYPES
from shared.repository.manifest import Manifest
from shared.repository.restore_point import RestorePoint
from shared.repository.store import BlobStore

type View = dict[str, dict[str, Any]]

LINKS = {
    "user": ("manager",), "group": ("members", "owners"), "application": ("owners",), "servicePrincipal": ("owners",),
    "administrativeUnit": ("members",), "device": (),
}
"""Links that the simulator keeps under the same names as the catalog, without those of the slow lane."""


async def view_of(vault: BlobStore, manifest: Manifest) -> View:
    """Everything that a restore point holds."""
    point = RestorePoint(vault, manifest)
    found: View = {}
    for name in manifest.types:
        view = point.view(name)
        objects = {record.object_id: record.body async for record in view.objects()}
        links = {(record.source_id, record.link, record.target_id) async for record in view.links()}
        found[name] = {"objects": objects, "links": links}
    return found


def apart(seen: View, expected: View) -> list[str]:
    """What differs between two views, property by property; without the slow lane, as old as its last full read."""
    lines = []
    for name in sorted({*seen, *expected}):
        one, other = seen[name], expected[name]
        if OBJECT_TYPES[name].slow:
            continue
        slow = {link.name for link in OBJECT_TYPES[name].links if link.slow}
        differing = sorted(link for link in one["links"] ^ other["links"] if link[1] not in slow)
        lines += [f"{name}: link only in one: {link}" for link in differing]
        only = one["objects"].keys() ^ other["objects"].keys()
        lines += [f"{name}: object only in one: {key}" for key in sorted(only)]
        for key in one["objects"].keys() & other["objects"].keys():
            a, b = one["objects"][key], other["objects"][key]
            lines += [
                f"{name} {key} {prop}: {a.get(prop, 'absent')!r} against {b.get(prop, 'absent')!r}"
                for prop in sorted({*a, *b}) if a.get(prop, "absent") != b.get(prop, "absent")
            ]
    return lines


def apart_from_truth(seen: View, store: Store) -> list[str]:
    """What of the simulator's own truth a view of it lacks or has too much: objects by key, and links."""
    lines = []
    for name, links in LINKS.items():
        keys = {record.key for record in store.all(name)}
        lines += [f"{name}: object only in one: {key}" for key in sorted(keys ^ seen[name]["objects"].keys())]
        for link in links:
            if link not in store.links:
                continue
            truth = {(source, link, target) for source, target in store.links[link].pairs() if source in keys}
            shown = {one for one in seen[name]["links"] if one[1] == link}
            lines += [f"{name}: link only in one: {one}" for one in sorted(truth ^ shown)]
    return lines
