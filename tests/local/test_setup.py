"""Set-up and its locks: repeatable, from any folder, and plain about what is missing."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTS = re.compile(r"https?://|pypi|npmjs|--(extra-)?index-url|--find-links", re.IGNORECASE)


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(re.fullmatch(r"([\w.\[\]-]+)==(\S+)", line).groups() for line in lines if line[:1] not in "#-")  # type: ignore[union-attr]


def test_every_requirement_is_pinned_exactly() -> None:
    assert pins("requirements.txt")
    assert pins("requirements-dev.txt")


def test_the_python_lock_holds_the_pins_with_hashes_and_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not [line for line in lock.splitlines() if HOSTS.search(line)]
    for name, version in {**pins("requirements.txt"), **pins("requirements-dev.txt")}.items():
        plain = re.sub(r"\[.*\]", "", name)
        line = rf"(?im)^{re.escape(plain)}(\[.*\])?=={re.escape(version)}( ;.*)? \\$"
        found = re.search(line, lock)
        assert found, f"{name}=={version} is not in the lock: run `make lock`"
    assert lock.count("==") <= lock.count("--hash=sha256:")


def test_the_node_lock_pins_azurite_by_hash_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    packages = {path: each for path, each in lock["packages"].items() if path}
    assert packages["node_modules/azurite"]["version"] == wanted["azurite"]
    assert not [path for path, each in packages.items() if "resolved" in each]
    assert all("integrity" in each for each in packages.values())


def test_no_package_of_the_node_lock_runs_an_install_script() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert not [path for path, each in lock["packages"].items() if each.get("hasInstallScript")]


def test_without_the_right_python_one_line_says_so(tmp_path: Path) -> None:
    for name in ("python3", "python", "python3.13"):
        stub = tmp_path / "bin" / name
        stub.parent.mkdir(exist_ok=True)
        stub.write_text("#!/bin/sh\necho 3.11\n")
        stub.chmod(0o755)
    clone = tmp_path / "clone"
    (clone / "tools").mkdir(parents=True)
    for name in (".python-version", "tools/setup.sh", "tools/setup.py"):
        (clone / name).write_bytes((ROOT / name).read_bytes())
    setup = subprocess.run(
        ["/bin/sh", "tools/setup.sh"], cwd=clone, capture_output=True, text=True, timeout=60,
        env={"PATH": f"{tmp_path / 'bin'}:/bin:/usr/bin", "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path)},
    )  # fmt: skip
    if "/python3.13" in setup.stderr and setup.returncode == 0:
        pytest.skip("this machine has Python 3.13 at a fixed place that set-up looks at")
    assert setup.returncode == 1
    assert setup.stderr.startswith("set-up: no Python 3.13 on this machine")
    assert setup.stderr.count("\n") == 1


def test_make_works_from_any_folder(tmp_path: Path) -> None:
    for command in (["make", "-C", str(ROOT), "help"], ["make", "-f", str(ROOT / "Makefile"), "help"]):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=environment)
        assert run.returncode == 0, run.stderr
        assert "make demo" in run.stdout
        assert "make test" in run.stdout


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert re.search(r"^exec make .* test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert re.search(r"^\$ make test$", (ROOT / "README.md").read_text(), re.MULTILINE)
