"""A rule's own page: runs, failures, edits; cases that were due before it; and the audit trail (R5, R6)."""

import re
from datetime import timedelta

import pytest

from app import background, transaction
from app.domain import labels
from app.domain.rules import book, definitions, overdue
from app.extensions import db
from app.models import Agent, Case
from tests.web.desk import chat_in, counted
from tests.world import ToyAdapter, play

HIGH = [{"action": "set_priority", "value": "high"}]
URGENT = {"action": "set_priority", "value": "urgent"}
LIST = "/settings/rules"
WAITED = [{"condition": "minutes_since_created", "operator": "at_least", "value": 30}]
IN_A_CHAT = [{"condition": "channel_kind", "operator": "is", "value": "chat"}]


@pytest.fixture(autouse=True)
def _played(app):
    """A chat channel that is played."""
    play(ToyAdapter())


@pytest.fixture
def admin(clock, client, alice, sign_in):
    """Alice's browser, while the clock stands still."""
    return sign_in(client, alice)


@pytest.fixture
def made(app, alice):
    """A function that makes a rule of Alice's; its id."""

    def make(name: str = "Raise", type_: str = "new_case", conditions=(), **fields) -> int:
        blocks = [{"match": "all", "conditions": list(conditions)}] if conditions else []
        given = {"type": type_, "name": name, "actions": HIGH, "blocks": blocks} | fields
        with app.app_context(), transaction.writing():
            return book.add(definitions.read(given), by=db.session.get_one(Agent, alice.id)).id

    return make


@pytest.fixture
def edit(app, alice):
    """A function that saves a rule with other fields."""

    def save(rule_id: int, **fields) -> None:
        with app.app_context(), transaction.writing():
            rule, by = book.find(rule_id), db.session.get_one(Agent, alice.id)
            given = definitions.written(book.definition_of(rule)) | fields
            book.change(rule, definitions.read(given), by=by, is_active=True)

    return save


def words(admin, path: str) -> str:
    """What a page says, without its marks."""
    answer = admin.get(path)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split()).replace(" .", ".")


def broken(*_args, **_kwargs):
    raise RuntimeError("no such table")


def test_runs_lead_to_the_explanation_of_their_cases(admin, app, made):  # R6
    rule_id = made()
    number = chat_in(app)
    page = admin.get(f"{LIST}/{rule_id}/runs").text
    assert f'href="/cases/{number}/rules"' in page
    assert "My order is late" in page


def test_failures_tell_their_reason_and_can_be_looked_at_alone(admin, app, made, monkeypatch):  # R6
    rule_id = made(actions=[{"action": "add_note", "value": "hello"}])
    number = chat_in(app)
    monkeypatch.setattr("app.domain.messages.add_automatic_note", broken)
    failed = chat_in(app, who="Uyuki")
    assert "failed once" in words(admin, LIST)
    all_, only = (admin.get(f"{LIST}/{rule_id}/runs{query}").text for query in ("", "?only=failed"))
    assert f"/cases/{number}/rules" in all_
    assert f"/cases/{number}/rules" not in only
    assert f"/cases/{failed}/rules" in only
    assert "no such table" in only


def test_a_rule_that_has_not_acted_says_so(admin, made):
    rule_id = made()
    assert "It has not acted on a case yet" in words(admin, f"{LIST}/{rule_id}/runs")
    assert "None of the runs that are kept has failed." in words(admin, f"{LIST}/{rule_id}/runs?only=failed")


def test_runs_come_in_portions_by_key(admin, app, made):
    rule_id = made()
    [chat_in(app, who=f"U{number}") for number in range(27)]
    first = admin.get(f"{LIST}/{rule_id}/runs").text
    older = re.search(r'href="([^"]+\?before=\d+)"', first)[1]
    assert first.count('href="/cases/') == 25
    assert admin.get(older).text.count('href="/cases/') == 2


