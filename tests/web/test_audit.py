"""The audit page: who changed what, who signed in and who tried to. ASVS 16.2, 16.3."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, select, text, update

from app import transaction
from app.blueprints import audit
from app.clock import now
from app.domain import agents, events, second_factors, settings, tokens
from app.extensions import db
from app.models import AUDITED, Agent, Event
from tests.web.conftest import PASSWORD

ADDRESS = "127.0.0.1"


@pytest.fixture
def admin(app, alice, sign_in):
    return sign_in(app.test_client(), alice)


def lines(page: str) -> list[str]:
    """What the page tells, as text, newest first."""
    story = re.findall(r'<div class="grow wrap">(.*?)</div><time', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", one)) for one in story]


def told(admin) -> list[str]:
    return lines(admin.get("/settings/audit").text)


def test_every_audited_event_has_words():
    assert set(audit.WORDS) == set(AUDITED)


def test_its_index_is_of_every_audited_event(app):
    with app.app_context():
        made = db.session.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'events_of_audit'"))
    assert sorted(re.findall(r"'(\w+\.\w+)'", made)) == sorted(AUDITED)


def test_what_is_done_to_people_and_settings_is_told_newest_first(admin, app, alice, bob):
    with app.app_context(), transaction.writing():
        me, him = db.session.get_one(Agent, alice.id), db.session.get_one(Agent, bob.id)
        settings.put("chats.inactivity_minutes", "15", by=me)
        agents.create_group("Night", by=me)
        tokens.create(him, by=me)
        tokens.revoke(tokens.of_agent(him)[0], by=me)
        second_factors.remove(him, by=None)
    newest = told(admin)[:5]
    assert newest[0] == "Mado removed the second factor of Bob."
    assert re.fullmatch(r"Alice revoked an API token of Bob\. \S{4}", newest[1])
    assert re.fullmatch(r"Alice made an API token of Bob\. \S{4}", newest[2])
    assert newest[3] == "Alice added the group Night."
    assert newest[4] == "Alice changed the setting chats.inactivity_minutes. 10 → 15"


def test_sign_ins_are_told_with_their_address(admin, client, bob, with_password, send):
    with_password(bob)
    send(client, "/sign-in", {"email": bob.email, "password": "wrong wrong wrong"})
    send(client, "/sign-in", {"email": "nobody@example.com", "password": "wrong wrong wrong"})
    send(client, "/sign-in", {"email": bob.email, "password": PASSWORD})
    client.post("/sign-out", headers={"X-CSRFToken": token_of(client)})
    assert told(admin)[:4] == [
        "Bob signed out.",
        f"Bob signed in. {ADDRESS}",
        f"Somebody was refused at sign-in as nobody we know. {ADDRESS}",
        f"Somebody was refused at sign-in as Bob. {ADDRESS}",
    ]


def test_a_wrong_code_is_told(admin, app, client, bob, with_password, send):
    with_password(bob)
    with app.app_context(), transaction.writing():
        him = db.session.get_one(Agent, bob.id)
        second_factors.switch_on(him, seed=second_factors.new_seed(), step=0, code_hashes=[])
    send(client, "/sign-in", {"email": bob.email, "password": PASSWORD})
    send(client, "/sign-in/code", {"code": "000000"})
    assert told(admin)[0] == f"Somebody was refused at sign-in as Bob. {ADDRESS}"


def test_who_asks_for_what_is_not_theirs_is_told_in_the_log(app, client, bob, dora, sign_in, caplog):
    """ASVS 16.3.2: an admin's page, one for changes by who may only look, a program; 16.3.3: a form of no page of ours."""
    with app.app_context(), transaction.writing():
        token = tokens.create(db.session.get_one(Agent, bob.id))
    sign_in(app.test_client(), bob).get("/settings/rules?secret=1")
    sign_in(app.test_client(), dora).get("/macros/new")
    app.test_client().get("/api/v1/rules", headers={"Authorization": f"Bearer {token}"})
    client.post("/invitations/a-secret-of-many-letters")
    assert [line.getMessage() for line in caplog.records if line.name == "mado.audit"] == [
        f"refused: agent {bob.id} from {ADDRESS}, GET '/settings/rules'",
        f"refused: agent {dora.id} from {ADDRESS}, GET '/macros/new'",
        f"refused: agent {bob.id} from {ADDRESS}, GET '/api/v1/rules'",
        f"refused: agent None from {ADDRESS}, POST '/invitations/<token>'",
    ]


