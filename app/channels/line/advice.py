"""What LINE's answers mean, in words, each with what to do about it (S9a, S9b).

Meanings follow LINE.md 1.1, 2.8 and 2.9 (sources there: LINE's reference, and its pages on error
statistics and on TLS).
"""

from dataclasses import replace
from urllib.parse import urlsplit

from app.channels.base import Check
from app.channels.line import endpoint
from app.channels.line.checks import Checks
from app.language import gettext as _


def of(known: Checks, url: str, problem: str | None = None) -> list[Check]:
    """Everything that is known of a channel with this webhook URL, the most important first."""
    return [_credentials(known, problem), *webhook(known, url)]


def webhook(known: Checks, url: str) -> list[Check]:
    """The address at LINE, the switch beside it, and LINE's own test."""
    found = [_address(known, url)]
    if known.webhook_url:
        found.append(_switch(known))
    if known.test_reason:
        found.append(_test(known))
    return [_of_before(check) for check in found] if known.webhook_was_left_out else found


def _of_before(check: Check) -> Check:
    """An answer that was not asked for again: what it says may be over."""
    words = _(
        "%(words)s Not asked again: LINE has to accept token and secret first.", words=check.words
    )
    return replace(check, is_good=None, words=words)


def _credentials(known: Checks, problem: str | None) -> Check:
    at = known.token_checked_at
    if problem:
        return Check("token", False, problem, at)
    if at is None:
        return Check("token", None, _("Token and secret were not checked at LINE yet."))
    if not known.token_fits:
        return Check(
            "token", False, _("LINE refused the token. Issue a new one and save it below."), at
        )
    if not known.secret_fits:
        words = _(
            "The token works, but the secret does not belong to it. Copy it again and save it below."
        )
        return Check("token", False, words, at)
    return Check("token", True, _("LINE accepts the token."), at)


def _address(known: Checks, url: str) -> Check:
    at = known.webhook_checked_at
    if at is None:
        words = _("Whether LINE has this address was not asked yet.")
        return Check("webhook_url", None, words)
    if not known.webhook_url:
        words = _("LINE has no webhook URL yet. Let Mado set it, or paste it in the console.")
        return Check("webhook_url", False, words, at)
    if known.webhook_url != url:
        words = _(
            "LINE calls another address, %(url)s. If that is an older Mado or another program, it"
            " gets the messages. Let Mado set this one.",
            url=known.webhook_url,
        )
        return Check("webhook_url", False, words, at)
    return Check("webhook_url", True, _("LINE has this address."), at)


def _switch(known: Checks) -> Check:
    at = known.webhook_checked_at
    if known.webhook_is_active:
        return Check("use_webhook", True, _("“Use webhook” is on."), at)
    words = _(
        "“Use webhook” is off, so LINE sends nothing. Only the console can switch it on: tab"
        " Messaging API, under “Webhook settings”. Then check again."
    )
    return Check("use_webhook", False, words, at)


def _test(known: Checks) -> Check:
    at, reason = known.webhook_checked_at, known.test_reason
    if reason == endpoint.OK:
        return Check("webhook_test", True, _("LINE's test call arrived and was answered."), at)
    if reason in (endpoint.TOO_MANY_TESTS, endpoint.NOT_TESTED):
        return Check("webhook_test", None, _not_made(reason), at)
    words = _told(known)
    if known.test_detail:
        words = _(
            "%(words)s LINE's own words: “%(detail)s”.", words=words, detail=known.test_detail
        )
    return Check("webhook_test", False, words, at)


def _not_made(reason: str) -> str:
    if reason == endpoint.TOO_MANY_TESTS:
        return _("LINE allows 60 tests an hour, and they are used up. Test again later.")
    return _("LINE could not make its test just now. Test again in a minute.")


def _told(known: Checks) -> str:
    host = urlsplit(known.webhook_url).hostname or known.webhook_url
    if known.test_reason == endpoint.COULD_NOT_CONNECT:
        return _(
            "LINE could not connect to %(host)s. The name must lead to this machine from the"
            " internet, port 443 must be open, and the certificate must come from a public"
            " authority with its whole chain (TLS 1.2 or newer; LINE takes no self-signed one).",
            host=host,
        )
    if known.test_reason == endpoint.REQUEST_TIMEOUT:
        return _(
            "LINE waited for %(host)s and got no answer in time: it allows about two seconds. Is the"
            " proxy passing calls on, and is Mado awake and not overloaded? Test again.",
            host=host,
        )
    if known.test_reason == endpoint.ERROR_STATUS_CODE:
        return _status(known.test_status)
    return _("LINE's test failed, and LINE does not say why. Test again in a minute.")


def _status(status: int) -> str:
    """What an answer that wasn't 200 says about the way between LINE and Mado."""
    if status == 401:
        return _(
            "The call arrived, but its signature does not fit (401): the channel secret is not this"
            " channel's. Copy it again from the tab Basic settings and save it."
        )
    if status == 404:
        return _(
            "Whoever answers there does not know the address (404). Does PUBLIC_URL lead to this"
            " Mado, and does the proxy pass the whole path on?"
        )
    if 300 <= status < 400:
        return _(
            "The address leads on to another one (%(status)s), and LINE does not follow. Set"
            " PUBLIC_URL to where it leads.",
            status=status,
        )
    if status in (403, 405):
        return _(
            "Something before Mado refuses LINE's calls (%(status)s): a firewall, or a sign-in of the"
            " proxy. Let POST to /line/webhook/ through for everybody; LINE's addresses change, and"
            " Mado checks every call's signature.",
            status=status,
        )
    if status in (502, 503, 504):
        return _(
            "The proxy answers, but Mado did not (%(status)s), or was too busy. Is it running? Test"
            " again.",
            status=status,
        )
    return _(
        "The answer was an error (%(status)s), where LINE wants 200. Mado's log, or the proxy's, says"
        " more about it.",
        status=status,
    )
