"""Apply: send what the approved plan lists, once. The only code that changes a tenant.

    for each batch: what is known of it (journal) → groups of requests → its receipts, sealed in the vault
    for each group: look at the targets → write down what is about to be sent → send → write down what became of it

Invariants
- A request is sent only after the journal says that it is about to be. After a crash, what was about to be sent and has
  no receipt is looked at before it is sent again: a creation is looked for, an update is compared, a link may exist.
- A target that is neither as the plan found it nor as it should become is `stale`: reported, never overwritten.
- Requests of one chain go one after the other. Cancelling takes effect between requests, within a second or two.
- Nothing secret is in a receipt; a password is encrypted and kept before the request that carries it.
"""

import asyncio
import base64
import secrets as randomness
import string
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from shared.catalog import OBJECT_TYPES
from shared.catalog.row import PARENT
from shared.entra.batch import Part, read_parts
from shared.entra.governor import Bucket
from shared.entra.listing import Asking, pages, with_query
from shared.entra.pages import body_of
from shared.entra.transport import Graph
from shared.entra.writing import Write, Written, is_taken, link_is_there, may_be_lag, was_made, write
from shared.errors import AlreadyWritten, EntraError, NotFound, Rejected, StoreUnavailable, Throttled, Unavailable
from shared.recovery.actions import expected_value, has_become, read_beside
from shared.recovery.issuing import Issuing
from shared.recovery.known_when_sent import resolved, waits_for_reading
from shared.recovery.looked_up import looked_up
from shared.recovery.order import Batch
from shared.recovery.plan import Operation
from shared.recovery.relink import filled, placeholders_in
from shared.recovery.requests import link_body, link_request, read_path
from shared.recovery.schedules import NOW
from shared.recovery.state import Json
from shared.recovery.store import PlanIndex, RestoreStore
from shared.recovery.writable import comparable, same
from shared.repository.tokens import TokenCipher

