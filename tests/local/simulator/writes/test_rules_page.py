"""The page of rules names tests that exist."""

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "docs" / "simulator-rules.md"


def test_every_test_that_the_page_names_exists() -> None:
    written = "".join(each.read_text(encoding="utf-8") for each in HERE.parent.rglob("test_*.py"))
    existing = set(re.findall(r"^(?:async )?def (test_\w+)", written, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    assert named, "the page names no test"
    assert named <= existing, f"the page names tests that are not there: {sorted(named - existing)}"