def test_an_edit_tells_what_it_changed(admin, made, edit):  # R6
    rule_id = made("Raise", conditions=IN_A_CHAT)
    edit(rule_id, name="Raise mail", blocks=[], type="updated_case", actions=[URGENT])
    page = words(admin, f"{LIST}/{rule_id}/runs")
    assert "Alice changed the rule." in page
    assert "Renamed: “Raise” → “Raise mail”." in page
    assert "When: A new case arrives → Something happens to a case." in page
    assert "Condition removed: it is in a chat channel." in page
    assert "Action removed: set priority High. Action added: set priority Urgent." in page
    assert "Alice made the rule. When a new case arrives in a chat channel: set priority High." in page


def test_an_edit_that_only_puts_things_together_differently_is_told(admin, made, edit):
    twice = [*IN_A_CHAT, {"condition": "status", "operator": "is", "value": "open"}]
    rule_id = made(conditions=twice, actions=[*HIGH, {"action": "mark_spam"}])
    edit(rule_id, blocks=[{"match": "any", "conditions": twice}])
    edit(rule_id, actions=[{"action": "mark_spam"}, *HIGH])
    page = words(admin, f"{LIST}/{rule_id}/runs")
    assert "The same conditions, put together differently: When a new case arrives and (" in page
    assert "The same actions in another order: mark it as spam, then set priority High." in page


def test_edits_come_in_portions_by_key(admin, made, edit):
    rule_id = made("Name 0")
    [edit(rule_id, name=f"Name {number}") for number in range(1, 12)]
    first = admin.get(f"{LIST}/{rule_id}/runs").text
    older = re.search(r'href="([^"]+\?below=\d+)"', first)[1]
    assert first.count("changed the rule.") == 10
    second = words(admin, older)
    assert second.count("changed the rule.") == 1
    assert "Renamed: “Name 0” → “Name 1”." in second
    assert "made the rule." in second


def test_the_number_of_queries_does_not_grow_with_runs_and_edits(admin, app, made, edit):
    rule_id = made()
    edit(rule_id, name="Other")
    chat_in(app)
    with counted(app) as few:
        admin.get(f"{LIST}/{rule_id}/runs")
    [edit(rule_id, name=f"Name {number}") for number in range(3)]
    [chat_in(app, who=f"U{number}") for number in range(3)]
    with counted(app) as many:
        admin.get(f"{LIST}/{rule_id}/runs")
    assert len(many) == len(few)


def test_cases_that_were_due_already_are_told_and_left_alone(admin, app, made, clock):  # R5
    number = chat_in(app)
    clock.shift(timedelta(minutes=45))
    rule_id = made(type_="existing_case", conditions=WAITED)
    page = admin.get(f"{LIST}/{rule_id}/runs").text
    assert "One case had waited long enough before the rule was saved, and is left alone." in page
    assert f'href="{LIST}/{rule_id}/overdue"' in page
    asked = admin.get(f"{LIST}/{rule_id}/overdue").text
    assert "One case is due already." in asked
    assert f'href="/cases/{number}"' in asked
    tick(app)
    assert priority(app, number) == "normal"


def test_a_count_that_ends_early_says_so(admin, app, made, clock, monkeypatch):
    monkeypatch.setattr(overdue, "MOST_JUDGED", 1)
    monkeypatch.setattr(overdue, "MOST_COUNTED", 2)
    [chat_in(app, who=f"U{n}") for n in range(3)]
    clock.shift(timedelta(minutes=45))
    rule_id = made(type_="existing_case", conditions=WAITED)
    assert "2 cases or more had waited" in admin.get(f"{LIST}/{rule_id}/runs").text
    assert "2 cases or more are due already." in admin.get(f"{LIST}/{rule_id}/overdue").text