GROUP = 64
"""Operations written down together before they are sent, and sent side by side as far as their chains allow."""
OF_ONE_CHAIN = 12
IN_FLIGHT = 32
"""Requests of a group that wait for quota or for their answer at a time; the others can still be held back."""
TOLD_EVERY = 1.0
"""Seconds after which progress is told, and it is looked whether somebody cancelled, while a group goes on."""
LAG_SECONDS = 15 * 60.0
"""How long a refusal that may be replication lag is waited out; Microsoft states no bound."""
UNCLEAR_SECONDS = 15.0
"""The same for a 400 that names a new object and says something else: services word it in their own ways."""
GONE_SECONDS = 5.0
"""The same where nothing new is named: then it is most likely gone."""
LAG_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
INSTANCE_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between looks for an instance of a gallery template whose answer was lost: a list shows it late."""
LOST_WAITS = (0.4, 0.8, 1.6, 3.2, 6.4, 8.0)
"""Seconds before a write whose answer was lost is looked at and sent again; after the last it has failed."""

NAME_TAKEN = (
    "Another object, living or in the recycle bin, holds its name or one of its addresses: give that one another name, "
    "or delete it for good, then plan again. Living users give theirs up with deleteExistingCloudUser."
)

type Clock = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Applied:
    """What one run over a batch did."""

    finished: bool
    cancelled: bool
    done: int


@dataclass(slots=True)
class Applying:
    """One batch of one restore being applied."""

    graph: Graph
    store: RestoreStore
    cipher: TokenCipher
    tenant_id: str
    new_ids: Callable[[Iterable[str]], Awaitable[dict[str, str]]]
    """Old id → the new one, of what this restore made."""
    remember: Callable[[Operation, Json], Awaitable[None]]
    """Put a creation into the identity map; safe to repeat."""
    cancelled: Callable[[], Awaitable[bool]]
    now: Clock
    stop_at: float
    """A time of `monotonic()` at which to hand back where to go on."""
    not_imaged: Mapping[str, str] = field(default_factory=dict)
    """`type/id` of what no before image would take back, and is not written → why it could not be read."""
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody cancelled: what has not been sent yet is not sent."""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    async def run(self, index: PlanIndex, number: int, *, told: Callable[[int], Awaitable[None]]) -> Applied:
        """Go on with the batch until it is done, cancelled or out of time."""
        journal = await self.store.journal(number)
        batch = await self.store.batch(index, number)
        if journal.sealed:
            return Applied(True, False, len(journal.receipts))
        receipts, place = journal.receipts, journal.next
        uncertain = {order for order in journal.intents if order not in receipts}
        for one in batch.operations:
            if one.order in receipts:
                await self._remember(one, receipts[one.order])
        fresh: list[Json] = []
        cancelled = False
        while group := _group(batch, receipts):
            cancelled = await self.cancelled()
            if cancelled or monotonic() >= self.stop_at:
                break
            try:
                await self.store.write_journal(
                    number, place, intents=[one.order for chain in group for one in chain], receipts=fresh
                )
            except AlreadyWritten:
                raise StoreUnavailable(
                    "another runner is at this batch", remedy="Nothing: it is tried again."
                ) from None
            place += 1
            watch = asyncio.create_task(self._watch(receipts, told))
            try:
                fresh = await self._send_group(group, receipts, uncertain)
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            uncertain.update(one.order for chain in group for one in chain)
            await told(len(receipts))
        if fresh:
            await self.store.write_journal(number, place, intents=[], receipts=fresh)
        if cancelled:
            receipts.update({
                one.order: self._receipt(one, "skipped", error="the restore was cancelled before this was sent")
                for one in batch.operations if one.order not in receipts
            })
        finished = len(receipts) == len(batch.operations)
        return Applied(finished, cancelled, len(receipts))

    async def seal(self, index: PlanIndex, number: int, now: Any) -> list[Json]:
        """Write the receipts of an ended batch into the vault; what was never sent is `skipped`."""
        journal = await self.store.journal(number)
        batch = await self.store.batch(index, number)
        receipts = [
            journal.receipts.get(one.order)
            or self._receipt(one, "skipped", error="the restore ended before this was sent")
            for one in batch.operations
        ]
        await self.store.seal_receipts(number, receipts, now)
        return receipts

    # -- one group ----------------------------------------------------------------------------------------------

    async def _watch(self, receipts: Mapping[int, Json], told: Callable[[int], Awaitable[None]]) -> None:
        """Tell how far a group is and hear of a cancellation while it goes on; both are asked for again after it."""
        while not self.stopped.is_set():
            await asyncio.sleep(TOLD_EVERY)
            with suppress(StoreUnavailable):
                await told(len(receipts))
                if await self.cancelled():
                    self.stopped.set()

    async def _send_group(
        self, group: list[list[Operation]], receipts: dict[int, Json], uncertain: set[int]
    ) -> list[Json]:
        waiting = {name for chain in group for one in chain for name in _names(one)}
        known = await self.new_ids(waiting) if waiting else {}
        seen = await self._present([one for chain in group for one in chain if one.expects.get("attributes")], known)
        fresh: list[Json] = []

        async def go(chain: list[Operation]) -> None:
            for one in chain:
                if self.stopped.is_set():
                    return
                try:
                    receipt = await self._operation(one, known, seen.get(one.order), one.order in uncertain)
                except _LaterError:
                    return  # not now: this slice has no more time; what follows in the chain waits as well
                if receipt.get("newObjectId"):
                    known[one.object_id] = receipt["newObjectId"]
                    if receipt.get("newAppId"):
                        known[str(receipt["oldAppId"])] = receipt["newAppId"]
                receipts[one.order] = receipt
                fresh.append(receipt)
                await self._remember(one, receipt)

        await asyncio.gather(*(go(chain) for chain in group))
        return fresh

    async def _present(self, operations: Sequence[Operation], known: Mapping[str, str]) -> dict[int, Json]:
        """The present values of what updates expect, read together; what could not be read is not among them."""
        found: dict[int, Json] = {}
        by_version: dict[str, list[Part]] = {}
        for one in operations:
            try:
                path = filled(one.path, known)
            except KeyError:
                continue
            row = OBJECT_TYPES[one.object_type]
            if one.method != "PATCH" or row.name == "onPremisesPublishing":
                path = filled(_object_path(one), known)
            names = sorted({
                each for name in one.expects["attributes"] for each in (name, *read_beside(name))
            })
            query = with_query(path, select=",".join(names) if row.select else "", expand=",".join(row.expand))
            by_version.setdefault(one.version, []).append(Part(
                str(one.order), query, asked=f"one of {row.title}", permission="Directory.Read.All",
                bucket="conditionalAccess" if one.bucket == "conditionalAccess" else "",
            ))
        for version, parts in by_version.items():
            size = 1 if any(part.bucket for part in parts) else 20
            async with aclosing(read_parts(self.graph, parts, version=version, size=size)) as answers:
                async for answer in answers:
                    if isinstance(answer.body, dict) and answer.error is None:
                        found[int(answer.part.id)] = body_of(answer.body)
        return found

    # -- one operation ------------------------------------------------------------------------------------------

    async def _operation(
        self, one: Operation, known: Mapping[str, str], seen: Json | None, uncertain: bool
    ) -> Json:
        if one.kind == "manual":
            return self._receipt(one, "manual")
        why = self.not_imaged.get(f"{one.object_type}/{one.object_id}")
        if why is not None:
            return self._receipt(one, "failed", error=f"It could not be read before the first write, so nothing would "
                                 f"take it back: {why}", remedy="Plan again once it can be read.")
        try:
            path, body, find = filled(one.path, known), filled(one.body, known), filled(one.find, known)
            one = replace(one, parent=filled(one.parent, known))
        except KeyError:
            return self._receipt(one, "failed", error="an object that this one names was not made",
                                 remedy="Look at why that one was not made, then plan again.")
        before: Json = {}
        if one.expects.get("attributes") and seen is not None:
            verdict, before = _compared(one, seen, body, known)
            if verdict:
                return self._receipt(one, verdict, before=before, after=before if verdict == "unchanged" else {},
                                     error=_STALE if verdict == "stale" else "",
                                     remedy=_AGAIN if verdict == "stale" else "")
        if one.kind == "create" and (uncertain or one.look_first) and not _is_set_again(one):
            made = await self._made_before(one, find)
            if made is not None:
                return self._created(one, made, Written(200), uncertain=uncertain)
        if one.kind == "update" and uncertain:
            done = await self._was_updated(one, body, find)
            if done is not None:
                return {**done, "before": before} if before else done
        try:
            payload = await self._payload(one, path, body)
            if one.body and payload == {}:
                return self._receipt(one, "unchanged")
            return await self._sent(one, path, payload, find, known, before, uncertain)
        except EntraError as error:
            return self._failed(one, error, before)

    async def _payload(self, one: Operation, path: str, body: Any) -> Any:
        """The body with what is known only now: a password, the root, the present moment, a thumbprint."""
        if one.stream:
            return base64.b64decode(one.stream)
        if one.kind == "create" and "{password}" in str(body):
            body = await self._with_password(one, body)
        if isinstance(body, dict) and waits_for_reading(body):
            body = await resolved(self.graph, path, body, until=self.stop_at)
            if body is None:
                raise _LaterError
        return _rooted(body, self._root(one), self.now())

    async def _sent(
        self, one: Operation, path: str, payload: Any, find: Json, known: Mapping[str, str], before: Json,
        uncertain: bool,
    ) -> Json:
        bucket: Bucket = "conditionalAccess" if one.bucket == "conditionalAccess" else "writes"
        request = Write(
            one.method, path, payload, version=one.version, bucket=bucket, upsert=one.upsert,  # type: ignore[arg-type]
            permission=one.permission, asked=f"{one.kind} of one of {OBJECT_TYPES[one.object_type].title}",
        )
        began, lost, lags = monotonic(), 0, 0
        while True:
            try:
                answer = await self._written(one, request, may_be_done=uncertain or lost > 0)
                if one.kind == "create":
                    told = any(answer.body.get(name) for name in ("id", "tenantId", "application"))
                    made = answer.body if told else await self._find(one, find)
                    if made is None and _is_set_again(one):
                        raise NotFound("what was set does not show yet")
                    return self._created(one, made or {}, answer, uncertain=False)
                after = payload if one.kind == "update" and isinstance(payload, dict) else {}
                if one.yields:
                    after = await self._issuing.keep(one, payload, find, answer, lost=uncertain or lost > 0)
                return self._receipt(one, "done", before=before, after=after, status=answer.status,
                                     request_id=answer.request_id)
            except Throttled:
                if monotonic() >= self.stop_at:
                    raise _LaterError from None
            except Unavailable:
                if lost >= len(LOST_WAITS):
                    raise
                await asyncio.sleep(LOST_WAITS[lost])
                lost += 1
                done = await self._was_done(one, payload, find)
                if done is not None:
                    return done
                uncertain = True
            except EntraError as error:
                done = await self._as_it_should_be(one, error, known, uncertain=uncertain or lost > 0)
                if done is not None:
                    return done
                if monotonic() - began > _lag_bound(one, error):
                    raise
                await asyncio.sleep(LAG_WAITS[min(lags, len(LAG_WAITS) - 1)])
                lags += 1
                if monotonic() >= self.stop_at:
                    raise _LaterError from None

    async def _written(self, one: Operation, request: Write, *, may_be_done: bool) -> Written:
        """Send it once there is a place for it; _LaterError where somebody cancelled meanwhile."""
        async with self.slots:
            if not self.stopped.is_set():
                return await write(self.graph, replace(request, path=await looked_up(self.graph, request.path)))
        if "{password}" in str(one.body) and not may_be_done:
            await self.store.drop_secret(one.order)  # nothing was sent that carries it
        raise _LaterError

    async def _was_done(self, one: Operation, payload: Any, find: Json) -> Json | None:
        """Whether a write whose answer was lost was done; None where it is harmless, or needed, to send it again."""
        if one.kind == "create" and not _is_set_again(one):
            made = await self._made_before(one, find)
            if made is not None:
                return self._created(one, made, Written(200), uncertain=True)
        return await self._was_updated(one, payload, find) if one.kind == "update" else None

    async def _was_updated(self, one: Operation, payload: Any, find: Json) -> Json | None:
        """The same for an update that may have been sent: where it adds an element, that is looked for."""
        if one.yields:
            issued = await self._issuing.issued_before(one, payload, find)
            return self._receipt(one, "done", after=issued) if issued is not None else None
        return self._receipt(one, "done") if find and await self._find(one, find) is not None else None

    async def _as_it_should_be(
        self, one: Operation, error: EntraError, known: Mapping[str, str], *, uncertain: bool
    ) -> Json | None:
        """A receipt where the refusal says that what was asked for is so already."""
        def unchanged() -> Json:
            return self._receipt(one, "done" if uncertain else "unchanged", status=error.status,
                                 request_id=error.request_id)

        gone = one.kind in ("unlink", "delete") or one.method == "DELETE"  # rules and sets are updated by removing them
        if gone and isinstance(error, NotFound):
            return unchanged()
        if one.kind == "link" and len(one.targets) > 1 and isinstance(error, Rejected | NotFound):
            return await self._one_by_one(one, known)  # one bad id, or one that is there, fails all of them
        if one.kind == "link" and link_is_there(error):
            return unchanged()
        if one.kind == "revive" and isinstance(error, NotFound) and await self._lives(one):
            return unchanged()
        if one.kind == "create" and isinstance(error, Rejected) and (one.upsert or was_made(error)):
            # An upsert that was repeated meets what it made itself, and what sets its key is refused then.
            made = await self._find(one, filled(one.find, known))
            if made is not None or was_made(error):
                return self._created(one, made or {}, Written(error.status, request_id=error.request_id),
                                     uncertain=True)
        return None

    async def _one_by_one(self, one: Operation, known: Mapping[str, str]) -> Json:
        """Several links of which one exists are refused together: each is added by itself."""
        row = OBJECT_TYPES[one.object_type]
        link = row.link(one.link)
        source = filled(one.path, known).rpartition("/")[2]
        failed: list[str] = []
        added = 0
        for target in one.targets:
            now = filled(target, known)
            method, path = link_request(link.add, source, now, "/directoryObjects", "")
            payload = _rooted(link_body(link, source, now, "/directoryObjects"), self._root(one))
            request = Write(method, path, payload, version=one.version, permission=one.permission,  # type: ignore[arg-type]
                            asked=f"link of one of {row.title}")
            error = await self._one_link(one, request)
            if error is None:
                added += 1
            elif not link_is_there(error):
                failed.append(f"{now}: {error}")
        if failed:
            return self._receipt(one, "failed", error="; ".join(failed)[:1000])
        return self._receipt(one, "done" if added else "unchanged", status=204)

    async def _one_link(self, one: Operation, request: Write) -> EntraError | None:
        """What Graph has against this link, once lag was waited out for as long as a slice allows; None where added."""
        began, lags, lost = monotonic(), 0, 0
        while True:
            try:
                await write(self.graph, request)
            except Unavailable as error:
                if lost >= len(LOST_WAITS):
                    return error
                await asyncio.sleep(LOST_WAITS[lost])
                lost += 1
            except EntraError as error:
                late = monotonic() - began > _lag_bound(one, error) or monotonic() >= self.stop_at
                if link_is_there(error) or late:
                    return error
                await asyncio.sleep(LAG_WAITS[min(lags, len(LAG_WAITS) - 1)])
                lags += 1
            else:
                return None

    # -- looking ------------------------------------------------------------------------------------------------

    async def _made_before(self, one: Operation, find: Json) -> Json | None:
        """What an earlier try of this creation made, or what came back by itself; None where there is none.

        A gallery template makes a second instance whatever it is asked for, so that one is looked for longer; and it
        goes by the name that it is found by only until it is remembered.
        """
        if not one.path.endswith("/instantiate"):
            return await self._find(one, find)
        known = (await self.new_ids([one.object_id])).get(one.object_id)
        if known is not None:
            find = {"path": f"/applications/{known}?$select=id,appId", "match": {}}
        made = await self._find(one, find)
        for wait in INSTANCE_WAITS:
            if made is not None:
                break
            await asyncio.sleep(wait)
            made = await self._find(one, find)
        return made

    async def _find(self, one: Operation, find: Json) -> Json | None:
        """The object, or the one in the list that matches; None where there is none."""
        if not find:
            return None
        bucket: Bucket = "conditionalAccess" if one.bucket == "conditionalAccess" else ""
        try:
            if not find["match"]:
                return body_of(await self.graph.get_json(find["path"], version=one.version, asked="what was made",
                                                         bucket=bucket))
            asking = Asking("what was made", version=one.version, bucket=bucket)
            async with aclosing(pages(self.graph, find["path"], asking)) as listed:
                async for page in listed:
                    for value in page.values:
                        if _matches(value, find["match"]):
                            return body_of(value)
        except NotFound:
            return None
        return None

    async def _lives(self, one: Operation) -> bool:
        try:
            await self.graph.get(_object_path(one), version="v1.0", asked="what was revived")
        except NotFound:
            return False
        return True

    # -- receipts -----------------------------------------------------------------------------------------------

    def _created(self, one: Operation, made: Json, answer: Written, *, uncertain: bool) -> Json:
        row = OBJECT_TYPES[one.object_type]
        made = made.get("invitedUser") or made.get("application") or made
        new_id = str(made.get("targetScheduleId") or made.get(row.key) or made.get("id") or "")
        if row.key_in_parent and new_id and one.parent:
            new_id = f"{one.parent}/{new_id}"
        came_back = answer.request_id == "" and not uncertain
        receipt = self._receipt(
            one, "unchanged" if came_back else "done", status=answer.status, request_id=answer.request_id,
            after=one.body or {},
        )
        receipt["newObjectId"] = new_id
        if one.object_type == "application" and made.get("appId"):
            receipt["oldAppId"] = one.expects.get("appId", "")
            receipt["newAppId"] = made["appId"]
        return receipt

    def _receipt(
        self, one: Operation, state: str, *, before: Json | None = None, after: Json | None = None, status: int = 0,
        request_id: str = "", error: str = "", remedy: str = "",
    ) -> Json:
        receipt: Json = {"order": one.order, "state": state, "at": self.now(), "status": status or None}
        optional: Json = {"requestId": request_id, "before": before, "after": after, "error": error, "remedy": remedy}
        return receipt | {name: value for name, value in optional.items() if value}

    async def _remember(self, one: Operation, receipt: Json) -> None:
        new_id = receipt.get("newObjectId")
        if one.kind == "create" and new_id and new_id != one.object_id:
            await self.remember(one, receipt)

    async def _with_password(self, one: Operation, body: Json) -> Json:
        """The body with a random password, which is encrypted and kept before anything is sent."""
        purpose = f"password/{one.object_id}"
        sealed = await self.cipher.encrypt(random_password(), tenant_id=self.tenant_id, purpose=purpose)
        kept = await self.store.keep_secret(f"{one.order:08d}", {
            "kind": "password", "objectType": one.object_type, "objectId": one.object_id, "purpose": purpose,
            "userPrincipalName": body.get("userPrincipalName"), "secret": sealed,
        })
        password = await self.cipher.decrypt(kept["secret"], tenant_id=self.tenant_id, purpose=kept["purpose"])
        return {**body, "passwordProfile": {**body["passwordProfile"], "password": password}}

    @property
    def _issuing(self) -> Issuing:
        return Issuing(self.graph, self.store, self.cipher, self.tenant_id)

    def _failed(self, one: Operation, error: EntraError, before: Json) -> Json:
        remedy = NAME_TAKEN if is_taken(error) else error.remedy
        return self._receipt(one, "failed", before=before, status=error.status, request_id=error.request_id,
                             error=str(error), remedy=remedy)

    def _root(self, one: Operation) -> str:
        return f"{self.graph.endpoints.graph}/{one.version}"


