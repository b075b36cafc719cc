"""Changes that follow from others are set aside under their cause: the rules of `shared.catalog.noise`, as functions.

Invariants: a rule sets a change aside only where its cause stands in the same report, or where the rule itself says why
nothing is lost; what is set aside is still listed, with the rule and the cause.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shared.catalog.reasons import FILLED_BY_RULE
from shared.recovery.difference import DELETIONS, Change
from shared.recovery.facts import ACTIVATION, LICENCES, REPEATS

STAMPS = frozenset({"modifiedDateTime", "lastModifiedDateTime", "lastModifiedBy", "version"})
"""Written by the service whenever anything else of the object changes."""

FILLING = frozenset({"membershipRule", "membershipRuleProcessingState", "groupTypes", "membershipType"})
"""Attributes that decide who is a member."""


@dataclass(slots=True)
class Causes:
    """What the changes of a report can cause in others: keys → the id of the change."""

    deleted: dict[str, str] = field(default_factory=dict)
    touched: dict[str, str] = field(default_factory=dict)
    """Object → its first change that is no stamp."""
    licensed: dict[str, str] = field(default_factory=dict)
    filled: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    activated: dict[str, str] = field(default_factory=dict)

    def learn(self, change: Change) -> None:
        """Remember what others may follow from this."""
        if change.repeats == ACTIVATION:
            self.activated[change.fact] = change.change_id
        elif change.fact and not change.repeats:
            self.facts[change.fact] = change.change_id
        if change.link:
            return
        if change.change_type in DELETIONS:
            self.deleted[change.object_id] = change.change_id
        if change.attribute in STAMPS:
            return
        self.touched.setdefault(change.object_id, change.change_id)
        if change.attribute == "assignedLicenses":
            self.licensed[change.object_id] = change.change_id
        if change.attribute in FILLING:
            self.filled[change.object_id] = change.change_id


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


def _activation(change: Change, causes: Causes) -> str | None:
    if change.repeats == ACTIVATION:
        return ""
    return causes.activated.get(change.fact) if change.fact else None


def _links_of_deleted(change: Change, causes: Causes) -> str | None:
    if change.change_type == "linkRemoved":
        return causes.deleted.get(change.object_id) or causes.deleted.get(change.target_id)
    if change.change_type in DELETIONS:
        return next((causes.deleted[one] for one in change.about if one in causes.deleted), None)
    return None


def _same_fact(change: Change, causes: Causes) -> str | None:
    if change.repeats == REPEATS:
        return causes.facts.get(change.fact)
    return causes.licensed.get(change.object_id) if change.attribute == "licenseAssignmentStates" else None


def _licences(change: Change, causes: Causes) -> str | None:
    if change.attribute not in LICENCES:
        return None
    for group in change.about:
        member = f"group|{group}|members|{change.object_id}"
        cause = causes.deleted.get(group) or causes.licensed.get(group) or causes.facts.get(member)
        if cause:
            return cause
    return None


def _filled_by_rule(change: Change, causes: Causes) -> str | None:
    if not change.link or change.reason != FILLED_BY_RULE:
        return None
    return causes.filled.get(change.object_id) or causes.touched.get(change.target_id)


def _stamps(change: Change, causes: Causes) -> str | None:
    return causes.touched.get(change.object_id) if change.attribute in STAMPS else None


def _unique_name(change: Change, _: Causes) -> str | None:
    given = change.attribute == "uniqueName" and not change.old_value and change.new_value == change.object_id
    return "" if given and change.new_object_id else None


RULES: Mapping[str, Rule] = {
    "linksOfDeletedObjects": _links_of_deleted,
    "licencesThroughGroups": _licences,
    "activations": _activation,
    "sameFactTwice": _same_fact,
    "rulesFillGroups": _filled_by_rule,
    "serverChurn": _stamps,
    "uniqueNameOfRecreated": _unique_name,
}
"""In the order in which they are asked. `namesOfOthers`, like most churn, is settled before: such a property is
volatile in its row, and differs unseen."""
