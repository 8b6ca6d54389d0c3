"""Which open pages hear of what, and what is pushed to them."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, template_rendered
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app import transaction
from app.background import Housekeeping
from app.domain import (
    access,
    agents,
    cases,
    chats,
    events,
    notifications,
    presence,
    sessions,
    settings,
)
from app.extensions import db
from app.live import incoming, service
from app.live.hub import Client
from app.models import Agent, Case, Event, Group
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


class OpenPages:
    """Stands in for the hub: remembers what each client was sent."""

    def __init__(self) -> None:
        self.sent: dict[int, list[dict[str, Any]]] = {}
        self._clients: list[Client] = []
        self.closed: list[tuple[int, int]] = []

    def open(self, agent: Agent, *topics: str) -> Client:
        with transaction.writing():
            token = sessions.start(db.session.get_one(Agent, agent.id))
        session = sessions.find(token)
        audience = access.audience_of(session.agent)
        offered = access.offered_to(session.agent)
        client = Client(agent.id, str(session.id), audience, frozenset(topics), offered=offered)
        transaction.release()
        self._clients.append(client)
        self.sent[id(client)] = []
        return client

    def heard(self, client: Client) -> list[dict[str, Any]]:
        return self.sent[id(client)]

    def topics(self, client: Client) -> set[str]:
        return {topic for message in self.heard(client) for topic in message.get("topics", [])}

    def clients(self) -> list[Client]:
        return list(self._clients)

    def send(self, *texts: str, to: Any) -> int:
        hit = [client for client in self._clients if to(client)]
        for client in hit:
            self.sent[id(client)].extend(map(json.loads, texts))
        return len(hit)

    def close(self, *, to: Any, code: int, reason: str = "") -> int:
        hit = [client for client in self._clients if to(client)]
        self._clients = [client for client in self._clients if client not in hit]
        self.closed += [(client.agent_id, code) for client in hit]
        return len(hit)


@pytest.fixture
def live(app: Flask) -> Iterator[service.Live]:
    play(ToyAdapter())
    with app.app_context():
        found = service.of(app)
        fresh = service.Live(app, OpenPages(), found.bus, found.worker, found.incoming)
        service.start_from_now(fresh)
        yield fresh
        transaction.release()


@pytest.fixture
def pages(live) -> OpenPages:
    return live.hub


def look(live: service.Live, *, rights: bool = False) -> None:
    live.rights_checked_at = 0.0 if rights else float("inf")
    transaction.release()
    service._look(live)


def group(name: str) -> Group:
    return db.session.scalars(select(Group).where(Group.name == name)).one()


def test_new_chat_is_pushed_to_everybody_who_may_see_it(live, pages, alice, bob):  # S13
    one, two = pages.open(alice), pages.open(bob)

    chat_of(connected("toy"), "My order is late")
    look(live)

    assert "My order is late" in pages.heard(one)[0]["html"]
    assert "My order is late" in pages.heard(two)[0]["html"]


def test_chat_of_another_group_reaches_no_page(live, pages, bob, charlie):  # T15
    mine, foreign = pages.open(charlie, "case:1", "chats"), pages.open(bob, "case:1", "chats")

    chat_of(connected("toy", group=group("Support")), "Secret")
    look(live)

    assert "Secret" in json.dumps(pages.heard(mine))
    assert pages.heard(foreign) == [] or "Secret" not in json.dumps(pages.heard(foreign))
    assert pages.topics(foreign) == set()


def test_incoming_is_rendered_once_per_audience_and_a_row_once_for_all(
    app, live, pages, alice, bob, monkeypatch
):
    lists, made = [], []
    real = incoming._rendered
    monkeypatch.setattr(incoming, "_rendered", lambda row: made.append(row.snippet) or real(row))

    def note(_sender, template, **_):
        lists.append(template.name)

    for _ in range(5):
        pages.open(alice), pages.open(bob)
    with template_rendered.connected_to(note, app):
        chat_of(channel := connected("toy"), "first")
        look(live)
        chat_of(channel, "second", who="Umalee")
        look(live)

    assert lists == ["chats/_incoming.html"] * 4
    assert made == ["first", "second"]


def test_same_incoming_part_is_not_pushed_twice(live, pages, alice):
    page = pages.open(alice)
    chat = chat_of(connected("toy"))
    look(live)
    with transaction.writing():
        chats.note(chat, "a note changes nothing there", by=db.session.get_one(Agent, alice.id))
    look(live)

    assert [message["type"] for message in pages.heard(page)].count("incoming") == 1


def test_taken_chat_leaves_the_icon_of_everybody(live, pages, alice, bob):  # S15
    page = pages.open(bob)
    chat = chat_of(connected("toy"), "My order is late")
    look(live)
    with transaction.writing():
        chats.take(chat, by=db.session.get_one(Agent, alice.id))
    look(live)

    assert "My order is late" not in pages.heard(page)[-1]["html"]


def test_response_is_told_to_the_taker_alone(live, pages, alice, bob):  # S14
    channel = connected("toy")
    chat = chat_of(channel)
    with transaction.writing():
        chats.take(chat, by=db.session.get_one(Agent, alice.id))
    mine, other = pages.open(alice), pages.open(bob)
    service.start_from_now(live)

    receive(channel, said("Still there?"))
    look(live)

    assert "responses" in pages.topics(mine)
    assert "responses" not in pages.topics(other)


def test_only_who_was_told_hears_of_a_notification_and_of_reading_it(live, pages, alice, bob):
    chat = chat_of(connected("toy"))
    told, other = pages.open(bob, "notifications"), pages.open(alice, "notifications")
    service.start_from_now(live)

    with transaction.writing():
        to = {"to": ["all"], "by": ["app"], "rule_id": None}
        db.session.get_one(Agent, alice.id).is_active = False
        notifications.notify(chat, "Look here", **to)
    look(live)
    assert "notifications" in pages.topics(told)
    assert "notifications" not in pages.topics(other)

    pages.heard(told).clear()
    with transaction.writing():
        notifications.read(db.session.get_one(Agent, bob.id))
    look(live)
    assert pages.topics(told) == {"notifications"}
    assert "notifications" not in pages.topics(other)


def test_event_that_commits_late_is_told_all_the_same(live, pages, alice, monkeypatch):  # S16
    monkeypatch.setitem(events.OVERLAP, "sqlite", 200)  # as on PostgreSQL
    chat = chat_of(connected("toy"))
    page = pages.open(alice, f"case:{chat.id}")
    late = events.newest_ids(1)[0] + 1
    transaction.release()
    with transaction.writing():
        db.session.add(Event(id=late + 1, type="chat.read", case_id=chat.id))
    service.start_from_now(live)

    with transaction.writing():
        db.session.add(Event(id=late, type="message.sent", case_id=chat.id))
    look(live)

    assert f"case:{chat.id}" in pages.topics(page)


def test_changed_minutes_reach_every_page(live, pages, alice):  # S19
    chat = chat_of(connected("toy"))
    page = pages.open(alice, f"case:{chat.id}")
    look(live)
    pages.heard(page).clear()

    with transaction.writing():
        settings.put("chats.inactivity_minutes", "3")
    look(live)

    assert f"case:{chat.id}" in pages.topics(page)


def test_a_group_that_is_left_is_told_to_its_page_and_to_lists_only(live, pages, alice):  # S28
    place = {"conversation_kind": "group", "conversation_id": "Cmove"}
    channel = connected("toy")
    receive(channel, said("hello", **place))
    chat_of(channel, who="Ub")
    shown = pages.open(alice, "case:1", "cases")
    other = pages.open(alice, "case:2", "settings")
    service.start_from_now(live)

    receive(channel, said("", kind="left", message_kind="leave", message_id=None, **place))
    look(live)

    assert {"case:1", "cases"} <= pages.topics(shown)
    assert pages.topics(other) == set()


def test_page_hears_only_of_what_it_shows(live, pages, alice):
    channel = connected("toy")
    shown = chat_of(channel, who="Ua")
    page = pages.open(alice, f"case:{shown.id}")
    service.start_from_now(live)

    chat_of(channel, who="Ub")
    look(live)
    assert f"case:{shown.id}" not in pages.topics(page)

    receive(channel, said("more", who="Ua"))
    look(live)
    assert f"case:{shown.id}" in pages.topics(page)


def test_all_cases_hears_of_endings_and_not_of_active_chats(live, pages, alice):  # S10
    page = pages.open(alice, "cases")
    chat = chat_of(connected("toy"))
    receive(db.session.get_one(Case, chat.id).channel, said("more"))
    service.start_from_now(live)
    receive(chat.channel, said("even more"))
    look(live)
    assert "cases" not in pages.topics(page)

    with transaction.writing():
        chats.end(chat, "closed", by=db.session.get_one(Agent, alice.id))
    look(live)
    assert "cases" in pages.topics(page)


def test_ended_session_is_closed_with_4401(live, pages, alice):  # T15
    page = pages.open(alice)
    with transaction.writing():
        sessions.end_all(db.session.get_one(Agent, alice.id))
    look(live, rights=True)

    assert pages.closed == [(page.agent_id, 4401)]


def test_deactivated_agent_is_closed(live, pages, bob):  # T15
    pages.open(bob)
    with transaction.writing():
        db.session.get_one(Agent, bob.id).is_active = False
    look(live, rights=True)

    assert pages.closed == [(bob.id, 4401)]


def test_agent_who_left_a_group_gets_no_more_of_it(live, pages, charlie):  # T15
    page = pages.open(charlie)
    with transaction.writing():
        db.session.get_one(Agent, charlie.id).groups = []
    look(live, rights=True)
    chat_of(connected("toy", group=group("Support")), "Secret")
    look(live)

    assert "Secret" not in json.dumps(pages.heard(page))


def test_what_comes_right_after_an_agent_left_a_group_is_not_shown_to_them(live, pages, alice, charlie):  # T15
    page = pages.open(charlie)
    with transaction.writing():
        leaver = db.session.get_one(Agent, charlie.id)
        given = {name: getattr(leaver, name) for name in ("name", "email", "role", "access", "may_change")}
        agents.change(leaver, **given, is_active=True, groups=[], by=db.session.get_one(Agent, alice.id))
    chat_of(connected("toy", group=group("Support")), "Secret")
    look(live)

    assert "Secret" not in json.dumps(pages.heard(page))


def test_what_happened_while_the_database_failed_is_told_once_it_is_back(
    live, pages, alice, monkeypatch
):  # F7, F8
    page = pages.open(alice)
    look(live)
    chat_of(connected("toy"), "My order is late")
    monkeypatch.setattr(live.incoming, "html_for", _fails(OperationalError("SELECT", {}, Exception())))
    with pytest.raises(OperationalError):
        look(live)
    monkeypatch.undo()
    pages.sent[id(page)].clear()
    look(live)

    assert "My order is late" in pages.heard(page)[0]["html"]


def test_what_cannot_be_told_holds_up_nothing_that_comes_after_it(live, pages, alice, monkeypatch):
    page = pages.open(alice, "chats")
    look(live)
    chat_of(connected("toy"), "One that breaks the row")
    monkeypatch.setattr(live.incoming, "html_for", _fails(ValueError()))
    with pytest.raises(ValueError):
        look(live)
    monkeypatch.undo()
    chat_of(connected("toy"), "My order is late", who="Uyuki")
    look(live)

    assert "My order is late" in json.dumps(pages.heard(page))


def _fails(problem: Exception) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise problem

    return fail


def test_moved_case_is_told_to_those_who_lose_it(live, pages, bob, alice):
    chat = chat_of(connected("toy"))
    page = pages.open(bob, f"case:{chat.id}")
    with transaction.writing():
        other = agents.create_group("Elsewhere")
        cases.move(chat, other, by=db.session.get_one(Agent, alice.id))
    look(live)

    assert f"case:{chat.id}" in pages.topics(page)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '{"subscribe": 5}', '{"x": 1}', "[" * 5000, '{"subscribe": [[]]}']
)
def test_garbage_from_a_page_is_ignored(live, pages, alice, text):  # T15
    page = pages.open(alice, "cases")

    service._heard(pages, page, text)

    assert page.topics in (frozenset({"cases"}), frozenset())


def test_subscription_is_answered(live, pages, alice):  # S16
    page = pages.open(alice)

    service._heard(pages, page, '{"subscribe": ["case:1", 5]}')

    assert page.topics == frozenset({"case:1"})
    assert pages.heard(page) == [{"type": "subscribed"}]


def test_open_page_keeps_agent_present_and_session_used(app, live, pages, alice, monkeypatch):
    pages.open(alice)
    monkeypatch.setitem(app.extensions, "live", live)

    present = service.present_agents(app)
    with transaction.writing():
        service.keep_presence(present)

    assert present == {alice.id}
    assert db.session.get_one(Agent, alice.id).live_at is not None


def test_who_comes_is_there_at_once_and_written_down_once(app, live, pages, alice, bob, clock, monkeypatch):  # H2
    monkeypatch.setitem(app.extensions, "live", live)
    kept: list[frozenset[int]] = []
    monkeypatch.setattr(service, "keep_presence", kept.append)
    housekeeping = Housekeeping(app)
    pages.open(alice)
    housekeeping()
    pages.open(bob)
    housekeeping()
    housekeeping()
    assert kept == [frozenset({alice.id}), frozenset({bob.id})]
    clock.shift(Housekeeping.EVERY)
    housekeeping()
    assert kept[2:] == [frozenset({alice.id, bob.id})]


def test_one_browser_holds_only_so_many_sockets(live, pages, alice, monkeypatch):  # T15
    monkeypatch.setattr(service, "MOST_PAGES", 1)
    opened = pages.open(alice)
    assert service.has_too_many(live, opened.session_id)
    assert not service.has_too_many(live, f"{opened.session_id}0")


def test_who_loses_a_case_is_told_once_and_then_hears_nothing_of_it(live, pages, erin, alice):  # H1, T15
    chat = chat_of(connected("toy"))
    topic = f"case:{chat.id}"
    page = pages.open(erin, topic, "chats")
    with transaction.writing():
        cases.assign(chat, db.session.get_one(Agent, erin.id), by=None)
    look(live)
    assert pages.topics(page) == {topic, "chats"}

    with transaction.writing():
        cases.assign(chat, None, by=None)
    pages.heard(page).clear()
    look(live)
    assert pages.topics(page) == {topic, "chats"}

    pages.heard(page).clear()
    receive(chat.channel, said("secret"))
    look(live)
    assert pages.topics(page) == set()
    assert "secret" not in json.dumps(pages.heard(page))


def test_who_may_only_look_is_shown_no_new_chats_by_the_icon(live, pages, dora, bob):  # H1
    looks, answers = pages.open(dora), pages.open(bob)

    chat_of(connected("toy"), "My order is late")
    look(live)

    assert "My order is late" not in json.dumps(pages.heard(looks))
    assert "My order is late" in json.dumps(pages.heard(answers))


def test_icon_of_an_open_page_goes_out_when_its_agent_may_only_look(live, pages, bob):  # H1
    chat_of(connected("toy"), "My order is late")
    page = pages.open(bob)
    with transaction.writing():
        db.session.get_one(Agent, bob.id).may_change = False
    look(live, rights=True)

    assert 'data-count="0"' in pages.heard(page)[-1]["html"]


def test_pages_that_show_agents_hear_who_comes_and_goes(live, pages, alice, bob, clock):  # H2, U17
    table, other = pages.open(alice, "agents"), pages.open(alice, "cases")
    mine = pages.open(bob, "state")
    look(live, rights=True)
    with transaction.writing():
        service.keep_presence([bob.id])
    look(live, rights=True)
    assert (pages.topics(table), pages.topics(mine)) == ({"agents"}, {"state"})

    pages.heard(table).clear()
    look(live, rights=True)
    assert pages.topics(table) == set()

    clock.shift(timedelta(minutes=2))
    look(live, rights=True)
    assert pages.topics(table) == {"agents"}
    assert pages.topics(other) == set()


def test_state_that_was_chosen_before_the_first_look_is_told(live, pages, alice, bob):  # H2, S16
    table = pages.open(alice, "agents")
    with transaction.writing():
        presence.choose(db.session.get_one(Agent, bob.id), "no_chats")
    look(live, rights=True)
    assert pages.topics(table) == {"agents"}


def test_who_chooses_no_chats_sees_their_icon_go_out_in_every_tab(live, pages, bob):  # H2
    chat_of(connected("toy"), "My order is late")
    page = pages.open(bob, "state")
    look(live, rights=True)
    with transaction.writing():
        presence.choose(db.session.get_one(Agent, bob.id), "no_chats")
    look(live, rights=True)

    assert 'data-count="0"' in next(m["html"] for m in pages.heard(page) if m["type"] == "incoming" and "No chats" in m["html"])