_STALE = "it has changed since the plan was made, and is left as it is"
_AGAIN = "Plan again: the new plan sets out from what is there now."


class _LaterError(Exception):
    """This slice has no time left for the operation, or the restore was cancelled."""


def random_password() -> str:
    """Twenty characters of four kinds; about 120 bits."""
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits, "!#%+-_=?")
    letters = [randomness.choice(kind) for kind in kinds]
    letters += [randomness.choice("".join(kinds)) for _ in range(16)]
    randomness.SystemRandom().shuffle(letters)
    return "".join(letters)


def _group(batch: Batch, receipts: Mapping[int, Json]) -> list[list[Operation]]:
    """What goes next: the first open operations of every chain, as many as a group takes."""
    chains: dict[str, list[Operation]] = {}
    for one in batch.operations:
        if one.order not in receipts:
            chains.setdefault(one.chain or one.object_id, []).append(one)
    group: list[list[Operation]] = []
    room = GROUP
    for chain in chains.values():
        if room <= 0:
            break
        taken = chain[: min(OF_ONE_CHAIN, room)]
        group.append(taken)
        room -= len(taken)
    return group


def _lag_bound(one: Operation, error: EntraError) -> float:
    """How long this refusal is taken for lag: long where new objects are named, not at all where it can be none."""
    names_new = bool(_names(one))
    if may_be_lag(error):
        return LAG_SECONDS if names_new else GONE_SECONDS
    return UNCLEAR_SECONDS if names_new and isinstance(error, Rejected) else 0.0


