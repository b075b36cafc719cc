"""Histories of real orchestrations, saved, so that what is in flight when Cairn is updated can be replayed in a test.

`python -m tests.orchestrators.histories` records new ones: it runs the local stack on a small simulated tenant, lets it
do every kind of work, and writes one file an orchestration into `histories/{version}/`. Recorded before a release; what
lies there already stays, since instances that began under that release may still be running.

A file is JSON: the orchestrator's name, and its history as the engine keeps it, one event a line (protobuf's JSON form).
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb
import httpx
import orjson
from google.protobuf.json_format import MessageToDict, ParseDict

FOLDER = Path(__file__).parent / "histories"

ASKED = ("taskScheduled", "subOrchestrationInstanceCreated", "timerCreated")
"""Events that an orchestrator's own turn adds: what it asked for."""

OPEN = ("queued", "running")
WAIT_SECONDS = 300.0
PER_ORCHESTRATOR = 3
"""So many histories of one orchestrator are kept, those that differ most in length."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of an orchestration: what had happened, what came in, and what was asked for in answer."""

    past: list[pb.HistoryEvent]
    new: list[pb.HistoryEvent]
    asked: list[pb.HistoryEvent]


@dataclass(frozen=True, slots=True)
class History:
    """A saved history."""

    name: str
    events: list[pb.HistoryEvent]

    def turns(self) -> Iterator[Turn]:
        """The turns in order; each begins with `orchestratorStarted`."""
        begins = [place for place, event in enumerate(self.events) if event.HasField("orchestratorStarted")]
        for begin, end in zip(begins, [*begins[1:], len(self.events)], strict=True):
            turn = self.events[begin:end]
            asked = [event for event in turn if event.WhichOneof("eventType") in ASKED]
            came = [
                event for event in turn
                if event.WhichOneof("eventType") not in (*ASKED, "orchestratorCompleted", "executionCompleted")
            ]
            yield Turn(self.events[:begin], came, asked)

    def ended(self) -> pb.ExecutionCompletedEvent | None:
        """How it ended, or None if it had not."""
        last = self.events[-1]
        return last.executionCompleted if last.HasField("executionCompleted") else None


def saved(file: Path) -> History:
    """A history from its file."""
    value = orjson.loads(file.read_bytes())
    return History(value["orchestrator"], [ParseDict(event, pb.HistoryEvent()) for event in value["events"]])


def save(folder: Path, number: int, history: History) -> None:
    """Write a history; stack traces are left out, since they name the machine and decide nothing."""
    lines = b",\n".join(orjson.dumps(_without_traces(MessageToDict(event))) for event in history.events)
    head = orjson.dumps({"orchestrator": history.name})[:-1]
    (folder / f"{history.name}-{number}.json").write_bytes(head + b',"events":[\n' + lines + b"\n]}\n")


def _without_traces(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_traces(part) for name, part in value.items() if name != "stackTrace"}
    return [_without_traces(part) for part in value] if isinstance(value, list) else value


async def recorded() -> list[History]:
    """Histories of every kind of work on a small simulated tenant."""
    from local.data_folder import DataFolder
    from local.host import host
    from local.simulated_tenant import Size
    from local.stack import Options, stack

    engines: list[Any] = []

    class Remembered(host.Backend):
        def __init__(self) -> None:
            super().__init__()
            engines.append(self)

    host.Backend = Remembered  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="cairn-histories-") as folder:
        data = DataFolder(Path(folder))
        async with stack(Options(0, data, {}, size=Size(users=40, groups=10, seed=7))) as ready:
            await asyncio.to_thread(_work, ready, folder)
            found = [
                History(one.name, [*one.history]) for one in engines[0]._instances.values()
                if one.history and one.history[-1].HasField("executionCompleted")
            ]
    return found


def _work(ready: str, folder: str) -> None:
    """Ask for one thing after the other, as an administrator would."""
    import subprocess

    words = dict(word.partition("=")[::2] for word in ready.split()[2:])
    token = subprocess.run(
        [sys.executable, "-m", "local", "token", "--role", "Administrator", "--data", folder],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    tenant = f"/tenants/{words['tenant']}"
    with httpx.Client(
        base_url=f"{ready.split()[1]}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
    ) as cairn:

        def run(path: str, body: Any = None) -> Any:
            answer = cairn.post(path, json=body)
            assert answer.status_code == 202, f"{path}: {answer.text}"
            task = answer.json()
            until = time.monotonic() + WAIT_SECONDS
            while task["status"] in OPEN and time.monotonic() < until:
                time.sleep(0.2)
                task = cairn.get(f"/tasks/{task['taskId']}").json()
            print(f"{task['name']}: {task['status']}", file=sys.stderr)
            return task

        faults = f"{words['graph']}/simulator/faults"
        run(f"{tenant}/backups", {"kind": "full"})
        run(f"{tenant}/backups/latest/verify")
        run(f"{tenant}/backups/latest/unpack", {"differences": False})
        _damage(words)
        first = run(f"{tenant}/differences", {"backupId": "latest", "against": "live"})
        run(f"{tenant}/restores", {
            "source": {"reportId": first["result"]["reportId"]}, "selection": {"all": True}, "options": {},
            "apply": True, "reason": "A drill",
        })
        run(f"{tenant}/backups", {"kind": "incremental"})
        run(f"{tenant}/differences", {"backupId": "00000001", "against": "latest"})
        httpx.put(faults, json={"kind": "status", "status": 403}, trust_env=False)
        run(f"{tenant}/backups", {"kind": "full"})
        httpx.delete(faults, trust_env=False)
        run("/rebuild", {})


def _damage(words: dict[str, str]) -> None:
    """Delete a few users, as somebody with too many rights would."""
    form = {
        "grant_type": "client_credentials", "client_id": words["client"], "client_secret": words["secret"],
        "scope": f"{words['graph']}/.default",
    }
    granted = httpx.post(f"{words['graph']}/{words['tenant']}/oauth2/v2.0/token", data=form, trust_env=False).json()
    with httpx.Client(
        base_url=f"{words['graph']}/v1.0", headers={"Authorization": f"Bearer {granted['access_token']}"}, trust_env=False
    ) as graph:
        shown = graph.get("/users?$select=id,userType").json()["value"]
        for user in [one for one in shown if one["userType"] == "Guest"][:2] + shown[-3:]:
            graph.delete(f"/users/{user['id']}")


def _chosen(histories: list[History]) -> Iterator[tuple[int, History]]:
    """A few of each orchestrator, of different lengths."""
    for name in sorted({one.name for one in histories}):
        by_length = {len(one.events): one for one in histories if one.name == name}
        lengths = sorted(by_length)
        kept = sorted({lengths[0], lengths[len(lengths) // 2], lengths[-1]})[:PER_ORCHESTRATOR]
        yield from enumerate((by_length[length] for length in kept), 1)


def main() -> None:
    """Record into the folder of this version."""
    from shared.version import VERSION

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=VERSION)
    folder = FOLDER / parser.parse_args().version
    folder.mkdir(parents=True, exist_ok=True)
    for number, history in _chosen(asyncio.run(recorded())):
        save(folder, number, history)
        print(f"{history.name}-{number}: {len(history.events)} events", file=sys.stderr)


if __name__ == "__main__":
    main()
