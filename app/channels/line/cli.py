"""`flask --app wsgi channels create-line`: a connected LINE channel without the form.

For operators and scripts that know their token and secret; LINE is not asked. Only the webhook URL
stands on standard output. A token on the command line can be read by others on the machine, so
both secrets may come from standard input instead.
"""

import sys
from collections.abc import Callable

import click

from app.channels.line import forms, setup
from app.channels.line.credentials import Credentials
from app.cli import channels_group, command
from app.domain import channels, profiles
from app.domain.agents import Refused

FROM_INPUT = "-"
NOT_CHECKED = (
    "Not checked at LINE: whether token and secret are right shows with the first message."
    " Paste this address into LINE's console as the webhook URL:"
)


@command(channels_group, "create-line")
@click.option("--name", required=True, help="The name colleagues see.")
@click.option("--token", default=FROM_INPUT, help="Channel access token; - or none: from input.")
@click.option("--secret", default=FROM_INPUT, help="Channel secret; - or none: from input.")
def create_line(name: str, token: str, secret: str) -> None:
    """Connect a LINE channel and print its webhook URL.

    Token and secret are read from standard input, one a line, token first, where not given.
    """
    credentials = Credentials(
        token=_given(token, forms.token, "Channel access token"),
        secret=_given(secret, forms.secret, "Channel secret"),
    )
    made = channels.create("line", profiles.name(name), credentials="{}")
    credentials.keep(made)
    click.echo(NOT_CHECKED, err=True)
    click.echo(setup.webhook_url(made))


def _given(option: str, check: Callable[[str], str], label: str) -> str:
    typed = _line_of_input(label) if option == FROM_INPUT else option
    checked = check(typed)
    if not checked:
        raise Refused(f"{label} is missing: say it as an option, or on standard input.")
    return checked


def _line_of_input(label: str) -> str:
    if sys.stdin.isatty():
        return click.prompt(label, hide_input=True, err=True)
    try:
        return sys.stdin.buffer.readline().decode()
    except UnicodeDecodeError as problem:
        raise Refused(f"{label} must be UTF-8 text.") from problem
