"""What All cases is narrowed to: priority, label, spam and trash, and what an index serves."""

import pytest
from sqlalchemy import event, text, update

from app import transaction
from app.clock import now
from app.domain import access, cases, labels, narrowing
from app.domain.narrowing import Filters
from app.extensions import db
from app.models import Case, Label
from tests.world import ToyAdapter, chat_of, connected, play


def mail(*labels_: Label, **fields: object) -> int:
    """A mail-like case; its number."""
    with transaction.writing():
        case = cases.open_by_hand(subject="A", text_="B", contact_name="Yuki", by=None)
        labels.add(case, labels_, by=None)
        [setattr(case, name, value) for name, value in fields.items()]
    return case.number


def label(name: str) -> Label:
    with transaction.writing():
        return labels.create(name, by=None)


def numbers(filters: Filters = narrowing.UNFILTERED, **options: str) -> list[int]:
    return [case.number for case in cases.listed(access.EVERYTHING, filters, **options).cases]


def test_a_label_and_a_priority_narrow_the_list_each_and_together():
    vip, night = label("vip"), label("night")
    usual, urgent = mail(vip), mail(vip, night, priority="urgent")
    mail(priority="urgent")
    assert numbers(Filters(label_id=vip.id)) == [urgent, usual]
    assert numbers(Filters(label_id=vip.id, priority="urgent")) == [urgent]
    assert numbers(Filters(label_id=vip.id, priority="normal")) == [usual]
    assert numbers(Filters(label_id=999)) == []


def test_a_label_that_many_cases_have_finds_the_same_as_one_that_few_have(monkeypatch):
    vip = label("vip")
    found = [mail(vip), mail(vip)]
    mail()
    as_few = numbers(Filters(label_id=vip.id))
    monkeypatch.setattr(narrowing, "FEW", 1)
    assert numbers(Filters(label_id=vip.id)) == as_few == found[::-1]


def test_spam_and_trash_are_listed_when_asked_for_and_only_then():  # S10
    kept, spam = mail(), mail(is_spam=True)
    trashed, both = mail(trashed_at=now()), mail(is_spam=True, trashed_at=now())
    assert numbers() == numbers(chat="all") == numbers(q="Yuki") == [kept]
    assert numbers(Filters(flag="spam")) == [spam]
    assert numbers(Filters(flag="trash")) == numbers(Filters(flag="trash"), chat="all") == [both, trashed]
    assert numbers(Filters(flag="trash"), q="Yuki") == [both, trashed]


def test_no_flag_finds_an_active_chat():  # S10
    play(ToyAdapter())
    chat_of(connected("toy"))
    flags = [Filters(flag=flag) for flag in narrowing.FLAGS]
    assert [numbers(one, chat=chat) for one in flags for chat in narrowing.CHATS] == [[]] * 6


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filters(priority="urgent"), "cases_listed_by_priority"),
        (Filters(flag="spam"), "cases_spam"),
        (Filters(flag="trash"), "cases_trashed"),
    ],
)
def test_an_index_serves_what_few_of_many_cases_have(filters, index):
    with transaction.writing():
        [cases.open_by_hand(subject="A", text_="B", contact_name="C", by=None) for _ in range(300)]
        few = Case.id <= 5
        changes = {"urgent": {"priority": "urgent"}, "spam": {"is_spam": True}, "trash": {"trashed_at": now()}}
        db.session.execute(update(Case).where(few).values(changes[filters.priority or filters.flag]))
    assert index in plan_of(filters)


@pytest.mark.parametrize("q", ["", "B"])
def test_active_chats_are_not_looked_for_among_all_cases(q):
    play(ToyAdapter())
    chat_of(connected("toy"))
    with transaction.writing():
        [cases.open_by_hand(subject="A", text_="B", contact_name="C", by=None) for _ in range(300)]
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("ANALYZE cases"))
    plan = plan_of(narrowing.UNFILTERED, chat="active", q=q)
    assert "one_active_chat_per_conversation" in plan or "cases_active" in plan
    assert "by_last_message" not in plan


def plan_of(filters: Filters, **options: str) -> str:
    """How the database goes about the list."""
    statement, parameters = _asked(filters, **options)
    is_sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect() as connection:
        if not is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{statement}"
        return " ".join(str(row) for row in connection.exec_driver_sql(explain, parameters))


def _asked(filters: Filters, **options: str) -> tuple[str, object]:
    """What the list says to the database, as the driver gets it."""
    said: list[tuple[str, object]] = []

    def note(_connection, _cursor, statement, parameters, *_rest) -> None:
        said.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    cases.listed(access.EVERYTHING, filters, **options)
    event.remove(db.engine, "before_cursor_execute", note)
    return next(one for one in said if "ORDER BY cases.last_message_at" in one[0])
