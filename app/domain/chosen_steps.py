"""Chosen steps: the actions of macros that agents picked, waiting in composers, then done (R8).

Sending does them, in the agent's name. Nothing is done that the agent was not shown: a step is
known by its mark, and that is another one as soon as the step is.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from app.clock import now
from app.domain import agents, cases, chats, events, labels, macros
from app.domain.agents import Refused
from app.domain.rules import actions, definitions
from app.domain.rules.definitions import Step
from app.domain.rules.situations import Happened, Situation
from app.extensions import db
from app.models import LARGEST_ID, Agent, Case, Event, Macro, Message

_MARK = re.compile(r"(\d{1,10})-(\d{1,2})-[0-9a-f]{8}")


@dataclass(frozen=True)
class Chosen:
    """One action of a macro, as it waits in a composer; `place` is where it stands among them.

    `problem` says why it can't be done: what it refers to is gone. Empty when it can.
    """

    macro: Macro
    place: int
    step: Step
    problem: str

    @property
    def mark(self) -> str:
        """What a page sends back of it: another one as soon as the action is another one."""
        written = json.dumps(definitions.written_steps([self.step]), ensure_ascii=False)
        digest = hashlib.blake2b(written.encode(), digest_size=4).hexdigest()
        return f"{self.macro.id}-{self.place}-{digest}"


def of(macro: Macro) -> list[Chosen]:
    """Its actions as they were saved, whether or not what they refer to is still there."""
    steps = definitions.kept_steps(json.loads(macro.actions))
    return [Chosen(macro, place, step, _problem_of(step)) for place, step in enumerate(steps)]


def of_all(found: Sequence[Macro]) -> dict[int, list[Chosen]]:
    """The same of many, by id, in a fixed number of queries: what they refer to is read before."""
    known = [labels.listed(), agents.all_groups(), agents.everyone()]
    steps = {macro.id: of(macro) for macro in found}
    known.clear()  # until now the session found each of them without asking
    return steps


def still(marks: Sequence[str], *, by: Agent) -> list[Chosen]:
    """Of what once waited in a composer, what still is as it was, in that order."""
    found = [_MARK.fullmatch(mark) for mark in marks]
    wanted = {int(one[1]) for one in found if one and int(one[1]) <= LARGEST_ID}
    picked = macros.usable(wanted, by) if wanted else ()
    known = {one.mark: one for macro in picked for one in of(macro)}
    return [known[mark] for mark in dict.fromkeys(marks) if mark in known]


def checked(marks: Sequence[str], *, by: Agent) -> list[Chosen]:
    """What waits in a composer that is being sent. Raise Refused when it isn't what was shown."""
    found = still(marks, by=by)
    if len(found) < len(set(marks)):
        raise Refused("A macro that you chose was changed or deleted meanwhile. Remove its actions, or choose it again.")
    return found


def apply(
    case: Case,
    chosen: Sequence[Chosen],
    *,
    by: Agent,
    key: str | None = None,
    last_seen: int | None = None,
) -> list[str]:
    """Do what waited, in order and in the agent's name, once per key; why some of it was not done.

    `last_seen` is the newest message that the agent's page had shown: no chat is ended over a
    newer one (S17). An action that is refused leaves the others alone; verbs refuse before they
    change anything.
    """
    cases.lock(case)
    if not chosen or (key and _was_applied(case, by, key)):
        return []
    for macro in dict.fromkeys(one.macro for one in chosen):
        events.record("macro.applied", case_id=case.id, by=by, macro=macro.id, name=macro.name, key=key)
    notes = [_do(one, Situation(case, Happened(), now(), by=by, last_seen=last_seen)) for one in chosen]
    return [note for note in notes if note]


def use(
    case: Case, macro: Macro, *, by: Agent, key: str | None = None
) -> tuple[Message | None, list[str]]:
    """Send its text, if it has one, and do its actions, once per key; what `apply` returns."""
    text = macros.filled(macro, case, by=by)
    message = chats.reply(case, text, by=by, key=key) if text else None
    return message, apply(case, of(macro), by=by, key=key)


def _do(one: Chosen, situation: Situation) -> str | None:
    if one.problem:
        return one.problem
    if situation.by and not macros.may_order(one.step, one.macro.is_shared, situation.by):
        return macros.ADMINS_ONLY
    try:
        return actions.ACTIONS[one.step.action].act(situation, one.step.value)
    except Refused as refusal:
        return str(refusal)
    finally:
        db.session.flush()


def _was_applied(case: Case, by: Agent, key: str) -> bool:
    """Whether this press of the button came before; the case's lock makes it true afterwards."""
    query = select(Event.data).where(
        Event.case_id == case.id, Event.type == "macro.applied", Event.agent_id == by.id
    )
    return any(json.loads(data).get("key") == key for data in db.session.scalars(query))


def _problem_of(step: Step) -> str:
    kind = actions.ACTIONS[step.action].value
    try:
        if kind:
            kind.parse(step.value)
    except Refused as problem:
        return str(problem)
    return ""
