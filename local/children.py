"""Child processes that may outlive whoever started them: found again, and told from strangers, by a mark.

A mark is an argument that nobody else has on a command line: the absolute path of the child's data. A pid
file alone proves nothing, since pids come round again.
"""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str], pid_file: Path
) -> psutil.Process:
    """Start in a process session of its own (the parent's Ctrl-C does not reach it), output into `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command), env=dict(environment), cwd=pid_file.parent, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    child.returncode = 0  # else Python warns of a child left running, which is what this one is for
    pid_file.write_text(f"{child.pid}\n")
    return psutil.Process(child.pid)


def find(pid_file: Path, mark: str) -> psutil.Process | None:
    """The living process that carries the mark: the pid file's, or any other where the file was lost."""
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.Error):
        noted = psutil.Process(int(pid_file.read_text()))
        if _carries(noted, mark):
            return noted
    return next((process for process in psutil.process_iter() if _carries(process, mark)), None)


def end(process: psutil.Process, pid_file: Path, *, wait_seconds: float) -> bool:
    """Ask it to end, wait, and kill it if it does not; True if it ended when asked. Safe to repeat."""
    gently = True
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(wait_seconds)
        except psutil.TimeoutExpired:
            gently = False
            process.kill()
            process.wait(wait_seconds)
    pid_file.unlink(missing_ok=True)
    return gently


def _carries(process: psutil.Process, mark: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.status() != psutil.STATUS_ZOMBIE and mark in process.cmdline()
    return False
