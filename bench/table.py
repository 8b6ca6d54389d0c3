"""One table of figures, each beside its goal."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->"


@dataclass(frozen=True)
class Row:
    """A figure; `most` or `least` is its goal, `rate` what is told beside it."""

    name: str
    value: float
    unit: str
    rate: float | None = None
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def goal(self) -> str:
        if self.most is not None:
            return f"<= {self.most:g}"
        return f">= {self.least:g}" if self.least is not None else ""

    @property
    def verdict(self) -> str:
        if not self.goal:
            return ""
        is_met = (
            self.value <= self.most if self.most is not None else self.value >= (self.least or 0)
        )
        return "met" if is_met else "MISSED"


def lines(title: str, rows: Iterable[Row]) -> Iterable[str]:
    """The rows as text, ready for a terminal and for Markdown alike."""
    yield f"| {title:<58} |    figure | unit   | goal    |        | beside it"
    yield f"|{'-' * 60}|----------:|--------|---------|--------|----------"
    for row in rows:
        beside = row.note or (f"{row.rate:,.0f}/s" if row.rate else "")
        yield f"| {row.name:<58} | {row.value:9.3f} | {row.unit:<6} | {row.goal:<7} | {row.verdict:<6} | {beside}"


def share(waits: Iterable[float], of: float) -> float:
    """The wait that this share of them stays under: 0.99 for the slowest hundredth's shortest."""
    ordered = sorted(waits)
    return ordered[int(len(ordered) * of)]


def keep(path: Path, text: str) -> None:
    """Put what was measured between the two marks of a document."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    if not after:
        raise SystemExit(f"{path} has no place for the figures: {BEGIN.strip()} ... {END}")
    path.write_text(f"{before}{BEGIN}{text.strip()}\n{END}{after}")
