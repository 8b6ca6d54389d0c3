"""Every kind of LINE message as people see it: bubble, lists and search, never empty, never markup."""

import re

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import agents, cases, chats
from app.extensions import db
from app.models import Attachment, Case, Message
from tests.channels.line_posts import batch, connected_line, post, text_event
from tests.web.desk import act, counted, fragment

HOSTILE = "\"'><img src=x onerror=window.pwn=1></title>{{7*191}}javascript:<svg/onload=x>&#x3c;\u2028\u202e"
SHOWN = {
    "text": ({"type": "text", "text": "Hello"}, "Hello"),
    "sticker": ({"type": "sticker", "keywords": ["happy", "smile"]}, "Sticker: happy, smile"),
    "sticker without words": ({"type": "sticker"}, "Sticker"),
    "image": ({"type": "image"}, "Photo"),
    "video": ({"type": "video", "duration": 60000}, "Video"),
    "audio": ({"type": "audio"}, "Voice message"),
    "file": ({"type": "file", "fileName": "receipt.pdf"}, "receipt.pdf"),
    "place": ({"type": "location", "title": "Siam", "address": "Rama I Rd"}, "Siam"),
    "place without words": ({"type": "location", "latitude": 1, "longitude": 2}, "Place"),
    "emoji alone": (
        {"type": "text", "text": "()", "emojis": [{"index": 0, "length": 2}]},
        '<span class="emoji-chip" title="Emoji">emoji</span>',
    ),
    "empty text": ({"type": "text", "text": ""}, "A message without text"),
    "hologram": ({"type": "hologram"}, "A kind of message that Mado can&#39;t show: hologram"),
}
IN_LISTS = {
    "image": ({"type": "image"}, "Photo"),
    "file": ({"type": "file", "fileName": "receipt.pdf"}, "File: receipt.pdf"),
    "place": ({"type": "location", "title": "Siam", "address": "Rama I"}, "Place: Siam · Rama I"),
    "emoji": ({"type": "text", "text": "()", "emojis": [{"index": 0, "length": 2}]}, "(emoji)"),
    "sticker": ({"type": "sticker", "keywords": ["happy"]}, "Sticker: happy"),
}
HOSTILE_MESSAGES = {
    "text": {"type": "text", "text": HOSTILE},
    "emoji": {"type": "text", "text": f"({HOSTILE})", "emojis": [{"index": 0, "length": 90}]},
    "mention": {
        "type": "text",
        "text": f"@{HOSTILE}",
        "mention": {"mentionees": [{"index": 0, "length": 60, "isSelf": True}]},
    },
    "sticker": {"type": "sticker", "keywords": [HOSTILE], "text": HOSTILE},
    "file": {"type": "file", "fileName": HOSTILE},
    "place": {"type": "location", "title": HOSTILE, "address": HOSTILE, "latitude": HOSTILE},
    "unknown": {"type": HOSTILE},
    "elsewhere": {
        "type": "image",
        "contentProvider": {"type": "external", "originalContentUrl": f"https://x/{HOSTILE}"},
    },
}


@pytest.fixture
def line(app):
    with app.app_context():
        return connected_line()


@pytest.fixture
def at_desk(client, sign_in, alice):
    return sign_in(client, alice)


def wrote(client, *messages, **fields):
    """Somchai's messages through the webhook; in one batch."""
    events = [
        text_event(message={"id": f"m{number}", **message}, **fields)
        for number, message in enumerate(messages, start=1)
    ]
    assert post(client, batch(*events)).status_code == 200


def bubbles(page: str) -> list[str]:
    return re.findall(r'<li class="message .*?</li>', page, re.S)


def happened(client, kind: str, **fields):
    assert post(client, batch(text_event(type=kind, **fields))).status_code == 200


@pytest.mark.parametrize(("message", "expected"), SHOWN.values(), ids=SHOWN)
def test_message_of_every_kind_is_shown(at_desk, line, message, expected):  # L1
    wrote(at_desk, message)

    [bubble] = bubbles(at_desk.get("/chats/1").text)

    assert expected in bubble


@pytest.mark.parametrize(("message", "expected"), IN_LISTS.values(), ids=IN_LISTS)
def test_lists_say_in_words_what_came(at_desk, line, message, expected):  # L1, S14
    wrote(at_desk, message)

    assert expected in at_desk.get("/chats?tab=new").text


def test_search_says_what_kind_of_message_it_found(at_desk, line):  # L1, H4
    wrote(at_desk, {"type": "sticker", "keywords": ["happy"]}, {"type": "text", "text": "later"})

    assert "Sticker: <mark>happy</mark>" in at_desk.get("/search?q=happy").text


