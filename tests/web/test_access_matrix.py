"""T11: every route, asked by everybody. A route that is missing in TABLE fails the suite.

Somebody who adds a route adds a line: its methods and endpoint, who is let in, and what of the
world it is asked about where the default does not fit (`objects` names the things). Routes of the
JSON API stand in API and are asked with bearer tokens. ELSEWHERE is for the socket and webhooks.

Who asks: nobody signed in; Charlie of another group, who sees his groups only; a stranger of Bob's group
and Erin, who see what is theirs only, and Erin has it; Dora, who sees everything and may only look; Bob of
the group; Alice, an admin. The world: a chat, a mail-like case, a contact and a message of Bob's group.
docs/permissions.md tells the same table to people.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app import pictures, storage, transaction
from app.domain import cases, invitations, labels, macros, sessions, together, tokens
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, Case, Contact, Group, Message, Notification, Receipt, WebhookCall
from tests import files, world
from tests.conftest import new_agent

IN, SIGN_IN, FORBIDDEN, MISSING, REFUSED = "in", "sign-in", "forbidden", "missing", "refused"


@dataclass(frozen=True)
class Rule:
    """What people get, and the object the route is asked about.

    What follows from the first four need not be said of the others: who sees what is theirs only and
    has nothing is an outsider, who has it is like any agent, and who may only look is refused whatever
    changes an object. `looker` says what they get where that is not so.
    """

    anonymous: str
    outsider: str
    agent: str
    admin: str
    about: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    looker: str | None = None

    @property
    def is_about_own(self) -> bool:
        """Whether it is Bob's alone, admins or not."""
        return (self.agent, self.admin) == (IN, MISSING)

    def wanted(self, method: str, who: str) -> str:
        if who == "onlooker":  # who may only look, and not there
            who = "outsider" if self.outsider == MISSING and not self.is_about_own else "looker"
        if who == "looker" and self.looker:
            return self.looker
        if who == "stranger" or (self.is_about_own and who in ("assignee", "looker")):
            return self.outsider
        if who == "looker" and self.outsider == MISSING and self.agent == IN and method != "GET":
            return FORBIDDEN
        return getattr(self, {"assignee": "agent", "looker": "agent"}.get(who, who))


PUBLIC = (IN, IN, IN, IN)
AGENTS = (SIGN_IN, IN, IN, IN)
ADMINS = (SIGN_IN, FORBIDDEN, FORBIDDEN, IN)
OF_THE_GROUP = (SIGN_IN, MISSING, IN, IN)
OWN = (SIGN_IN, MISSING, IN, MISSING)  # Bob's alone
NOBODY = (MISSING, MISSING, MISSING, MISSING)

MAIL = {"number": "mail"}
MACRO = {"number": "macro_id"}  # Bob's own
END = {"status": "open"}
SENT = {"token": "file_token", "filename": "file_name"}

