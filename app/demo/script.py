"""Reads week.txt: what was said, by whom, and when. It knows nothing of the database."""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

WEEK = Path(__file__).parent / "week.txt"
SPEAKER = re.compile(r"([<>])(?:(\w+):)? ?(.*)", re.DOTALL)
# How long people take, in seconds; never near the ten quiet minutes that end a chat.
CONTACT_SECONDS, AGENT_SECONDS, NEXT_SECONDS = (30, 150), (40, 200), (8, 40)
QUIET = timedelta(minutes=10)


@dataclass(frozen=True)
class Line:
    """One thing that happened: `what` is its mark in week.txt, `who` whom it names."""

    what: str
    who: str
    text: str


@dataclass
class Scene:
    """One chat or mail-like case from its first to its last line."""

    contact: str
    language: str
    begins: str
    group: str
    agent: str
    subject: str = ""
    lines: list[Line] = field(default_factory=list)

    @property
    def is_group(self) -> bool:
        return self.contact.startswith("[")

    @property
    def name(self) -> str:
        return self.contact.strip("[]")


def read(path: Path = WEEK) -> list[Scene]:
    """Every scene of the file, in its order."""
    scenes: list[Scene] = []
    for line in _unfolded(path.read_text("utf-8")):
        if line.startswith("== "):
            scenes.append(_scene(line.removeprefix("== ")))
        elif scenes and line:
            scenes[-1].lines.append(_line(line, scenes[-1].agent))
    return scenes


def moments(scene: Scene, today: datetime) -> Iterator[tuple[datetime, Line]]:
    """Each line with the moment it happened; `today` is now, in the zone of who looks at it."""
    chance = random.Random(f"{scene.contact} {scene.begins}")
    moment, before = _beginning(scene.begins, today), ""
    for line in scene.lines:
        if line.what == "~":
            moment += _duration(line.text)
        elif line.what == "." and line.text == "quiet":
            moment += QUIET + timedelta(seconds=chance.uniform(1, 5))
        elif before:
            moment += timedelta(seconds=chance.uniform(*_pace(before, line.what)))
        if line.what != "~":
            yield moment, line
        before = line.what


def _unfolded(text: str) -> Iterator[str]:
    """Lines with their continuations; paragraphs of one line each, as people type them."""
    folded: list[str] = []
    for line in [*text.splitlines(), "=="]:
        if folded and (line.startswith("  ") or (not line and not folded[0].startswith("=="))):
            folded.append(line.strip())
            continue
        if folded:
            yield "\n".join(_paragraphs(folded)).rstrip()
        folded = [line]


def _paragraphs(lines: list[str]) -> list[str]:
    joined = [lines[0]]
    for before, line in itertools.pairwise(lines):
        if line and before and not before.endswith((",", "Kind regards")):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
    return joined


def _scene(header: str) -> Scene:
    parts = [part.strip() for part in header.split("|")]
    if parts[0].startswith("case: "):
        subject, contact, *rest = parts
        return Scene(contact, "", *rest, subject=subject.removeprefix("case: "))
    return Scene(*parts)


def _line(line: str, agent: str) -> Line:
    said = SPEAKER.fullmatch(line)
    if said:
        return Line(said[1], said[2] or (agent if said[1] == ">" else ""), said[3])
    return Line(line[0], agent, line[1:].strip())


def _beginning(begins: str, today: datetime) -> datetime:
    days, _, time = begins.partition("d ")
    if not time:
        return today - timedelta(minutes=int(begins.removesuffix("m")))
    hour, minute = map(int, time.split(":"))
    day = today - timedelta(days=int(days))
    return day.replace(hour=hour, minute=minute, second=17, microsecond=0)


def _duration(text: str) -> timedelta:
    return timedelta(**{{"h": "hours", "m": "minutes"}[text[-1]]: int(text[:-1])})


def _pace(before: str, what: str) -> tuple[int, int]:
    if before == what or what in "#@.+!":
        return NEXT_SECONDS
    return AGENT_SECONDS if what == ">" else CONTACT_SECONDS
