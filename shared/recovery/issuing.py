"""Secrets and certificates that Microsoft Graph makes: taken from the answer, found again where the answer was lost.

Invariants
- A secret's text goes from the answer into the cipher and to the workspace, nowhere else, before its receipt is
  written.
- A secret whose text was lost with its answer (504, a crash) is taken away again before another is asked for, and
  looked for once more after it: none is left that opens a door and that nobody knows of.
- A certificate whose answer was lost is kept: its private part stays with Microsoft Entra, and all else is readable.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.entra.governor import Bucket
from shared.entra.pages import body_of
from shared.entra.transport import Graph
from shared.entra.writing import Write, Written, write
from shared.errors import NotFound, Rejected, Unavailable
from shared.recovery.new_credentials import CERTIFICATE, KEYS, SECRET, SECRETS, is_orphan, newest, told
from shared.recovery.plan import Operation
from shared.recovery.state import Json
from shared.recovery.store import RestoreStore
from shared.repository.tokens import TokenCipher

TRIES = 4
WAIT_SECONDS = 0.5

@dataclass(frozen=True, slots=True)
class Issuing:
    """What one restore asks for, kept."""

    graph: Graph
    store: RestoreStore
    cipher: TokenCipher
    tenant_id: str
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def keep(self, one: Operation, body: Json, find: Json, answer: Written, *, lost: bool) -> Json:
        """What the receipt says of the answer, once what it alone holds is kept."""
        if one.yields == CERTIFICATE:
            return {KEYS: [told(answer.body)]}
        if not answer.body.get("secretText"):
            raise Rejected("the answer holds no secret", remedy="Make one by hand: Certificates & secrets.")
        purpose = f"{SECRET}/{one.object_id}/{answer.body.get('keyId')}"
        sealed = await self.cipher.encrypt(str(answer.body["secretText"]), tenant_id=self.tenant_id, purpose=purpose)
        shown = told(answer.body)
        await self.store.keep_secret(_name(one), {
            "kind": SECRET, "objectType": one.object_type, "objectId": one.object_id,
            "newObjectId": _object(find).rpartition("/")[2], "purpose": purpose, "secret": sealed,
            "keyId": shown.get("keyId"), "displayName": shown.get("displayName"), "expires": shown.get("endDateTime"),
        })
        if lost:
            await self._take_away_orphans(one, body, find)
        return {SECRETS: [shown]}

    async def issued_before(self, one: Operation, body: Json, find: Json) -> Json | None:
        """What the receipt says where an earlier try is kept whole; None where it is to be asked for, orphans gone."""
        if one.yields == CERTIFICATE:
            certificate = newest((await self._read(find)).get(KEYS), str(body["displayName"]))
            return {KEYS: [told(certificate)]} if certificate else None
        kept = await self.store.note(f"credentials/{_name(one)}")
        if kept is not None:
            return {SECRETS: [told({**kept, "endDateTime": kept.get("expires")})]}
        await self._take_away_orphans(one, body, find)
        return None

    async def _take_away_orphans(self, one: Operation, body: Json, find: Json) -> None:
        kept = frozenset([str(each["keyId"]).lower() async for _, each in self.store.secrets() if each.get("keyId")])
        for there in (await self._read(find)).get(SECRETS) or ():
            if is_orphan(there, body, kept):
                await self._remove(one, _object(find), str(there["keyId"]))

    async def _remove(self, one: Operation, path: str, key_id: str) -> None:
        request = Write(
            "POST", f"{path}/removePassword", {"keyId": key_id}, permission=one.permission,
            asked="removal of a secret whose text was lost",
        )
        for tried in range(TRIES):
            try:
                await write(self.graph, request)
            except (NotFound, Rejected):
                return  # it is gone: an earlier try took it away
            except Unavailable:
                if tried == TRIES - 1:
                    raise
                await self.pause(WAIT_SECONDS)
            else:
                return

    async def _read(self, find: Json) -> Json:
        """The object as it is; empty while it is not everywhere yet."""
        try:
            keys: Bucket = "keyCredentials" if KEYS in find["path"] else ""
            return body_of(await self.graph.get_json(find["path"], asked="what was asked for", bucket=keys))
        except NotFound:
            return {}


def _name(one: Operation) -> str:
    return f"{one.order:08d}"


def _object(find: Json) -> str:
    return str(find["path"]).partition("?")[0]