def test_applying_a_rule_to_them_is_done_in_the_background(admin, app, made, clock):  # R5
    number = chat_in(app)
    clock.shift(timedelta(minutes=45))
    rule_id = made(type_="existing_case", conditions=WAITED)
    answer = admin.post(f"{LIST}/{rule_id}/overdue")
    assert (answer.status_code, answer.location) == (303, f"{LIST}/{rule_id}/runs")
    page = admin.get(answer.location).text
    assert "is being applied to them. It begins within a minute." in page
    assert "It is being applied to cases that were due before it was saved." in page
    assert "It is being applied to them" in admin.get(f"{LIST}/{rule_id}/overdue").text
    assert priority(app, number) == "normal"
    tick(app)
    assert priority(app, number) == "high"
    assert "No case was due already" in admin.get(f"{LIST}/{rule_id}/overdue").text
    assert "Alice applied Raise to cases that were due already." in words(admin, f"{LIST}/history")


def test_a_rule_that_waits_for_nothing_is_not_applied(admin, made):
    rule_id = made()
    assert "This rule waits for nothing now" in admin.get(f"{LIST}/{rule_id}/overdue").text
    page = admin.post(f"{LIST}/{rule_id}/overdue", follow_redirects=True).text
    assert "Switch the rule on first" in page


def test_a_rule_that_is_off_says_so_and_why(admin, app, made, alice):
    with app.app_context(), transaction.writing():
        label_id = labels.create("late", by=None).id
    rule_id = made(actions=[{"action": "add_labels", "value": [label_id]}])
    with app.app_context(), transaction.writing():
        labels.delete(labels.find(label_id), by=db.session.get_one(Agent, alice.id))
    assert "This rule is switched off. This label is gone." in words(admin, f"{LIST}/{rule_id}/runs")


def test_the_history_says_who_did_what_and_leads_on(admin, app, made):
    kept, deleted = made("Kept"), made("Deleted")
    admin.post(f"{LIST}/{deleted}/place", data={"place": "0"})
    admin.post(f"{LIST}/{kept}/switch", data={"is_active": "0"})
    admin.post(f"{LIST}/pause", data={"is_paused": "1"})
    admin.post(f"{LIST}/{deleted}/deletion")
    page = words(admin, f"{LIST}/history")
    told = [
        "Alice deleted Deleted.",
        "Alice switched all rules off.",
        "Alice switched Kept off.",
        "Alice moved Deleted to place 1.",
        "Alice made Deleted.",
        "Alice made Kept.",
    ]
    assert sorted(told, key=page.index) == told
    marked = admin.get(f"{LIST}/history").text
    assert f'href="{LIST}/{kept}/runs"' in marked
    assert f'href="{LIST}/{deleted}/runs"' not in marked
    assert f'action="{LIST}/{deleted}/restoration"' in marked


def test_the_history_says_why_a_rule_was_switched_off_by_itself(admin, app, made, alice):
    with app.app_context(), transaction.writing():
        label_id = labels.create("late", by=None).id
    made(actions=[{"action": "add_labels", "value": [label_id]}])
    with app.app_context(), transaction.writing():
        labels.delete(labels.find(label_id), by=db.session.get_one(Agent, alice.id))
    assert "Mado switched Raise off. This label is gone." in words(admin, f"{LIST}/history")


def test_the_history_comes_in_portions_by_key(admin, made):
    assert "Nothing happened yet" in admin.get(f"{LIST}/history").text
    [made(f"Rule {number}") for number in range(52)]
    first = admin.get(f"{LIST}/history").text
    older = re.search(r'href="([^"]+\?before=\d+)"', first)[1]
    assert (first.count("made <a"), admin.get(older).text.count("made <a")) == (50, 2)


@pytest.mark.parametrize("page", ["runs", "overdue"])
def test_a_rule_that_is_not_there_is_404(admin, made, page):
    rule_id = made()
    admin.post(f"{LIST}/{rule_id}/deletion")
    assert admin.get(f"{LIST}/{rule_id}/{page}").status_code == 404
    assert admin.get(f"{LIST}/99/{page}").status_code == 404


def tick(app) -> None:
    with app.app_context():
        background.run_timers()


def priority(app, number: int) -> str:
    with app.app_context():
        return db.session.get_one(Case, number).priority
