"""The repository's format version: written once when a vault is first used, refused when unknown."""

import orjson

from shared.errors import AlreadyWritten, Corrupt, Missing, NotARepository, UnknownFormat
from shared.repository.names import FORMAT
from shared.repository.records import canonical
from shared.repository.store import BlobStore

VERSION = 1


async def initialise(store: BlobStore) -> None:
    """Make the vault a repository if it is none yet; safe to repeat; UnknownFormat if it is of another
    version."""
    try:
        await check_format(store)
    except NotARepository:
        try:
            await store.put_new(FORMAT, canonical({"format": "cairn-repository", "version": VERSION}))
        except AlreadyWritten:
            await check_format(store)


async def check_format(store: BlobStore) -> None:
    """Return if this is a repository that this Cairn can read; NotARepository, UnknownFormat or Corrupt
    otherwise."""
    try:
        content = await store.get(FORMAT)
    except Missing:
        raise NotARepository("there is no format.json in the vault") from None
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Corrupt("format.json is not JSON") from error
    if not isinstance(found, dict) or found.get("format") != "cairn-repository":
        raise NotARepository("format.json is not Cairn's")
    if found.get("version") != VERSION:
        raise UnknownFormat(f"the repository has format version {found.get('version')}; this Cairn knows {VERSION}")
