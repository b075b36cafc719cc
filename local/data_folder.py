"""The data folder of a local stack: where each part keeps what must survive, and the lock that lets one stack
in.

    lock            held by the running stack; the system frees it when that ends, however it ends
    azurite/        storage: the vault (restore points) and the records (tasks, events, tenants)
    issuer/         name and key of the local issuer
    simulator/      the simulated tenant
    wrapping.key    wraps delta tokens and one-time passwords
    cairn.log       what the host and the function app say
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalStackError
from local.private_files import private_folder

DEFAULT = ".cairn"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The places in one data folder."""

    root: Path

    @property
    def azurite(self) -> Path:
        """Azurite's folder."""
        return self.root / "azurite"

    @property
    def issuer(self) -> Path:
        """The local issuer's folder."""
        return self.root / "issuer"

    @property
    def simulator(self) -> Path:
        """The simulated tenant's folder."""
        return self.root / "simulator"

    @property
    def wrapping_key(self) -> Path:
        """The local stand-in for a Key Vault key."""
        return self.root / "wrapping.key"

    @property
    def log(self) -> Path:
        """Cairn's own log."""
        return self.root / "cairn.log"


def data_folder(given: str | None) -> DataFolder:
    """The folder that was named, by argument or by CAIRN_DATA, else `.cairn` here."""
    return DataFolder(Path(given or os.environ.get("CAIRN_DATA") or DEFAULT).resolve())


@contextmanager
def held(folder: DataFolder) -> Iterator[None]:
    """Make the folder if needed and keep every other stack out of it for the time of the block."""
    try:
        private_folder(folder.root)
        lock = (folder.root / "lock").open("a+")
    except OSError as refused:
        raise LocalStackError(f"the data folder {folder.root} can't be used: {refused.strerror}") from refused
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise LocalStackError(
                f"another local stack (process {holder}) uses {folder.root}; end it or name another --data"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
