"""LINE's settings pages, for admins: the guided form, its check at LINE, and the connected channel.

Whoever connects or gives new credentials waits for LINE, outside any transaction; nobody else
does. What was typed survives every refusal, and secrets never go back into a page (T26).
"""

from dataclasses import asdict, dataclass, replace

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import pictures, transaction
from app.blueprints import history
from app.blueprints.access import admin_only, own_transaction
from app.blueprints.forms import Form
from app.channels.line import advice, client, forms, setup, webhook
from app.channels.line.checks import Checks
from app.channels.line.credentials import Credentials
from app.channels.line.options import Options
from app.domain import agents, channels, contacts, health, settings
from app.domain.agents import Refused
from app.domain.channels import Details, NotConnected
from app.language import gettext as _
from app.models import Channel

KIND = "line"
ONE = "/<int(max=2147483647):channel_id>"
FLAGS = ("show_typing", "mark_as_read", "ask_member_names", "sticker_pictures")

blueprint = Blueprint(
    "channels_line", __name__, url_prefix="/settings/channels/line", template_folder="templates"
)


@dataclass(frozen=True)
class Typed:
    """A form as it came: what is right of it, the words to show again, and what is wrong."""

    details: Details
    options: Options
    credentials: Credentials
    values: dict[str, str]
    errors: dict[str, str]


@blueprint.post("")
@admin_only
def create() -> ResponseReturnValue:
    """The admin's one draft and its form (S2)."""
    draft = channels.draft_of(g.agent, KIND)
    transaction.commit()
    return redirect(address_of(draft), 303)


@blueprint.get(ONE)
@admin_only
def edit(channel_id: int) -> ResponseReturnValue:
    return page(channel_or_404(channel_id))


@blueprint.get(f"{ONE}/calls")
@admin_only
def calls(channel_id: int) -> ResponseReturnValue:
    """Whether LINE has called, for the form that waits for it (S3)."""
    channel = channel_or_404(channel_id)
    failing = channels.has_failing_signatures(channel)
    return render_template("line/_calls.html", channel=channel, is_failing=failing)


@blueprint.post(ONE)
@admin_only
@own_transaction
def save(channel_id: int) -> ResponseReturnValue:
    """Keep a draft as it is, or change a connected channel."""
    transaction.start_writing()
    channel = channel_or_404(channel_id)
    typed = read(channel)
    if channel.state != "draft":
        return _change(channel, typed)
    keep_draft(channel, typed)
    if typed.errors:
        return page(channel, values=typed.values, errors=typed.errors), 422
    flash(_("Kept. You can go on later: Settings, Channels."))
    return redirect(address_of(channel), 303)


@blueprint.post(f"{ONE}/connection")
@admin_only
@own_transaction
def connect(channel_id: int) -> ResponseReturnValue:
    """Ask LINE about token and secret, and open the channel when both are right (S4)."""
    transaction.start_writing()
    channel = channel_or_404(channel_id)
    if channel.state != "draft":
        return redirect(address_of(channel), 303)
    typed = read(channel)
    keep_draft(channel, typed)
    errors = forms.missing(typed.credentials) | typed.errors
    if errors:
        return page(channel, values=typed.values, errors=errors), 422
    transaction.release()
    try:
        found = setup.ask_line(typed.credentials)
    except NotConnected as problem:
        return refused(channel_id, typed, problem)
    return _connected(channel_id, typed, found)


@blueprint.post(f"{ONE}/disabling")
@admin_only
def disable(channel_id: int) -> ResponseReturnValue:
    channel = channel_or_404(channel_id)
    channels.disable(channel, by=g.agent)
    return saved(channel, _("%(name)s is disabled: what LINE sends is ignored.", name=channel.name))


@blueprint.post(f"{ONE}/enabling")
@admin_only
def enable(channel_id: int) -> ResponseReturnValue:
    channel = channel_or_404(channel_id)
    channels.enable(channel, by=g.agent)
    return saved(channel, _("%(name)s takes messages again.", name=channel.name))


