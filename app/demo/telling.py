"""Tells the week: every line of every scene at its moment, in the order of time.

Contacts' lines go through LINE's own parser and the inbox, agents' through the verbs that pages
call, so that history, search and lists are what they would be after a real week.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app import clock
from app.channels.base import Profile
from app.channels.line import parse
from app.demo import script
from app.demo.script import Line, Scene
from app.demo.shop import Shop, line_id
from app.domain import cases, chats, contacts, conversations, inbox, labels, messages
from app.extensions import db
from app.models import Agent, Case, Conversation, Identity, MonthlyCount

ACCEPTED_AFTER = timedelta(seconds=1)


def tell(shop: Shop, scenes: list[Scene], *, today: datetime) -> None:
    """Let the week have happened. Inside the caller's transaction."""
    week = Week(shop)
    happened = [
        (moment, number, line)
        for number, scene in enumerate(scenes)
        for moment, line in script.moments(scene, today)
    ]
    for moment, number, line in sorted(happened, key=lambda step: step[:2]):
        with clock.telling_of(moment):
            week.happen(scenes[number], line, moment)
    _ask_for_names()
    # LINE has sent none of it: what was told must not stand beside its count of this month.
    db.session.execute(delete(MonthlyCount))


class Week:
    """What the telling must remember: each scene's case."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._source = inbox.Source.of(shop.channel)
        self._acts: dict[str, Callable[[Scene, Case, Line, datetime], None]] = {
            ">": self._reply,
            "#": self._note,
            "@": self._assign,
            "+": self._label,
            "!": self._prioritise,
            ".": self._end,
        }
        self._told: dict[str, Case] = {}

    def happen(self, scene: Scene, line: Line, moment: datetime) -> None:
        if line.what == "<" and scene.subject:
            self._write_down(scene, line)
        elif line.what == "<":
            self._arrive(scene, line, moment)
        else:
            self._acts[line.what](scene, self._case(scene), line, moment)

    def _write_down(self, scene: Scene, line: Line) -> None:
        self._told[scene.subject] = cases.open_by_hand(
            subject=scene.subject,
            text_=line.text,
            contact_name=scene.contact,
            by=self._shop.agents[scene.agent],
            group=self._shop.groups.get(scene.group),
        )

    def _arrive(self, scene: Scene, line: Line, moment: datetime) -> None:
        received = parse.event(_webhook_event(scene, line, moment))
        inbox.receive(self._source, [received])
        case = self._case(scene)
        if scene.is_group:
            conversations.took_profile(case.conversation, Profile(scene.name))
        elif case.contact and case.contact.name is None and case.conversation.identity:
            profile = Profile(scene.name, scene.language)
            contacts.took_name(case.conversation.identity, profile)

    def _reply(self, scene: Scene, case: Case, line: Line, moment: datetime) -> None:
        agent = self._agent(line)
        if scene.subject:
            messages.add_reply(case, line.text, by=agent, key=None)
            return
        message = chats.reply(case, line.text, by=agent)
        with clock.telling_of(moment + ACCEPTED_AFTER):
            messages.settle(message, "sent", external_ids=(str(secrets.randbelow(10**18)),))
        if scene.group in self._shop.groups:
            cases.move(case, self._shop.groups[scene.group], by=agent)

    def _note(self, scene: Scene, case: Case, line: Line, moment: datetime) -> None:
        chats.note(case, line.text, by=self._agent(line))

    def _assign(self, scene: Scene, case: Case, line: Line, moment: datetime) -> None:
        cases.assign(case, self._shop.agents[line.text], by=self._agent(line))

    def _label(self, scene: Scene, case: Case, line: Line, moment: datetime) -> None:
        label = labels.by_name(line.text) or labels.create(line.text, by=None)
        labels.add(case, [label], by=self._agent(line))

    def _prioritise(self, scene: Scene, case: Case, line: Line, moment: datetime) -> None:
        cases.set_priority(case, line.text, by=self._agent(line))

    def _end(self, scene: Scene, case: Case, line: Line, moment: datetime) -> None:
        if scene.subject:
            cases.assign(case, self._agent(line), by=self._agent(line))
            cases.set_status(case, line.text, by=self._agent(line))
        elif line.text == "quiet":
            db.session.refresh(case)
            chats.end(case, chats.status_after(case), by=None, cause="inactivity")
        else:
            chats.end(case, line.text, by=self._agent(line))

    def _agent(self, line: Line) -> Agent:
        return self._shop.agents[line.who]

    def _case(self, scene: Scene) -> Case:
        if scene.subject:
            return self._told[scene.subject]
        query = (
            select(Case)
            .join(Conversation, Conversation.id == Case.conversation_id)
            .where(Conversation.external_id == _talk(scene))
            .order_by(Case.id.desc())
            .limit(1)
        )
        return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _talk(scene: Scene) -> str:
    if scene.is_group:
        return line_id("C", "group", scene.name)
    return line_id("U", "user", scene.name)


def _webhook_event(scene: Scene, line: Line, moment: datetime) -> dict[str, object]:
    """What LINE would have called with; its reply token is long too old to be kept."""
    source = {"type": "user", "userId": line_id("U", "user", line.who or scene.name)}
    if scene.is_group:
        source |= {"type": "group", "groupId": _talk(scene)}
    kind = line.text[1:-1] if line.text.startswith("[") else "text"
    words = {"text": line.text} if kind == "text" else {}
    return {
        "type": "message",
        "mode": "active",
        "webhookEventId": secrets.token_hex(13).upper(),
        "timestamp": int(moment.timestamp() * 1000),
        "deliveryContext": {"isRedelivery": False},
        "source": source,
        "message": {"type": kind, "id": str(secrets.randbelow(10**18)), **words},
    }


def _ask_for_names() -> None:
    """Names are told; pictures are the simulator's to give, once it is there."""
    db.session.execute(update(Identity).values(lookup_due_at=clock.now(), lookup_attempts=0))
