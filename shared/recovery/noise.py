"""Changes that follow from others are set aside under their cause: the rules of `shared.catalog.noise`, as functions.

Invariants: a rule sets a change aside only where its cause stands in the same report, or where the rule itself says why
nothing is lost; what is set aside is still listed, with the rule and the cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shared.recovery.difference import DELETIONS, Change

STAMPS = frozenset({"modifiedDateTime", "lastModifiedDateTime", "lastModifiedBy", "version"})
"""Written by the service whenever anything else of the object changes."""


@dataclass(slots=True)
class Causes:
    """What the changes of a report can cause in others."""

    deleted: dict[str, str] = field(default_factory=dict)
    touched: dict[str, str] = field(default_factory=dict)
    """Object → its first change that is no stamp."""

    def learn(self, change: Change) -> None:
        """Remember what others may follow from this."""
        if change.change_type in DELETIONS:
            self.deleted[change.object_id] = change.change_id
        if change.change_type == "changed" and change.attribute not in STAMPS:
            self.touched.setdefault(change.object_id, change.change_id)


type Rule = Callable[[Change, Causes], str | None]
"""The id of the cause, empty where the rule needs none, or None where it does not apply."""


def collapsed(change: Change, causes: Causes, switched: Mapping[str, bool]) -> Change:
    """The change, under its cause where a rule that is on says so."""
    for name, rule in RULES.items():
        if not switched.get(name, True):
            continue
        cause = rule(change, causes)
        if cause is not None and cause != change.change_id:
            return replace(change, noise=name, caused_by=cause)
    return change


def _links_of_deleted(change: Change, causes: Causes) -> str | None:
    if change.change_type != "linkRemoved":
        return None
    return causes.deleted.get(change.object_id) or causes.deleted.get(change.target_id)


def _stamps(change: Change, causes: Causes) -> str | None:
    return causes.touched.get(change.object_id) if change.attribute in STAMPS else None


RULES: Mapping[str, Rule] = {
    "linksOfDeletedObjects": _links_of_deleted,
    "serverChurn": _stamps,
}
"""In the order in which they are asked."""
