"""Encrypting anew with a new SECRET_KEY, on both engines: afterwards the old key can be retired. ASVS 11, T26."""

import ast
from collections.abc import Callable

import pytest
from click.testing import Result
from sqlalchemy import text

from app import encryption, rotation, transaction
from app.domain import channels, public_links, second_factors, webhook_calls
from app.extensions import db
from app.models import Agent, Attachment, Base, Channel
from tests.architecture.source import modules
from tests.conftest import SECRET
from tests.world import chat_of, connected

NEW = "another-secret-key-that-is-long-enough-to-be-taken"
LOST = "a-third-secret-key-that-nobody-has-any-more-alas"
# Each has its place in app/rotation.py, but for a seed in the cookie of who sets it up.
WHO_ENCRYPTS = {"app.columns", "app.domain.second_factors", "app.domain.webhook_calls", "app.blueprints.second_factor"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request) -> str:
    return request.param


@pytest.fixture
def rotate(app):
    """A function that runs the command with these keys, newest first."""

    def run(*keys: str) -> Result:
        encryption.use(list(keys))
        return app.test_cli_runner().invoke(args=["keys", "rotate"])

    yield run
    encryption.use([SECRET])


def everything_encrypted() -> list[str]:
    """Whatever looks like it, wherever it stands in the database."""
    rows = [
        row
        for table in Base.metadata.sorted_tables
        for row in db.session.execute(text(f'SELECT * FROM "{table.name}"'))
    ]
    return [value for row in rows for value in row if isinstance(value, str) and value.startswith("gAAAA")]


def one_of_each(alice: Agent) -> Callable[[], tuple]:
    """A channel, a second factor, a secret of webhook calls, a sent file; a function that reads all of them."""
    seed = second_factors.new_seed()
    with transaction.writing():
        admin = db.session.get_one(Agent, alice.id)
        channel = channels.create("line", "Shop", credentials='{"access_token": "T", "channel_secret": "S"}')
        second_factors.switch_on(admin, seed=seed, step=0, code_hashes=[])
        webhook_calls.renew_secret(by=admin)
    case = chat_of(channel)
    with transaction.writing():
        file = Attachment(case_id=case.id, kind="file", state="stored", filename="a.pdf")
        db.session.add(file)
        public_links.give([file])

    def read() -> tuple:
        db.session.expire_all()
        kept = db.session.get_one(Agent, alice.id).totp_seed
        told = db.session.get_one(Channel, channel.id)
        link = db.session.get_one(Attachment, file.id).public_token
        return told.credentials, told.key, link, encryption.decrypt(kept or ""), webhook_calls.secret()

    assert read()[3] == seed
    return read


def test_afterwards_nothing_needs_the_old_key(app, alice, rotate):
    with app.app_context():
        read = one_of_each(alice)
        before = read()
        assert len(everything_encrypted()) == len(before) == len(rotation.PLACES)
        done = rotate(NEW, SECRET)
        assert done.exit_code == 0, done.output
        assert done.output.count(": 1 encrypted anew, 0 were already, 0 can't be read.") == len(before)
        encryption.use([NEW])
        assert all(map(encryption.is_newest, everything_encrypted()))
        assert read() == before


def test_a_second_run_has_nothing_to_do(app, alice, rotate):
    with app.app_context():
        one_of_each(alice)
        rotate(NEW, SECRET)
        kept = everything_encrypted()
        done = rotate(NEW, SECRET)
        assert done.output.count(": 0 encrypted anew, 1 were already, 0 can't be read.") == len(kept)
        assert everything_encrypted() == kept


def test_a_killed_run_leaves_everything_readable_and_the_next_one_goes_on(app, rotate, monkeypatch):
    monkeypatch.setattr(rotation, "PORTION", 2)
    with app.app_context():
        made = [connected(credentials=f"token {number}").id for number in range(5)]
        encryption.use([NEW, SECRET])
        real, tried = encryption.encrypt, []

        def dies_at_the_fourth(kept: str) -> str:
            tried.append(kept)
            if len(tried) == 4:
                raise KeyboardInterrupt
            return real(kept)

        monkeypatch.setattr(encryption, "encrypt", dies_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            list(rotation.rotate())
        monkeypatch.setattr(encryption, "encrypt", real)
        db.session.expire_all()
        assert [db.session.get_one(Channel, one).credentials for one in made] == [*tried[:3], "token 3", "token 4"]
        assert "channels: 3 encrypted anew, 2 were already" in rotate(NEW, SECRET).output


def test_what_somebody_saves_meanwhile_stays(app, rotate, monkeypatch):
    """On PostgreSQL another process may write between reading and writing."""
    with app.app_context():
        channel = connected(credentials="old token").id
        encryption.use([NEW, SECRET])
        place, count = rotation.PLACES[0], rotation.Count()
        with transaction.writing():
            [(key, kept)] = rotation._portion(place, None)
        with transaction.writing():
            db.session.get_one(Channel, channel).credentials = "new token"
        with transaction.writing():
            rotation._renew(place, key, kept, count)
        db.session.expire_all()
        assert db.session.get_one(Channel, channel).credentials == "new token"
        assert count.renewed == 0


def test_what_no_key_reads_is_told_and_left_alone(app, rotate):
    with app.app_context():
        encryption.use([LOST])
        connected(credentials="lost")
        encryption.use([SECRET])
        connected(credentials="token")
        lost = [kept for kept in everything_encrypted() if not encryption.is_newest(kept)]
        done = rotate(NEW, SECRET)
        assert done.exit_code == 1
        assert "channels: 1 encrypted anew, 0 were already, 1 can't be read." in done.output
        assert "not in SECRET_KEY" in done.output
        assert set(lost) < set(everything_encrypted())
        assert rotate(NEW, SECRET, LOST).exit_code == 0


def test_who_is_signed_in_stays_so_for_as_long_as_the_old_key_is_there(app, client, alice, sign_in):
    """Cookies are signed anew when they change; a form of an open page has to be loaded again."""
    sign_in(client, alice)
    app.config.update(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[SECRET])
    try:
        assert client.get("/account").status_code == 200
        assert client.post("/account/name", data={"name": "Alicia"}).headers["X-Mado"] == "stale"
        app.config.update(SECRET_KEY_FALLBACKS=[])
        assert "/sign-in" in client.get("/account").headers["Location"]
    finally:
        app.config.update(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=[])


def test_whoever_encrypts_is_known_to_the_rotation():
    found = {
        module.name
        for module in modules("app")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "encryption.encrypt"
    }
    assert found - {"app.rotation"} == WHO_ENCRYPTS


def test_every_encrypted_column_has_its_place():
    from app.columns import EncryptedText

    columns = {
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, EncryptedText)
    }
    assert columns <= {place.column for place in rotation.PLACES}