def _is_set_again(one: Operation) -> bool:
    """Whether an object that came with another is set: that it is there does not say that it was, so it is sent."""
    return one.kind == "create" and one.method == "PATCH" and not one.upsert


def _names(one: Operation) -> set[str]:
    return placeholders_in([one.path, one.body, one.find, list(one.targets)])


def _object_path(one: Operation) -> str:
    """Where the operation's object itself is read."""
    row = OBJECT_TYPES[one.object_type]
    return read_path(row, one.present_id or one.object_id, {PARENT: one.parent} if one.parent else {})


def _compared(one: Operation, seen: Json, body: Any, known: Mapping[str, str]) -> tuple[str, Json]:
    """("stale" | "unchanged" | "", what is there) of an update."""
    row = OBJECT_TYPES[one.object_type]
    now = comparable(row, seen)
    before = {name: expected_value(name, now) for name in one.expects["attributes"]}
    expected = comparable(row, filled(one.expects["attributes"], known))
    wanted = body.get("onPremisesPublishing", body) if isinstance(body, dict) else {}
    becomes = filled(one.becomes, known)
    if becomes and all(has_become(becomes, name, now) for name in before):
        return "unchanged", before
    if all(name in wanted and same(before[name], wanted[name]) for name in before):
        return "unchanged", before
    if all(same(before[name], expected.get(name)) for name in before):
        return "", before
    return "stale", before


def _matches(value: Mapping[str, Any], match: Mapping[str, Any]) -> bool:
    return all(_alike(_at(value, name), wanted) for name, wanted in match.items())


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return same(one, other)


def _rooted(payload: Any, root: str, now: str = "") -> Any:
    if isinstance(payload, str):
        return now if now and payload == NOW else payload.replace("{root}", root)
    if isinstance(payload, dict):
        return {name: _rooted(value, root, now) for name, value in payload.items()}
    return [_rooted(value, root, now) for value in payload] if isinstance(payload, list) else payload
