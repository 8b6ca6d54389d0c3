"""Quotes both ways: which message is meant, and what its provider is told (L4)."""

import pytest
from sqlalchemy import select

from app import delivery, transaction
from app.channels.base import Content, Sent
from app.domain import chats, quotes, timeline
from app.domain.agents import Refused
from app.extensions import db
from app.models import Case, Channel, Message
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy) -> Channel:
    return connected("toy")


@pytest.fixture
def chat(channel) -> Case:
    return chat_of(channel)


def newest() -> Message:
    return db.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()


def sent(case: Case, agent, *, ids: tuple[str, ...], toy: ToyAdapter) -> Message:
    with transaction.writing():
        message = chats.reply(case, "We have two", by=agent)
    toy.outcomes.append(Sent(ids, quote_token="ours"))
    delivery.deliver_due()
    return message


def test_quote_of_a_contacts_message_is_linked(channel, chat):  # L4
    receive(channel, said("Is it there?", message_id="m1"), said("This one", quoted_id="m1"))

    assert newest().quoted.text == "Is it there?"


@pytest.mark.parametrize("part", ["s1", "s2"])
def test_quote_of_any_part_of_our_reply_is_linked(channel, chat, alice, toy, part):  # L4
    message = sent(chat, alice, ids=("s1", "s2"), toy=toy)

    receive(channel, said("Both please", quoted_id=part))

    assert newest().quoted_id == message.id


def test_sent_reply_can_be_quoted_itself(chat, alice, toy):  # L4
    assert sent(chat, alice, ids=("s1",), toy=toy).quote_token == "ours"


def test_quote_of_a_message_in_another_conversation_is_not_linked(channel, chat):  # T11
    receive(channel, said("secret", message_id="m1", who="Uyuki"))

    receive(channel, said("show me", quoted_id="m1"))

    assert newest().quoted_id is None


def test_quote_of_a_message_that_never_came_is_kept_without_a_link(channel, chat):  # L4
    receive(channel, said("and this?", quoted_id="m404"))

    assert (newest().text, newest().quoted_id) == ("and this?", None)


@pytest.fixture
def composed(toy, monkeypatch) -> list[Content]:
    """What the provider is given to compose."""
    given: list[Content] = []
    monkeypatch.setattr(toy, "compose", lambda content: given.append(content) or content.text)
    return given


def test_agents_quote_reaches_the_provider(channel, chat, alice, composed):  # L4
    receive(channel, said("Which size?", quote_token="token-1"))
    with transaction.writing():
        quoted = quotes.quotable(chat, newest().id)
        chats.reply(chat, "M", by=alice, quoted=quoted)

    delivery.deliver_due()

    assert composed[-1] == Content("M", quote_token="token-1")
    assert newest().quoted.text == "Which size?"


def test_reply_goes_without_the_quote_when_that_was_unsent_meanwhile(
    channel, chat, alice, composed
):  # L3, L4
    receive(channel, said("Which size?", quote_token="token-1", message_id="m1"))
    with transaction.writing():
        chats.reply(chat, "M", by=alice, quoted=quotes.quotable(chat, newest().id))
    receive(channel, said("", kind="unsent", message_id="m1"))

    delivery.deliver_due()

    assert composed[-1] == Content("M")


def test_message_without_a_token_cannot_be_quoted(channel, chat):  # L4
    with pytest.raises(Refused):
        quotes.quotable(chat, newest().id)


def test_message_of_another_case_cannot_be_quoted(channel, chat):  # T11
    receive(channel, said("theirs", who="Uyuki", quote_token="t"))

    with pytest.raises(Refused):
        quotes.quotable(chat, newest().id)


def test_bubbles_that_quote_come_again_when_what_they_quote_changes(channel, chat):  # L3, L4
    receive(channel, said("one", message_id="m1"), said("two", quoted_id="m1"))
    cursor = timeline.cursor_of(chat)

    receive(channel, said("uno", kind="edited", message_id="m1"))

    changed = timeline.changed_since(chat, cursor).messages
    assert [message.text for message in changed] == ["uno", "two"]
