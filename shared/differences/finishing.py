"""The end of a report: every change under what caused it, who made it and when, and the figures.

Two passes over the stored changes, so that memory follows the causes and not the changes: the first learns what can
cause others, the second writes each change as the report shows it. Safe to repeat.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.differences.reports import Attribute
from shared.differences.segments import ChangeWriter, read_changes
from shared.recovery.attribution import AuditIndex, attributed
from shared.recovery.difference import CHANGE_TYPES, Change
from shared.recovery.noise import Causes, collapsed
from shared.repository.store import BlobStore

TOP_ATTRIBUTES = 5


@dataclass(slots=True)
class Figures:
    """What a report counts; changes set aside are counted apart."""

    by_change_type: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    by_attribute: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)

    def count(self, change: Change) -> None:
        """Count one change."""
        if change.noise:
            self.by_rule[change.noise] += 1
            return
        self.by_change_type[change.change_type] += 1
        self.by_type[change.object_type] += 1
        if change.attribute:
            self.by_attribute[change.attribute] += 1

    @property
    def total(self) -> int:
        """Changes that are shown unasked."""
        return self.by_change_type.total()

    @property
    def counts(self) -> dict[str, int]:
        """By change type, all six."""
        return {kind: self.by_change_type[kind] for kind in CHANGE_TYPES}

    @property
    def top_attributes(self) -> list[Attribute]:
        """Those that changed most, then by name."""
        ranked = sorted(self.by_attribute.items(), key=lambda one: (-one[1], one[0]))
        return [Attribute(attribute=name, count=count) for name, count in ranked[:TOP_ATTRIBUTES]]


async def finish(
    workspace: BlobStore, prefix: str, found: list[str], *, rules: Mapping[str, bool], audit: AuditIndex
) -> tuple[list[str], Figures]:
    """(names of the report's files, figures)."""
    causes = Causes()
    async for changes in read_changes(workspace, found):
        for change in changes:
            causes.learn(change)
    writer, figures = ChangeWriter(workspace, prefix), Figures()
    async for changes in read_changes(workspace, found):
        shown = [attributed(collapsed(change, causes, rules), audit) for change in changes]
        for change in shown:
            figures.count(change)
        await writer.put(shown)
    return await writer.finish(), figures
