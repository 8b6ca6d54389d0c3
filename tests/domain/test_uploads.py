"""Files of drafts and of what was sent: whose they are, claimed once, one message a key (U5, T8)."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from app import storage, transaction
from app.clock import now
from app.domain import chats, drafts, events, messages, public_links, uploads
from app.domain.agents import Refused
from app.extensions import db
from app.models import Attachment, Message
from tests import files, world


@pytest.fixture
def chat(app):
    return world.chat_of(world.connected())


@pytest.fixture
def photo(chat, bob) -> Attachment:
    with transaction.writing():
        return files.uploaded(chat, "photo.jpg", files.picture(), by=bob)


def test_a_reply_of_files_alone_is_sent_and_said_in_words(chat, bob, photo):
    """L5"""
    with transaction.writing():
        reply = chats.reply(chat, "", by=bob, files=[photo.id])
    assert (reply.text, reply.kind, reply.state) == ("", "image", "queued")
    assert [file.id for file in reply.attachments] == [photo.id]


def test_files_keep_the_order_in_which_they_were_put_in(chat, bob, photo):
    with transaction.writing():
        plan = files.uploaded(chat, "plan.pdf", b"%PDF-", by=bob)
        reply = chats.reply(chat, "Both", by=bob, files=[plan.id, photo.id])
    assert [(file.filename, file.place) for file in reply.attachments] == [("photo.jpg", 0), ("plan.pdf", 1)]
    assert reply.kind == "text"


def test_a_file_is_claimed_once(chat, bob, photo):
    with transaction.writing():
        chats.reply(chat, "One", by=bob, files=[photo.id])
    with transaction.writing(), pytest.raises(Refused, match="not in this draft any more"):
        chats.reply(chat, "Two", by=bob, files=[photo.id])


def test_nobody_sends_a_colleagues_upload(chat, alice, photo):
    """T8"""
    with transaction.writing(), pytest.raises(Refused, match="not in this draft any more"):
        chats.reply(chat, "Mine now", by=alice, files=[photo.id])


def test_an_upload_is_not_sent_in_another_case(bob, photo):
    """T8, U4"""
    other = world.chat_of(world.connected(), who="Uyuki")
    with transaction.writing(), pytest.raises(Refused, match="not in this draft any more"):
        chats.reply(other, "Wrong customer", by=bob, files=[photo.id])


def test_the_same_key_with_the_same_files_is_the_same_message(chat, bob, photo):
    """U5"""
    with transaction.writing():
        first = chats.reply(chat, "Look", by=bob, key="k", files=[photo.id])
        again = chats.reply(chat, "Look", by=bob, key="k", files=[photo.id])
    assert first.id == again.id
    assert world.count(Message) == 2


@pytest.mark.parametrize("others", [[], [10**6]], ids=["none", "another"])
def test_the_same_key_with_other_files_is_refused(chat, bob, photo, others):
    with transaction.writing():
        chats.reply(chat, "Look", by=bob, key="k", files=[photo.id])
    with transaction.writing(), pytest.raises(messages.KeyReused, match="other files"):
        chats.reply(chat, "Look", by=bob, key="k", files=others)


def test_a_note_has_files_and_no_public_link(chat, bob, photo):
    with transaction.writing():
        note = chats.note(chat, "", by=bob, files=[photo.id])
    assert note.attachments == [photo]
    assert photo.public_token_hash is None


def test_a_sent_file_has_a_link_of_256_random_bits_kept_encrypted(chat, bob, photo):
    """T18"""
    with transaction.writing():
        chats.reply(chat, "", by=bob, files=[photo.id])
    token = photo.public_token
    raw = db.session.execute(select(Attachment.__table__.c.public_token_hash)).scalar_one()
    assert len(token) == 43
    assert token not in raw
    assert public_links.find(token).id == photo.id


def test_a_link_outlives_a_reply_that_is_sent_again(chat, bob, photo):
    """L7: the provider is given the addresses that it may have had already."""
    with transaction.writing():
        reply = chats.reply(chat, "", by=bob, files=[photo.id])
        token = photo.public_token
        messages.settle(reply, "failed", error="LINE refused it.")
        messages.retry(reply, by=bob)
    assert photo.public_token == token


def test_a_reply_whose_link_was_revoked_is_not_sent_again(chat, bob, photo):
    with transaction.writing():
        reply = chats.reply(chat, "", by=bob, files=[photo.id])
        public_links.revoke(photo, by=bob)
        messages.settle(reply, "failed", error="LINE refused it.")
        with pytest.raises(Refused, match="Send the file anew"):
            messages.retry(reply, by=bob)
    assert reply.state == "failed"


def test_a_revoked_link_opens_nothing_and_the_case_tells_of_it(chat, bob, photo):
    with transaction.writing():
        reply = chats.reply(chat, "", by=bob, files=[photo.id])
        public_links.revoke(photo, by=bob)
        public_links.revoke(photo, by=bob)
    assert public_links.find(photo.public_token) is None
    told = [event for event in events.of_case(chat, limit=50) if event.type == "attachment.revoked"]
    assert [event.message_id for event in told] == [reply.id]


def test_an_unsent_replys_link_opens_nothing(chat, bob, photo):
    with transaction.writing():
        reply = chats.reply(chat, "", by=bob, files=[photo.id])
        reply.unsent_at = now()
    assert public_links.find(photo.public_token) is None


def test_a_file_that_was_not_sent_has_no_link_to_revoke(photo, bob):
    with transaction.writing(), pytest.raises(Refused, match="no public link"):
        public_links.revoke(photo, by=bob)


def test_a_draft_holds_so_many_files_and_says_so(chat, bob):
    with transaction.writing():
        for number in range(uploads.MOST):
            files.uploaded(chat, f"{number}.pdf", b"%PDF-", by=bob)
        with pytest.raises(uploads.TooMany, match="10 files"):
            files.uploaded(chat, "one more.pdf", b"%PDF-", by=bob)


def test_what_is_taken_out_of_a_draft_names_its_stored_files(chat, bob, photo):
    stored = [photo.storage_key, photo.preview_key]
    with transaction.writing():
        assert uploads.remove(photo) == stored
    assert list(uploads.of_draft(chat, bob)) == []


def test_uploads_are_forgotten_when_their_draft_was_not_touched_for_a_day(chat, bob, photo):
    with time_machine.travel(now() + timedelta(hours=25)), transaction.writing():
        assert uploads.forget_old() == 1
    assert world.count(Attachment) == 0


def test_uploads_of_a_draft_that_somebody_still_writes_stay(chat, bob, photo):
    with time_machine.travel(now() + timedelta(hours=25)), transaction.writing():
        drafts.keep(chat, "still thinking", is_note=False, by=bob)
        assert uploads.forget_old() == 0


def test_files_that_were_sent_are_never_forgotten(chat, bob, photo):
    with transaction.writing():
        chats.reply(chat, "", by=bob, files=[photo.id])
    with time_machine.travel(now() + timedelta(days=400)), transaction.writing():
        assert uploads.forget_old() == 0
    assert storage.size_of(photo.storage_key)
