"""The table of a run and its file: measures with Cairn's figure, the rival's, the ratio, the target, met or not."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

type Number = float | int


@dataclass(frozen=True, slots=True)
class Measure:
    """One line: `cairn` and `rival` in `unit`; `met` is None where there is no target at this scale."""

    name: str
    cairn: Number
    unit: str
    rival_name: str = ""
    rival: Number | None = None
    target: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The rival's figure over Cairn's: how many times less Cairn needs."""
        return self.rival / self.cairn if self.rival is not None and self.cairn else None


@dataclass(slots=True)
class Report:
    """What a run has found so far; `keep` is called after each finding, so that a cut run loses nothing."""

    keep: Callable[["Report"], None]
    measures: list[Measure] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    said: Console = field(default_factory=Console)

    def note(self, name: str, told: Any) -> None:
        """Keep a finding in full under its name."""
        self.found[name] = told
        self.keep(self)
        self.said.print(f"[dim]{name}: {told}[/dim]", highlight=False, soft_wrap=True)

    def add(self, *measures: Measure) -> None:
        """Add lines of the table."""
        self.measures += measures
        self.keep(self)

    def show(self) -> None:
        """Print the table."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("measure", "Cairn", "rival", "", "rival / Cairn", "target", ""):
            table.add_column(heading, justify="right" if heading in ("Cairn", "rival", "rival / Cairn") else "left")
        for one in self.measures:
            verdict = {True: "[green]met[/green]", False: "[red]not met[/red]", None: ""}[one.met]
            table.add_row(
                one.name, f"{_shown(one.cairn)} {one.unit}",
                "" if one.rival is None else f"{_shown(one.rival)} {one.unit}", one.rival_name,
                "" if one.ratio is None else _shown(one.ratio), one.target, verdict,
            )  # fmt: skip
        self.said.print(table)

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        lines = [asdict(one) | {"ratio": one.ratio} for one in self.measures]
        return {"measures": lines, "found": self.found}


def _shown(number: Number) -> str:
    if isinstance(number, int) or number >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"
