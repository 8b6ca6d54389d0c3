"""Macros as pages: one's own for everybody, shared ones by admins, with the rows of rules' forms (R8)."""

from typing import Any

import pytest

from app import transaction
from app.domain import labels, macros
from app.domain.rules import actions
from app.extensions import db
from app.models import Agent, Label, Macro
from tests.web.browsing import Form, pressing
from tests.web.desk import HTMX, counted

LIST, NEW = "/macros", "/macros/new"


@pytest.fixture
def bobs(client, sign_in, bob):
    return sign_in(client, bob)


@pytest.fixture
def admins(app, sign_in, alice):
    return sign_in(app.test_client(), alice)


def made(app, by: Agent, **given: Any) -> int:
    """A saved macro's id."""
    with app.app_context(), transaction.writing():
        by = db.session.get_one(Agent, by.id)
        return macros.add(macros.read({"name": "Refund", "text": "Hi"} | given, by=by), by=by).id


def macro(app, macro_id: int = 1) -> Macro:
    with app.app_context():
        found = db.session.get_one(Macro, macro_id)
        db.session.expunge(found)
        return found


def form(page: str) -> Form:
    return Form(page, "macro-form")


def press(client, path: str, sent, do: str):
    return client.post(path, data=pressing(sent, do))


# ── The list ────────────────────────────────────────────────────────────────────────────────


def test_list_says_what_each_sends_and_does(app, bobs, bob):
    made(app, bob, text="Hello {contact.name}", actions=[{"action": "set_status", "value": "pending"}])
    page = bobs.get(LIST).text
    assert "Hello {contact.name}" in page and "set status Pending" in page


def test_list_without_any_says_what_they_are_good_for(bobs):
    assert "No macros yet" in bobs.get(LIST).text


def test_shared_ones_are_everybodys_to_copy_and_admins_to_change(app, bobs, admins, alice):
    made(app, alice, shared=True)
    agents_page, admins_page = bobs.get(LIST).text, admins.get(LIST).text
    assert "/macros/new?from=1" in agents_page and "/macros/1" not in agents_page.replace("/macros/new?from=1", "")
    assert 'href="/macros/1"' in admins_page and "/macros/1/deletion" in admins_page
    assert [bobs.get(f"{LIST}/1").status_code, admins.get(f"{LIST}/1").status_code] == [403, 200]


def test_list_costs_the_same_however_many_there_are(app, bobs, alice, bob):
    one = {"action": "assign_to", "value": f"agent:{alice.id}"}
    made(app, bob, actions=[one])
    with counted(app) as few:
        bobs.get(LIST)
    made(app, bob, actions=[one, {"action": "take_for", "value": bob.id}])
    made(app, alice, actions=[one], shared=True)
    with counted(app) as many:
        bobs.get(LIST)
    assert len(many) == len(few)


def test_what_refers_to_what_is_gone_says_so_in_the_list_and_at_its_field(app, bobs, bob):
    with app.app_context(), transaction.writing():
        refund = labels.create("refund", by=None).id
    made(app, bob, actions=[{"action": "add_labels", "value": [refund]}])
    with app.app_context(), transaction.writing():
        labels.delete(db.session.get_one(Label, refund), by=bob)
    assert "This label is gone." in bobs.get(LIST).text
    assert 'id="actions-0-value-error"' in bobs.get(f"{LIST}/1").text


# ── The form ────────────────────────────────────────────────────────────────────────────────


def test_macro_is_written_with_rows_of_actions_without_a_script(app, bobs, bob):
    sent = form(press(bobs, NEW, form(bobs.get(NEW).text).sent, "add-action").text)
    chosen = sent.with_(name="Refund", **{"actions-0-action": "set_status"})
    sent = form(press(bobs, NEW, chosen, "refresh:actions-0").text)
    assert (sent.sent["name"], sent.sent["actions-0-shown"]) == ("Refund", "set_status")
    finished = sent.with_(text="On its way", **{"actions-0-value": "pending"})
    answer = press(bobs, NEW, finished, "save")
    assert (answer.status_code, answer.location) == (303, LIST)
    saved = macro(app)
    assert (saved.name, saved.text, saved.owner_id) == ("Refund", "On its way", bob.id)
    assert saved.actions == '[{"action": "set_status", "value": "pending"}]'


