"""What became of a call to LINE: one decision each.

Which answer means what follows LINE.md 2.2 to 2.4 and 5.3 (sources there: LINE's reference, and the
SDK's measured behaviour). When nobody can know whether LINE accepted it, it says so.
"""

import json
from collections.abc import Callable
from typing import Any

from app.channels.base import (
    FailedCall,
    PermanentError,
    Sent,
    TemporaryError,
    TokenRefused,
    UnknownOutcome,
)
from app.language import gettext as _

REQUEST_ID = "x-line-request-id"
# Often enough to find the free reply that a contact's message brings.
MONTHLY_RETRY_SECONDS = 30.0
LONGEST_RETRY_SECONDS = 300.0
LONGEST_TOLD = 200


def judged(call: Callable[[], Any], name: str, *, is_reply: bool) -> Sent:
    """What a send came to. Raise TemporaryError, TokenRefused, PermanentError or UnknownOutcome.

    `call` does nothing but call: what fails to be built must not count as an answer.
    """
    from linebot.v3.messaging import ApiException
    from pydantic.v1 import ValidationError
    from urllib3.exceptions import ConnectTimeoutError, HTTPError, ReadTimeoutError

    try:
        sent = getattr(call(), "sent_messages", None) or ()
        token = getattr(sent[0], "quote_token", None) if sent else None
        return Sent(tuple(one.id for one in sent), token)
    except ApiException as problem:
        return _of_answer(problem, name, is_reply=is_reply)
    except UnicodeDecodeError as problem:
        # The SDK reads bodies as UTF-8: with an ApiException before it, it was an error's page.
        if isinstance(problem.__context__, ApiException):
            return _of_answer(problem.__context__, name, is_reply=is_reply)
        return Sent()
    except (ValidationError, LookupError, TypeError):
        return Sent()  # a 200 whose body can't be read: it was sent (LINE.md 5.3)
    except HTTPError as problem:
        reason = getattr(problem, "reason", problem)
        failed = FailedCall(name)
        if isinstance(problem, ConnectTimeoutError) or isinstance(reason, ConnectTimeoutError):
            raise TemporaryError(_("LINE could not be reached."), failed=failed) from problem
        if isinstance(problem, ReadTimeoutError):
            raise UnknownOutcome(_("LINE did not answer in time."), failed=failed) from problem
        raise UnknownOutcome(
            _("The connection to LINE broke off before it answered."), failed=failed
        ) from problem


def _of_answer(problem: Any, name: str, *, is_reply: bool) -> Sent:
    status, message, failed = problem.status, _message_of(problem.body), failed_call(problem, name)
    if not status:
        raise _not_secure(problem, failed)
    if status == 409 and not is_reply:
        return Sent(_ids_of(problem.body))
    if status >= 500:
        raise UnknownOutcome(_("LINE had a failure of its own."), failed=failed)
    if status == 409:  # a reply bears no retry key, so what LINE has accepted is not told
        raise UnknownOutcome(_("LINE says that it has this already."), failed=failed)
    if status == 429:
        raise _too_much(message, problem, failed)
    if status == 401:
        raise token_refused(failed)
    if status == 400 and is_reply and "reply token" in message.lower():
        raise TokenRefused(_("LINE's free reply had run out."), retry_after=0.0, failed=failed)
    raise PermanentError(_why(status, message), failed=failed)


def _too_much(message: str, problem: Any, failed: FailedCall) -> TemporaryError:
    """LINE tells the kinds of 429 apart by words only, which it does not promise to keep.

    Running broadcasts reserve quota, so a spent one may be there again in a while.
    """
    if "month" in message.lower():
        return TemporaryError(
            _("This month's LINE messages are used up."),
            retry_after=MONTHLY_RETRY_SECONDS,
            spends_quota=True,
            failed=failed,
        )
    return TemporaryError(
        _("LINE asks to send more slowly."), retry_after=_retry_after(problem), failed=failed
    )


def token_refused(failed: FailedCall) -> TemporaryError:
    """401: nothing can be sent until an admin has saved a new token."""
    return TemporaryError(
        _(
            "LINE refused the channel access token. An admin can issue a new one and save it under"
            " Settings, Channels."
        ),
        breaks_channel=True,
        failed=failed,
    )


def _not_secure(problem: Any, failed: FailedCall) -> TemporaryError | UnknownOutcome:
    """The SDK tells TLS trouble as status 0. With a certificate refused nothing was sent."""
    if "CERTIFICATE" in str(problem.reason).upper():
        return TemporaryError(
            _(
                "LINE's certificate can't be trusted from here. An admin should check the server's"
                " clock and what stands between it and LINE."
            ),
            failed=failed,
        )
    return UnknownOutcome(_("The connection to LINE broke off before it answered."), failed=failed)


def _why(status: int, message: str) -> str:
    if status == 403:
        return _(
            "LINE does not allow this for the account's plan. An admin can look at it in LINE"
            " Official Account Manager."
        )
    told = message.rstrip(".") or _("error %(status)s", status=status)
    if "failed to send" in message.lower():
        return _(
            "LINE refused the message: %(told)s. LINE knows nobody at this address, or the channel"
            " is not in the group any more.",
            told=told,
        )
    return _(
        "LINE refused the message: %(told)s. Write it in another way; if that is refused too, an"
        " admin finds the call under Settings, Channels.",
        told=told,
    )


def failed_call(answer: Any, name: str) -> FailedCall:
    """The call as admins see it; the SDK's errors and urllib3's answers tell it alike."""
    return FailedCall(name, answer.status or None, (answer.headers or {}).get(REQUEST_ID))


def _retry_after(problem: Any) -> float | None:
    """Seconds, where LINE says them; none are documented."""
    told = (problem.headers or {}).get("retry-after", "")
    return min(float(told), LONGEST_RETRY_SECONDS) if told.isascii() and told.isdigit() else None


def _message_of(body: Any) -> str:
    try:
        return str(json.loads(body)["message"])[:LONGEST_TOLD]
    except (ValueError, TypeError, KeyError):
        return ""


def _ids_of(body: Any) -> tuple[str, ...]:
    try:
        return tuple(str(sent["id"]) for sent in json.loads(body)["sentMessages"])
    except (ValueError, TypeError, KeyError):
        return ()
