"""Laws of how the process keeps its memory."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

FREED_BETWEEN_WHAT_LIVES_ON = """
import ctypes
from pathlib import Path
from shared.entra import footprint

footprint.prepare()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
SIZE = 16 * 1024 * 1024

def block():
    at = library.malloc(SIZE)
    ctypes.memset(at, 1, SIZE)
    return at

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

library.free(block())  # by itself glibc keeps blocks of that size from here on
before = resident()
for _ in range(8):
    at = block()
    library.malloc(64 * 1024)  # lives on, after it
    library.free(at)
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_a_large_block_goes_back_to_the_system_when_it_is_freed() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FREED_BETWEEN_WHAT_LIVES_ON],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert int(ended.stdout) < 8 * 1024 * 1024
