"""What an admin lets Mado do at LINE: set and test the webhook, check again, forget an old secret.

Each asks LINE outside any transaction and writes down the answer afterwards. On a draft the buttons
stand in the form: whatever was typed is kept first, so that nothing is lost (S9a).
"""

from flask import flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only, own_transaction
from app.blueprints.answers import wants_fragment
from app.channels.line import advice, endpoint, pages, setup, webhook
from app.channels.line.checks import Checks
from app.channels.line.credentials import Credentials
from app.channels.line.pages import ONE, blueprint
from app.domain import channels
from app.domain.channels import NotConnected
from app.language import gettext as _
from app.models import Channel


@blueprint.post(f"{ONE}/webhook")
@admin_only
@own_transaction
def set_webhook(channel_id: int) -> ResponseReturnValue:
    """Give LINE the address, read it back, and let LINE test it (S9a)."""
    transaction.start_writing()
    channel = pages.channel_or_404(channel_id)
    typed = pages.read(channel) if channel.state == "draft" else None
    if typed:
        pages.keep_draft(channel, typed)
    kept, known, url = Credentials.of(channel), Checks.of(channel), setup.webhook_url(channel)
    transaction.release()
    error = typed.errors.get("token") if typed else None
    if error or not kept.token:
        words = error or _(
            "Paste the channel access token first: with it Mado may set the address."
        )
        return _not_set(channel_id, typed, NotConnected(words, field="token"))
    try:
        asked = endpoint.set_up(kept.token, url, known)
    except NotConnected as problem:
        return _not_set(channel_id, typed, problem)
    return _set(channel_id, asked)


@blueprint.post(f"{ONE}/check")
@admin_only
@own_transaction
def check(channel_id: int) -> ResponseReturnValue:
    """Ask LINE about token, secret and webhook once more (S9b)."""
    transaction.start_writing()
    channel = pages.channel_or_404(channel_id)
    kept, known = Credentials.of(channel), Checks.of(channel)
    transaction.release()
    account = None
    try:
        found = setup.ask_line(kept)
        account = found.account
        known = known.with_credentials(token_fits=True, secret_fits=True, read_mode=found.read_mode)
        known = endpoint.look(kept.token, known)
    except NotConnected as problem:
        if problem.is_temporary:
            flash(str(problem))
            return redirect(_health_of(channel_id), 303)
        secret_fits = problem.field != "secret"
        known = known.with_credentials(token_fits=not secret_fits, secret_fits=secret_fits)
    transaction.start_writing()
    channel = pages.channel_or_404(channel_id)
    known.keep(channel)
    if account:
        channels.recognise(channel, account)
    transaction.commit()
    return redirect(_health_of(channel_id), 303)


@blueprint.post(f"{ONE}/previous-secret/deletion")
@admin_only
def forget_previous(channel_id: int) -> ResponseReturnValue:
    """Accept the present secret alone, before the day is over (S5)."""
    channel = pages.channel_or_404(channel_id)
    kept = Credentials.of(channel)
    if kept.previous_secret:
        kept.without_previous().keep(channel)
        channels.note_change(channel, ["previous_secret"], by=g.agent)
    return pages.saved(channel, _("The previous secret is forgotten."))


def _set(channel_id: int, asked: Checks) -> ResponseReturnValue:
    transaction.start_writing()
    channel = pages.channel_or_404(channel_id)
    asked.keep(channel)
    if channel.state != "draft":
        channels.note_change(channel, ["webhook"], by=g.agent)
    transaction.commit()
    webhook.forget(channel)
    if wants_fragment():
        return _part(channel)
    return redirect(f"{pages.address_of(channel)}#webhook", 303)


def _not_set(
    channel_id: int, typed: pages.Typed | None, problem: NotConnected
) -> ResponseReturnValue:
    """As a fragment it says so beside the button; as a page it marks the field too."""
    if wants_fragment():
        return _part(pages.channel_or_404(channel_id), problem=str(problem)), 422
    if typed is None:
        flash(str(problem))
        return redirect(_health_of(channel_id), 303)
    return pages.refused(channel_id, typed, problem)


def _part(channel: Channel, problem: str = "") -> str:
    """The answer beside the button."""
    url = setup.webhook_url(channel)
    found = advice.webhook(Checks.of(channel), url)
    return render_template("line/_webhook.html", channel=channel, found=found, problem=problem)


def _health_of(channel_id: int) -> str:
    return f"/settings/channels/line/{channel_id}#health"
