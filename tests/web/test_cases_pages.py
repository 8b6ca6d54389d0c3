"""Cases as pages: All cases, a case, writing in it, its live parts, new cases, search, history."""

import re

import pytest
from babel.support import NullTranslations
from sqlalchemy import select

from app import transaction
from app.domain import cases, chats, contacts, drafts, labels
from app.extensions import db
from app.models import Agent, Case, Contact, Group, Message
from tests import world
from tests.web import desk
from tests.web.desk import HTMX, act, chat_in, fragment
from tests.world import ToyAdapter, play


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def at_desk(client, sign_in, alice):
    return sign_in(client, alice)


@pytest.fixture
def mail(at_desk) -> int:
    """The number of a mail-like case."""
    fields = {"contact": "Yuki", "subject": "Invoice 113", "text": "Please send it again"}
    return int(at_desk.post("/cases/new", data=fields).location.rsplit("/", 1)[1])


def listed(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="case-(\d+)"', page)]


# ── All cases ───────────────────────────────────────────────────────────────────────────────


def test_all_cases_lists_ended_chats_and_mail_like_cases_but_no_active_chat(app, at_desk, mail):  # S10
    active, over = chat_in(app, who="U1"), chat_in(app, who="U2")
    desk.ended(app, over)
    page = at_desk.get("/cases").text
    assert listed(page) == [over, mail]
    assert active not in listed(page)


def test_a_row_says_contact_subject_and_status(at_desk, mail):
    page = at_desk.get("/cases").text
    assert "Yuki" in page and "Invoice 113" in page and "Please send it again" in page
    assert '<span class="status is-open">Open</span>' in page


def test_a_page_asks_for_its_language_once(at_desk, mail, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "app.language.get_translations", lambda: asked.append(1) or NullTranslations()
    )
    assert "Invoice 113" in at_desk.get("/cases").text
    assert asked == [1]


def test_an_empty_list_teaches(at_desk):
    assert "No cases yet" in at_desk.get("/cases").text
    assert "No case fits" in at_desk.get("/cases?status=closed").text


def test_filters_narrow_and_stand_in_the_page(app, at_desk, mail):
    over = chat_in(app)
    desk.ended(app, over, "closed")
    channel = desk.case_of(app, over).channel_id
    assert listed(at_desk.get("/cases?status=closed").text) == [over]
    assert listed(at_desk.get(f"/cases?channel={channel}").text) == [over]
    assert '<option value="closed" selected>' in at_desk.get("/cases?status=closed").text


def test_the_assignee_filter_knows_me_and_nobody(at_desk, mail, alice):
    act(at_desk, f"/cases/{mail}", assignee_id=alice.id)
    assert listed(at_desk.get("/cases?assignee=me").text) == [mail]
    assert listed(at_desk.get("/cases?assignee=0").text) == []


def test_the_group_filter(app, at_desk, mail):
    sales = desk.grouped(app, mail, "Sales")
    assert listed(at_desk.get(f"/cases?group={sales}").text) == [mail]
    assert listed(at_desk.get("/cases?group=0").text) == []


def test_priority_and_labels_stand_in_the_list_and_narrow_it(app, at_desk, mail):
    other = chat_in(app)
    desk.ended(app, other)
    act(at_desk, f"/cases/{mail}", priority="urgent", add_label="refund")
    page = at_desk.get("/cases").text
    assert '<span class="tag"><bdi>refund</bdi></span>' in page and "<span>Urgent</span>" in page
    assert listed(at_desk.get("/cases?priority=urgent").text) == [mail]
    assert listed(at_desk.get("/cases?label=1").text) == [mail]
    assert listed(at_desk.get("/cases?priority=normal").text) == [other]


def test_spam_and_trash_are_empty_with_a_word_for_each(at_desk, mail):  # S10
    assert "No spam" in at_desk.get("/cases?flag=spam").text
    assert "The trash is empty" in at_desk.get("/cases?flag=trash").text


@pytest.mark.parametrize(
    "query", ["status=x'--", "channel=99999999999999999999", "group=-1", "before=1-x", "assignee=%00", "priority=x", "flag=x"]
)
def test_filters_that_make_no_sense_are_ignored(at_desk, mail, query):  # T13
    answer = at_desk.get(f"/cases?{query}")
    assert answer.status_code == 200
    assert listed(answer.text) == [mail]


def test_pages_go_on_by_key(app, at_desk):
    numbers = [chat_in(app, who=f"U{number}") for number in range(53)]
    for number in numbers:
        desk.ended(app, number)
    first = at_desk.get("/cases?status=closed").text
    older = re.search(r'href="(/cases\?status=closed&amp;before=[^"]+)"', first)[1]
    second = at_desk.get(older.replace("&amp;", "&")).text
    assert listed(first) + listed(second) == numbers[::-1]
    assert 'data-topic="cases"' in first and 'data-topic="cases"' not in second


def test_the_list_costs_the_same_however_many_cases_there_are(app, at_desk, mail):
    with desk.counted(app) as few:
        at_desk.get("/cases")
    for number in range(8):
        desk.ended(app, chat_in(app, who=f"U{number}"))
        act(at_desk, f"/cases/{mail + 1 + number}", add_label=f"label {number}")
    with desk.counted(app) as many:
        at_desk.get("/cases")
    assert len(many) == len(few)


def test_the_list_is_the_very_part_that_refreshes_it(at_desk, mail):
    assert fragment(at_desk, "/cases").text.strip() in at_desk.get("/cases").text


def test_other_groups_cases_are_not_listed(app, at_desk, sign_in, charlie, mail):  # T11
    desk.grouped(app, mail, "Sales")
    theirs = sign_in(app.test_client(), charlie)
    assert listed(theirs.get("/cases").text) == []
    assert theirs.get(f"/cases/{mail}").status_code == 404


# ── Search ──────────────────────────────────────────────────────────────────────────────────


def test_the_lists_field_finds_by_any_message_and_marks_it(at_desk, mail):  # H4
    page = at_desk.get("/cases?q=again").text
    assert listed(page) == [mail]
    assert "<mark>again</mark>" in page


def test_global_search_marks_active_chats_and_leads_to_them(app, at_desk):  # S10
    number = chat_in(app, "注文した商品がまだ届きません")
    page = at_desk.get("/search?q=商品").text
    assert f'href="/chats/{number}"' in page
    assert "active chat" in page
    assert listed(at_desk.get("/cases?q=商品").text) == []


def test_search_without_words_says_what_it_finds(at_desk):
    assert "By number, subject, contact" in at_desk.get("/search").text


# ── A case ──────────────────────────────────────────────────────────────────────────────────


def test_a_case_shows_its_messages_and_its_facts(at_desk, mail):
    page = at_desk.get(f"/cases/{mail}").text
    assert "Please send it again" in page
    assert "Yuki" in page and "Invoice 113" in page


def test_a_case_address_of_an_active_chat_opens_the_chat(app, at_desk):  # S10
    number = chat_in(app)
    answer = at_desk.get(f"/cases/{number}")
    assert (answer.status_code, answer.location) == (302, f"/chats/{number}")


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_missing_case_is_a_404(at_desk, number):
    assert at_desk.get(f"/cases/{number}").status_code == 404


def test_status_assignee_group_and_subject_change(app, at_desk, mail, alice):
    group = desk.grouped(app, mail, "Sales")
    act(at_desk, f"/cases/{mail}", status="pending", assignee_id=alice.id, subject="Paid twice")
    case = desk.case_of(app, mail)
    assert (case.status, case.assignee_id, case.subject) == ("pending", alice.id, "Paid twice")
    assert case.group_id == group
    act(at_desk, f"/cases/{mail}", assignee_id="", group_id="")
    case = desk.case_of(app, mail)
    assert (case.assignee_id, case.group_id) == (None, None)


def test_fields_that_did_not_come_stay(app, at_desk, mail, alice):  # T12
    act(at_desk, f"/cases/{mail}", assignee_id=alice.id)
    act(at_desk, f"/cases/{mail}", status="closed", id="1", channel_id="9", chat_state="active")
    case = desk.case_of(app, mail)
    assert (case.assignee_id, case.status, case.chat_state) == (alice.id, "closed", "none")


@pytest.mark.parametrize(
    "fields", [{"status": "spam"}, {"assignee_id": "99999"}, {"group_id": "x"}, {"assignee_id": "9" * 40}]
)
def test_changes_that_cannot_be_are_refused(app, at_desk, mail, fields):
    answer = act(at_desk, f"/cases/{mail}", **fields)
    assert answer.status_code == 409
    assert desk.case_of(app, mail).status == "open"


def test_moving_a_case_away_from_oneself_leads_out_of_it(app, sign_in, charlie, at_desk, mail, bob):
    sales = desk.grouped(app, mail, "Sales")
    act(at_desk, f"/cases/{mail}", group_id="")
    theirs = sign_in(app.test_client(), charlie)
    answer = act(theirs, f"/cases/{mail}", group_id=sales)
    assert answer.headers["HX-Redirect"] == "/cases"
    assert "which you are not in" in theirs.get("/cases").text


def test_the_history_tells_what_happened(at_desk, mail, alice):
    act(at_desk, f"/cases/{mail}", status="closed", assignee_id=alice.id)
    page = at_desk.get(f"/cases/{mail}/history").text
    assert "Status: open → closed." in page
    assert "Assignee: nobody → Alice." in page


# ── Writing ─────────────────────────────────────────────────────────────────────────────────


def test_a_reply_is_queued_and_takes_the_chat(app, at_desk, alice):
    number = chat_in(app)
    answer = act(at_desk, f"/cases/{number}/messages", text=" On its way \r\nsoon ", mode="reply")
    assert answer.status_code == 204
    assert desk.messages_of(app, number)[-1] == ("out", "On its way \nsoon")
    assert desk.case_of(app, number).taken_by_id == alice.id


def test_a_note_is_not_sent_and_takes_nothing(app, at_desk, toy):  # U21
    number = chat_in(app)
    act(at_desk, f"/cases/{number}/messages", text="Careful", mode="note")
    assert desk.messages_of(app, number)[-1] == ("note", "Careful")
    assert desk.case_of(app, number).taken_by_id is None


def test_without_scripts_sending_leads_back_to_the_chat(app, at_desk):
    number = chat_in(app)
    answer = at_desk.post(f"/cases/{number}/messages", data={"text": "Hi", "mode": "reply"})
    assert (answer.status_code, answer.location) == (303, f"/chats/{number}")


def test_one_key_is_one_message_however_often_it_is_pressed(app, at_desk):  # U5
    number = chat_in(app)
    for _ in range(3):
        act(at_desk, f"/cases/{number}/messages", text="Once", mode="reply", key="k1")
    assert desk.messages_of(app, number).count(("out", "Once")) == 1


@pytest.mark.parametrize("text", ["", "   ", "\r\n"])
def test_nothing_is_not_sent(app, at_desk, text):
    number = chat_in(app)
    answer = act(at_desk, f"/cases/{number}/messages", text=text, mode="reply")
    assert answer.status_code == 422
    assert "Write something first." in answer.text
    assert len(desk.messages_of(app, number)) == 1


def test_what_is_too_long_is_counted_as_the_provider_counts(app, at_desk):  # U22
    number = chat_in(app)
    assert act(at_desk, f"/cases/{number}/messages", text="😀" * 500, mode="reply").status_code == 204
    answer = act(at_desk, f"/cases/{number}/messages", text="😀" * 501, mode="reply")
    assert answer.status_code == 422
    assert "1002 characters long; 1000 can be sent" in answer.text


def test_a_reply_to_an_ended_chat_reactivates_it(app, at_desk, alice):  # S26
    number = chat_in(app)
    desk.ended(app, number)
    act(at_desk, f"/cases/{number}/messages", text="One more thing", mode="reply")
    case = desk.case_of(app, number)
    assert (case.chat_state, case.status, case.taken_by_id) == ("active", "open", alice.id)


def test_while_another_case_is_active_the_composer_leads_to_it(app, at_desk):  # S26a
    older = chat_in(app)
    desk.ended(app, older)
    newer = chat_in(app, "A new question")
    page = at_desk.get(f"/cases/{older}").text
    answer = act(at_desk, f"/cases/{older}/messages", text="Hi", mode="reply")
    assert f"Open chat {newer}" in page
    assert "<mado-composer" not in page
    assert answer.status_code == 409
    assert f'href="/chats/{newer}"' in answer.text


def test_a_chat_of_another_group_in_which_it_goes_on_is_not_named(app, client, sign_in, bob, charlie):  # S26a, H1
    older = chat_in(app)
    desk.ended(app, older)
    newer = chat_in(app, "A new question")
    with app.app_context(), transaction.writing():
        support = db.session.scalars(select(Group).where(Group.name == "Support")).one()
        cases.move(db.session.get_one(Case, newer), support, by=None)
    answer = act(sign_in(client, bob), f"/cases/{older}/messages", text="Hi", mode="reply")
    assert "This conversation goes on in another chat." in answer.text
    assert (f"chat {newer}" in answer.text, f"/chats/{newer}" in answer.text) == (False, False)


def test_a_refused_reply_without_scripts_becomes_the_draft(app, at_desk):  # U2
    older = chat_in(app)
    desk.ended(app, older)
    chat_in(app, "A new question")
    at_desk.post(f"/cases/{older}/messages", data={"text": "Kept words", "mode": "reply"})
    assert "Kept words</textarea>" in at_desk.get(f"/cases/{older}").text


# ── Drafts ──────────────────────────────────────────────────────────────────────────────────


def test_a_draft_comes_back_and_goes_with_its_message(app, at_desk, mail):  # U2
    assert act(at_desk, f"/cases/{mail}/draft", text="Half a sen").status_code == 204
    assert "Half a sen</textarea>" in at_desk.get(f"/cases/{mail}").text
    act(at_desk, f"/cases/{mail}/messages", text="Half a sentence", mode="note")
    assert "Half a sen</textarea>" not in at_desk.get(f"/cases/{mail}").text


def test_a_draft_is_its_authors_and_its_cases_alone(app, at_desk, sign_in, bob, mail):  # U2, U4
    act(at_desk, f"/cases/{mail}/draft", text="Mine", mode="note")
    other = int(at_desk.post("/cases/new", data={"contact": "A", "text": "b"}).location.rsplit("/", 1)[1])
    assert "Mine</textarea>" not in at_desk.get(f"/cases/{other}").text
    assert "Mine</textarea>" not in sign_in(app.test_client(), bob).get(f"/cases/{mail}").text


def test_an_emptied_draft_is_none(app, at_desk, mail, alice):
    act(at_desk, f"/cases/{mail}/draft", text="x")
    act(at_desk, f"/cases/{mail}/draft", text="  ")
    with app.app_context():
        case, agent = db.session.get_one(Case, mail), db.session.get_one(Agent, alice.id)
        assert drafts.of(case, agent) is None


# ── Live parts ──────────────────────────────────────────────────────────────────────────────


def bubbles(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="message-(\d+)"', page)]


def cursor(page: str) -> int:
    return int(re.search(r'data-cursor="(\d+)"', page)[1])


def test_a_page_lacks_nothing_after_its_cursor_and_gets_nothing_twice(app, at_desk):  # S16
    number = chat_in(app)
    opened = at_desk.get(f"/chats/{number}").text
    newest = desk.says(app, number, "Hello?")
    changes = fragment(at_desk, f"/cases/{number}/messages?since={cursor(opened)}").text
    assert bubbles(changes) == [newest]
    again = fragment(at_desk, f"/cases/{number}/messages?since={cursor(changes)}").text
    assert bubbles(again) == []


def test_a_page_that_slept_long_catches_up_in_portions(app, at_desk, monkeypatch):  # S16, U14
    number = chat_in(app)
    for text in ("two", "three", "four"):
        desk.says(app, number, text)
    every = bubbles(at_desk.get(f"/chats/{number}").text)
    monkeypatch.setattr("app.domain.timeline.CHANGES", 2)
    found, since, answers = [], 0, 0
    while True:
        changes = fragment(at_desk, f"/cases/{number}/messages?since={since}").text
        found += bubbles(changes)
        assert len(bubbles(changes)) <= 2
        answers, since = answers + 1, cursor(changes)
        if "data-more" not in changes:
            break
    assert (found, answers) == (every, 3)


def test_changes_bring_head_foot_and_panel(app, at_desk):
    number = chat_in(app)
    desk.ended(app, number, "pending")
    changes = fragment(at_desk, f"/cases/{number}/messages?since=0").text
    for region in ("case-head", "case-foot", "case-panel"):
        assert f'id="{region}-{number}"' in changes
    assert "This chat has ended." in changes


def regions(page: str) -> set[str]:
    return set(re.findall(r'id="case-(\w+)-\d+"', page))


@pytest.fixture
def slight(app, at_desk) -> tuple[int, int]:
    """A chat somebody looks at, beside which nothing has happened lately; its number and the page's cursor."""
    number = chat_in(app)
    opened = at_desk.get(f"/chats/{number}").text
    return number, cursor(opened)


def test_a_text_brings_its_bubble_and_what_a_reply_costs_without_head_and_panel(app, at_desk, slight):
    number, since = slight
    newest = desk.says(app, number, "Hello?")
    changes = fragment(at_desk, f"/cases/{number}/messages?since={since}").text
    assert bubbles(changes) == [newest]
    assert regions(changes) == {"flags", "refusal", "cost", "foot"}


@pytest.mark.parametrize("what", ["nothing", "status", "label", "a group"])
def test_whatever_else_happened_brings_head_and_panel_too(app, at_desk, slight, what):
    number, since = slight
    with app.app_context(), transaction.writing():
        case = db.session.get_one(Case, number)
        if what == "status":
            chats.end(case, "closed", by=None)
        if what == "label":
            labels.create("urgent", by=None)
        if what == "a group":
            case.conversation.kind = "group"
    if what != "nothing":
        desk.says(app, number, "Hello?")
    changes = fragment(at_desk, f"/cases/{number}/messages?since={since}").text
    assert {"head", "panel"} < regions(changes)


def test_a_name_that_became_known_changes_the_bubbles_that_lack_it(app, at_desk):  # S34
    number = chat_in(app)
    opened = at_desk.get(f"/chats/{number}").text
    with app.app_context(), desk.transaction.writing():
        identity = desk.db.session.get_one(contacts.Identity, 1)
        contacts.took_name(identity, contacts.Profile("Somchai"))
    changes = fragment(at_desk, f"/cases/{number}/messages?since={cursor(opened)}").text
    assert bubbles(changes) == bubbles(opened)
    assert "Somchai" in changes


def test_older_messages_come_in_pages_of_fifty(app, at_desk):  # U14
    number = chat_in(app, "message 0")
    for step in range(1, 60):
        desk.says(app, number, f"message {step}")
    page = at_desk.get(f"/chats/{number}").text
    shown = bubbles(page)
    older = bubbles(fragment(at_desk, f"/cases/{number}/messages?before={shown[0]}").text)
    assert (len(shown), len(older)) == (50, 10)
    assert older[-1] < shown[0]
    assert bubbles(at_desk.get(f"/chats/{number}?before={shown[0]}").text) == older


def test_a_case_costs_the_same_however_many_messages_it_has(app, at_desk):
    number = chat_in(app)
    with desk.counted(app) as few:
        at_desk.get(f"/chats/{number}")
    for step in range(20):
        desk.says(app, number, f"message {step}")
    with desk.counted(app) as many:
        at_desk.get(f"/chats/{number}")
    assert len(many) == len(few)


# ── Delivery ────────────────────────────────────────────────────────────────────────────────


def settled(app, message_id: int, state: str, error: str) -> None:
    from app.domain import messages

    with app.app_context(), desk.transaction.writing():
        messages.settle(db.session.get_one(Message, message_id), state, error=error)


def test_a_failed_reply_says_why_and_can_be_tried_again(app, at_desk, alice):  # L8, U6
    number = chat_in(app)
    message_id = desk.replied(app, number, "Soon", alice)
    settled(app, message_id, "failed", "LINE refused the token.")
    assert "Not sent: LINE refused the token." in at_desk.get(f"/chats/{number}").text
    answer = act(at_desk, f"/cases/{number}/messages/{message_id}/retry")
    assert answer.status_code == 204
    assert "Not sent:" not in at_desk.get(f"/chats/{number}").text


def test_an_unconfirmed_reply_offers_to_send_again(app, at_desk, alice):  # L6
    number = chat_in(app)
    message_id = desk.replied(app, number, "Soon", alice)
    settled(app, message_id, "unconfirmed", "LINE did not answer in time.")
    page = at_desk.get(f"/chats/{number}").text
    assert "Send again" in page and "LINE did not answer in time." in page


def test_a_sent_reply_is_not_sent_again(app, at_desk, alice):
    number = chat_in(app)
    message_id = desk.replied(app, number, "Soon", alice)
    settled(app, message_id, "sent", "")
    answer = act(at_desk, f"/cases/{number}/messages/{message_id}/retry")
    assert answer.status_code == 409


def test_a_reply_on_its_way_cannot_be_stopped(app, at_desk, alice):  # L7
    number = chat_in(app)
    message_id = desk.replied(app, number, "Soon", alice)
    answer = act(at_desk, f"/cases/{number}/messages/{message_id}/stop")
    assert answer.status_code == 409
    assert "on its way" in answer.text


def test_another_cases_message_is_not_there(app, at_desk, alice, mail):  # T11
    message_id = desk.replied(app, chat_in(app), "Soon", alice)
    assert act(at_desk, f"/cases/{mail}/messages/{message_id}/retry").status_code == 404


# ── New cases, pictures ─────────────────────────────────────────────────────────────────────


def test_a_new_case_needs_a_contact_and_a_text_and_keeps_what_was_typed(at_desk):
    answer = at_desk.post("/cases/new", data={"subject": "Typed subject", "text": "", "contact": ""})
    assert answer.status_code == 422
    assert "Say whom this case is about." in answer.text
    assert "Write what the contact asked for." in answer.text
    assert 'value="Typed subject"' in answer.text


def test_a_picture_is_for_those_who_see_a_case_of_the_contact(app, at_desk, sign_in, charlie, mail):  # T8
    from app import pictures

    desk.grouped(app, mail, "Sales")
    contact_id = desk.case_of(app, mail).contact_id
    with app.app_context(), desk.transaction.writing():
        db.session.get_one(Contact, contact_id).picture = "random-name.jpg"
        pictures.keep("random-name.jpg", b"\xff\xd8\xff")
    seen = at_desk.get(f"/contacts/{contact_id}/picture")
    assert (seen.status_code, seen.mimetype) == (200, "image/jpeg")
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    theirs = sign_in(app.test_client(), charlie)
    assert theirs.get(f"/contacts/{contact_id}/picture").status_code == 404
    assert at_desk.get("/contacts/999999/picture").status_code == 404


def test_fragments_for_signed_out_people_are_401(client):  # U3
    assert client.get("/cases", headers=HTMX).status_code == 401


def test_a_picture_is_named_and_a_nameless_member_has_an_id(app, client, alice, sign_in):  # L1, S33
    with app.app_context():
        play(ToyAdapter())
        said = world.said(
            "", message_kind="image", conversation_kind="group", conversation_id="Cmove", who="Uone"
        )
        other = world.said("hello", conversation_kind="group", conversation_id="Cmove", who="Utwo")
        world.receive(world.connected("toy"), said, other)
    sign_in(client, alice)

    page = client.get("/chats/1").text

    assert '<span class="placeholder">Photo</span>' in page
    assert "Uone" in page and "Utwo" in page
    assert "Photo" not in client.get("/chats").text
    assert "hello" in client.get("/chats").text
