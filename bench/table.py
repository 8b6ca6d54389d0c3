"""One table of figures, each beside its goal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


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


def marks(part: str = "") -> tuple[str, str]:
    """Between which lines a document keeps the figures of a part, or all that it has."""
    name = f" {part}" if part else ""
    return f"<!-- measured{name} -->\n", f"<!-- /measured{name} -->"


def keep(path: Path, text: str, *, part: str = "", order: Sequence[str] = ()) -> None:
    """Put what was measured between two marks of a document, and leave all other figures alone.

    A part that has none yet comes behind the part before it in `order`, else before the next one.
    SystemExit where there is no place.
    """
    document = path.read_text("utf-8")
    begin, end = marks(part)
    if begin not in document:
        document = _with_place(document, part, order)
    before, _, rest = document.partition(begin)
    _, _, after = rest.partition(end)
    if not after:
        raise SystemExit(f"{path} has no place for the figures: {begin.strip()} ... {end}")
    path.write_text(f"{before}{begin}{text.strip()}\n{end}{after}", "utf-8")


def _with_place(document: str, part: str, order: Sequence[str]) -> str:
    begin, end = marks(part)
    at = order.index(part) if part in order else 0
    for _, earlier in map(marks, reversed(order[:at])):
        if earlier in document:
            return document.replace(earlier, f"{earlier}\n\n{begin}{end}", 1)
    for later, _ in map(marks, order[at + 1 :]):
        if later in document:
            return document.replace(later, f"{begin}{end}\n\n{later}", 1)
    return document
