"""The operator's commands: `flask --app wsgi agents|tokens|settings|channels|keys|files|backup ...`.

They work beside the running server, `backup restore` apart: each is one short transaction (`keys rotate`
many), and the server reads the database, so a change is seen at once. What can't be done is a sentence on standard
error and exit code 1; answers that scripts read stand alone on standard output.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import storage, transaction
from app.domain import agents, limits, passwords, profiles, second_factors, settings, tokens
from app.domain.agents import Refused
from app.extensions import db
from app.models import ROLES, Agent, ApiToken, Channel
from app.storage import copying
from app.storage.bucket import Bucket
from app.storage.folder import Folder

Command = Callable[..., None]

agents_group = AppGroup("agents", help="The people of the team.", short_help="People.")
tokens_group = AppGroup("tokens", help="Bearer tokens for the JSON API.")
settings_group = AppGroup("settings", help="Settings of the installation.")
# The kinds add their own commands to this one (`channels create-line`).
channels_group = AppGroup("channels", help="Connected accounts.")
keys_group = AppGroup("keys", help="The keys that encrypt what is kept.", short_help="SECRET_KEY.")
files_group = AppGroup("files", help="Files of messages and pictures, wherever they lie.", short_help="Files.")
backup_group = AppGroup("backup", help="Everything into one file, and back.", short_help="Backups.")


def init_app(app: Flask) -> None:
    groups = (agents_group, tokens_group, settings_group, channels_group, keys_group)
    for group in (*groups, files_group, backup_group):
        app.cli.add_command(group)


def command(
    group: AppGroup, name: str, *, within: Callable[[], AbstractContextManager[None]] = transaction.writing
) -> Callable[[Command], click.Command]:
    """A command in a writing transaction of its own, whose refusals become sentences.

    Also for the kinds: `@command(channels_group, "create-line")`.
    """

    def decorate(run: Command) -> click.Command:
        @wraps(run)
        def told(*args: Any, **kwargs: Any) -> None:
            try:
                with within():
                    run(*args, **kwargs)
            except Refused as error:
                raise click.ClickException(str(error)) from error
            except (OperationalError, ProgrammingError) as error:
                raise click.ClickException(_in_words(error)) from error

        return group.command(name)(told)

    return decorate


@command(agents_group, "create")
@click.argument("email")
@click.option("--name", required=True, help="The name colleagues see.")
@click.option("--role", type=click.Choice(ROLES), default="agent", show_default=True)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
def create_agent(email: str, name: str, role: str, password_stdin: bool) -> None:
    """Add an agent who sees everything."""
    email, name = profiles.email(email), profiles.name(name)
    password = _line_of_input() if password_stdin else _asked_password()
    passwords.check(password, about=(name, email))
    agents.create(email, name=name, role=role, password_hash=passwords.hashed(password))
    click.echo(f"Created {email}.")


@command(agents_group, "list")
def list_agents() -> None:
    """Show everybody: email, role, access, state and name."""
    for agent in agents.everyone():
        state = "active" if agent.is_active else "deactivated"
        sees = agent.access if agent.may_change else f"{agent.access}, view only"
        click.echo(f"{agent.email}\t{agent.role}\t{sees}\t{state}\t{agent.name}")


@command(agents_group, "reset-totp")
@click.argument("email")
def reset_totp(email: str) -> None:
    """Take an agent's second factor away: for a lost phone without recovery codes."""
    agent = _agent(email)
    second_factors.remove(agent, by=None)
    click.echo(f"{agent.email} signs in with the password alone.")


@command(agents_group, "unlock")
@click.argument("email")
def unlock(email: str) -> None:
    """Let an agent try again at once who typed wrong passwords or codes too often."""
    agent = _agent(email)
    limits.lift(agent)
    click.echo(f"{agent.email} may try again at once.")


@command(tokens_group, "create")
@click.argument("email")
@click.option("--expires-days", type=int, help="After how many days it stops working.")
def create_token(email: str, expires_days: int | None) -> None:
    """Make an API token that acts as this agent, and print it. It is never shown again."""
    agent = _agent(email)
    click.echo(tokens.create(agent, expires_days=expires_days))


@command(tokens_group, "list")
@click.option("--email", help="Of this agent only.")
def list_tokens(email: str | None) -> None:
    """Show tokens: id, agent, last four characters, when made, last used and expiring, in UTC."""
    found = tokens.of_agent(_agent(email)) if email else tokens.everybodys()
    for token in found:
        moments = [_moment(at) for at in (token.created_at, token.used_at, token.expires_at)]
        click.echo("\t".join((str(token.id), token.agent.email, token.last4, *moments)))


@command(tokens_group, "revoke")
@click.argument("email", required=False)
@click.argument("last4", required=False)
@click.option("--id", "token_id", type=int, help="Its id, as listed.")
def revoke_token(email: str | None, last4: str | None, token_id: int | None) -> None:
    """End an API token for good: by its agent's EMAIL and its LAST4 characters, or by --id.

    Say -- before EMAIL when the four characters begin with a hyphen.
    """
    token = _token(email, last4, token_id)
    owner = token.agent.email
    tokens.revoke(token, by=None)
    click.echo(f"Revoked {owner}'s token that ends in {token.last4}.")


