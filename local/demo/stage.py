"""How the story looks: headings, progress, tables and claims; bars on a terminal, plain lines when piped.

A claim that is false raises `FalseClaimError`, which ends the story: nothing is told that was not checked.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

PLAIN_EVERY_SECONDS = 5.0
Advance = Callable[[int, int], None]
"""Takes how much is done and how much there is; 0 of 0 while that is not known."""


class FalseClaimError(Exception):
    """The story said something that is not so."""


class Stage:
    """Where the story is told."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._chapters = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapters += 1
        self.console.print(f"\n[bold]{self._chapters}. {escape(title)}[/bold]")

    def say(self, text: str) -> None:
        """One line of the story."""
        self.console.print(f"   {escape(text)}")

    def claim(self, text: str, truth: bool, otherwise: object = "") -> None:
        """Say what has been checked; if it is false, show what was found instead and end the story."""
        if not truth:
            found = f": {otherwise}" if str(otherwise) else ""
            self.console.print(f"   [red]✗ {escape(text)}[/red]{escape(found)}")
            raise FalseClaimError(text)
        self.console.print(f"   [green]✓[/green] {escape(text)}")

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A small table; every column but the first is of numbers or words to the right."""
        table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
        for place, heading in enumerate(headings):
            table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True, overflow="ignore")
        for row in rows:
            table.add_row(*(f"{cell:,}" if isinstance(cell, int) else escape(str(cell)) for cell in row))
        self.console.print(Padding(table, (0, 0, 0, 3)))

    @contextmanager
    def progress(self, title: str, unit: str = "") -> Iterator[Advance]:
        """Show how far something is, while the block runs, and how long it took."""
        began = time.monotonic()
        if self.console.is_terminal:
            columns = (
                TextColumn("  "), SpinnerColumn(), TextColumn(f"{title:<28}"), BarColumn(bar_width=32),
                TextColumn("{task.fields[count]}"), TimeElapsedColumn(),
            )  # fmt: skip
            with Progress(*columns, console=self.console, transient=True) as bars:
                bar = bars.add_task(title, total=None, count="")

                def draw(done: int, total: int) -> None:
                    count = f"{done:,} of {total:,} {unit}" if total else ""
                    bars.update(bar, completed=done, total=total or None, count=count)

                yield draw
        else:
            yield self._plain(title, unit)
        self.say(f"{title}: {time.monotonic() - began:.1f} s")

    def _plain(self, title: str, unit: str) -> Advance:
        told = time.monotonic()

        def advance(done: int, total: int) -> None:
            nonlocal told
            if time.monotonic() - told >= PLAIN_EVERY_SECONDS:
                told = time.monotonic()
                self.say(f"{title}: {done:,} of {total:,} {unit}".rstrip() if total else f"{title} …")

        return advance
