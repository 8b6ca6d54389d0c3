"""Text and queries as tokens, the same for every engine, so that both find the same.

Thai, Japanese and Chinese have no spaces and many words of two characters, so runs of such scripts
become overlapping pairs, and the last character alone; a run in a query is then a phrase of pairs,
which finds it anywhere. Other words stay whole and are found by their beginning. A compound such as
ORD-0012345 is its parts and, once more, the parts joined, so that it is found with and without the
hyphen and no query has to walk every "ord".

It refuses to understand: no stems, no synonyms, no operators. Nothing raises, whatever the text.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.domain import characters
from app.domain.search.scripts import CONNECTOR, INVISIBLE, SEGMENT

# Beyond this a message's text is not indexed: PostgreSQL's tsvector holds at most 1 MB.
INDEXED_LENGTH = 40_000
WORD_LENGTH = 64
JOINED_PARTS = 4
QUERY_LENGTH = 200
QUERY_TERMS = 16


@dataclass(frozen=True, slots=True)
class Words:
    """What a text is indexed by.

    `tokens` in the order of the text, `joined` the joined compounds, `segments` whole runs and
    words in the order of the text.
    """

    tokens: list[str]
    joined: list[str]
    segments: list[str]


@dataclass(frozen=True, slots=True)
class Term:
    """One run of a query: these tokens one after another, the last one by its beginning if said.

    `needle` stands in `" " + " ".join(segments)` of each text that has the term, and in no other;
    it is empty where the one token says everything.
    """

    tokens: tuple[str, ...]
    is_prefix: bool
    needle: str = ""


def normal(text: str) -> str:
    """Full width and half width, capital and small alike; nothing invisible."""
    if text.isascii():
        return text.lower()
    return characters.compatible(INVISIBLE.sub("", text)).casefold()


def read(text: str) -> Words:
    """The words of a text. Characters that are no part of words, NUL and surrogates too, go."""
    words = Words([], [], [])
    for match in SEGMENT.finditer(normal(text[:INDEXED_LENGTH]), 0, INDEXED_LENGTH):
        if match.lastindex == 1:
            run = match[1]
            words.tokens.extend([run[at : at + 2] for at in range(len(run))])
            words.segments.append(run)
        else:
            _add_compound(words, match[2])
    return words


def parse(q: str) -> tuple[Term, ...]:
    """The terms that a text must all have; empty when there is nothing to look for."""
    runs = normal(q[: QUERY_LENGTH * 5])[:QUERY_LENGTH].split()
    terms = dict.fromkeys(term for run in runs if (term := _term(run)))
    return tuple(terms)[:QUERY_TERMS]


def number(q: str) -> int | None:
    """The case number that the query is, `#12` and full-width digits included."""
    digits = normal(q[:40]).strip().removeprefix("#")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits) if len(digits) < 19 else None


def _add_compound(words: Words, compound: str) -> None:
    if compound.isalnum():
        word = compound[:WORD_LENGTH]
        words.tokens.append(word)
        words.segments.append(word)
        return
    parts = CONNECTOR.split(compound)
    cut = [part[:WORD_LENGTH] for part in parts]
    words.tokens.extend(cut)
    words.segments.extend(cut)
    words.joined.extend(_join(parts[at:]) for at in range(len(parts) - 1))


def _join(parts: list[str]) -> str:
    return "".join(parts[:JOINED_PARTS])[:WORD_LENGTH]


def _term(run: str) -> Term | None:
    segments = list(_segments(run))
    if not segments:
        return None
    if len(segments) == 1 and not segments[0].is_unspaced:
        parts = segments[0].parts
        if len(parts) <= JOINED_PARTS:
            return Term((_join(parts),), is_prefix=True)
    return _phrase(segments)


@dataclass(frozen=True, slots=True)
class _Segment:
    is_unspaced: bool
    parts: list[str]


def _segments(run: str) -> Iterator[_Segment]:
    for match in SEGMENT.finditer(run):
        if match.lastindex == 1:
            yield _Segment(True, [match[1]])
        else:
            yield _Segment(False, CONNECTOR.split(match[2]))


def _phrase(segments: list[_Segment]) -> Term:
    """Segments one after another: the first one's end, whole ones, and the last one's beginning."""
    *_, last = segments
    tokens: list[str] = []
    words: list[str] = []
    for segment in segments:
        if segment.is_unspaced:
            run = segment.parts[0]
            tokens.extend(run[at : at + 2] for at in range(len(run)))
            if segment is last and len(run) > 1:
                # What follows the last character in the text is not known.
                tokens.pop()
        else:
            tokens.extend(part[:WORD_LENGTH] for part in segment.parts)
        words.extend(part if segment.is_unspaced else part[:WORD_LENGTH] for part in segment.parts)
    is_prefix = not last.is_unspaced or len(last.parts[0]) == 1
    if len(tokens) == 1:
        return Term((tokens[0],), is_prefix)
    space = "" if segments[0].is_unspaced else " "
    return Term(tuple(tokens), is_prefix, space + " ".join(words))