@command(settings_group, "get")
@click.argument("name")
def get_setting(name: str) -> None:
    """Print a setting's value."""
    click.echo(settings.get(_known(name)))


@command(settings_group, "set")
@click.argument("name")
@click.argument("value")
def set_setting(name: str, value: str) -> None:
    """Change a setting."""
    settings.put(_known(name), value)


@command(settings_group, "list")
def list_settings() -> None:
    """Show every setting: name, value and meaning."""
    for name, known in settings.KNOWN.items():
        click.echo(f"{name}\t{settings.get(name)}\t{known.meaning}")


@command(channels_group, "list")
def list_channels() -> None:
    """Show the connected accounts: id, kind, state and name."""
    query = select(Channel).where(Channel.state != "deleted").order_by(Channel.id)
    for channel in db.session.scalars(query):
        click.echo(f"{channel.id}\t{channel.kind}\t{channel.state}\t{channel.name}")


@command(keys_group, "rotate", within=nullcontext)
def rotate_keys() -> None:
    """Encrypt everything anew with the first key of SECRET_KEY, so that the others can go."""
    from app import rotation

    unreadable = 0
    for place, count in rotation.rotate():
        unreadable += count.unreadable
        click.echo(
            f"{place.words}: {count.renewed:,} encrypted anew, {count.newest:,} were already,"
            f" {count.unreadable:,} can't be read."
        )
    if unreadable:
        raise Refused(
            f"{unreadable:,} of these are of a key that is not in SECRET_KEY. Put it at the end of"
            " the list and run this again; or, should it be lost, connect those channels, set up"
            " those second factors and make that secret anew."
        )
    click.echo("All of it can be read with the first key of SECRET_KEY alone.")


@command(files_group, "copy", within=nullcontext)
@click.option("--to", type=click.Choice(["s3", "local"]), required=True, help="The bucket, or DATA_DIR.")
@click.option("--delete", is_flag=True, help="Then delete each where it was.")
def copy_files(to: str, delete: bool) -> None:
    """Copy what is not there yet between DATA_DIR and the bucket in STORAGE_URL; again to go on."""
    bucket, here = storage.place(), Folder(current_app.extensions["mado"].data_dir)
    if not isinstance(bucket, Bucket):
        raise Refused("Set STORAGE_URL and S3_... to the bucket, whichever way files are copied.")
    source, target = (here, bucket) if to == "s3" else (bucket, here)
    copied = there = 0
    try:
        with click.progressbar(copying.between(source, target), label="Files") as files:
            for file in files:
                copied += copying.bring(file, source, target)
                there += file.is_there
                if delete:
                    source.delete(file.name)
    except OSError as problem:
        raise Refused(f"{problem} Copied so far: {copied:,}. Run it again to go on.") from problem
    click.echo(f"Copied: {copied:,}, there already: {there:,}.")
    if delete:
        click.echo("Deleted where they were.")


@command(backup_group, "create", within=nullcontext)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="Include DATA_DIR/secret-key.")
@click.option("--without-files", is_flag=True, help="Leave out files of messages and pictures.")
def create_backup(path: Path, with_key: bool, without_files: bool) -> None:
    """Write database and files into a new file, PATH, while Mado runs."""
    from app.backups import commands

    commands.create(path.absolute(), with_key=with_key, with_files=not without_files)


@command(backup_group, "restore", within=nullcontext)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Throw away what is in the database.")
@click.option("--any-key", is_flag=True, help="Also when SECRET_KEY can't read its credentials.")
def restore_backup(path: Path, replace: bool, any_key: bool) -> None:
    """Bring the backup in PATH back, while Mado is stopped. What waited to be sent is held."""
    from app.backups import commands

    commands.restore(path.absolute(), replaces=replace, any_key=any_key)


def _agent(email: str) -> Agent:
    agent = agents.by_email(profiles.email(email))
    if agent is None:
        raise Refused("There is no agent with this email address. See: agents list")
    return agent


def _token(email: str | None, last4: str | None, token_id: int | None) -> ApiToken:
    if (token_id is None) == (last4 is None) or (token_id is not None and email):
        raise Refused("Say --id and the token's id, or its agent's address and its last four characters.")
    of_whom = tokens.of_agent(_agent(email)) if email else tokens.everybodys()
    found = [token for token in of_whom if token_id == token.id or last4 == token.last4]
    if not found:
        raise Refused("There is no such token. See: tokens list")
    if len(found) > 1:
        raise Refused("Several tokens of this agent end so. Say --id. See: tokens list")
    return found[0]


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "never"


def _in_words(error: OperationalError | ProgrammingError) -> str:
    said = str(error.orig)
    if "no such table" in said or "does not exist" in said:
        return "The database is not set up. Run: flask --app wsgi db upgrade"
    return f"The database can't be reached or is busy. Try again. ({said.strip()})"


def _known(name: str) -> str:
    if name not in settings.KNOWN:
        raise Refused(f"There is no setting {name}. There are: {', '.join(settings.KNOWN)}")
    return name


def _line_of_input() -> str:
    try:
        line = sys.stdin.buffer.readline().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("The password must be UTF-8 text.") from error
    return line.rstrip("\r\n")


def _asked_password() -> str:
    if not sys.stdin.isatty():
        raise Refused("Say --password-stdin and give the password on standard input.")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)
