"""What templates may call: assets, moments, initials, and what stands on every page.

It refuses to localise on the server: a moment is a <time> that the browser shows in its own zone,
with UTC as the text for those without JavaScript. Nothing here decides or changes anything.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial

from babel import Locale, UnknownLocaleError
from babel.support import NullTranslations
from flask import Flask, current_app, g
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from app import assets, banners, compiling, content_types, foresight, links, rows, words
from app.banners import Banner
from app.channels import registry
from app.channels.base import Run, Shown
from app.clock import now
from app.domain import access, contacts, deletions, notifications, presence, quotas, quotes
from app.extensions import babel
from app.language import gettext, translations
from app.models import Agent, Attachment, Case, Channel, Contact, Message

HUES = 8
SENTENCES = 4_000
# How large a picture or a film stands in a bubble, in CSS pixels.
TILE_SIDE = 320
FILM = (320, 180)
UTC_FORMATS = {
    "time": "%H:%M UTC",
    "waiting": "%H:%M UTC",
    "day": "%-d %B %Y",
    "short": "%-d %b",
    "full": "%-d %b %Y, %H:%M UTC",
    "ago": "%-d %b, %H:%M UTC",
}


@dataclass(frozen=True)
class Live:
    """Both parts of the icon: what waits for everybody, and what waits for me. Beside them the bell."""

    incoming: rows.Incoming | None
    responses: list[rows.Row]
    unread: int


def init_app(app: Flask) -> None:
    """Offer filters and functions to templates, and serve assets under a name of their version."""
    app.jinja_env.loader = compiling.OneAtATime(app.jinja_env.loader)
    app.jinja_env.bytecode_cache = compiling.Kept()
    # All of them stay: to note which was used last takes longer than to find one.
    app.jinja_env.cache = {}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.install_gettext_callables(gettext, _in_language_by_count, newstyle=True)
    # The one that a page calls most often, without the three calls that Jinja puts around it.
    app.jinja_env.globals.update(dict.fromkeys(("_", "gettext"), _shown_in_language))
    app.jinja_env.filters.update(
        iso=iso,
        utc=utc,
        hue=hue,
        initials=initials,
        language_name=language_name,
        links=links.parts,
        shown_size=shown_size,
    )
    _put_in(app)
    app.jinja_env.globals.update(
        constant=constant,
        csrf_token=csrf_token,
        admin_banners=admin_banners,
        deleted_for_good_at=deletions.due_at,
        fresh_key=fresh_key,
        kind_label=kind_label,
        live_parts=live_parts,
        message_picture=message_picture,
        picture_address=rows.picture_address,
        page_language=page_language,
        presence_of=presence.state,
        presence_words=words.presence,
        by_presence=by_presence,
        quota_usage=quotas.usage,
        rail_links=rail_links,
        message_words=words.of,
        sticker_words=words.sticker,
        unknown_words=words.unknown,
        message_tiles=message_tiles,
        may_read_quoted=may_read_quoted,
        sender_name=sender_name,
        shown=shown,
        server_time=now,
        sound_types=content_types.SOUNDS,
        status_words=words.statuses,
        priority_words=words.priorities,
    )


def _put_in(app: Flask) -> None:
    """What says the same on every page: assets, icons, and sentences while there is one language."""
    asset = assets.init_app(app)
    always = {"asset": asset, "icon": _icons(asset("vendor/icons.svg"))}
    app.jinja_env.globals.update(always)
    app.jinja_env.add_extension(compiling.PutIn)
    app.jinja_env.put_in.update(always)  # type: ignore[attr-defined]
    with app.app_context():
        if len(babel.list_translations()) == 1:
            app.jinja_env.put_in["_"] = partial(_plain, translations())  # type: ignore[attr-defined]


def _shown_in_language(message: str, **values: object) -> Markup:
    """What newstyle gettext gives where everything is escaped, as everything is here."""
    language = translations()
    return _marked(language, message) % values if values else _plain(language, message)


@lru_cache(maxsize=SENTENCES)
def _plain(language: NullTranslations, message: str) -> Markup:
    """With nothing to fill in: doubled percent signs become single ones."""
    return _marked(language, message) % {}


@lru_cache(maxsize=SENTENCES)
def _marked(language: NullTranslations, message: str) -> Markup:
    return Markup(language.ugettext(message))  # noqa: S704 - our words  # nosec


def constant(name: str) -> Markup:
    """A part that says the same to everybody, rendered once for each language."""
    return _constant(translations(), name)


@lru_cache(maxsize=SENTENCES)
def _constant(_language: NullTranslations, name: str) -> Markup:
    template = current_app.jinja_env.get_template(name)
    return Markup(template.render())  # noqa: S704 - our own templates, nothing put in  # nosec


def csrf_token() -> str:
    """flask-wtf's, for the forms of `ui.csrf()`: it reads its settings anew for each of them."""
    return g.get("csrf_token") or generate_csrf()


