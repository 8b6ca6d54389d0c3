"""The page "Rules on this case": every rule, fired or not, and which condition decided (R6)."""

import re

import pytest

from app import transaction
from app.domain import labels
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, Message
from tests.web.desk import chat_in, counted, grouped, says
from tests.world import ToyAdapter, play

HIGH = [{"action": "set_priority", "value": "high"}]


@pytest.fixture(autouse=True)
def _played(app):
    """A chat channel that is played."""
    play(ToyAdapter())


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def agent(app, bob, sign_in):
    """Bob's browser."""
    return sign_in(app.test_client(), bob)


def clause(condition: str, value, operator: str = "is") -> dict:
    return {"condition": condition, "operator": operator, "value": value}


def rule(app, name: str, *clauses: dict, then=HIGH, type_: str = "new_case") -> int:
    blocks = [{"match": "all", "conditions": list(clauses)}] if clauses else []
    given = {"type": type_, "name": name, "blocks": blocks, "actions": then}
    with app.app_context(), transaction.writing():
        return book.add(definitions.read(given), by=None).id


def page_of(browser, number: int) -> str:
    """What the page says, without its marks."""
    answer = browser.get(f"/cases/{number}/rules")
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_a_rule_that_acted_says_what_it_did_and_why(admin, app):  # R6
    rule(app, "Raise", clause("channel_kind", "chat"))
    page = page_of(admin, chat_in(app))
    assert "The case began" in page
    assert "Raise Acted: set priority High. Decided by: Holds: it is in a chat channel saw: Chat" in page


def test_a_rule_that_did_not_apply_says_which_condition_decided(admin, app):  # R6
    rule(app, "Raise", clause("channel_kind", "chat"), clause("status", "closed"))
    page = page_of(admin, chat_in(app))
    assert "Raise Did not apply. Decided by: Does not hold: its status is Closed saw: Open" in page
    assert "All conditions all of these: Holds: it is in a chat channel" in page


def test_a_rule_without_conditions_says_so(admin, app):
    rule(app, "Raise")
    assert "It has no conditions, so it always applies." in page_of(admin, chat_in(app))


def test_labels_and_agents_are_told_by_name(admin, app, bob):
    with app.app_context(), transaction.writing():
        late = labels.create("late", by=None).id
    rule(app, "Label", then=[{"action": "add_labels", "value": [late]}])
    rule(app, "Look", clause("labels", [late], "contain_any"), clause("assignee", bob.id))
    page = page_of(admin, chat_in(app))
    assert "Acted: add label late." in page
    assert "Does not hold: it is assigned to Bob saw: nobody" in page
    assert "Holds: it has the label late saw: late" in page


def test_the_words_of_customers_are_looked_up_while_they_are_there(admin, app):  # R6
    rule(app, "Words", clause("latest_text", "refund", "contains"))
    number = chat_in(app, "I want a refund")
    says(app, number, "Hello?")
    assert "saw: “I want a refund”" in page_of(admin, number)
    with app.app_context(), transaction.writing():
        first = db.session.query(Message).filter_by(case_id=number).order_by(Message.id).first()
        first.text = ""
    page = page_of(admin, number)
    assert "Acted: set priority High. What it saw is not there any more." in page
    assert "All conditions" not in page


def test_rules_that_were_stopped_are_named(admin, app):
    rule(app, "First", then=[*HIGH, {"action": "stop_further_rules"}])
    rule(app, "Second")
    rule(app, "Third")
    assert "Not asked, because the rule above stopped the others: Second, Third." in page_of(admin, chat_in(app))


def test_what_was_left_out_is_told(agent, app):  # S21
    rule(app, "End", then=[{"action": "end_chat_and_set_status", "value": "open"}])
    rule(app, "Again", then=[{"action": "end_chat_and_set_status", "value": "open"}])
    assert "This is no active chat, so nothing was ended." in page_of(agent, chat_in(app))


