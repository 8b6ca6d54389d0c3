"""A message is never an empty line (L1)."""

import pytest

from app import words
from app.clock import now
from app.models import Contact, Message


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("text", "Hello", "Hello"),
        ("text", " ", "A message without text"),
        ("image", "", "Photo"),
        ("video", "", "Video"),
        ("audio", "", "Voice message"),
        ("file", "receipt.pdf", "File: receipt.pdf"),
        ("file", "", "File"),
        ("sticker", "happy", "Sticker: happy"),
        ("sticker", "", "Sticker"),
        ("location", "Siam\nRama I Rd", "Place: Siam · Rama I Rd"),
        ("location", "", "Place"),
        ("hologram", "", "A kind of message that Mado can't show: hologram"),
    ],
)
def test_contacts_message_has_words_whatever_its_kind(kind, text, shown):
    assert words.of(Message(direction="in", kind=kind, text=text)) == shown


@pytest.mark.parametrize("direction", ["in", "system"])
def test_unsent_message_says_so_and_nothing_else(direction):  # L3
    message = Message(direction=direction, kind="text", text="", unsent_at=now())

    assert words.of(message) == "Message unsent by the contact"


def test_text_is_its_own_words():
    assert words.of(Message(direction="out", kind="text", text="Hello")) == "Hello"


def test_a_members_line_names_them_when_their_name_is_known(app):  # S8, S33
    line = Message(direction="system", kind="member_joined", text="Uben", contact=Contact())
    with app.test_request_context():
        before = words.of(line)
        line.contact.name = "Ben"
        assert (before, words.of(line)) == ("Uben joined the group.", "Ben joined the group.")


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("join", "", "The channel was added to the group."),
        ("leave", "", "The channel left the group."),
        ("member_joined", "", "Somebody joined the group."),
        ("member_left", "", "Somebody left the group."),
        ("postback", "size=M", "Chose: size=M"),
        ("postback", "", "Chose: –"),
        ("unknown", "unsend", "The channel reported something else: unsend"),
        ("invented", "", "[invented]"),
    ],
)
def test_system_line_says_what_happened(app, kind, text, shown):
    with app.test_request_context():
        assert words.of(Message(direction="system", kind=kind, text=text)) == shown
