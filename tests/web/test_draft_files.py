"""Files of drafts over HTTP: each its own request, mine alone, refused in words (L5, T6-T8)."""

from io import BytesIO
from urllib.parse import quote

import pytest
from sqlalchemy import select

from app import storage, transaction
from app.channels.base import Content
from app.domain import public_links, settings
from app.extensions import db
from app.models import Agent, Attachment, Case, Message
from tests import files
from tests.web.desk import HTMX, act, chat_in, grouped
from tests.world import ToyAdapter, play

MEGABYTE = 1_000_000


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def number(app, toy) -> int:
    return chat_in(app)


@pytest.fixture
def desk(client, sign_in, bob):
    return sign_in(client, bob)


def upload(client, number: int, name: str = "photo.jpg", content: bytes | None = None, **headers):
    """As the page's script does it."""
    body = files.picture() if content is None else content
    said = {"X-Filename": quote(name), **headers}
    return client.post(
        f"/cases/{number}/attachments", data=body, headers=HTMX | said, content_type="application/octet-stream"
    )


def attachments(app) -> list[Attachment]:
    with app.app_context():
        return list(db.session.scalars(select(Attachment).order_by(Attachment.id)))


def largest(app, megabytes: int) -> None:
    with app.app_context(), transaction.writing():
        settings.put("media.largest_mb", str(megabytes))


def test_a_file_is_in_the_draft_at_once_and_after_a_reload(app, desk, number):
    answer = upload(desk, number, "Foto ภาพ.jpg")
    assert answer.status_code == 201
    file = attachments(app)[0]
    assert f'name="attachment" value="{file.id}"' in answer.text
    assert "Foto ภาพ.jpg" in answer.text
    assert f'id="upload-{file.id}"' in desk.get(f"/chats/{number}").text


def test_it_is_nobody_elses(app, desk, number, sign_in, alice):
    """T8"""
    upload(desk, number)
    colleague = sign_in(app.test_client(), alice)
    assert 'name="attachment"' not in colleague.get(f"/chats/{number}").text


def test_a_reply_takes_its_files_along(app, desk, number):
    upload(desk, number)
    upload(desk, number, "plan.pdf", b"%PDF-1.4")
    ids = [file.id for file in attachments(app)]
    answer = desk.post(f"/cases/{number}/messages", data={"text": "", "attachment": ids, "key": "k"}, headers=HTMX)
    assert answer.status_code == 204
    assert len({file.message_id for file in attachments(app)} - {None}) == 1
    assert 'name="attachment"' not in desk.get(f"/chats/{number}").text


def test_the_same_press_twice_is_one_message(app, desk, number):
    """U5"""
    upload(desk, number)
    fields = {"text": "", "attachment": attachments(app)[0].id, "key": "k"}
    answers = [act(desk, f"/cases/{number}/messages", **fields).status_code for _ in range(2)]
    assert answers == [204, 204]
    with app.app_context():
        assert db.session.query(Message).filter_by(direction="out").count() == 1


def test_a_note_takes_files_too(app, desk, number):
    upload(desk, number)
    act(desk, f"/cases/{number}/messages", text="", mode="note", attachment=attachments(app)[0].id)
    assert attachments(app)[0].public_token_hash is None
    assert attachments(app)[0].message_id


def test_nothing_at_all_is_not_sent(desk, number):
    answer = act(desk, f"/cases/{number}/messages", text=" ")
    assert answer.status_code == 422
    assert "Write something first" in answer.text


def test_an_id_out_of_a_colleagues_draft_is_refused(app, desk, number, sign_in, alice):
    """T8"""
    upload(desk, number)
    colleague = sign_in(app.test_client(), alice)
    answer = act(colleague, f"/cases/{number}/messages", text="", attachment=attachments(app)[0].id)
    assert answer.status_code == 422
    assert "not in this draft any more" in answer.text


def test_what_the_channel_would_refuse_is_said_before_sending(app, desk, number, toy, monkeypatch):
    asked: list[Content] = []
    monkeypatch.setattr(toy, "problem_with", lambda content: asked.append(content) or "Too many.", raising=False)
    upload(desk, number)
    assert "Too many." in desk.get(f"/chats/{number}").text
    answer = act(desk, f"/cases/{number}/messages", text="Hi", attachment=attachments(app)[0].id)
    assert (answer.status_code, asked[-1].text, len(asked[-1].files)) == (422, "Hi", 1)
    assert "Too many." in answer.text


def test_a_file_may_be_as_large_as_the_setting_says_and_other_forms_may_not(app, desk, number):
    largest(app, 3)
    assert upload(desk, number, "a.bin", bytes(3 * MEGABYTE)).status_code == 201
    assert act(desk, f"/cases/{number}/draft", text="x" * 2_200_000).status_code == 413


