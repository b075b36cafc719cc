"""Changes chosen from a difference report, as what a plan may touch: object by object, attribute by attribute, link by
link. Read-only; the plan itself is made from the two states as they are when it is made.
"""

from collections.abc import Mapping

from shared.catalog import OBJECT_TYPES
from shared.deployment import Deployment
from shared.differences.reports import Report
from shared.differences.segments import read_changes, read_list
from shared.errors import NotRestorable
from shared.recovery.chosen import WHOLE, Chosen, of_link
from shared.recovery.difference import DELETIONS, Change
from shared.recovery.options import RestoreOptions, Selection

type Key = tuple[str, str]

NOT_REPORTED = "the report tells of no such change: it was refreshed since, or the id is wrong"


async def chosen_changes(
    opened: Deployment, report: Report, selection: Selection, options: RestoreOptions
) -> Chosen:
    """What the chosen changes let a plan touch; NotRestorable where none of them is in the report."""
    touched: dict[Key, set[str]] = {}
    new: dict[Key, str] = {}
    asked = frozenset(selection.change_ids or selection.object_ids or ())
    found: set[str] = set()
    async for changes in read_changes(opened.workspace, await read_list(opened.workspace, report["found"])):
        for one in changes:
            if not _is_chosen(one, selection, asked):
                continue
            found |= {one.change_id, one.object_id, one.new_object_id}
            if one.change_type == "newObject":
                new[one.object_type, one.object_id] = _parent(one)
            else:
                touched.setdefault((one.object_type, one.object_id), set()).update(_what(one))
    if not found:
        raise NotRestorable(
            "The report holds none of the chosen changes.", remedy="Choose changeIds that GET …/changes lists."
        )
    deleted = options.new_objects == "softDelete"
    return Chosen(
        object_ids=tuple(dict.fromkeys(object_id for _, object_id in sorted(touched))),
        touched={key: frozenset(what) for key, what in touched.items()}, follows=True,
        new=tuple(sorted(new)) if deleted else (), kept_new=() if deleted else tuple(sorted(new)),
        parents={key: parent for key, parent in new.items() if parent},
        unknown=tuple(sorted(asked - found)),
    )


def _is_chosen(one: Change, selection: Selection, asked: frozenset[str]) -> bool:
    if selection.change_ids is not None:
        return one.change_id in asked
    if selection.object_ids is not None:
        return one.object_id in asked or one.new_object_id in asked
    if one.noise:
        return False
    return selection.types is None or one.object_type in selection.types


def _parent(one: Change) -> str:
    """The object under which a new one is read and deleted: its first holder, where its own id does not say it."""
    row = OBJECT_TYPES[one.object_type]
    return one.about[0] if row.parent and not row.key_in_parent and one.about else ""


def _what(one: Change) -> set[str]:
    if one.change_type in DELETIONS:
        return {WHOLE}
    if one.link:
        return {of_link(one.link, one.target_id)}
    return {one.attribute}


__all__ = ["Mapping", "chosen_changes"]
