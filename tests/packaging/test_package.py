"""The deployment package: what it holds, that equal sources make equal bytes, and that Azure's worker takes it."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tools.package import FILES, FOLDERS, ROOT, build, packaged

COLD_START_SECONDS = 1.5
"""Of `import function_app`, by the design's table of numbers; as processor time, since a busy machine only waits."""
LARGEST_BYTES = 4 * 2**20

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_", "PYTHON"))}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    size = build(folder / "cairn.zip")
    print(f"deployment package: {size / 1024:.0f} KiB, {len(list(packaged()))} files")
    with zipfile.ZipFile(folder / "cairn.zip") as made:
        made.extractall(folder / "app")
    return folder


def run(package: Path, code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", f"import sys; sys.path.insert(0, {str(package / 'app')!r})\n{code}"],
        cwd=package / "app", capture_output=True, text=True, timeout=120, env={**CLEAN, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_what_azure_needs_and_nothing_of_the_laptop(package):
    top = {path.name for path in (package / "app").iterdir()}
    assert top == {*FILES, *FOLDERS}
    assert not [path for path in (package / "app").rglob("*") if "test" in path.name.lower()]


def test_it_is_small(package):
    assert (package / "cairn.zip").stat().st_size < LARGEST_BYTES


def test_equal_sources_make_equal_bytes(package):
    build(package / "again.zip")
    assert (package / "again.zip").read_bytes() == (package / "cairn.zip").read_bytes()


def test_funcignore_leaves_azd_the_same_as_the_package():
    ignored = [line for line in (ROOT / ".funcignore").read_text().splitlines() if line and line[0] != "#"]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    if not listed:
        pytest.skip("no git here to say which files are the repository's")
    left = {
        path for path in map(Path, listed)
        if not any(fnmatch(part, pattern) for part in path.parts for pattern in ignored)
    }
    committed = {path for path in packaged() if path in set(map(Path, listed))}
    assert left == committed


def test_everything_that_it_imports_is_in_requirements(package):
    loaded = run(
        package,
        "import function_app\n"
        "print('\\n'.join(sorted({name.partition('.')[0] for name in sys.modules})))",
    ).split()
    allowed = _required("requirements.txt")
    by_module = importlib.metadata.packages_distributions()
    foreign = {
        name: by_module[name] for name in loaded
        if name in by_module and not {_plain(one) for one in by_module[name]} & allowed
    }
    assert foreign == {}


@pytest.mark.slow  # processor time on a busy machine says nothing: `make soak` and `make bench` measure it
def test_cold_start_is_within_its_bound(package):
    code = "import time; began = time.process_time(); import function_app; print(time.process_time() - began)"
    subprocess.run([sys.executable, "-m", "compileall", "-q", package / "app"], check=True)
    best = min(float(run(package, code)) for _ in range(3))
    print(f"import function_app: {best:.2f} s")
    assert best <= COLD_START_SECONDS


def test_heavy_libraries_wait_until_they_are_needed(package):
    loaded = run(package, "import function_app\nprint('\\n'.join(sys.modules))").split()
    heavy = {
        "azure.storage.blob", "azure.data.tables", "azure.keyvault.keys", "azure.eventgrid", "azure.identity", "duckdb",
        "msgraph", "opentelemetry.sdk", "azure.monitor.opentelemetry",
    }
    assert heavy & set(loaded) == set()


@pytest.fixture(scope="module")
def probed(package):
    """What Microsoft's worker library makes of the package, in a process that knows nothing else of this repository."""
    aside = package / "aside"
    aside.mkdir()
    (aside / "local").symlink_to(ROOT / "local")
    done = subprocess.run(
        [sys.executable, "-B", Path(__file__).with_name("worker_probe.py"), package / "app"],
        cwd=package / "app", capture_output=True, text=True, timeout=120,
        env={**CLEAN, "PYTHONPATH": f"{package / 'app'}{os.pathsep}{aside}"},
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"^PROBE (.+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return json.loads(found.group(1))


def test_the_worker_indexes_every_function_of_the_package(package, probed):
    assert Path(probed["shared"]).is_relative_to(package / "app")
    kinds = {line.partition(" ")[0] for line in probed["functions"]}
    assert kinds == {"httpTrigger", "timerTrigger", "activityTrigger", "orchestrationTrigger"}
    assert {"orchestrationTrigger back_up_tenant", "activityTrigger capture_slice"} <= set(probed["functions"])


def test_the_worker_answers_http(probed):
    assert probed["http"] == {"status": "200", "body": {"status": "healthy"}}


def test_the_worker_fires_a_timer(probed):
    assert probed["timer"] == "done"


def test_the_worker_runs_an_activity(probed):
    assert json.loads(probed["activity"]) == {"closed": True}
    assert probed["closed"] == "succeeded"


def test_the_worker_takes_a_turn_of_an_orchestrator(probed):
    assert probed["orchestrator"] == ["expire_tenant"]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(file: str) -> set[str]:
    """The distributions that a requirements file brings, with all that they need."""
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and line[0] not in "#-"]
    waiting, found = [re.split(r"[\[=]", line)[0] for line in lines], set()
    while waiting:
        name = _plain(waiting.pop())
        if name in found:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [re.split(r"[\s\[=<>!~;(]", need)[0] for need in needs]
    return found
