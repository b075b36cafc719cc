"""A tenant as it was a while ago, for the length of one read: what a replica answers that has not caught up.

The change log is played backwards: new objects and links are gone, deleted ones are there again, changed ones are as
they were, and the bin holds what it held. `Rewound.forward` puts everything back exactly. Reads alone may look at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson

from local.simulator.store import Change, Deleted, Record

if TYPE_CHECKING:
    from local.simulator.store import Store


class Rewound:
    """The store, set back `seconds`; `seq` is the last change that it knows of."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._steps: list[Callable[[], object]] = []
        self._kept, store.indexes = store.indexes, {}  # an index of now would find what is gone
        horizon = store.clock.now() - seconds
        self.seq = 0
        for change in reversed(store.log):
            if change.at < horizon:
                self.seq = change.seq
                break
            self._back(change)

    def forward(self) -> None:
        """Put everything back as it is."""
        while self._steps:
            self._steps.pop()()
        self._store.indexes = self._kept

    def _back(self, change: Change) -> None:
        store, key = self._store, change.key
        match change.kind:
            case "create":
                self._take_out(key)
            case "restore":
                self._take_out(key)
                self._put_in_bin(change)
            case "update":
                record = store.records.get(key)
                if record is not None and change.before is not None:
                    self._set_body(record, change.before)
            case "delete":
                entry = store.bin.pop(key, None)
                if entry is not None:
                    self._steps.append(lambda: store.bin.__setitem__(key, entry))
                self._put_back(change)
            case "purge":
                if orjson.loads(change.before or b"{}").get("deletedDateTime"):
                    self._put_in_bin(change)
                else:
                    self._put_back(change)
            case "link":
                links = store.link_set(change.name)
                if links.remove(key, change.target):
                    self._steps.append(lambda: links.add(key, change.target))
            case "unlink":
                links = store.link_set(change.name)
                if links.add(key, change.target):
                    self._steps.append(lambda: links.remove(key, change.target))

    def _set_body(self, record: Record, body: bytes) -> None:
        now = record.body
        record.body = body
        self._steps.append(lambda: setattr(record, "body", now))

    def _take_out(self, key: str) -> None:
        store = self._store
        record = store.records.pop(key, None)
        if record is None:
            return
        keys = store.table(record.table).keys
        keys[record.position] = None

        def again() -> None:
            store.records[key] = record
            keys[record.position] = key

        self._steps.append(again)

    def _put_back(self, change: Change) -> None:
        store, key = self._store, change.key
        if key in store.records or change.before is None:
            return
        keys = store.table(change.table).keys
        store.records[key] = Record(key, change.table, change.before, len(keys), change.seq)
        keys.append(key)

        def away() -> None:
            keys.pop()
            del store.records[key]

        self._steps.append(away)

    def _put_in_bin(self, change: Change) -> None:
        store, key = self._store, change.key
        if key in store.bin or change.before is None:
            return
        store.bin[key] = Deleted(Record(key, change.table, change.before, -1), change.at, [])
        self._steps.append(lambda: store.bin.pop(key))