@pytest.mark.parametrize("message", HOSTILE_MESSAGES.values(), ids=HOSTILE_MESSAGES)
def test_hostile_words_stay_words_in_every_kind(at_desk, line, message):  # T4
    wrote(at_desk, message, {"type": "text", "text": "quoting", "quotedMessageId": "m1"})

    pages = [at_desk.get(path).text for path in ("/chats/1", "/chats?tab=new", "/cases/1/history")]

    assert len(bubbles(pages[0])) == 2
    assert [page for page in pages if re.search(r"<img src=x|<svg/onload|>[^<]*1337[^<]*<|</title>\{", page)] == []


def test_mentions_stand_out_and_the_bot_more(at_desk, line):  # L1
    mentionees = [
        {"index": 0, "length": 5, "isSelf": True},
        {"index": 6, "length": 5, "userId": "U1"},
    ]
    wrote(
        at_desk,
        {"type": "text", "text": "@Shop @Yuki", "mention": {"mentionees": mentionees}},
    )

    page = at_desk.get("/chats/1").text

    assert '<span class="mention is-self">@Shop</span>' in page
    assert '<span class="mention">@Yuki</span>' in page


def test_place_leads_to_a_map(at_desk, line):  # L1
    wrote(at_desk, {"type": "location", "title": "Siam", "latitude": 13.7466, "longitude": 100.534})

    page = at_desk.get("/chats/1").text

    assert "query=13.746600%2C100.534000" in page
    assert 'rel="noopener noreferrer nofollow">Show on a map</a>' in page


@pytest.mark.parametrize("latitude", [91, -1e300, "13", None, True, float("inf")])
def test_place_off_the_earth_has_no_map(at_desk, line, latitude):  # L1
    wrote(at_desk, {"type": "location", "title": "Siam", "latitude": latitude, "longitude": 1})

    page = at_desk.get("/chats/1").text

    assert "Siam" in page
    assert "Show on a map" not in page


def stored(app, **values):
    with app.app_context(), transaction.writing():
        for file in db.session.scalars(select(Attachment)):
            for name, value in values.items():
                setattr(file, name, value)


def test_album_is_one_gallery_in_its_order(app, at_desk, line):  # L1
    wrote(
        at_desk,
        *[{"type": "image", "imageSet": {"id": "S", "index": index, "total": 4}} for index in (3, 1, 2)],
    )
    stored(app, state="stored", preview_key="a")

    shown = bubbles(at_desk.get("/chats/1").text)

    assert re.findall(r"/attachments/(\d+)/preview", shown[0]) == ["2", "3", "1"]
    assert [" hidden>" in bubble for bubble in shown] == [False, True, True]


def test_picture_that_joins_an_album_changes_its_first_bubble(at_desk, line):  # L1
    wrote(at_desk, {"type": "image", "imageSet": {"id": "S", "index": 1}})
    cursor = cursor_in(at_desk)
    message = {"id": "m9", "type": "image", "imageSet": {"id": "S", "index": 2}}
    post(at_desk, batch(text_event(message=message)))

    changes = fragment(at_desk, f"/cases/1/messages?since={cursor}").text

    assert re.findall(r'id="message-(\d+)"', changes) == ["1", "2"]
    assert "is-gallery" in changes


def cursor_in(client) -> str:
    return re.search(r'data-cursor="(\d+)"', client.get("/chats/1").text)[1]


def test_unsent_picture_of_an_album_leaves_its_place(at_desk, line):  # L1, L3
    wrote(at_desk, *[{"type": "image", "imageSet": {"id": "S", "index": n}} for n in (1, 2)])

    happened(at_desk, "unsend", unsend={"messageId": "m1"})

    page = at_desk.get("/chats/1").text
    assert '<span class="tile is-empty">Unsent</span>' in page
    assert "Being fetched…" in page


def test_open_page_sees_an_unsend(app, at_desk, line):  # L3
    wrote(at_desk, {"type": "text", "text": "my card is 4242"})
    cursor = cursor_in(at_desk)

    happened(at_desk, "unsend", unsend={"messageId": "m1"})

    changes = fragment(at_desk, f"/cases/1/messages?since={cursor}").text
    assert "Message unsent by the contact" in changes
    assert "4242" not in changes
    assert "4242" not in at_desk.get("/chats?tab=new").text
    assert "The contact unsent a message." in at_desk.get("/cases/1/history").text


def test_edited_message_says_so(at_desk, line):  # L3
    wrote(at_desk, {"type": "text", "text": "at nine"})

    happened(at_desk, "messageEdited", message={"id": "m1", "type": "text", "text": "at ten"})

    [bubble] = bubbles(at_desk.get("/chats/1").text)
    assert "at ten" in bubble and "at nine" not in bubble
    assert '<span class="edited">edited</span>' in bubble


