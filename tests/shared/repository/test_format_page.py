"""docs/repository-format.md holds: each invariant is a test of that name, and its commands work."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.repository.manifest import Manifest
from shared.repository.sidecar import ENTRY_BYTES, FAN_OUT_END, FRAME, HEAD_END, HEADER

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "repository-format.md").read_text()
TESTS = [*Path(__file__).parent.glob("test_*.py"), ROOT / "tests" / "contracts" / "test_blob_store.py"]


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_invariant_is_a_test_of_the_same_name() -> None:
    names = set(re.findall(r"def test_(\w+)", "\n".join(path.read_text() for path in TESTS)))
    must = section("Invariants").partition("Should:")[0]
    invariants = re.findall(r"^- (.+)$", must, re.MULTILINE)
    assert len(invariants) > 25
    assert [one for one in invariants if re.sub(r"\W+", "_", one) not in names] == []


def test_the_page_draws_the_sidecar_as_it_is() -> None:
    assert (HEADER.size, FAN_OUT_END, HEAD_END, FRAME.size, ENTRY_BYTES) == (64, 1_088, 2_112, 16, 40)
    assert "| 2112 + 16 f | n × 40 | entries |" in PAGE


async def test_the_page_names_every_field_of_a_manifest(vault: Any) -> None:
    layer = await vault.layer("user", [("a", {"n": 1})])
    sealed: Manifest = await vault.sealed({"user": (layer,)})
    fields = orjson.loads(sealed.as_bytes())
    drawn = section("Each file")
    for name in [*fields, *fields["types"]["user"], *fields["types"]["user"]["layers"][0]["objects"][0]]:
        assert f'"{name}"' in drawn, name


@pytest.mark.skipif(not (shutil.which("zstd") and shutil.which("jq")), reason="zstd and jq are not installed")
async def test_the_commands_of_this_page_read_a_restore_point(vault: Any, tmp_path: Path) -> None:
    base = await vault.layer("user", [("a", {"n": 1}), ("b", {"n": 2}), ("c", {"n": 3})])
    change = await vault.layer("user", [("a", {"n": 10}), ("b", None)])
    await vault.sealed({"user": (base,)})
    sealed = await vault.sealed({"user": (base, change)})
    for name, blob in vault.plain.blobs.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob.content)
    folder = tmp_path / "tenants" / vault.tenant
    script = re.findall(r"```sh\n(.+?)```", section("Reading it without Cairn"), re.DOTALL)[0]
    script = script.replace("00000042", sealed.backup_id).replace("00000041", "00000001")

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout

    overview, view, check, chain = (part for part in script.split("\n# ") if part.strip())
    assert '"user": "complete"' in run("# " + overview.lstrip("# "))
    assert [orjson.loads(line) for line in run("# " + view).splitlines()] == [{"n": 10}, {"n": 3}]
    assert run("# " + check) == ""
    assert sealed.previous is not None
    assert run("# " + chain).count(sealed.previous.sha256) == 2
    damaged = next(folder.glob("segments/*/*.zst"))
    damaged.write_bytes(damaged.read_bytes() + b"x")
    with pytest.raises(subprocess.CalledProcessError):
        run("# " + check)
