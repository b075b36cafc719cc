"""A vault in memory with a clock that tests can turn, and short ways to write restore points into it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.repository.lawful_store import LawfulStore
from shared.repository.manifest import Layer, Manifest, SegmentRef, TypeEntry
from shared.repository.memory_store import MemoryBlobStore
from shared.repository.sealing import seal
from shared.repository.segments import SegmentWriter, store_segment
from shared.repository.store import BlobStore

TENANT = "0f0e0d0c-0b0a-0908-0706-050403020100"


@dataclass
class Clock:
    at: datetime = datetime(2026, 11, 21, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **ahead: float) -> None:
        self.at += timedelta(**ahead)


@dataclass
class Vault:
    """Everything a test of the repository needs; `plain` is what lies beneath the law."""

    clock: Clock
    plain: MemoryBlobStore
    store: BlobStore
    tenant: str = TENANT
    runs: int = field(default=0)

    async def segment(
        self, object_type: str, objects: Iterable[tuple[Any, ...]] = (), links: Iterable[Any] = ()
    ) -> SegmentRef:
        """objects: (id, body) or (id, None) for a removal; links: (source, link, target, present)."""
        objects, links = list(objects), list(links)
        writer = SegmentWriter(object_type, "links" if links else "objects")
        for object_id, body, *volatile in objects:
            if body is None:
                writer.put_removed(object_id, "softDeleted")
            else:
                writer.put_object(object_id, body, *volatile)
        for source, link, target, present in links:
            (writer.put_link if present else writer.put_unlink)(source, link, target, "user")
        with writer.finish() as draft:
            return await store_segment(self.store, self.tenant, draft, now=self.clock())

    async def layer(
        self, object_type: str, objects: Iterable[tuple[Any, ...]] = (), links: Iterable[Any] = ()
    ) -> Layer:
        objects, links = list(objects), list(links)
        return Layer(
            (await self.segment(object_type, objects),) if objects else (),
            (await self.segment(object_type, links=links),) if links else (),
        )

    def draft(
        self, types: dict[str, tuple[Layer, ...]], *, kind: Any = "full", days: float = 30, run: str = ""
    ) -> Manifest:
        self.runs += 1
        now = self.clock()
        return Manifest(
            tenant_id=self.tenant,
            run_id=run or f"run-{self.runs}",
            kind=kind,
            started=now - timedelta(minutes=2),
            finished=now,
            expires=now + timedelta(days=days),
            catalog_version="1",
            types={
                name: TypeEntry(
                    "complete", read_at="2026-11-21T10:00:00Z", layers=layers, counts={"objects": 1}, requests=2
                )
                for name, layers in types.items()
            },
        )

    def counting(self) -> list[tuple[str, int]]:
        """From now on, every read as (name, bytes)."""
        reads: list[tuple[str, int]] = []
        get, get_range = self.plain.get, self.plain.get_range

        async def counted_get(name: str) -> bytes:
            content = await get(name)
            reads.append((name, len(content)))
            return content

        async def counted_range(name: str, offset: int, length: int) -> bytes:
            content = await get_range(name, offset, length)
            reads.append((name, len(content)))
            return content

        self.plain.get, self.plain.get_range = counted_get, counted_range  # type: ignore[method-assign]
        return reads

    async def sealed(self, types: dict[str, tuple[Layer, ...]] | None = None, **options: Any) -> Manifest:
        if types is None:
            types = {"user": (await self.layer("user", [(f"u{self.runs}", {"n": self.runs})]),)}
        return await seal(self.store, self.draft(types, **options))


@pytest.fixture
def vault() -> Vault:
    clock = Clock()
    plain = MemoryBlobStore(now=clock)
    return Vault(clock, plain, LawfulStore(plain, now=clock))
