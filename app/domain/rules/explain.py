"""Why rules did what they did: told again by the functions that decide (R6).

A pass kept facts and the versions that ran. Customers' words were not kept: they are looked up as
they are now, and where they are gone (unsent, say) only the outcome is told.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.clock import now
from app.domain.rules import definitions, engine
from app.domain.rules.decisions import Decision, Judged, decide
from app.domain.rules.definitions import Definition
from app.domain.rules.situations import MOST_TEXTS
from app.extensions import db
from app.models import Case, Message, RulePass, RuleVersion

KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Told:
    """One rule of a pass as it was then: what came of it, and why.

    `decision` is None when it was not asked. The `notes` of one that failed are the program's own
    words, and for admins alone.
    """

    rule_id: int
    name: str
    version: int
    definition: Definition
    outcome: str
    notes: str | None
    decision: Decision | None

    def notes_for(self, *, is_admin: bool) -> str | None:
        """What was left out, or why it failed, as far as the reader may know it."""
        is_hidden = self.outcome == engine.FAILED and not is_admin
        return engine.BROKEN if is_hidden else self.notes

    @property
    def is_retold(self) -> bool:
        """Whether deciding it again comes out the same; not where the words it saw are gone."""
        return self.decision is not None and self.decision.applies == (self.outcome != "not")

    @property
    def decisive(self) -> Judged | None:
        """The condition that decided; None where that can't be told any more."""
        return self.decision.decisive if self.decision and self.is_retold else None


@dataclass(frozen=True)
class ToldPass:
    """All rules of a type over a case at a moment; `happened` as far as a rule asked for it."""

    id: int
    type: str
    occurred_at: datetime
    happened: tuple[str, ...]
    rules: tuple[Told, ...]


def of_case(case: Case, *, after: int = 0, limit: int = 50) -> list[ToldPass]:
    """The passes over a case, oldest first."""
    query = select(RulePass).where(RulePass.case_id == case.id, RulePass.id > after)
    return _told_all(case, db.session.scalars(query.order_by(RulePass.id).limit(limit)).all())


def newest_of_case(case: Case, *, before: int | None, limit: int) -> list[ToldPass]:
    """The same, newest first."""
    query = select(RulePass).where(RulePass.case_id == case.id)
    query = query.where(RulePass.id < before) if before else query
    return _told_all(case, db.session.scalars(query.order_by(RulePass.id.desc()).limit(limit)).all())


def forget_old() -> None:
    """Explanations are kept for 90 days (R6)."""
    old = select(RulePass.id).where(RulePass.occurred_at < now() - KEPT).limit(5000)
    db.session.execute(delete(RulePass).where(RulePass.id.in_(old)))


@dataclass(frozen=True)
class _Kept:
    """What a pass kept, read."""

    row: RulePass
    facts: dict[str, Any]
    steps: list[dict[str, Any]]


def _told_all(case: Case, rows: Sequence[RulePass]) -> list[ToldPass]:
    passes = [_Kept(row, json.loads(row.facts), json.loads(row.steps)) for row in rows]
    versions, words = _versions(passes), _Words(case, passes)
    return [_told(pass_, words, versions) for pass_ in passes]


def _told(pass_: _Kept, words: "_Words", versions: dict[int, RuleVersion]) -> ToldPass:
    return ToldPass(
        id=pass_.row.id,
        type=pass_.row.type,
        occurred_at=pass_.row.occurred_at,
        happened=tuple(pass_.facts.get("happened", ())),
        rules=tuple(_each(pass_, words, versions)),
    )


def _each(pass_: _Kept, words: "_Words", versions: dict[int, RuleVersion]) -> Iterator[Told]:
    """Each rule with the facts that it saw: those of the pass, and what rules before it changed."""
    facts = pass_.facts
    for step in pass_.steps:
        version = versions[step["version"]]
        definition = definitions.kept(version)
        is_asked = step["outcome"] != "stopped"
        yield Told(
            rule_id=version.rule_id,
            name=version.name,
            version=version.number,
            definition=definition,
            outcome=step["outcome"],
            notes=step.get("notes"),
            decision=decide(definition, facts | words.at(facts)) if is_asked else None,
        )
        facts = facts | step.get("changes", {})


class _Words:
    """What conditions on customers' words saw at some moment, as far as it is still there."""

    def __init__(self, case: Case, passes: Sequence[_Kept]) -> None:
        changes = [step.get("changes", {}) for pass_ in passes for step in pass_.steps]
        moments = changes + [pass_.facts for pass_ in passes]
        newest_id = max((seen.get(engine.MESSAGE) or 0 for seen in moments), default=0)
        self._case, self._texts = case, _texts(case, newest_id)

    def at(self, facts: dict[str, Any]) -> dict[str, Any]:
        """By the newest messages that `facts` name; older passes knew of no person's by itself."""
        newest_id = facts.get(engine.MESSAGE) or 0
        word_id = facts.get(engine.WORD, newest_id)
        seen = [(id_, text) for id_, text in self._texts if id_ <= newest_id][:MOST_TEXTS]
        return {
            "latest_text": next((text for id_, text in seen if id_ == word_id), ""),
            "any_text": [text for _id, text in seen],
            "subject": self._case.subject,
            "author_name": (self._case.contact.name or "") if self._case.contact else "",
        }


def _versions(passes: Sequence[_Kept]) -> dict[int, RuleVersion]:
    ids = {step["version"] for pass_ in passes for step in pass_.steps}
    found = db.session.scalars(select(RuleVersion).where(RuleVersion.id.in_(ids)))
    return {version.id: version for version in found}


def _texts(case: Case, newest_id: int) -> list[tuple[int, str]]:
    """What was written in a case up to a message, newest first, with the messages' ids.

    Twice what a rule looks at: so much of it was there for older passes too.
    """
    written = select(Message.id, Message.text).where(
        Message.case_id == case.id,
        Message.direction.in_(("in", "out")),
        Message.id <= newest_id,
    )
    found = db.session.execute(written.order_by(Message.id.desc()).limit(2 * MOST_TEXTS))
    return [(row.id, row.text) for row in found]
