"""A plan as lines that a person reads before approving it: who gets or loses what, by name, and what becomes of values.

Names come from the restore point and from the newest one; what neither knows is shown by its id.
"""

import unicodedata
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import orjson
from fastapi import Response

from shared.catalog import OBJECT_TYPES
from shared.catalog.paths import values
from shared.differences.names import BETWEEN, Names
from shared.errors import Missing
from shared.records.restores import Restore
from shared.recovery.plan import Operation
from shared.recovery.relink import PLACEHOLDER
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.taking_back import why_not_undone
from shared.repository.restore_point import RestorePoint
from shared.repository.store import BlobStore

AT_ONCE = 500
"""Operations whose names are looked up together."""
LONGEST = 120
"""Characters of a value that are shown."""


class PlanNames:
    """Names of what the operations of a plan mention by id."""

    def __init__(self, newest: RestorePoint, point: RestorePoint) -> None:
        self._points = (newest, point)
        self._names = Names(newest, point)

    @staticmethod
    async def open(vault: BlobStore, tenant_id: str, backup_id: str) -> "PlanNames | None":
        """Those of a plan from this restore point; None where it is no longer there."""
        try:
            return PlanNames(
                await RestorePoint.open(vault, tenant_id), await RestorePoint.open(vault, tenant_id, backup_id)
            )
        except Missing:
            return None

    async def of(self, operations: Sequence[Operation]) -> tuple[dict[int, str], dict[str, str]]:
        """Order → what an object without a name goes by, those that it joins; id → the name of what is linked."""
        joined = await self._joined([one for one in operations if _is_nameless(one)])
        wanted = {_old(target) for one in operations for target in one.targets}
        wanted |= {each for some in joined.values() for each in some}
        names = {one: name for one, name in (await self._names.of("", wanted)).items() if name}
        own = {order: BETWEEN.join(names[one] for one in some if one in names) for order, some in joined.items()}
        return own, names

    async def _joined(self, nameless: Sequence[Operation]) -> dict[int, list[str]]:
        """Order → the ids that the object names: of its creation, else as a restore point has it."""
        found = {one.order: _named_in(one.object_type, one.body) for one in nameless if isinstance(one.body, dict)}
        for point in self._points:
            by_type: dict[str, list[Operation]] = {}
            for one in nameless:
                if not found.get(one.order):
                    by_type.setdefault(one.object_type, []).append(one)
            for name, some in by_type.items():
                if name not in point.manifest.types:
                    continue
                records = await point.view(name).objects_by_id([one.object_id for one in some])
                found |= {
                    one.order: _named_in(name, records[one.object_id].body) for one in some if one.object_id in records
                }
        return found


async def plan_as_text(
    restore: Restore, index: PlanIndex, store: RestoreStore, names: PlanNames | None = None
) -> Response:
    """The plan as lines that a person reads."""
    lines = [line async for line in _lines(restore, index, store, names)]
    return Response("".join(f"{on_one_line(line)}\n" for line in lines), media_type="text/plain; charset=utf-8")


def on_one_line(text: str) -> str:
    """The text with its controls written out.

    Names are what a tenant's people made of them: one that ends a line could pass for an operation of the plan, one
    with terminal controls could hide some, and one that turns the direction of text around could swap them.
    """
    return "".join(
        f"\\u{ord(one):04x}" if unicodedata.category(one) in _CONTROLS or one in _TURNS else one for one in text
    )


_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


async def _lines(
    restore: Restore, index: PlanIndex, store: RestoreStore, names: PlanNames | None
) -> AsyncIterator[str]:
    yield f"Restore {restore['restoreId']} from restore point {index.backup_id}"
    yield f"Plan {index.sha256}"
    yield ", ".join(f"{count} {kind}" for kind, count in index.counts.items() if count) or "Nothing differs."
    for finding in index.findings:
        yield f"{'HELD BACK' if finding.blocks else 'Note'}: {finding.message}"
    if index.missing_permissions:
        yield f"Missing permissions: {', '.join(index.missing_permissions)}"
    wave = 0
    async for some in _batches(store.operations(index)):
        own, others = await names.of(some) if names is not None else ({}, {})
        for one in some:
            if one.wave != wave:
                wave = one.wave
                yield ""
                yield f"Wave {wave}"
            for line in _of_operation(one, own.get(one.order, ""), others):
                yield line
    left = False
    async for each in store.not_restored(index):
        if not left:
            yield ""
            yield "Left as it is"
            left = True
        yield f"        {each.object_type} {each.object_name or each.object_id} {each.what}: {each.reason}"


def _of_operation(one: Operation, joined: str, names: Mapping[str, str]) -> Iterator[str]:
    name = f"{joined} ({one.object_id})" if joined else one.object_name or one.object_id
    what = ""
    if one.link:
        arrow = "→" if one.kind == "link" else "no longer →"
        what = f" {one.link} {arrow} {', '.join(_called(target, names) for target in one.targets)}"
    elif one.kind == "update":
        what = f" {', '.join(one.attributes)}"
    yield f"{one.order:>6}  {one.kind:<7} {one.object_type} {name}{what}"
    if not one.method:
        yield f"        by hand: {one.reason}"
        return
    for line in _values(one):
        yield f"          {line}"
    yield f"        {one.method} {one.path}"
    yield f"        since {one.reason}"
    if why := why_not_undone(one):
        yield f"        not undone: {why}"


def _values(one: Operation) -> Iterator[str]:
    """Which value becomes which, of an update that says it."""
    if one.kind != "update" or not isinstance(one.body, dict):
        return
    before = one.expects.get("attributes", {})
    for name in one.attributes:
        if name in one.body and name in before:
            yield f"{name}: {_shown(before[name])} → {_shown(one.body[name])}"
        elif name in one.body:
            yield f"{name}: {_shown(one.body[name])}"


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _called(target: str, names: Mapping[str, str]) -> str:
    name = names.get(_old(target))
    return f"{name} ({target})" if name else target


def _old(target: str) -> str:
    """The id that a placeholder stands for, else the id itself."""
    waiting = PLACEHOLDER.fullmatch(target)
    return waiting.group(2) if waiting else target


def _is_nameless(one: Operation) -> bool:
    return one.object_name in ("", one.object_id, one.object_id.rpartition("/")[2])


def _named_in(object_type: str, body: Mapping[str, Any]) -> list[str]:
    """The ids of directory objects that the object's references name, in the order of its row."""
    found = [
        _old(value) for reference in OBJECT_TYPES[object_type].references
        if reference.by == "id" and not reference.inside_text
        for value in values(body, reference.property) if isinstance(value, str)
    ]
    return list(dict.fromkeys(found))


async def _batches(operations: AsyncIterator[Operation]) -> AsyncIterator[list[Operation]]:
    some: list[Operation] = []
    async for one in operations:
        some.append(one)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some