def test_a_larger_one_is_refused_in_words_and_not_kept(app, desk, number):
    largest(app, 1)
    before = kept(app)
    answer = upload(desk, number, "a.bin", bytes(MEGABYTE + 1))
    assert (answer.status_code, answer.text) == (422, "Too large: a file may have 1 MB.")
    assert attachments(app) == []
    assert kept(app) == before


def test_one_that_is_far_too_large_is_not_even_read(app, desk, number):
    largest(app, 1)
    assert upload(desk, number, "a.bin", bytes(2 * MEGABYTE)).status_code == 413


def test_a_stranger_sends_no_file(client, number):
    """T2"""
    assert upload(client, number, "a.bin", bytes(100_000)).status_code in (401, 403, 413)


def test_an_empty_file_and_a_program_are_refused_in_words(desk, number):
    assert upload(desk, number, "a.txt", b"").text == "This file is empty."
    assert "Programs are not sent" in upload(desk, number, "a.exe", b"MZ").text


def test_the_eleventh_file_of_a_draft_is_refused_and_not_kept(app, desk, number):
    for place in range(10):
        upload(desk, number, f"{place}.pdf", b"%PDF-")
    before = kept(app)
    answer = upload(desk, number, "more.pdf", b"%PDF-")
    assert (answer.status_code, "10 files" in answer.text) == (422, True)
    assert kept(app) == before


def test_a_file_is_taken_out_with_what_was_stored_and_twice_is_fine(app, desk, number):
    upload(desk, number)
    file = attachments(app)[0]
    answers = [act(desk, f"/cases/{number}/attachments/removal", upload=file.id) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert attachments(app) == []
    with app.app_context():
        assert storage.size_of(file.storage_key) is None


def test_nobody_takes_a_colleagues_file_out(app, desk, number, sign_in, alice):
    """T8"""
    upload(desk, number)
    colleague = sign_in(app.test_client(), alice)
    act(colleague, f"/cases/{number}/attachments/removal", upload=attachments(app)[0].id)
    assert len(attachments(app)) == 1


def test_who_loses_the_case_while_the_file_is_on_its_way_leaves_nothing(app, desk, number, monkeypatch):
    """T8"""
    received = storage.receive

    def receive(chunks, *, largest):
        grouped(app, number, "Support")
        return received(chunks, largest=largest)

    monkeypatch.setattr(storage, "receive", receive)
    answer = upload(desk, number, "plan.pdf", b"%PDF-")
    assert answer.status_code == 404
    assert attachments(app) == []


def test_without_scripts_a_form_brings_files_and_keeps_the_text(app, desk, number):
    fields = {"text": "Here they are", "files": [(BytesIO(files.picture()), "a.jpg"), (BytesIO(b""), "b.txt")]}
    answer = desk.post(f"/cases/{number}/attachments", data=fields, follow_redirects=True)
    assert [file.filename for file in attachments(app)] == ["a.jpg"]
    assert "b.txt was not attached. This file is empty." in answer.text
    assert "Here they are</textarea>" in answer.text


def test_without_scripts_a_chosen_file_that_was_not_attached_stops_the_message(desk, number):
    answer = desk.post(f"/cases/{number}/messages", data={"text": "Hi", "files": "a.jpg"}, follow_redirects=True)
    assert "Attach the chosen files" in answer.text
    assert "Hi</textarea>" in answer.text


def test_the_link_of_a_sent_file_is_revoked_from_the_case(app, desk, number, bob):
    with app.app_context(), transaction.writing():
        case, agent = db.session.get_one(Case, number), db.session.get_one(Agent, bob.id)
        file = files.sent(case, "photo.jpg", files.picture(), by=agent)
        token, path = file.public_token, f"/cases/{number}/attachments/{file.id}/revocation"
    assert act(desk, path).status_code == 204
    with app.app_context():
        assert public_links.find(token) is None
    assert "Revoked the public link of photo.jpg" in desk.get(f"/cases/{number}/history").text


def test_a_file_of_another_case_is_not_revoked_from_this_one(app, desk, number, bob):
    """T11"""
    other = chat_in(app, who="Uyuki")
    with app.app_context(), transaction.writing():
        case, agent = db.session.get_one(Case, other), db.session.get_one(Agent, bob.id)
        file = files.sent(case, "photo.jpg", files.picture(), by=agent)
    assert act(desk, f"/cases/{number}/attachments/{file.id}/revocation").status_code == 404


def kept(app) -> list[str]:
    with app.app_context():
        return files.kept()
