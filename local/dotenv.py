"""`.env`: settings of a developer's machine, one `NAME=value` a line, never committed."""

import re
from pathlib import Path

from local.errors import LocalStackError

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")


def read_dotenv(path: Path) -> dict[str, str]:
    """The settings of the file, none if there is no file; quotes and trailing comments are taken off.

    A line that is no setting is named by its number alone, since it may hold a secret.
    """
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        matched = _LINE.fullmatch(text)
        if matched is None:
            raise LocalStackError(f"{path}, line {number}: expected NAME=value")
        found[matched[1]] = _value(matched[2])
    return found


def _value(written: str) -> str:
    if written[:1] in {'"', "'"} and (end := written.find(written[0], 1)) > 0:
        return written[1:end]
    return re.sub(r"\s+#.*$", "", written).strip()