def test_nothing_that_was_typed_at_sign_in_is_kept(app, client, send):
    """A password typed into the wrong field, say."""
    send(client, "/sign-in", {"email": "my secret password", "password": "another secret"})
    with app.app_context():
        kept = " ".join(db.session.scalars(select(Event.data)))
    assert ADDRESS in kept
    assert "secret" not in kept


def test_a_refusal_costs_the_same_whoever_it_is(app, client, bob, with_password, send):
    """T17"""
    with_password(bob)
    made = []
    with app.app_context():
        engine = db.engine

    def note(_connection, _cursor, statement, *_rest) -> None:
        made.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    send(client, "/sign-in", {"email": bob.email, "password": "wrong wrong wrong"})
    known = made.copy()
    made.clear()
    send(client, "/sign-in", {"email": "nobody@example.com", "password": "wrong wrong wrong"})
    event.remove(engine, "before_cursor_execute", note)
    assert known == made


def test_pages_are_cut_by_key_and_cost_the_same(admin, app, alice):
    with app.app_context(), transaction.writing():
        me = db.session.get_one(Agent, alice.id)
        for number in range(60):
            agents.create_group(f"Group {number}", by=me)
    first = admin.get("/settings/audit").text
    assert len(lines(first)) == 50
    older = re.search(r'href="(/settings/audit\?before=\d+)"', first)[1]
    second = admin.get(older).text
    assert lines(second)[0] == "Alice added the group Group 9."
    assert "Newest" in second
    assert admin.get("/settings/audit?before=1").status_code == 200
    assert admin.get("/settings/audit?before=x").status_code == 200


@pytest.fixture
def busy(admin, app, alice, bob):
    """Bob signed in six days ago; just now Alice made a group and the command line set something."""
    with app.app_context(), transaction.writing():
        me, him = db.session.get_one(Agent, alice.id), db.session.get_one(Agent, bob.id)
        db.session.execute(delete(Event))
        events.record("session.started", by=him, address=ADDRESS)
        db.session.execute(update(Event).values(occurred_at=now() - timedelta(days=6)))
        agents.create_group("Night", by=me)
        settings.put("chats.inactivity_minutes", "15")
    return admin


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Mado changed", "Alice added", "Bob signed"]),
        ("who=nobody", ["Mado changed"]),
        ("what=sign_in", ["Bob signed"]),
        ("what=people", ["Alice added"]),
        ("what=settings&who=nobody", ["Mado changed"]),
        ("what=channels", []),
        ("days=1", ["Mado changed", "Alice added"]),
        ("days=7&what=sign_in", ["Bob signed"]),
        ("who=x&what=y&days=2", ["Mado changed", "Alice added", "Bob signed"]),
        ("who=" + "9" * 30, ["Mado changed", "Alice added", "Bob signed"]),
    ],
)
def test_it_is_narrowed_by_who_what_and_when(busy, query, found):
    told = lines(busy.get(f"/settings/audit?{query}").text)
    assert [" ".join(line.split()[:2]) for line in told] == found


def test_it_is_narrowed_to_one_agent_who_may_have_left(busy, app, bob):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, bob.id).is_active = False
    page = busy.get(f"/settings/audit?who={bob.id}").text
    assert lines(page) == [f"Bob signed in. {ADDRESS}"]
    assert f'<option value="{bob.id}" selected>Bob</option>' in page


def test_every_audited_event_is_of_some_kind():
    nouns = {noun for nouns, _words in audit.KINDS.values() for noun in nouns}
    assert nouns == {name.partition(".")[0] for name in AUDITED}


def test_further_pages_are_narrowed_alike(admin, app, alice):
    with app.app_context(), transaction.writing():
        for number in range(60):
            agents.create_group(f"Group {number}", by=db.session.get_one(Agent, alice.id))
    first = admin.get("/settings/audit?what=people").text
    older = html.unescape(re.search(r'href="(/settings/audit\?what=people&amp;before=\d+)"', first)[1])
    second = admin.get(older).text
    assert lines(second)[0] == "Alice added the group Group 9."
    assert 'href="/settings/audit?what=people"' in second


def test_names_are_text(admin, app, alice):
    """T4"""
    with app.app_context(), transaction.writing():
        agents.create_group("<img src=x onerror=pwn()>", by=db.session.get_one(Agent, alice.id))
    assert "<img src=x" not in admin.get("/settings/audit").text
    assert told(admin)[0] == "Alice added the group <img src=x onerror=pwn()>."


def token_of(client) -> str:
    return re.search(r'name="csrf-token" content="([^"]+)"', client.get("/account").text)[1]