def test_mistakes_are_told_at_their_fields_and_nothing_typed_is_lost(app, bobs):
    typed = {"name": "", "text": "Mine", "actions-0-action": "set_status", "actions-0-shown": "set_status"}
    answer = press(bobs, NEW, typed, "save")
    assert answer.status_code == 422
    assert "Give the macro a name." in answer.text
    assert 'id="actions-0-value-error"' in answer.text and "Choose one." in answer.text
    assert form(answer.text).sent["text"] == "Mine"


def test_script_gets_the_form_alone(bobs):
    answer = bobs.post(NEW, data={"do": "add-action"}, headers=HTMX)
    assert answer.text.lstrip().startswith('<div class="rule-form" id="macro"')
    assert bobs.post(NEW, data={"name": "A", "text": "B"}, headers=HTMX).headers["HX-Redirect"] == LIST


def test_macro_is_changed(app, bobs, bob):
    made(app, bob)
    sent = form(bobs.get(f"{LIST}/1").text).with_(name="Money back")
    press(bobs, f"{LIST}/1", sent, "save")
    assert macro(app).name == "Money back"


def test_only_admins_are_offered_sharing_and_heard(app, bobs, admins):
    assert 'name="shared"' not in bobs.get(NEW).text
    assert 'name="shared"' in admins.get(NEW).text
    shared = {"name": "A", "text": "B", "shared": "1"}
    assert bobs.post(NEW, data=shared).status_code == 422
    assert admins.post(NEW, data=shared).status_code == 303
    assert macro(app).is_shared


def test_no_form_offers_what_only_a_rule_or_an_admin_can_order(bobs, admins):
    offered = [f'value="{name}"' for name in (actions.STOP, "call_webhook", "set_status")]
    pages = [press(one, NEW, {}, "add-action").text for one in (bobs, admins)]
    assert [[one in page for one in offered] for page in pages] == [[False, False, True], [False, True, True]]


def test_copy_is_ones_own(app, bobs, alice, bob):
    made(app, alice, shared=True, text="Hello")
    press(bobs, NEW, form(bobs.get(f"{NEW}?from=1").text).sent, "save")
    assert (macro(app, 2).text, macro(app, 2).owner_id) == ("Hello", bob.id)


def test_save_that_is_pressed_twice_saves_one_macro(app, bobs, bob):
    page = form(bobs.get(NEW).text).with_(name="Hello", text="Hello")
    assert [press(bobs, NEW, page, "save").status_code for _ in range(2)] == [303, 303]
    with app.app_context():
        assert [macro.name for macro in macros.listed(bob)] == ["Hello"]


def test_too_many_are_refused_with_words(app, bobs, bob, monkeypatch):
    monkeypatch.setattr(macros, "MOST", 0)
    answer = bobs.post(NEW, data={"name": "A", "text": "B"})
    assert answer.status_code == 422
    assert "Delete one that nobody uses." in answer.text


# ── Deleting ────────────────────────────────────────────────────────────────────────────────


def test_deleting_is_at_once_and_can_be_undone(app, bobs, bob):
    made(app, bob)
    answer = bobs.post(f"{LIST}/1/deletion")
    page = bobs.get(answer.location).text
    assert "No macros yet" in page and "/macros/1/restoration" in page
    bobs.post(f"{LIST}/1/restoration")
    assert "“Refund” is back." in bobs.get(LIST).text


def test_nobody_puts_back_what_is_somebody_elses(app, bobs, alice):
    made(app, alice, shared=True)
    with app.app_context(), transaction.writing():
        macros.delete(db.session.get_one(Macro, 1), by=alice)
    bobs.post(f"{LIST}/1/restoration")
    assert macro(app).deleted_at is not None


def test_everybody_finds_them_in_their_menu_and_admins_in_the_settings(bobs, admins):
    assert 'class="menu-item" href="/macros"' in bobs.get("/chats").text
    assert 'href="/macros"' in admins.get("/settings").text
