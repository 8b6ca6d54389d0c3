"""Sessions, invitations and the last admin, on both engines and under races."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from app import transaction
from app.clock import now
from app.domain import agents, invitations, sessions
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Invitation, Session


@pytest.fixture
def queries(app):
    """A context manager that collects the statements run inside it."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection, _cursor, statement, *_rest) -> None:
            statements.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        yield statements
        event.remove(db.engine, "before_cursor_execute", note)

    return collect


def sign_in(agent: Agent) -> str:
    with transaction.writing():
        return sessions.start(db.session.get_one(Agent, agent.id), user_agent="x" * 500, address="y" * 90)


def test_a_session_is_found_in_one_query_with_agent_and_groups(app, bob, queries):
    with app.app_context():
        token = sign_in(bob)
        with queries() as counted:
            found = sessions.find(token)
            assert (found.agent.name, [group.name for group in found.agent.groups]) == ("Bob", ["Sales"])
        assert len(counted) == 1


def test_a_new_password_ends_every_session(app, bob):
    with app.app_context():
        token = sign_in(bob)
        assert sessions.find(token)
        with transaction.writing():
            agents.set_password(db.session.get_one(Agent, bob.id), "hash")
        assert sessions.find(token) is None


def test_touches_of_many_sessions_are_one_statement(app, bob, queries, clock):
    with app.app_context():
        tokens = [sign_in(bob) for _ in range(5)]
        clock.shift(timedelta(hours=1))
        for token in tokens:
            sessions.touch(sessions.find(token).id)
        with queries() as counted, transaction.writing():
            sessions.flush_touches()
        assert len([one for one in counted if one.startswith("UPDATE")]) == 1
        assert set(db.session.scalars(select(Session.used_at))) == {now()}


def test_an_invitation_taken_up_twice_at_once_works_once(app, bob):
    """T17"""
    with app.app_context(), transaction.writing():
        token = invitations.create(db.session.get_one(Agent, bob.id), by=None)

    def take_up(number: int) -> str:
        with app.app_context():
            try:
                with transaction.writing():
                    found = invitations.find(token)
                    if found is None:
                        return "gone"
                    invitations.take_up(found, password_hash=f"hash {number}")
            except Refused:
                return "refused"
            return f"hash {number}"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(take_up, range(8)))
    won = [result for result in results if result.startswith("hash")]
    assert len(won) == 1
    with app.app_context():
        assert db.session.get_one(Agent, bob.id).password_hash == won[0]


def test_two_admins_who_demote_each_other_at_once_leave_one(app, alice, bob):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, bob.id).role = "admin"

    def demote(pair: tuple[Agent, Agent]) -> bool:
        who, by = pair
        with app.app_context():
            try:
                with transaction.writing():
                    agents.change(
                        db.session.get_one(Agent, who.id), name=who.name, email=who.email, role="agent",
                        access="all", may_change=True, is_active=True, groups=[], by=db.session.get_one(Agent, by.id),
                    )  # fmt: skip
            except Refused:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(demote, [(alice, bob), (bob, alice)]))
    assert sorted(results) == [False, True]


def test_old_invitations_are_forgotten(app, bob, clock):
    with app.app_context():
        with transaction.writing():
            invitations.create(db.session.get_one(Agent, bob.id), by=None)
        clock.shift(invitations.LIFE + invitations.KEPT_AFTERWARDS - timedelta(seconds=1))
        with transaction.writing():
            invitations.forget_old()
        assert db.session.scalar(select(func.count()).select_from(Invitation)) == 1
        clock.shift(timedelta(seconds=2))
        with transaction.writing():
            invitations.forget_old()
        assert db.session.scalar(select(func.count()).select_from(Invitation)) == 0


@pytest.mark.parametrize("token", ["", " ", "x", "\0", "\ud800", "x" * 10_000])
def test_other_tokens_find_nobody(app, bob, token):
    with app.app_context():
        sign_in(bob)
        assert sessions.find(token) is None
        assert invitations.find(token) is None
