"""Running rules: once over a case, in order, inside the transaction of what happened (R4, R5a).

What a rule changed is seen by the next one and never starts rules again, so there are no loops
(T22). A rule that fails is rolled back alone. Each pass is written down so that it can be explained.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from app import counters, transaction
from app.clock import now
from app.domain import events, hot
from app.domain.agents import Refused
from app.domain.events import Fresh
from app.domain.rules import actions, book
from app.domain.rules.book import InForce
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.decisions import see
from app.domain.rules.situations import Happened, Situation
from app.extensions import OUTAGES, db
from app.models import Case, RulePass, RuleRun

log = logging.getLogger(__name__)

NOTHING = Happened()
_PASS_COLUMNS = ("case_id", "type", "occurred_at", "facts", "steps")
_PASS = hot.Insertion(insert(RulePass.__table__), *_PASS_COLUMNS)
# Among a pass's facts, and what a rule changed of them: ids of the newest message, and of a person's.
MESSAGE, WORD = "message", "word"
BROKEN = "Something in it broke; admins see what."
FIRED, FAILED, NOT, STOPPED = "fired", "failed", "not", "stopped"


def init_app(_app: object) -> None:
    """Let every commit run the rules on what it makes visible."""
    transaction.before_commit(run_fresh)


def run_fresh() -> None:
    """Rules on what this transaction has recorded since they ran last."""
    fresh = events.take_fresh()
    if not fresh or book.is_empty():
        return
    if any(event.type in book.REFERRED for event in fresh):
        book.switch_off_what_refers_to_nothing()
    for case_id, recorded in _by_case(fresh).items():
        is_new = any(event.type == "case.created" for event in recorded)
        happened = Happened() if is_new else Happened.of(recorded)
        type_ = "new_case" if is_new else "updated_case"
        if (is_new or happened.names) and (rules := book.in_force(type_)):
            run(case_id, type_, rules, happened)


def run(
    case_id: int, type_: str, rules: Iterable[InForce], happened: Happened = NOTHING
) -> RulePass | None:
    """One pass over a case; None when it is gone, or nobody looks for it: spam, or in the trash."""
    case = db.session.get(Case, case_id, populate_existing=True)
    if case is None or case.is_spam or case.trashed_at:
        return None
    pass_ = RulePass(case_id=case.id, type=type_, occurred_at=now())
    with _ruling():
        runs = _run(case, pass_, tuple(rules), happened)
    kept = {name: getattr(pass_, name) for name in _PASS_COLUMNS}
    pass_.id = _PASS.id(hot.connection(), **kept) or 0
    for run_ in runs:
        run_.pass_id = pass_.id
        transaction.count(counters.RULE_RUNS, outcome=run_.outcome)
    db.session.add_all(runs)
    db.session.flush()
    return pass_


def _run(
    case: Case, pass_: RulePass, rules: tuple[InForce, ...], happened: Happened
) -> list[RuleRun]:
    """Write into the pass what it saw and what came of each rule; the runs of those that acted."""
    needed = frozenset().union(*(rule.definition.conditions for rule in rules))
    seen = see(Situation(case, happened, pass_.occurred_at), needed)
    pass_.facts = json.dumps(_newest(case) | _stored(seen), ensure_ascii=False)
    steps: list[dict[str, Any]] = []
    runs: list[RuleRun] = []
    is_stopped = False
    for rule in rules:
        if is_stopped or not rule.applies(seen):
            steps.append({"version": rule.version_id, "outcome": STOPPED if is_stopped else NOT})
            continue
        newest = _newest(case)
        run_, recorded = _act(rule, case, pass_.occurred_at, happened)
        runs.append(run_)
        step = {"version": rule.version_id, "outcome": run_.outcome}
        step |= {"notes": run_.problem} if run_.problem else {}
        happened = happened.and_then(recorded)
        before, seen = seen, see(Situation(case, happened, pass_.occurred_at), needed)
        changes = _stored({name: seen[name] for name in seen if seen[name] != before[name]})
        changes |= _newest(case) if _newest(case) != newest else {}
        steps.append(step | ({"changes": changes} if changes else {}))
        is_stopped = run_.outcome == FIRED and any(
            one.action == actions.STOP for one in rule.definition.steps
        )
    pass_.steps = json.dumps(steps, ensure_ascii=False)
    return runs


def _act(
    rule: InForce, case: Case, at: datetime, happened: Happened
) -> tuple[RuleRun, list[Fresh]]:
    """Everything the rule orders, or nothing of it; what it recorded."""
    run_ = RuleRun(rule_id=rule.id, case_id=case.id, occurred_at=at)
    notes: list[str] = []
    events.take_ruled()
    try:
        with db.session.begin_nested():
            for step in rule.definition.steps:
                situation = Situation(case, happened, at, rule_id=rule.id)
                note = actions.ACTIONS[step.action].act(situation, step.value)
                db.session.flush()
                notes += [note] if note else []
        run_.outcome, run_.problem = FIRED, " ".join(notes) or None
    except OUTAGES:
        raise
    except Exception as problem:
        events.take_ruled()
        log.warning("rule %s failed on case %s", rule.id, case.id, exc_info=problem)
        run_.outcome, run_.problem = FAILED, _reason(problem)
        db.session.refresh(case)
        events.record("rule.failed", case_id=case.id, rule=rule.id, error=_told(problem))
    return run_, events.take_ruled()


@contextmanager
def _ruling() -> Iterator[None]:
    """What rules record is history like anything else, but starts no rules."""
    db.session.info["is_ruling"] = True
    try:
        yield
    finally:
        db.session.info.pop("is_ruling", None)
        events.take_ruled()


def _by_case(fresh: Iterable[Fresh]) -> dict[int, list[Fresh]]:
    found: dict[int, list[Fresh]] = {}
    for event in fresh:
        if event.case_id is not None:
            found.setdefault(event.case_id, []).append(event)
    return found


def _newest(case: Case) -> dict[str, int | None]:
    return {MESSAGE: case.last_message_id, WORD: case.last_word_id}


def _stored(seen: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in seen.items() if not CONDITIONS[name].holds_words}


def _told(problem: Exception) -> str:
    """The reason in a case's history, which every agent of the case reads: nothing of our insides."""
    return str(problem) if isinstance(problem, Refused) else BROKEN


def _reason(problem: Exception) -> str:
    return (str(problem) or type(problem).__name__)[:300]
