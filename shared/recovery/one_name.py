"""One name for each object of a plan. Pure.

A restore point may name one object by several of the ids that it has had: a `beforeRestore` point holds what its
restore was about to touch under the ids of then, over a view that may be from before the object was made anew, and
there all else still names it by the older id. A plan reads all of it by the id that the object itself has in the point.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.catalog import OBJECT_TYPES
from shared.records.identity_map import KnownIdentities
from shared.recovery.relink import Ids, relinked
from shared.recovery.state import Wanted


def other_names(known: KnownIdentities, wanted: Iterable[Wanted]) -> Ids:
    """Every other id (and appId) that these objects have had → the one by which the restore point has them."""
    if not known.objects:
        return Ids()
    objects: dict[str, str] = {}
    applications: dict[str, str] = {}
    own = [one for one in wanted if not OBJECT_TYPES[one.object_type].one_per_parent]
    app_ids = {str(one.body.get("appId")) for one in own if one.object_type == "application"}
    by_now: dict[str, list[str]] = {}
    for old, now in known.applications.items():
        by_now.setdefault(now, [now]).append(old)
    for one in own:
        objects.update(dict.fromkeys(known.all_of(one.object_id), one.object_id))
    for app_id in app_ids:
        applications.update(dict.fromkeys(by_now.get(known.applications.get(app_id, app_id), ()), app_id))
    return Ids(_but(objects, {one.object_id for one in own}), _but(applications, app_ids))


def _but(names: Mapping[str, str], own: set[str]) -> dict[str, str]:
    return {each: name for each, name in names.items() if each not in own}


def by_one_name(wanted: Wanted, names: Ids) -> Wanted:
    """The object with all that it names under one name each."""
    if not names.objects and not names.applications:
        return wanted
    body, _ = relinked(OBJECT_TYPES[wanted.object_type], wanted.body, names)
    links = {
        link: {names.now(target): kind for target, kind in targets.items()} for link, targets in wanted.links.items()
    }
    return replace(wanted, body=body, links=links)