@blueprint.get(f"{ONE}/deletion")
@admin_only
def ask_deletion(channel_id: int) -> ResponseReturnValue:
    """Say what deleting does before it is done."""
    channel = channel_or_404(channel_id)
    return render_template(
        "line/delete.html",
        channel=channel,
        name=channel.name or _("this draft"),
        active_count=channels.active_count(channel),
        queued_count=channels.queued_count(channel),
    )


@blueprint.post(f"{ONE}/deletion")
@admin_only
def delete(channel_id: int) -> ResponseReturnValue:
    channel = channel_or_404(channel_id)
    name = channel.name or _("The draft")
    token = Credentials.of(channel).token
    channels.delete(channel, by=g.agent)
    transaction.commit()
    webhook.forget(channel)
    client.forget(token)
    pictures.forget_channel(channel_id)
    flash(_("%(name)s is deleted. Its cases stay in All cases.", name=name))
    return redirect("/settings/channels", 303)


# ── Reading the form ────────────────────────────────────────────────────────────────────────


def read(channel: Channel) -> Typed:
    """What was typed, over what is kept; an empty secret stands for the kept one."""
    form, kept = Form(), Credentials.of(channel)
    details = {
        "name": form.read("name", forms.name),
        "group_id": form.read("group_id", forms.group_id),
        "inactivity_minutes": form.read("inactivity_minutes", forms.inactivity_minutes),
        "reactivates_closed": form.flag("reactivates_closed"),
    }
    chosen = {name: form.flag(name) for name in FLAGS}
    chosen["mark_as_read"] &= Checks.of(channel).reads_by_hand
    options = replace(Options.of(channel), **chosen)
    link = form.read("friend_link", forms.friend_link)
    if link is not None:
        options = replace(options, friend_link=link)
    right = {name: value for name, value in details.items() if name not in form.errors}
    credentials = replace(
        kept,
        token=form.read("token", forms.token) or kept.token,
        secret=form.read("secret", forms.secret) or kept.secret,
    )
    shown = (*details, "friend_link", *FLAGS)
    values = {name: form.typed.get(name, "") for name in shown}
    return Typed(replace(Details.of(channel), **right), options, credentials, values, form.errors)


def keep_draft(channel: Channel, typed: Typed) -> None:
    """Whatever of it is right survives, whatever comes next."""
    channels.keep(channel, typed.details)
    typed.options.keep(channel)
    typed.credentials.keep(channel)
    transaction.commit()
    webhook.forget(channel)


# ── Connecting and changing ─────────────────────────────────────────────────────────────────


def _connected(channel_id: int, typed: Typed, found: setup.Found) -> ResponseReturnValue:
    transaction.start_writing()
    channel = channel_or_404(channel_id)
    try:
        channels.connect(channel, typed.details, found.account, by=g.agent)
    except Refused:  # a double click, or another tab: it is what was wanted
        return redirect(address_of(channel), 303)
    _take_over(channel, typed, found)
    return redirect(address_of(channel) + _told(found), 303)


def _change(channel: Channel, typed: Typed) -> ResponseReturnValue:
    errors = dict(typed.errors)
    if not typed.details.name and "name" not in errors:
        errors["name"] = _("Type a name.")
    if errors:
        return page(channel, values=typed.values, errors=errors), 422
    if typed.credentials == Credentials.of(channel):
        _keep(channel, typed)
        return saved(channel, _("Saved."))
    channel_id, account_id = channel.id, channel.external_id
    transaction.release()
    try:
        found = setup.ask_line(typed.credentials)
        _same_account(account_id, found)
    except NotConnected as problem:
        return refused(channel_id, typed, problem)
    return _renewed(channel_id, typed, found)


def _same_account(account_id: str | None, found: setup.Found) -> None:
    """Another account's customers have other ids: their messages would not find their cases."""
    if account_id and account_id != found.account.external_id:
        raise NotConnected(
            _(
                "This token belongs to another LINE account, %(name)s. Connect that one as a"
                " channel of its own.",
                name=found.account.display_name,
            ),
            field="token",
        )


def _renewed(channel_id: int, typed: Typed, found: setup.Found) -> ResponseReturnValue:
    transaction.start_writing()
    channel = channel_or_404(channel_id)
    old = Credentials.of(channel)
    typed = replace(typed, credentials=typed.credentials.after(old))
    _keep(channel, typed)
    channels.recognise(channel, found.account)
    channels.renewed_credentials(channel, by=g.agent)
    _take_over(channel, typed, found)
    client.forget(old.token)
    flash(_("Saved. LINE accepts the new credentials."))
    return redirect(address_of(channel), 303)


