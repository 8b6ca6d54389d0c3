"""What rules told an agent, as they read it in Mado (R3)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import background, transaction
from app.blueprints import notifications as pages
from app.clock import now
from app.domain import notifications
from app.extensions import db
from app.models import Agent, Case, Group, Notification
from tests.web.desk import counted
from tests.world import ToyAdapter, chat_of, connected, play


@pytest.fixture
def bobs(app, client, bob, sign_in):
    """Bob's browser."""
    return sign_in(client, bob)


def a_chat(app, who: str = "Usomchai") -> int:
    with app.app_context():
        play(ToyAdapter())
        channel = db.session.scalar(select(Case.channel_id).limit(1))
        return chat_of(connected("toy") if not channel else _channel(channel), who=who).id


def _channel(channel_id: int):
    from app.models import Channel

    return db.session.get_one(Channel, channel_id)


def tell(app, agent: Agent, case_id: int, text: str = "Look here", count: int = 1) -> None:
    with app.app_context(), transaction.writing():
        for number in range(count):
            row = {"agent_id": agent.id, "case_id": case_id, "is_shown": True}
            db.session.add(Notification(**row, text=text.format(number)))


def told(app) -> Notification:
    with app.app_context():
        return db.session.scalars(select(Notification).order_by(Notification.id)).first()


def test_bell_counts_what_is_unread_and_is_quiet_at_zero(app, bobs, bob):
    assert 'aria-label="Notifications"' in bobs.get("/chats").text
    tell(app, bob, a_chat(app), count=3)
    assert 'aria-label="Notifications: 3 unread"' in bobs.get("/chats").text
    assert 'aria-label="Notifications: 3 unread"' in bobs.get("/notifications/bell").text


def test_bell_counts_no_further_than_99(app, bobs, bob):
    tell(app, bob, a_chat(app), count=101)
    assert ">99+<" in bobs.get("/notifications/bell").text


def test_list_shows_text_case_and_contact(app, bobs, bob):
    tell(app, bob, number := a_chat(app), "Somebody waits")
    page = bobs.get("/notifications").text
    assert "Somebody waits" in page
    assert f"Case {number}" in page


def test_empty_list_says_what_will_appear(bobs):
    assert "When a rule notifies you of a case" in bobs.get("/notifications").text


def test_opening_one_marks_it_as_read_and_leads_to_its_case(app, bobs, bob):
    tell(app, bob, number := a_chat(app))
    answer = bobs.post(f"/notifications/{told(app).id}/reading")
    assert (answer.status_code, answer.location) == (303, f"/chats/{number}")
    assert told(app).read_at is not None
    assert 'aria-label="Notifications"' in bobs.get("/notifications/bell").text
    assert f'href="/chats/{number}"' in bobs.get("/notifications").text


def test_all_that_was_shown_is_marked_and_what_came_since_is_not(app, bobs, bob):
    tell(app, bob, number := a_chat(app), count=2)
    newest = max(notification.id for notification in listed(app, bob))
    tell(app, bob, number)
    bobs.post("/notifications/reading", data={"up_to": str(newest)})
    assert [one.read_at is None for one in listed(app, bob)] == [True, False, False]


def listed(app, agent: Agent) -> list[Notification]:
    with app.app_context():
        return list(notifications.listed(db.session.get_one(Agent, agent.id), limit=200))


def test_a_colleagues_notifications_are_not_there(app, bobs, bob, charlie):  # T11
    tell(app, charlie, a_chat(app), "For Charlie")
    assert "For Charlie" not in bobs.get("/notifications").text
    assert bobs.post(f"/notifications/{told(app).id}/reading").status_code == 404
    bobs.post("/notifications/reading")
    assert told(app).read_at is None


def test_what_an_agent_may_not_see_any_more_is_neither_listed_nor_counted(app, bobs, bob, charlie):
    tell(app, bob, number := a_chat(app), "Secret")
    with app.app_context(), transaction.writing():
        support = db.session.scalars(select(Group).where(Group.name == "Support")).one()
        db.session.get_one(Case, number).group_id = support.id
    assert "Secret" not in bobs.get("/notifications").text
    assert 'aria-label="Notifications"' in bobs.get("/notifications/bell").text
    assert bobs.post(f"/notifications/{told(app).id}/reading").status_code == 404


def test_what_went_by_mail_alone_is_not_listed(app, bobs, bob):
    tell(app, bob, a_chat(app), "By mail")
    with app.app_context(), transaction.writing():
        db.session.scalars(select(Notification)).one().is_shown = False
    assert "By mail" not in bobs.get("/notifications").text


def test_older_ones_are_on_further_pages(app, bobs, bob, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 2)
    tell(app, bob, a_chat(app), "Number {}", count=3)
    first = bobs.get("/notifications").text
    assert "Number 2" in first
    assert "Number 0" not in first
    assert "data-topic" in first
    older = listed(app, bob)[1].id
    assert f"/notifications?before={older}" in first
    second = bobs.get(f"/notifications?before={older}").text
    assert "Number 0" in second
    assert "Number 1" not in second
    assert bobs.get("/notifications?before=nonsense").status_code == 200


def test_more_notifications_need_no_more_queries(app, bobs, bob):  # U15
    tell(app, bob, a_chat(app))
    bobs.get("/notifications")
    with counted(app) as few:
        bobs.get("/notifications")
    for who in ("Ua", "Ub", "Uc"):
        tell(app, bob, a_chat(app, who), count=5)
    with counted(app) as many:
        bobs.get("/notifications")
    assert len(many) == len(few)


def test_fragment_is_the_region_alone(app, bobs, bob):
    tell(app, bob, a_chat(app))
    part = bobs.get("/notifications", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<section id="notifications"')


def test_texts_are_shown_as_they_are(app, bobs, bob):  # T4
    tell(app, bob, a_chat(app), '"><img src=x onerror=alert(1)>')
    assert "<img src=x" not in bobs.get("/notifications").text


def test_after_30_days_they_are_gone(app, bob):
    tell(app, bob, a_chat(app), count=2)
    with app.app_context():
        with transaction.writing():
            old = db.session.scalars(select(Notification)).first()
            old.created_at = now() - notifications.KEPT - timedelta(seconds=1)
        background.tidy()
    assert len(listed(app, bob)) == 1
