"""What a rule would do, told before it is saved: the newest cases judged as they are now (R6).

The same functions decide as in the engine. What happened to a case is everything that ever happened
to it, because nothing happens to it now. However many cases there are, it takes a fixed number of
queries. Nothing is written and nothing is done.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from app.clock import now
from app.domain import cases
from app.domain.access import Audience, visible_to
from app.domain.events import Fresh
from app.domain.rules.decisions import Decision, decide, see
from app.domain.rules.definitions import Definition
from app.domain.rules.engine import NOTHING
from app.domain.rules.situations import TELLING, Happened, Situation
from app.extensions import db
from app.models import Case, Event, Message, case_labels

LOOKED_AT = 200
# Of each case, for conditions on all of its messages: a form asks again and again.
MOST_TEXTS = 100
LONGEST_TEXT = 2000
WHAT_HAPPENED = frozenset({"happened", "status_changed_from", "status_changed_to"})
# Seen alike of every case at one moment, and asked once.
SAME_FOR_ALL = frozenset({"working_hours"})


@dataclass(frozen=True)
class Preview:
    """The newest cases, newest first, each with what was decided and why."""

    judged: tuple[tuple[Case, Decision], ...]

    @property
    def matching(self) -> list[tuple[Case, Decision]]:
        return [one for one in self.judged if one[1].applies]

    @property
    def others(self) -> list[tuple[Case, Decision]]:
        return [one for one in self.judged if not one[1].applies]


def of(definition: Definition, audience: Audience) -> Preview:
    """Whether the rule would apply to each of the newest cases that this audience may see."""
    newest, names = _newest(definition, audience), definition.conditions
    if not newest:
        return Preview(())
    happened = _history(newest) if names & WHAT_HAPPENED else {}
    moment = now()
    situations = [Situation(one, happened.get(one.id, NOTHING), moment) for one in newest]
    for read in {READ_AHEAD[name] for name in names & READ_AHEAD.keys()}:
        read(situations)
    shared = see(situations[0], names & SAME_FOR_ALL)
    seen = (shared | see(one, names - SAME_FOR_ALL) for one in situations)
    return Preview(tuple(zip(newest, (decide(definition, one) for one in seen), strict=True)))


def _newest(definition: Definition, audience: Audience) -> Sequence[Case]:
    """What the rule may meet: nothing in the trash, and spam only before it was marked as such."""
    query = select(Case).where(visible_to(audience), Case.trashed_at.is_(None))
    if definition.type != "new_case":
        query = query.where(Case.is_spam.is_(False))
    query = query.options(*cases.shown_in_lists()).order_by(Case.id.desc()).limit(LOOKED_AT)
    return db.session.scalars(query).all()


def _history(newest: Sequence[Case]) -> Mapping[int, Happened]:
    """All that ever happened to each case; of the changes of its status the last one."""
    fact = (Event.case_id, Event.type, Event.data)
    query = select(*fact).where(
        Event.case_id.in_([one.id for one in newest]), Event.type.in_(TELLING)
    )
    told: dict[int, list[Fresh]] = {}
    for case_id, type_, data in db.session.execute(query.group_by(*fact).order_by(func.max(Event.id))):
        told.setdefault(case_id, []).append(Fresh(type_, case_id, json.loads(data)))
    return {case_id: _ever(fresh) for case_id, fresh in told.items()}


def _ever(fresh: Sequence[Fresh]) -> Happened:
    changes = [one for one in fresh if one.type == "case.status_changed"]
    return replace(Happened.of(changes[-1:]), names=Happened.of(fresh).names)


def _read_latest(situations: Sequence[Situation]) -> None:
    ids = [one.case.last_word_id for one in situations]
    found = {one.id: one for one in db.session.scalars(select(Message).where(Message.id.in_(ids)))}
    for one in situations:
        one.latest = found.get(one.case.last_word_id or 0)


def _read_texts(situations: Sequence[Situation]) -> None:
    place = func.row_number().over(partition_by=Message.case_id, order_by=Message.id.desc())
    newest = (
        select(Message.case_id, Message.text, place.label("place"))
        .where(
            Message.case_id.in_([one.case.id for one in situations]),
            Message.direction.in_(("in", "out")),
        )
        .subquery()
    )
    some = func.substr(newest.c.text, 1, LONGEST_TEXT).label("text")
    query = select(newest.c.case_id, some).where(newest.c.place <= MOST_TEXTS)
    texts: dict[int, list[str]] = {}
    for case_id, text in db.session.execute(query.order_by(newest.c.case_id, newest.c.place)):
        texts.setdefault(case_id, []).append(text)
    for one in situations:
        one.texts = texts.get(one.case.id, [])


def _read_labels(situations: Sequence[Situation]) -> None:
    on_case = select(case_labels.c.case_id, case_labels.c.label_id).where(
        case_labels.c.case_id.in_([one.case.id for one in situations])
    )
    ids: dict[int, list[int]] = {}
    for case_id, label_id in db.session.execute(on_case.order_by(case_labels.c.label_id)):
        ids.setdefault(case_id, []).append(label_id)
    for one in situations:
        one.label_ids = ids.get(one.case.id, [])


def _read_first_cases(situations: Sequence[Situation]) -> None:
    authors = {one.case.contact_id for one in situations}
    query = select(Case.contact_id, func.min(Case.id).label("first")).where(Case.contact_id.in_(authors))
    found = db.session.execute(query.group_by(Case.contact_id))
    first = {row.contact_id: row.first for row in found}
    for one in situations:
        one.author_is_new = first.get(one.case.contact_id, one.case.id) >= one.case.id


# What a situation would ask the database for of each case, asked of all of them at once.
READ_AHEAD: dict[str, Callable[[Sequence[Situation]], None]] = {
    "latest_text": _read_latest,
    "latest_sender": _read_latest,
    "any_text": _read_texts,
    "labels": _read_labels,
    "author_is_new": _read_first_cases,
}
