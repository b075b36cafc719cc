"""Exports: a list of objects as a CSV file in the workspace, for a link that is made anew each time it is asked for."""

import hashlib
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from shared.browse.listing import Filter, Listing
from shared.browse.search.parsing import parse
from shared.browse.search.screens import OBJECTS
from shared.messages import ObjectFilter
from shared.repository.names import tenant_prefix
from shared.repository.store import BlobStore

LINK_VALID = timedelta(minutes=15)


class Linking(Protocol):
    """A container that can give a blob out by a signed address."""

    async def link(self, name: str, *, file_name: str, valid: timedelta) -> str:
        """The address; Missing if there is no such blob or none can be made."""


def export_name(tenant_id: str, task_id: str) -> str:
    """The blob of a task's export."""
    return f"{tenant_prefix(tenant_id)}exports/{hashlib.sha256(task_id.encode()).hexdigest()[:32]}.csv"


def filter_of(message: ObjectFilter) -> Filter:
    """The filter that a message carries; SearchError if its search cannot be read."""
    return Filter(
        query=parse(message["text"], OBJECTS), text=message["text"], types=tuple(message["types"]),
        group_kind=message["groupKind"], user_type=message["userType"], synced=message["synced"], mfa=message["mfa"],
        mail_enabled=message["mailEnabled"], deleted=message["deleted"], object_ids=tuple(message["objectIds"]),
        order=message["order"], backwards=message["backwards"],
    )


def message_of(chosen: Filter) -> ObjectFilter:
    """The inverse of filter_of."""
    return ObjectFilter(
        text=chosen.text, types=list(chosen.types), groupKind=chosen.group_kind, userType=chosen.user_type,
        synced=chosen.synced, mfa=chosen.mfa, mailEnabled=chosen.mail_enabled, deleted=chosen.deleted,
        objectIds=list(chosen.object_ids), order=chosen.order, backwards=chosen.backwards,
    )


async def csv_bytes(listing: Listing, chosen: Filter) -> bytes:
    """The objects as CSV, in memory."""
    with TemporaryDirectory(prefix="cairn-export-") as folder:
        path = Path(folder) / "objects.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            await listing.export(chosen, file)
        return path.read_bytes()


async def export_to(listing: Listing, workspace: BlobStore, chosen: Filter, name: str) -> int:
    """Write the objects as CSV under this name; how many they are. Safe to repeat: it is written anew."""
    with TemporaryDirectory(prefix="cairn-export-") as folder:
        path = Path(folder) / "objects.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = await listing.export(chosen, file)
        await workspace.delete(name)
        with path.open("rb") as content:
            await workspace.put_new(name, content)
    return rows