def test_redelivered_message_shows_when_it_was_written(at_desk, line):  # L4
    wrote(
        at_desk,
        {"type": "text", "text": "hello"},
        deliveryContext={"isRedelivery": True},
        timestamp=1795424400000,
    )

    [bubble] = bubbles(at_desk.get("/chats/1").text)

    assert ">late</span>" in bubble
    assert 'datetime="2026-11-23T09:00:00.000Z" data-as="full"' in bubble


def test_quote_shows_who_said_what_and_leads_there(at_desk, line):  # L4
    wrote(
        at_desk,
        {"type": "text", "text": "Is it there?"},
        {"type": "text", "text": "This one", "quotedMessageId": "m1"},
    )

    quoting = bubbles(at_desk.get("/chats/1").text)[1]

    assert 'href="/chats/1?before=2#message-1"' in quoting
    assert '<span class="what" dir="auto">Is it there?</span>' in quoting


def test_quote_of_an_unsent_message_shows_nothing_of_it(at_desk, line):  # L3, L4
    wrote(
        at_desk,
        {"type": "text", "text": "my card is 4242"},
        {"type": "text", "text": "This one", "quotedMessageId": "m1"},
    )

    happened(at_desk, "unsend", unsend={"messageId": "m1"})

    page = at_desk.get("/chats/1").text
    assert '<span class="what" dir="auto">Message unsent by the contact</span>' in page
    assert "4242" not in page


def test_quote_of_a_message_that_is_not_here_says_so(at_desk, line):  # L4
    wrote(at_desk, {"type": "sticker", "quotedMessageId": "m404"})

    assert "Quotes a message that is not here" in at_desk.get("/chats/1").text


def test_quote_from_a_case_one_may_not_see_is_not_shown(app, sign_in, charlie, client, line):  # T11
    wrote(client, {"type": "text", "text": "salary 900"})
    moved_and_closed(app)
    message = {"id": "m2", "type": "text", "text": "again", "quotedMessageId": "m1"}
    post(client, batch(text_event(message=message)))

    page = sign_in(client, charlie).get("/chats/2").text

    assert "Quotes a message that is not here" in page
    assert "salary" not in page


def moved_and_closed(app):
    with app.app_context(), transaction.writing():
        case = db.session.get_one(Case, 1)
        chats.end(case, "closed", by=None)
        cases.move(case, agents.create_group("Board"), by=None)


def test_message_that_can_be_quoted_offers_it(at_desk, line):  # L4
    wrote(at_desk, {"type": "text", "text": "Which?", "quoteToken": "t"}, {"type": "audio"})

    first, second = bubbles(at_desk.get("/chats/1").text)

    assert 'href="/chats/1?quote=1"' in first
    assert "quote=" not in second


def test_composer_shows_what_is_quoted_and_sends_it(app, at_desk, line):  # L4
    wrote(at_desk, {"type": "text", "text": "Which?", "quoteToken": "t"})

    part = fragment(at_desk, "/cases/1/messages/1/quote").text
    page = at_desk.get("/chats/1?quote=1").text
    answer = act(at_desk, "/cases/1/messages", text="This", quoted_id="1", mode="reply")

    assert '<input type="hidden" name="quoted_id" value="1">' in part
    assert '<input type="hidden" name="quoted_id" value="1">' in page
    assert answer.status_code == 204
    with app.app_context():
        assert db.session.get_one(Message, 2).quoted_id == 1


def test_quoting_what_was_unsent_meanwhile_keeps_the_text_and_says_why(at_desk, line):  # L3, L4
    wrote(at_desk, {"type": "text", "text": "Which?", "quoteToken": "t"})
    happened(at_desk, "unsend", unsend={"messageId": "m1"})

    answer = act(at_desk, "/cases/1/messages", text="This", quoted_id="1", mode="reply")

    assert answer.status_code == 422
    assert "can&#39;t be quoted any more" in answer.text
    assert fragment(at_desk, "/cases/1/messages/1/quote").status_code == 404


def test_more_messages_of_every_kind_cost_no_more_queries(app, at_desk, line):
    kinds = [message for message, _ in SHOWN.values()]
    wrote(at_desk, *kinds, {"type": "text", "text": "x", "quotedMessageId": "m1"})
    with counted(app) as few:
        at_desk.get("/chats/1")
    more = [
        text_event(message={"id": f"n{number}", "quotedMessageId": "m1", **message})
        for number, message in enumerate(kinds)
    ]
    post(at_desk, batch(*more))

    with counted(app) as many:
        at_desk.get("/chats/1")

    assert len(many) <= len(few)