def _in_language_by_count(one: str, many: str, count: int) -> str:
    return translations().ungettext(one, many, count)


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: what <time datetime> and scripts read."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc(moment: datetime, as_: str = "full") -> str:
    """The text a browser without JavaScript shows."""
    return moment.astimezone(UTC).strftime(UTC_FORMATS[as_])


def hue(name: str) -> int:
    """Which of the avatars' hues: the same name has the same one everywhere."""
    return zlib.crc32(name.encode("utf-8", "replace")) % HUES


def initials(name: str) -> str:
    """Two letters of a Latin name, one character of any other, "?" of nothing."""
    latin = [word for word in name.split() if word[0].isascii() and word[0].isalnum()]
    if len(latin) > 1:
        return (latin[0][0] + latin[-1][0]).upper()
    return next((one for one in name if one.isalnum()), "?").upper()


def shown_size(file: Attachment) -> tuple[int, int]:
    """The room that a page keeps for a picture or a film before it has come (U11)."""
    if not file.width or not file.height:
        return FILM
    scale = min(1, TILE_SIDE / max(file.width, file.height))
    return max(1, round(file.width * scale)), max(1, round(file.height * scale))


def language_name(code: str) -> str:
    """A language as people call it, in the page's own; the code where nobody knows it."""
    try:
        return Locale.parse(code, sep="-").get_display_name(page_language()) or code
    except (ValueError, UnknownLocaleError):
        return code


def sender_name(message: Message, case: Case) -> str:
    """Who wrote a message, as people read it."""
    if message.agent:
        return message.agent.name
    if message.direction != "in":
        return gettext("Mado")
    if message.contact_id == case.contact_id:
        return contacts.author_name(case)
    contact = message.contact
    if contact and contact.name:
        return contact.name
    return contacts.shown_name(contact, case.channel.kind, _id_on(case, contact))


def _id_on(case: Case, contact: Contact | None) -> str | None:
    """What the case's channel calls this contact: shown until the name is known (S33)."""
    identities = contact.identities if contact else []
    return next((one.external_id for one in identities if one.channel_id == case.channel_id), None)


def message_picture(message: Message) -> str | None:
    return rows.of_contact(message.contact)


def shown(message: Message, case: Case) -> Shown:
    """A message taken apart, by its channel's kind where a contact wrote it."""
    if message.direction != "in":
        return Shown(runs=(Run(message.text),) if message.text else ())
    payload = json.loads(message.payload) if message.payload else None
    adapter = registry.adapter(case.channel.kind)
    return adapter.show(message.kind, message.text, payload if isinstance(payload, dict) else {})


def message_tiles(message: Message) -> list[tuple[Message, Attachment | None]]:
    """Its files; the first message of an album has those of all, in the album's order (L1).

    A picture of an album that was unsent has a place and no file.
    """
    tiles: list[tuple[Message, Attachment | None]] = []
    for part in message.album or [message]:
        files = [] if part.unsent_at else part.attachments
        tiles += [(part, file) for file in files if file.state != "removed"]
        tiles += [(part, None)] if part.unsent_at and message.album else []
    return tiles


def may_read_quoted(message: Message) -> bool:
    return quotes.may_read(g.agent, message)


def by_presence(people: Iterable[Agent]) -> list[Agent]:
    """Who is online first, who is offline last."""
    return sorted(people, key=lambda agent: presence.STATES.index(presence.state(agent)))


def kind_label(channel: Channel) -> str:
    """What people call this channel's kind: LINE."""
    return registry.adapter(channel.kind).label


def fresh_key() -> str:
    """An idempotency key for a form that no script gives one."""
    return secrets.token_hex(16)


def live_parts() -> Live:
    """The rows behind the icon for the signed-in agent (S13), and what the bell counts."""
    foresight.of_frame(g.agent)
    return Live(
        rows.incoming(access.offered_to(g.agent)),
        rows.responses(g.agent),
        notifications.unread_count(g.agent),
    )


def page_language() -> str:
    locale = get_locale()
    return str(locale).replace("_", "-") if locale else "en"


def rail_links() -> list[tuple[str, str, str, str]]:
    """Name, label, address and icon of each part of the product this agent can go to."""
    leading = [
        ("chats", gettext("Chats"), "/chats", "messages-square"),
        ("cases", gettext("All cases"), "/cases", "inbox"),
    ]
    if g.agent.is_admin:
        leading.append(("settings", gettext("Settings"), "/settings", "settings"))
    return leading


def admin_banners() -> list[Banner]:
    """What this page tells admins; nothing to anybody else."""
    return banners.for_admins() if g.agent and g.agent.is_admin else []


def _icons(file: str) -> Callable[..., Markup]:
    """A function from an icon's name, and perhaps a size, to the icon."""

    @lru_cache(maxsize=SENTENCES)
    def icon(name: str, size: str = "") -> Markup:
        style = f" is-{size}" if size else ""
        words = '<svg class="icon%s" aria-hidden="true"><use href="%s#%s"></use></svg>'
        return Markup(words) % (style, file, name)  # noqa: S704 - our words  # nosec

    return icon
