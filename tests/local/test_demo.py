"""The demo: it tells the whole story in plain lines when piped, leaves nothing behind, and fails where a
claim is false.
"""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from local.demo.stage import FalseClaimError, Stage

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_story_holds_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    demo = subprocess.run(
        [sys.executable, "-m", "local", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "Every claim held." in demo.stdout
    assert "\x1b" not in demo.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_false_claim_ends_the_story_and_shows_what_was_found() -> None:
    shown = io.StringIO()
    stage = Stage(Console(file=shown, highlight=False))
    with pytest.raises(FalseClaimError, match="two and two are five"):
        stage.claim("two and two are five", 2 + 2 == 5, 4)
    assert "✗ two and two are five: 4" in shown.getvalue()


def test_a_true_claim_is_said() -> None:
    shown = io.StringIO()
    Stage(Console(file=shown)).claim("two and two are four", 2 + 2 == 4)
    assert "✓ two and two are four" in shown.getvalue()