def _keep(channel: Channel, typed: Typed) -> None:
    """What was typed of a connected channel, and one event when anything of it is new."""
    before = Options.of(channel)
    typed.options.keep(channel)
    changed = [
        name for name in asdict(before) if getattr(before, name) != getattr(typed.options, name)
    ]
    if typed.options.ask_member_names and not before.ask_member_names:
        contacts.ask_for_names_again(channel)
    channels.change(channel, typed.details, by=g.agent, also=changed)


def _take_over(channel: Channel, typed: Typed, found: setup.Found) -> None:
    """Keep the credentials that LINE accepted, and fetch the account's picture afterwards."""
    replace(typed.credentials, channel_id=found.channel_id).keep(channel)
    typed.options.keep(channel)
    asked = Checks.of(channel).with_credentials(
        token_fits=True, secret_fits=True, read_mode=found.read_mode
    )
    asked.keep(channel)
    transaction.commit()
    webhook.forget(channel)
    webhook.forgive(channel)
    channel_id = channel.id
    transaction.release()
    if found.account.picture_url:
        pictures.fetch_for_channel(channel_id, found.account.picture_url)


def refused(channel_id: int, typed: Typed, problem: NotConnected) -> ResponseReturnValue:
    channel = channel_or_404(channel_id)
    errors = {problem.field: str(problem)} if problem.field else {}
    told = "" if problem.field else str(problem)
    answer = page(channel, values=typed.values, errors=errors, problem=told)
    return answer, 503 if problem.is_temporary else 422


def _told(found: setup.Found) -> str:
    """What the page after connecting should say, in its address: it outlives a reload."""
    return f"?connected=1&days={found.expires_in_days}" if found.is_short_lived else "?connected=1"


def saved(channel: Channel, words: str) -> ResponseReturnValue:
    transaction.commit()
    webhook.forget(channel)
    flash(words)
    return redirect(address_of(channel), 303)


# ── Answering ───────────────────────────────────────────────────────────────────────────────


def channel_or_404(channel_id: int) -> Channel:
    channel = channels.find(channel_id, KIND)
    if channel is None:
        abort(404)
    return channel


def address_of(channel: Channel) -> str:
    return f"/settings/channels/line/{channel.id}"


def page(
    channel: Channel,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
) -> str:
    kept, known = Credentials.of(channel), Checks.of(channel)
    url = setup.webhook_url(channel)
    return render_template(
        "line/draft.html" if channel.state == "draft" else "line/channel.html",
        channel=channel,
        values=values or _values(channel),
        errors=errors or {},
        problem=problem,
        webhook_url=url,
        webhook_checks=advice.webhook(known, url),
        health=health.of(channel),
        reads_by_hand=known.reads_by_hand,
        previous_ends_at=kept.previous_ends_at(),
        log=history.sentences(channels.log_of(channel), channel),
        is_https=current_app.extensions["mado"].is_https,
        public_url=current_app.extensions["mado"].public_url,
        token_shown=forms.last_four(kept.token),
        secret_shown=forms.last_four(kept.secret),
        line_channel_id=kept.channel_id,
        groups=[(group.id, group.name) for group in agents.all_groups()],
        default_minutes=settings.get(settings.INACTIVITY),
        is_failing=channels.has_failing_signatures(channel),
        same_account=channels.same_account(channel),
        has_picture=pictures.has_channel(channel.id),
        just_connected="connected" in request.args,
        token_days=_days(request.args.get("days", "")),
    )


def _values(channel: Channel) -> dict[str, str]:
    minutes, group_id, options = channel.inactivity_minutes, channel.group_id, Options.of(channel)
    return {
        "name": channel.name,
        "group_id": "" if group_id is None else str(group_id),
        "inactivity_minutes": "" if minutes is None else str(minutes),
        "reactivates_closed": "1" if channel.reactivates_closed else "",
        "friend_link": options.friend_link,
        **{name: "1" if getattr(options, name) else "" for name in FLAGS},
    }


def _days(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else None
