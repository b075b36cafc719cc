"""Where plans and receipts lie: pages of a plan in the vault under their hashes, receipts beside them, the journal of a
running batch in the workspace.

    vault      restores/{r}/plan/{sha256}.json        one page a batch, one for what is left, one that names them all
               restores/{r}/receipts/{batch}.json     written once, when the batch has ended
    workspace  restores/{r}/journal/{batch}/{n}.json  before each group of requests: what is about to be sent, and what
                                                      became of the group before

The hash of the page that names the others is the plan's hash: it holds no time and no restore's id, so equal situations
have equal hashes.
"""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import orjson

from shared.errors import AlreadyWritten, Corrupt, Missing
from shared.records.table import key_of
from shared.recovery.order import Batch, Ordering
from shared.recovery.plan import KINDS, Finding, NotRestored, Operation
from shared.recovery.state import Json
from shared.repository.names import tenant_prefix
from shared.repository.records import canonical
from shared.repository.retention import put_same
from shared.repository.store import BlobStore, at_once

KEPT = timedelta(days=365)
"""Plans and receipts are evidence: they outlive most restore points."""

FORMAT, VERSION = "cairn-plan", 1
PAGE = 2_000
"""Entries of what is left on one page."""
PAGES_AT_ONCE = 8
"""Pages of operations that are on their way into the vault, and in memory, at a time."""


@dataclass(frozen=True, slots=True)
class PlanIndex:
    """The page that names the others."""

    backup_id: str
    options: Mapping[str, Any]
    counts: Mapping[str, int]
    waves: tuple[tuple[tuple[int, ...], ...], ...]
    pages: tuple[str, ...]
    """SHA-256 of each batch's page; batch 1 is the first."""
    left_pages: tuple[str, ...]
    findings: tuple[Finding, ...]
    missing_permissions: tuple[str, ...]
    sha256: str = ""

    @property
    def total(self) -> int:
        """How many operations there are."""
        return sum(count for kind, count in self.counts.items() if kind != "leave")

    def as_bytes(self) -> bytes:
        """The page's file."""
        return canonical({
            "format": FORMAT, "formatVersion": VERSION, "backupId": self.backup_id, "options": dict(self.options),
            "counts": dict(self.counts), "waves": self.waves, "pages": self.pages, "leftPages": self.left_pages,
            "findings": [one.as_json() for one in self.findings],
            "missingPermissions": list(self.missing_permissions),
        })

    @staticmethod
    def from_bytes(content: bytes) -> "PlanIndex":
        """The inverse of as_bytes."""
        value = orjson.loads(content)
        return PlanIndex(
            value["backupId"], value["options"], value["counts"],
            tuple(tuple(tuple(lane) for lane in wave) for wave in value["waves"]), tuple(value["pages"]),
            tuple(value["leftPages"]), tuple(Finding.from_json(one) for one in value["findings"]),
            tuple(value["missingPermissions"]), hashlib.sha256(content).hexdigest(),
        )


@dataclass(slots=True)
class Journal:
    """What is known of a running batch: receipts by order, and what was about to be sent when it was last heard of."""

    receipts: dict[int, Json] = field(default_factory=dict)
    intents: set[int] = field(default_factory=set)
    next: int = 1
    sealed: bool = False


