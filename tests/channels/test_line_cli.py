"""`channels create-line`: for operators and scripts, without asking LINE."""

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.channels.line.credentials import Credentials
from app.extensions import db
from app.models import Channel, Message
from tests.channels import line_posts

TOKEN, SECRET = "CANARY-token", "CANARY-secret"


def run(app: Flask, *arguments: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(
        args=["channels", "create-line", "--name", "Shop", *arguments], input=typed
    )


def only_channel(app: Flask) -> Channel:
    with app.app_context():
        return db.session.scalars(select(Channel)).one()


def channel_count(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Channel)) or 0


def test_webhook_url_stands_alone_on_standard_output(app: Flask) -> None:
    result = run(app, "--token", TOKEN, "--secret", SECRET)
    channel = only_channel(app)
    public_url = app.extensions["mado"].public_url
    assert result.exit_code == 0
    assert result.stdout == f"{public_url}/line/webhook/{channel.key}\n"
    assert "Not checked at LINE" in result.stderr
    assert (channel.state, channel.name, channel.kind) == ("connected", "Shop", "line")
    assert Credentials.of(channel) == Credentials(TOKEN, SECRET)


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        ((), f"{TOKEN}\n{SECRET}\n"),
        ((), f"{TOKEN}\r\n{SECRET}"),
        (("--token", "-", "--secret", "-"), f"{TOKEN}\n{SECRET}\n"),
        (("--token", TOKEN), f"{SECRET}\n"),
        (("--secret", SECRET, "--token", "-"), f"{TOKEN}\n"),
    ],
)
def test_token_and_secret_may_come_from_standard_input(
    app: Flask, arguments: tuple[str, ...], typed: str
) -> None:
    """A command line can be read by others on the machine."""
    result = run(app, *arguments, typed=typed)
    assert result.exit_code == 0, result.output
    assert Credentials.of(only_channel(app)) == Credentials(TOKEN, SECRET)


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("--secret", SECRET), "", "Channel access token is missing"),
        (("--token", TOKEN), "\n", "Channel secret is missing"),
        (("--token", "tökén", "--secret", SECRET), "", "This is no Channel access token"),
        (("--token", TOKEN, "--secret", SECRET, "--name", " "), "", "Type a name."),
    ],
)
def test_what_is_missing_or_odd_is_a_sentence_and_no_channel(
    app: Flask, arguments: tuple[str, ...], typed: str, words: str
) -> None:
    result = run(app, *arguments, typed=typed)
    assert result.exit_code == 1
    assert words in result.stderr
    assert (result.stdout, channel_count(app)) == ("", 0)


def test_secrets_are_not_printed(app: Flask) -> None:
    """T26"""
    result = run(app, "--token", TOKEN, "--secret", SECRET)
    listed = app.test_cli_runner().invoke(args=["channels", "list"])
    assert "Shop" in listed.stdout
    assert "CANARY" not in result.output + listed.output


def test_made_channel_takes_messages_at_once(app: Flask, client: FlaskClient) -> None:
    url = run(app, "--token", TOKEN, "--secret", line_posts.SECRET).stdout.strip()
    key = url.rsplit("/", 1)[1]
    body = line_posts.batch(line_posts.text_event("hello"))
    assert line_posts.post(client, body, key=key).status_code == 200
    with app.app_context():
        assert db.session.scalars(select(Message.text)).all() == ["hello"]


def test_every_channel_has_a_url_of_its_own(app: Flask) -> None:
    """S1"""
    first = run(app, "--token", TOKEN, "--secret", SECRET).stdout
    second = run(app, "--token", TOKEN, "--secret", SECRET).stdout
    assert first != second
    assert channel_count(app) == 2
