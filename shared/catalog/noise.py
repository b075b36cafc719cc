"""Which changes a difference does not count, each as a rule that is listed in the docs and can be switched off.

A rule may collapse or set aside what the service did by itself; none may hide what an administrator did.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """One rule: what it sets aside, and why nothing is lost by it."""

    name: str
    what: str
    why: str


_ROWS = (
    NoiseRule(
        "licencesThroughGroups",
        "A licence that a user gains or loses through a group shows under the group's change of licences or members.",
        "The user's own assignment did not change; licenseAssignmentStates says which group it comes from.",
    ),
    NoiseRule(
        "linksOfDeletedObjects",
        "Links that went with a deleted object hang under its deletion.",
        "They come back with the object, and are restored with it.",
    ),
    NoiseRule(
        "serverChurn",
        "Properties that the service changes by itself (listed as volatile for each type) are no change.",
        "Sign-in times, replication stamps and derived plans move without anybody's doing; an administrator's change "
        "always shows in another property too.",
    ),
    NoiseRule(
        "sameFactTwice",
        "What Microsoft Graph shows in two places counts once: a member of a role and a role over an administrative "
        "unit are role assignments; a PIM schedule without an end is an assignment.",
        "The type that stands for the fact is named in the row and shows the change.",
    ),
    NoiseRule(
        "activations",
        "An eligible role or membership that its owner activated for some hours is no change.",
        "It ends by itself; the eligible assignment behind it is compared.",
    ),
    NoiseRule(
        "rulesFillGroups",
        "Members that a dynamic rule adds or removes hang under the change of the rule or of the member.",
        "They follow from the rule and cannot be written; the rule itself is compared.",
    ),
    NoiseRule(
        "namesOfOthers",
        "Names that an object repeats of another (principalDisplayName, resourceDisplayName) are no change.",
        "The rename shows where it happened.",
    ),
    NoiseRule(
        "uniqueNameOfRecreated",
        "The uniqueName that Cairn gives an object which it creates anew, and which had none, is no change.",
        "It holds the old id, so that a repeated creation makes no second object; it cannot be removed.",
    ),
)

NOISE_RULES: Mapping[str, NoiseRule] = {rule.name: rule for rule in _ROWS}