def test_why_a_rule_failed_is_told_to_admins_alone(admin, agent, app, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("no such table: secrets")

    monkeypatch.setattr("app.domain.messages.add_automatic_note", broken)
    rule(app, "Note", then=[{"action": "add_note", "value": "hello"}])
    number = chat_in(app)
    assert "Failed, and what it had begun was undone. no such table: secrets" in page_of(admin, number)
    assert "Something in it broke; admins see what." in page_of(agent, number)
    told = [agent.get(f"/cases/{number}/{page}").text for page in ("rules", "history")]
    assert "secrets" not in "".join(told)


def test_admins_come_to_the_rule_and_agents_do_not(admin, agent, app):
    rule_id = rule(app, "Raise")
    number = chat_in(app)
    link = f'href="/settings/rules/{rule_id}"'
    assert link in admin.get(f"/cases/{number}/rules").text
    assert link not in agent.get(f"/cases/{number}/rules").text


def test_a_rule_that_was_changed_or_deleted_since_says_so(admin, app, alice):  # R6
    changed, deleted = rule(app, "Changed"), rule(app, "Deleted")
    number = chat_in(app)
    with app.app_context(), transaction.writing():
        by = db.session.get_one(Agent, alice.id)
        renamed = definitions.written(book.definition_of(book.find(changed))) | {"name": "Renamed"}
        book.change(book.find(changed), definitions.read(renamed), by=by, is_active=True)
        book.delete(book.find(deleted), by=by)
    page = page_of(admin, number)
    assert "Changed changed since" in page
    assert "Deleted deleted since" in page
    assert f'href="/settings/rules/{deleted}"' not in admin.get(f"/cases/{number}/rules").text


def test_what_happened_names_the_pass(admin, app):
    rule(app, "Raise", clause("happened", "contact_replied"), type_="updated_case")
    number = chat_in(app)
    says(app, number, "Hello?")
    assert "Contact replied" in page_of(admin, number)


def test_rules_that_watch_the_time_say_what_they_wait_for(admin, app):  # R6
    rule(app, "Remind", clause("minutes_since_created", 30, "at_least"), type_="existing_case")
    page = page_of(admin, chat_in(app))
    assert "Rules that watch the time, now" in page
    assert "Remind Waits. Decided by: Does not hold: it was created at least 30 minutes ago saw: 0 minutes" in page


def test_without_rules_the_page_says_that_there_were_none(admin, app):
    assert "No rule has looked at this case" in page_of(admin, chat_in(app))


def test_many_passes_come_in_portions_newest_first(admin, app):
    rule(app, "Raise", type_="updated_case")
    number = chat_in(app)
    for count in range(22):
        says(app, number, f"Message {count}")
    first = admin.get(f"/cases/{number}/rules").text
    older = re.search(r'href="(/cases/\d+/rules\?before=\d+)"', first)[1]
    second = admin.get(older).text
    assert (first.count("pass-head"), second.count("pass-head")) == (20, 2)
    assert "?before=" not in second
    assert "There is nothing older." in admin.get(f"/cases/{number}/rules?before=1").text


def test_the_number_of_queries_does_not_grow_with_passes_and_rules(admin, app):
    rule(app, "First", clause("latest_text", "x", "contains"), type_="updated_case")
    number = chat_in(app)
    says(app, number, "x")
    with counted(app) as few:
        admin.get(f"/cases/{number}/rules")
    rule(app, "Second", clause("any_text", "x", "contains"), type_="updated_case")
    says(app, number, "x")
    says(app, number, "y")
    with counted(app) as many:
        admin.get(f"/cases/{number}/rules")
    assert len(many) == len(few)


def test_a_case_of_another_group_is_not_there(agent, app):  # T11
    number = chat_in(app)
    grouped(app, number, "Others")
    assert agent.get(f"/cases/{number}/rules").status_code == 404


def test_the_case_leads_there(agent, app):
    number = chat_in(app)
    assert f'href="/cases/{number}/rules"' in agent.get(f"/chats/{number}").text