class RestoreStore:
    """The blobs of one restore."""

    def __init__(self, vault: BlobStore, workspace: BlobStore, tenant_id: str, restore_id: str) -> None:
        self._vault, self._workspace = vault, workspace
        self.prefix = f"{tenant_prefix(tenant_id)}restores/{key_of(restore_id)}/"

    # -- the plan -----------------------------------------------------------------------------------------------

    async def put_plan(
        self, ordering: Ordering, left: AsyncIterator[NotRestored], findings: Iterable[Finding],
        missing: Iterable[str], *, backup_id: str, options: Mapping[str, Any], now: datetime,
    ) -> PlanIndex:
        """Store the plan and return the page that names it all; safe to repeat. A few pages are in memory at a time."""
        kinds: Counter[str] = Counter()
        pages: list[str] = []
        for some in batched(ordering.batches(), PAGES_AT_ONCE, strict=False):
            kinds.update(one.kind for batch in some for one in batch.operations)
            pages += await at_once(self._page([one.as_json() for one in batch.operations], now) for batch in some)
        left_pages: list[str] = []
        entries: list[Json] = []
        async for one in left:
            entries.append(one.as_json())
            if len(entries) == PAGE:
                left_pages.append(await self._page(entries, now))
                kinds["leave"] += len(entries)
                entries = []
        if entries:
            left_pages.append(await self._page(entries, now))
            kinds["leave"] += len(entries)
        index = PlanIndex(
            backup_id, options, {kind: kinds[kind] for kind in (*KINDS, "leave")}, ordering.waves, tuple(pages),
            tuple(left_pages), tuple(findings), tuple(sorted(missing)),
        )
        content = index.as_bytes()
        digest = hashlib.sha256(content).hexdigest()
        await put_same(self._vault, self._plan(digest), content, retain_until=now + KEPT)
        return PlanIndex.from_bytes(content)

    async def plan(self, digest: str) -> PlanIndex:
        """The plan of that hash; Missing or Corrupt."""
        return PlanIndex.from_bytes(await self._checked(digest))

    async def batch(self, index: PlanIndex, number: int) -> Batch:
        """One batch of the plan."""
        values = orjson.loads(await self._checked(index.pages[number - 1]))
        return Batch(number, tuple(Operation.from_json(one) for one in values))

    async def operations(self, index: PlanIndex, after: int = 0) -> AsyncIterator[Operation]:
        """The plan's operations in their order, from the one after `after` on."""
        for number in range(1, len(index.pages) + 1):
            batch = await self.batch(index, number)
            if batch.operations and batch.operations[-1].order <= after:
                continue
            for one in batch.operations:
                if one.order > after:
                    yield one

    async def not_restored(self, index: PlanIndex) -> AsyncIterator[NotRestored]:
        """What is left, and why."""
        for digest in index.left_pages:
            for one in orjson.loads(await self._checked(digest)):
                yield NotRestored.from_json(one)

    async def _page(self, value: list[Json], now: datetime) -> str:
        content = canonical(value)
        digest = hashlib.sha256(content).hexdigest()
        await put_same(self._vault, self._plan(digest), content, retain_until=now + KEPT)
        return digest

    async def _checked(self, digest: str) -> bytes:
        content = await self._vault.get(self._plan(digest))
        if hashlib.sha256(content).hexdigest() != digest:
            raise Corrupt("a page of the plan is not what its name says", remedy="Plan the restore again.")
        return content

    def _plan(self, digest: str) -> str:
        return f"{self.prefix}plan/{digest}.json"

    # -- receipts -----------------------------------------------------------------------------------------------

    async def journal(self, number: int) -> Journal:
        """What is known of a batch."""
        sealed = await self.receipts(number)
        if sealed is not None:
            return Journal({one["order"]: one for one in sealed}, sealed=True)
        found = Journal()
        async for entry in self._workspace.list(self._journal(number)):
            value = orjson.loads(await self._workspace.get(entry.name))
            for one in value["receipts"]:
                found.receipts[one["order"]] = one
            found.intents.update(value["intents"])
            found.next = int(entry.name.rpartition("/")[2].removesuffix(".json")) + 1
        return found

    async def write_journal(
        self, number: int, place: int, *, intents: Iterable[int], receipts: Iterable[Json]
    ) -> None:
        """One entry; AlreadyWritten where another runner of the same batch was faster, who then goes on alone."""
        content = orjson.dumps({"intents": list(intents), "receipts": list(receipts)})
        await self._workspace.put_new(f"{self._journal(number)}{place:06d}.json", content)

    async def seal_receipts(self, number: int, receipts: Iterable[Json], now: datetime) -> None:
        """Write a batch's receipts into the vault; safe to repeat."""
        content = canonical(sorted(receipts, key=lambda one: int(one["order"])))
        try:
            await self._vault.put_new(self._receipts(number), content, retain_until=now + KEPT)
        except AlreadyWritten:
            return  # a twin sealed them

    async def receipts(self, number: int) -> list[Json] | None:
        """A batch's receipts, or None while it is not ended."""
        try:
            found: list[Json] = orjson.loads(await self._vault.get(self._receipts(number)))
        except Missing:
            return None
        return found

    async def all_receipts(self, index: PlanIndex) -> dict[int, Json]:
        """Every receipt there is, by the operation's order."""
        found: dict[int, Json] = {}
        for number in range(1, len(index.pages) + 1):
            found.update((await self.journal(number)).receipts)
        return found

    def _journal(self, number: int) -> str:
        return f"{self.prefix}journal/{number:06d}/"

    def _receipts(self, number: int) -> str:
        return f"{self.prefix}receipts/{number:06d}.json"

    # -- other blobs of the restore -----------------------------------------------------------------------------

    async def put_note(self, name: str, value: Any) -> None:
        """Keep something small in the workspace."""
        await self._workspace.put(f"{self.prefix}{name}.json", orjson.dumps(value))

    async def note(self, name: str) -> Any:
        """What `put_note` kept, or None."""
        try:
            return orjson.loads(await self._workspace.get(f"{self.prefix}{name}.json"))
        except Missing:
            return None

    async def put_evidence(self, name: str, value: Any, now: datetime) -> None:
        """Keep something in the vault, once."""
        try:
            await self._vault.put_new(f"{self.prefix}{name}.json", canonical(value), retain_until=now + KEPT)
        except AlreadyWritten:
            return

    async def evidence(self, name: str) -> Any:
        """What `put_evidence` kept, or None."""
        try:
            return orjson.loads(await self._vault.get(f"{self.prefix}{name}.json"))
        except Missing:
            return None

    # -- secrets ------------------------------------------------------------------------------------------------

    async def keep_secret(self, name: str, value: Json) -> Json:
        """Keep an encrypted secret under a name; the first one counts, and is returned."""
        place = f"{self.prefix}credentials/{name}.json"
        try:
            await self._workspace.put_new(place, orjson.dumps(value))
        except AlreadyWritten:
            kept: Json = orjson.loads(await self._workspace.get(place))
            return kept
        return value

    async def secrets(self) -> AsyncIterator[tuple[str, Json]]:
        """Every secret that was not fetched yet, by its blob's name; one in a Key Vault by its place, not `secret`."""
        async for entry in self._workspace.list(f"{self.prefix}credentials/"):
            yield entry.name, orjson.loads(await self._workspace.get(entry.name))

    @staticmethod
    def order_of(name: str) -> int:
        """The operation that the secret of this blob was made for."""
        return int(name.rpartition("/")[2].removesuffix(".json"))

    async def replace_secret(self, name: str, place: Json) -> None:
        """Keep where a secret is now in its stead; safe to repeat."""
        await self._workspace.put(name, orjson.dumps(place))

    async def drop_secret(self, order: int) -> None:
        """Drop what was kept for an operation that is not sent; safe to repeat."""
        await self.forget(f"{self.prefix}credentials/{order:08d}.json")

    async def forget(self, name: str) -> None:
        """Drop a secret that was fetched; safe to repeat."""
        await self._workspace.delete(name)
