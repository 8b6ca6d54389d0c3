"""The webhook's address at LINE: set it, read it back, let LINE test it (S9a).

Only an admin's own click comes here, outside any transaction; every call has a timeout. Facts of
LINE.md 2.8: setting does not switch "Use webhook" on, the test is allowed 60 times an hour, and its
status is zero or less when nobody answered.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.channels.line import client, setup
from app.channels.line.checks import Checks
from app.clock import now
from app.domain.channels import NotConnected
from app.language import gettext as _

# LINE calls us meanwhile, and waits for our answer before it gives its own.
TEST_SECONDS = 20.0
TEST_TIMEOUT = (client.CONNECT_SECONDS, TEST_SECONDS)
LONGEST_DETAIL = 300

# LINE's words for how its test went, and ours for a test that was not made.
OK = "OK"
COULD_NOT_CONNECT = "COULD_NOT_CONNECT"
REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
ERROR_STATUS_CODE = "ERROR_STATUS_CODE"
UNCLASSIFIED = "UNCLASSIFIED"
TOO_MANY_TESTS = "TOO_MANY_TESTS"
NOT_TESTED = "NOT_TESTED"


def set_up(token: str, url: str, known: Checks) -> Checks:
    """Give LINE the address, read back what it has, and let it test. Raise NotConnected."""
    from linebot.v3.messaging import SetWebhookEndpointRequest

    api = client.messaging(token)
    request = SetWebhookEndpointRequest(endpoint=url)
    _ask(lambda: api.set_webhook_endpoint(request, _request_timeout=client.TIMEOUT), token)
    return look(token, known)


def look(token: str, known: Checks) -> Checks:
    """What LINE has, and how its test goes now. Raise NotConnected when LINE can't be asked."""
    api = client.messaging(token)
    kept = _ask(lambda: api.get_webhook_endpoint(_request_timeout=client.TIMEOUT), token)
    asked = replace(
        known, token_at=now().isoformat(), token_fits=True, webhook_at=now().isoformat()
    )
    if kept is None:
        return replace(asked, webhook_url="", webhook_is_active=False, test_reason="")
    found = replace(asked, webhook_url=kept.endpoint, webhook_is_active=kept.active)
    return _tested(api, found)


def _tested(api: Any, found: Checks) -> Checks:
    """LINE's own test. One that could not be made says nothing about the address."""
    from linebot.v3.messaging import ApiException, TestWebhookEndpointRequest
    from pydantic.v1 import ValidationError
    from urllib3.exceptions import HTTPError

    try:
        answer = api.test_webhook_endpoint(
            TestWebhookEndpointRequest(), _request_timeout=TEST_TIMEOUT
        )
    except ApiException as problem:
        reason = TOO_MANY_TESTS if problem.status == 429 else NOT_TESTED
        return replace(found, test_reason=reason, test_status=problem.status, test_detail="")
    except (HTTPError, ValidationError, UnicodeDecodeError, ValueError):
        return replace(found, test_reason=NOT_TESTED, test_status=0, test_detail="")
    reason = OK if answer.success else answer.reason or UNCLASSIFIED
    detail = answer.detail[:LONGEST_DETAIL]
    return replace(found, test_reason=reason, test_status=answer.status_code, test_detail=detail)


def _ask(call: Callable[[], Any], token: str) -> Any:
    """LINE's answer, None for 404. Raise NotConnected with what to do."""
    from linebot.v3.messaging import ApiException
    from pydantic.v1 import ValidationError
    from urllib3.exceptions import HTTPError

    try:
        return call()
    except ApiException as problem:
        setup.note("/v2/bot/channel/webhook/endpoint", problem.status, problem.headers)
        if problem.status == 404:
            return None
        raise _refusal(problem.status, token) from None
    except HTTPError:
        raise setup.unreachable() from None
    except (ValidationError, UnicodeDecodeError, ValueError):
        raise setup.odd_answer() from None


def _refusal(status: int, token: str) -> NotConnected:
    if status in (401, 403):
        client.forget(token)
        return setup.wrong_token()
    if status == 400:
        return NotConnected(
            _(
                "LINE does not take this address. It must begin with https, be reachable from the"
                " internet and have 500 characters at most: set PUBLIC_URL to Mado's https address,"
                " start Mado again, and press this button once more."
            )
        )
    if status == 429:
        return NotConnected(
            _("LINE asks to go more slowly. Try again in a minute."), is_temporary=True
        )
    return setup.no_answer(status)
