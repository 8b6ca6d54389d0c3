"""`backup create` and `backup restore` in words: what is in a backup and what is not, what is held.

Apart from the other commands, because a server that never makes one needs nothing of it.
"""

from pathlib import Path

import click

from app.backups import databases, making, restoring
from app.backups.archive import BadBackup
from app.backups.holding import Held
from app.domain.agents import Refused

ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def create(path: Path, *, with_key: bool, with_files: bool = True) -> None:
    """Raise Refused."""
    try:
        with databases.refusing_damage():
            made = making.make(path, with_key=with_key, with_files=with_files)
    except OSError as problem:
        raise Refused(f"The backup was not written: {problem}") from problem
    click.echo(f"{path}: {made.size / 1_000_000:,.1f} MB")
    files = (
        f", files of messages: {made.counts['media']:,}, pictures of contacts: {made.counts['pictures']:,}"
    )
    click.echo(f"In it: the {ENGINES[made.engine]} database{files if with_files else ''}.")
    if not with_files:
        click.echo("Not in it: files of messages and pictures of contacts. See to it that they are kept, too.")
    where = made.key_file or "the environment's SECRET_KEY"
    if made.has_key:
        click.echo(
            "The secret key is in it, too: whoever has this file can read the channels' tokens"
            " and sign in as anybody. Keep it like a password."
        )
    else:
        click.echo(
            f"Not in it: the secret key. Keep {where} in another place than the backup;"
            " without it nobody reads the channels' tokens again."
        )
    click.echo("Nor is the configuration: what the environment says.")


def restore(path: Path, *, replaces: bool, any_key: bool) -> None:
    """Raise Refused."""
    try:
        restored = restoring.restore(path, replaces=replaces, any_key=any_key)
    except (BadBackup, OSError) as problem:
        raise Refused(f"Nothing was brought back. {problem}") from problem
    click.echo(
        f"Mado is as it was on {restored.made_at}. Cases: {restored.cases:,},"
        f" messages: {restored.messages:,}, files: {restored.files:,}."
    )
    if restored.has_new_key:
        click.echo("Its secret key is in DATA_DIR/secret-key now.")
    for line in _held(restored.held):
        click.echo(line)
    click.echo("Start Mado, and let everybody load their open pages anew.")


def _held(held: Held) -> list[str]:
    """What may have been sent since, so that it is not sent again by itself."""
    lines = []
    if held.replies:
        lines.append(f'Waiting replies, now unconfirmed, each with "Send again": {held.replies:,}')
    if held.mails:
        lines.append(f"Waiting emails to agents, now shown in Mado instead: {held.mails:,}")
    if held.calls:
        lines.append(f"Waiting webhook calls, now given up under Settings, Webhooks: {held.calls:,}")
    if held.has_rules:
        lines.append("All rules are switched off. Look around, then an admin switches them back on.")
    return lines
