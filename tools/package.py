"""The deployment package: a zip of what Azure needs of this repository, and nothing else.

`python -m tools.package [FILE]` writes it (default dist/cairn.zip) and says its size. Equal sources make equal bytes:
names are sorted and times are fixed. Packages are not in it: Azure's remote build installs requirements.txt for the
machine that the app runs on. `.funcignore` says the same to azd and func, and a test holds the two together.
"""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FILES: Final = ("function_app.py", "host.json", "requirements.txt", "LICENSE")
FOLDERS: Final = ("activities", "api", "orchestrators", "shared")
SOURCES: Final = frozenset({".py", ".json", ".sql", ".lark", ".txt"})
"""What belongs to the program in those folders; notes, lint settings and caches do not."""
NO_TIME: Final = (1980, 1, 1, 0, 0, 0)


def packaged() -> Iterator[Path]:
    """The files of the package, relative to the repository, in order."""
    yield from (Path(name) for name in FILES)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SOURCES and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


def build(target: Path) -> int:
    """Write the package and return its size in bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in packaged():
            entry = zipfile.ZipInfo(path.as_posix(), NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (ROOT / path).read_bytes())
    return target.stat().st_size


def main(arguments: list[str]) -> int:
    """Build and report."""
    target = Path(arguments[0]) if arguments else ROOT / "dist" / "cairn.zip"
    size = build(target)
    print(f"{target}: {len(list(packaged()))} files, {size / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