TABLE = {
    # Files, health, providers
    "GET static": Rule(*PUBLIC),
    "GET health.healthz": Rule(*PUBLIC),
    "GET health.readyz": Rule(*PUBLIC),
    "GET metrics.index": Rule(*PUBLIC),  # of this machine
    "GET patterns.index": Rule(*NOBODY),
    # Sent files, by their token alone
    "GET media.original": Rule(*PUBLIC, about=SENT),
    "GET media.preview": Rule(*PUBLIC, about=SENT),
    # Signing in
    "GET auth.sign_in": Rule(*PUBLIC),
    "POST auth.signing_in": Rule(*PUBLIC),
    "POST auth.sign_out": Rule(SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    "GET auth.invitation": Rule(*PUBLIC),
    "POST auth.take_up_invitation": Rule(*PUBLIC),
    "GET forgotten.index": Rule(*PUBLIC),
    "POST forgotten.ask": Rule(*PUBLIC),
    # The second step, for who has done the first; these four have not
    "GET second_step.ask": Rule(SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    "POST second_step.answer": Rule(SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    # One's own
    "GET account.index": Rule(*AGENTS),
    "GET account.state": Rule(*AGENTS),
    "POST account.choose_state": Rule(*AGENTS, looker=FORBIDDEN),
    "POST account.change_name": Rule(*AGENTS),
    "POST account.change_password": Rule(*AGENTS),
    "POST account.change_preferences": Rule(*AGENTS),
    "POST account.change_notifications": Rule(*AGENTS),
    "POST account.end_other_sessions": Rule(*AGENTS),
    "POST account.end_one_session": Rule(*OWN),
    "GET second_factor.index": Rule(*AGENTS),
    "POST second_factor.set_up": Rule(*AGENTS),
    "POST second_factor.renew_codes": Rule(*AGENTS),
    "POST second_factor.remove": Rule(*AGENTS),
    # What rules told
    "GET notifications.index": Rule(*AGENTS),
    "GET notifications.bell": Rule(*AGENTS),
    "POST notifications.read": Rule(*OWN),
    "POST notifications.read_all": Rule(*AGENTS),
    # Chats
    "GET chats.home": Rule(*AGENTS),
    "GET chats.index": Rule(*AGENTS),
    "GET chats.list_part": Rule(*AGENTS),
    "GET chats.show": Rule(*OF_THE_GROUP),
    "POST chats.select": Rule(*OF_THE_GROUP),
    "POST chats.take": Rule(*OF_THE_GROUP),
    "POST chats.take_over": Rule(*OF_THE_GROUP),
    "GET chats.colleagues": Rule(*OF_THE_GROUP, looker=FORBIDDEN),
    "POST chats.hand_over": Rule(*OF_THE_GROUP),
    "POST chats.put_back": Rule(*OF_THE_GROUP),
    "POST chats.keep_open": Rule(*OF_THE_GROUP),
    "GET chats.ending": Rule(*OF_THE_GROUP, looker=FORBIDDEN),
    "POST chats.end": Rule(*OF_THE_GROUP, fields=END),
    "GET live.incoming": Rule(*AGENTS),
    "GET live.banners": Rule(*ADMINS),
    "GET live.responses": Rule(*AGENTS),
    # Cases
    "GET cases.index": Rule(*AGENTS),
    "GET cases.new": Rule(*AGENTS, looker=FORBIDDEN),
    "POST cases.create": Rule(*AGENTS, looker=FORBIDDEN),
    "POST together.change": Rule(*AGENTS, looker=FORBIDDEN),
    "POST together.undo": Rule(*OWN, looker=FORBIDDEN),
    "GET cases.show": Rule(*OF_THE_GROUP, about=MAIL),
    "POST filing.change": Rule(*OF_THE_GROUP, about=MAIL),
    "POST filing.mark_spam": Rule(*OF_THE_GROUP),
    "POST filing.unmark_spam": Rule(*OF_THE_GROUP, about=MAIL),
    "POST filing.trash": Rule(*OF_THE_GROUP),
    "POST filing.restore": Rule(*OF_THE_GROUP, about=MAIL),
    "GET filing.ask_deletion": Rule(*ADMINS, about=MAIL),
    "POST filing.delete": Rule(*ADMINS, about=MAIL),
    "GET cases.message_parts": Rule(*OF_THE_GROUP, about=MAIL),
    "POST composer.post": Rule(*OF_THE_GROUP, about=MAIL),
    "POST composer.draft": Rule(*OF_THE_GROUP, about=MAIL),
    "POST cases.read": Rule(*OF_THE_GROUP, about=MAIL, fields={"message_id": "1"}),
    "POST composer.typing": Rule(*OF_THE_GROUP, about=MAIL),
    "POST cases.retry": Rule(*OF_THE_GROUP),
    "GET composer.macro_list": Rule(*OF_THE_GROUP, about=MAIL, looker=FORBIDDEN),
    "POST composer.pick": Rule(*OF_THE_GROUP, about=MAIL),
    "GET composer.quote": Rule(*OF_THE_GROUP, looker=FORBIDDEN),
    "POST cases.stop": Rule(*OF_THE_GROUP),
    "GET cases.history": Rule(*OF_THE_GROUP, about=MAIL),
    "GET explanations.of_case": Rule(*OF_THE_GROUP, about=MAIL),
    "GET attachments.original": Rule(*OF_THE_GROUP),
    "GET attachments.preview": Rule(*OF_THE_GROUP),
    "POST uploads.add": Rule(*OF_THE_GROUP, about=MAIL),
    "POST uploads.remove": Rule(*OF_THE_GROUP, about=MAIL),
    "POST uploads.revoke": Rule(*OF_THE_GROUP),
    "GET search.index": Rule(*AGENTS),
    "GET contacts.picture": Rule(*OF_THE_GROUP),
    # Macros: one's own
    "GET macros.index": Rule(*AGENTS, looker=FORBIDDEN),
    "GET macros.new": Rule(*AGENTS, looker=FORBIDDEN),
    "POST macros.create": Rule(*AGENTS, looker=FORBIDDEN),
    "GET macros.show": Rule(*OWN, looker=FORBIDDEN),
    "POST macros.change": Rule(*OWN, looker=FORBIDDEN),
    "POST macros.delete": Rule(*OWN, looker=FORBIDDEN),
    "POST macros.put_back": Rule(*AGENTS, looker=FORBIDDEN),
    # Settings
    "GET settings.index": Rule(*ADMINS),
    "GET audit.index": Rule(*ADMINS),
    "GET settings.general": Rule(*ADMINS),
    "POST settings.change_general": Rule(*ADMINS),
    "GET webhook_settings.index": Rule(*ADMINS),
    "POST webhook_settings.renew_secret": Rule(*ADMINS),
    "POST webhook_settings.retry": Rule(*ADMINS),
    "GET distribution.index": Rule(*ADMINS),
    "POST distribution.change": Rule(*ADMINS),
    "GET hours.index": Rule(*ADMINS),
    "POST hours.change": Rule(*ADMINS),
    "GET mail_settings.index": Rule(*ADMINS),
    "POST mail_settings.test": Rule(*ADMINS),
    "GET agents.index": Rule(*ADMINS),
    "GET agents.new": Rule(*ADMINS),
    "POST agents.create": Rule(*ADMINS),
    "GET agents.show": Rule(*ADMINS),
    "POST agents.change": Rule(*ADMINS),
    "POST agents.activate": Rule(*ADMINS),
    "POST agents.deactivate": Rule(*ADMINS),
    "POST agents.invite": Rule(*ADMINS),
    "POST agents.end_sessions": Rule(*ADMINS),
    "POST agents.remove_second_factor": Rule(*ADMINS),
    "GET agent_tokens.ask_revocation": Rule(*ADMINS),
    "POST agent_tokens.revoke": Rule(*ADMINS),
    "GET groups.index": Rule(*ADMINS),
    "GET groups.new": Rule(*ADMINS),
    "POST groups.create": Rule(*ADMINS),
    "GET groups.show": Rule(*ADMINS),
    "POST groups.change": Rule(*ADMINS),
    "GET groups.ask_deletion": Rule(*ADMINS),
    "POST groups.delete": Rule(*ADMINS),
    "GET labels.index": Rule(*ADMINS),
    "POST labels.create": Rule(*ADMINS),
    "GET labels.show": Rule(*ADMINS),
    "POST labels.change": Rule(*ADMINS),
    "GET labels.ask_deletion": Rule(*ADMINS),
    "POST labels.delete": Rule(*ADMINS),
    "GET rules.index": Rule(*ADMINS),
    "POST rules.move": Rule(*ADMINS, fields={"place": "0"}),
    "POST rules.switch": Rule(*ADMINS),
    "POST rules.copy": Rule(*ADMINS),
    "POST rules.delete": Rule(*ADMINS),
    "POST rules.put_back": Rule(*ADMINS),
    "POST rules.pause": Rule(*ADMINS),
    "GET rule_runs.index": Rule(*ADMINS),
    "GET rule_runs.ask": Rule(*ADMINS),
    "POST rule_runs.apply": Rule(*ADMINS),
    "GET rule_history.index": Rule(*ADMINS),
    "GET rule_templates.index": Rule(*ADMINS),
    "POST rule_templates.use": Rule(*ADMINS),
    "POST rule_templates.take_back": Rule(*ADMINS),
    "GET rule_forms.new": Rule(*ADMINS),
    "POST rule_forms.create": Rule(*ADMINS),
    "GET rule_forms.show": Rule(*ADMINS, about={"rule_id": "number"}),
    "POST rule_forms.change": Rule(*ADMINS, about={"rule_id": "number"}),
    "GET channels.index": Rule(*ADMINS),
    "GET channels.picture": Rule(*ADMINS),
    "GET channels.kept_back": Rule(*ADMINS),
    "GET channels.kept_back_event": Rule(*ADMINS),
    "POST channels_line.create": Rule(*ADMINS),
    "GET channels_line.edit": Rule(*ADMINS),
    "POST channels_line.save": Rule(*ADMINS),
    "POST channels_line.connect": Rule(*ADMINS),
    "GET channels_line.calls": Rule(*ADMINS),
    "POST channels_line.set_webhook": Rule(*ADMINS),
    "POST channels_line.check": Rule(*ADMINS),
    "POST channels_line.forget_previous": Rule(*ADMINS),
    "POST channels_line.disable": Rule(*ADMINS),
    "POST channels_line.enable": Rule(*ADMINS),
    "GET channels_line.ask_deletion": Rule(*ADMINS),
    "POST channels_line.delete": Rule(*ADMINS),
}

RULE = {
    "type": "new_case",
    "name": "Rule",
    "actions": [{"action": "set_priority", "value": "high"}],
}

# Asked with their bearer tokens; a cookie opens none of them.
API = {
    "GET api.description": Rule(*PUBLIC),
    "GET api.list_cases": Rule(REFUSED, IN, IN, IN),
    "POST api.open_case": Rule(REFUSED, IN, IN, IN, looker=FORBIDDEN),
    "GET api.show_case": Rule(REFUSED, MISSING, IN, IN),
    "GET api.list_messages": Rule(REFUSED, MISSING, IN, IN),
    "POST api.reply": Rule(REFUSED, MISSING, IN, IN),
    "POST api.select_chat": Rule(REFUSED, MISSING, IN, IN),
    "POST api.end_chat": Rule(REFUSED, MISSING, IN, IN),
    "GET api.list_events": Rule(REFUSED, MISSING, IN, IN),
    "GET api.attachment": Rule(REFUSED, MISSING, IN, IN),
    "GET api.explain_rules": Rule(REFUSED, MISSING, IN, IN),
    "GET api.list_rules": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
    "POST api.add_rule": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
    "GET api.list_words": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
    "GET api.show_rule": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
    "PUT api.change_rule": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
    "DELETE api.delete_rule": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
    "GET api.list_macros": Rule(REFUSED, IN, IN, IN),
    "POST api.add_macro": Rule(REFUSED, IN, IN, IN, looker=FORBIDDEN),
    "GET api.show_macro": Rule(REFUSED, MISSING, IN, MISSING, about=MACRO),
    "PUT api.change_macro": Rule(REFUSED, MISSING, IN, MISSING, about=MACRO),
    "DELETE api.delete_macro": Rule(REFUSED, MISSING, IN, MISSING, about=MACRO),
    "POST api.use_macro": Rule(REFUSED, MISSING, IN, IN),
    "GET api.show_health": Rule(REFUSED, FORBIDDEN, FORBIDDEN, IN),
}

# Neither cookie nor token opens these by itself; the named file tests who gets in.
ELSEWHERE = {
    "GET live.socket": "tests/live/test_service.py",
    "POST line_webhook.receive": "tests/channels/test_line_webhook.py",
}

WHO = ("anonymous", "outsider", "stranger", "assignee", "looker", "onlooker", "agent", "admin")
SAFE = {"HEAD", "OPTIONS"}
LOOKED_AT = [
    name
    for name, rule in TABLE.items()
    if rule.agent == IN and rule.wanted(name.split(" ")[0], "looker") == FORBIDDEN
]
NOWHERE: dict[str, object] = defaultdict(lambda: 999_999)


def routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - SAFE
    }


def test_every_route_is_in_the_table_and_nothing_else(app):
    known = TABLE.keys() | API.keys() | ELSEWHERE.keys()
    assert routes(app) - known == set(), "add a line for each of these"
    assert known - routes(app) == set(), "these routes are gone"


@dataclass
class Scene:
    """A world that was built once: its database and other files, its ids, and everybody's keys to it."""

    held: dict[Path, bytes]
    objects: dict[str, object]
    cookies: dict[str, str]
    csrf: dict[str, str]
    bearers: dict[str, str]


@pytest.fixture(scope="module")
def kept() -> list[Scene]:
    return []


@pytest.fixture
def scene(app, kept, request) -> Scene:
    """The world as it was built; building it anew for each of hundreds of tests takes minutes."""
    folder = app.extensions["mado"].data_dir
    if kept:
        for name, held in kept[0].held.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(held)
        return kept[0]
    built = _build(app, request)
    with app.app_context():
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    places = [folder / "mado.sqlite3", *(path for one in storage.FOLDERS for path in (folder / one).rglob("*"))]
    built.held = {path.relative_to(folder): path.read_bytes() for path in places if path.is_file()}
    kept.append(built)
    return built


@pytest.fixture
def objects(scene) -> dict[str, object]:
    """What stands in the addresses: ids of things of Bob's group."""
    return scene.objects


@pytest.fixture
def browsers(app, scene) -> dict[str, FlaskClient]:
    clients = {who: app.test_client() for who in WHO}
    for who, client in clients.items():
        client.set_cookie("mado", scene.cookies[who])
        client.environ_base["HTTP_X_CSRFTOKEN"] = scene.csrf[who]
    return clients


@pytest.fixture
def programs(app, scene) -> dict[str, FlaskClient]:
    """The same people as programs, without cookies."""
    clients = {who: app.test_client() for who in WHO}
    for who, token in scene.bearers.items():
        clients[who].environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return clients


def _build(app: Flask, request: pytest.FixtureRequest) -> Scene:
    people = {"outsider": "charlie", "assignee": "erin", "looker": "dora", "agent": "bob", "admin": "alice"}
    agents = {who: request.getfixturevalue(name) for who, name in people.items()}
    agents["stranger"] = new_agent(app, "Frank", "Sales", access="assigned")
    agents["onlooker"] = new_agent(app, "Grace", "Support", access="own_groups", may_change=False)
    sign_in = request.getfixturevalue("sign_in")
    clients = {who: app.test_client() for who in WHO}
    _give_a_csrf_token(clients["anonymous"])
    for who, agent in agents.items():
        sign_in(clients[who], agent)
    objects = _objects(app, agents["agent"].id, agents["assignee"].id)
    with app.app_context(), transaction.writing():
        bearers = {who: tokens.create(db.session.get_one(Agent, one.id)) for who, one in agents.items()}
    return Scene(
        held={},
        objects=objects,
        cookies={who: client.get_cookie("mado").value for who, client in clients.items()},
        csrf={who: client.environ_base["HTTP_X_CSRFTOKEN"] for who, client in clients.items()},
        bearers=bearers,
    )


def _objects(app: Flask, bob_id: int, erin_id: int) -> dict[str, object]:
    with app.app_context():
        sales = db.session.scalars(select(Group).where(Group.name == "Sales")).one()
        channel = world.connected(group=sales)
        chat = world.chat_of(channel)
        with transaction.writing():
            mail = cases.open_by_hand(
                subject="Subject", text_="Text", contact_name="Yuki", by=None, group=sales
            )
            for case in (chat, mail):
                cases.assign(case, db.session.get_one(Agent, erin_id), by=None)
            contact = db.session.get_one(Contact, chat.contact_id)
            contact.picture = "picture.jpg"
            receipt = Receipt(channel_id=channel.id, event_key="bad", raw=b"{}", error="unreadable")
            told = Notification(agent_id=bob_id, case_id=chat.id, text="Look", is_shown=True)
            call = WebhookCall(key="k", case_id=chat.id, url="https://example.com", state="failed")
            db.session.add_all((receipt, told, call))
            token = invitations.create(db.session.get_one(Agent, bob_id), by=None)
            bobs = tokens.find(tokens.create(db.session.get_one(Agent, bob_id)))
            mine = sessions.find(sessions.start(db.session.get_one(Agent, bob_id)))
            db.session.flush()
            sent = files.sent(chat, "photo.jpg", b"a picture", by=db.session.get_one(Agent, bob_id))
            db.session.flush()
            rule = book.add(definitions.read(RULE), by=None)
            label = labels.create("vip", by=None)
            bob = db.session.get_one(Agent, bob_id)
            macro = macros.add(macros.read({"name": "Hello", "text": "Hi"}, by=bob), by=bob)
            together_id = together.remember({mail.id: {"status": ["pending", "open"]}}, by=bob)
            assert rule.id == chat.id  # one number stands in the addresses of both
        for name in (contact.picture, pictures.name_for(channel.id)):
            pictures.keep(name, b"a picture")
        of_contact = select(Message).where(Message.case_id == chat.id, Message.direction == "in")
        message = db.session.scalars(of_contact).one()
        return {
            "number": chat.id, "mail": mail.id, "message_id": message.id, "contact_id": contact.id,
            "channel_id": channel.id, "receipt_id": receipt.id, "agent_id": bob_id,
            "group_id": sales.id, "session_id": mine.id, "token": token, "token_id": bobs.id, "version": "x",
            "filename": "css/main.css", "file_token": sent.public_token, "file_name": "photo.jpg",
            "attachment_id": sent.id, "label_id": label.id, "macro_id": macro.id,
            "notification_id": told.id, "call_id": call.id, "event_id": together_id,
            "rule_id": rule.id, "key": "chats-as-cases",
        }  # fmt: skip


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", TABLE)
def test_everybody_gets_what_the_table_says(app, browsers, objects, route, who):
    """T11"""
    rule, (method, endpoint) = TABLE[route], route.split(" ")
    answer = ask(browsers[who], method, address(app, endpoint, objects, rule.about), rule.fields)
    assert verdict(answer) == rule.wanted(method, who)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("route", API)
def test_every_program_gets_what_the_table_says(app, programs, objects, route, who):
    """T11"""
    rule, (method, endpoint) = API[route], route.split(" ")
    path = address(app, endpoint, objects, rule.about)
    answer = programs[who].open(path, method=method, json={} if method == "POST" else None)
    assert verdict(answer) == rule.wanted(method, who)


@pytest.mark.parametrize("route", [name for name, rule in API.items() if rule.anonymous == REFUSED])
def test_a_cookie_opens_no_route_of_the_api(app, browsers, objects, route):
    rule, (method, endpoint) = API[route], route.split(" ")
    path = address(app, endpoint, objects, rule.about)
    assert browsers["admin"].open(path, method=method, json={}).status_code == 401


@pytest.mark.parametrize("route", [name for name, rule in API.items() if rule.outsider == MISSING])
def test_a_programs_404_tells_nothing(app, programs, objects, route):
    """T11"""
    rule, (method, endpoint) = API[route], route.split(" ")
    paths = [address(app, endpoint, things, rule.about) for things in (objects, NOWHERE)]
    bodies = {programs["outsider"].open(path, method=method, json={}).text for path in paths}
    assert len(bodies) == 1


@pytest.mark.parametrize("route", [name for name, rule in TABLE.items() if rule.outsider == MISSING])
def test_what_is_not_mine_answers_like_what_is_not_there(app, browsers, objects, route):
    """T11: the same status and the same body."""
    rule, (method, endpoint) = TABLE[route], route.split(" ")
    theirs = address(app, endpoint, objects, rule.about)
    nowhere = address(app, endpoint, NOWHERE, {})
    outsider = browsers["outsider"]
    answers = [ask(outsider, method, path, rule.fields) for path in (theirs, nowhere)]
    assert answers[0].status_code == answers[1].status_code == 404
    assert without_moments(answers[0].text) == without_moments(answers[1].text)


@pytest.mark.parametrize("route", LOOKED_AT)
def test_who_may_only_look_is_refused_in_words_and_changes_nothing(app, browsers, objects, route):
    """H1"""
    rule, (method, endpoint) = TABLE[route], route.split(" ")
    before = stored(app)
    answer = ask(browsers["looker"], method, address(app, endpoint, objects, rule.about), rule.fields)
    assert (answer.status_code, "You may only look" in answer.text) == (403, True)
    assert stored(app) == before


@pytest.mark.parametrize("route", [name for name in TABLE if name.startswith("POST ")])
def test_no_form_is_heard_without_its_token(app, browsers, objects, route):
    """T14"""
    admin = browsers["admin"]
    del admin.environ_base["HTTP_X_CSRFTOKEN"]
    path = address(app, route.split(" ")[1], objects, TABLE[route].about)
    before = stored(app)
    assert admin.post(path, data=TABLE[route].fields).status_code == 403
    assert stored(app) == before


@pytest.mark.parametrize("route", [name for name in TABLE if name.startswith("GET ")])
def test_no_get_changes_anything(app, browsers, objects, route):
    """T14, DESIGN 4"""
    rule = TABLE[route]
    before = stored(app)
    browsers["admin"].get(address(app, route.split(" ")[1], objects, rule.about))
    assert stored(app) == before


def ask(client: FlaskClient, method: str, path: str, fields: dict[str, str]) -> TestResponse:
    return client.open(path, method=method, data=fields if method != "GET" else None)


def address(app: Flask, endpoint: str, objects: dict[str, object], about: dict[str, str]) -> str:
    """The route's path, its places filled with the world's things."""
    rule = next(iter(app.url_map.iter_rules(endpoint)))
    values = {name: objects[about.get(name, name)] for name in rule.arguments}
    with app.test_request_context():
        from flask import url_for

        return url_for(endpoint, **values)


def verdict(answer: TestResponse) -> str:
    """What an answer means for somebody who asked."""
    if answer.status_code == 303 and answer.location.partition("?")[0] == "/sign-in":
        return SIGN_IN
    by_status = {401: REFUSED, 403: FORBIDDEN, 404: MISSING}
    if answer.status_code in by_status:
        return by_status[answer.status_code]
    assert answer.status_code < 500
    assert answer.status_code not in (400, 405)
    return IN


def without_moments(page: str) -> str:
    return re.sub(r'<meta name="(csrf-token|server-time)"[^>]*>', "", page)


def stored(app: Flask) -> str:
    """Everything in the database but the moments that sessions were used."""
    from app.models import Base

    with app.app_context():
        rows = {
            table.name: [[str(value) for value in row] for row in db.session.execute(table.select())]
            for table in Base.metadata.sorted_tables
        }
        db.session.rollback()
    return json.dumps(rows)


def _give_a_csrf_token(client: FlaskClient) -> None:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    client.environ_base["HTTP_X_CSRFTOKEN"] = found[1]


def test_the_world_is_of_bobs_group(app, objects):
    """The outsider's 404 means nothing unless the things are there."""
    with app.app_context():
        groups = db.session.scalars(select(Case.group_id)).all()
        assert groups == [objects["group_id"]] * 2
