"""Signing in through a peer's own form, as its people do."""

import re
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from bench import load

PASSWORD = "correct horse battery staple"
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
_HIDDEN = re.compile(r'<input\b[^>]*type="hidden"[^>]*>')
_NAME, _VALUE = re.compile(r'name="([^"]*)"'), re.compile(r'value="([^"]*)"')


def cookie(port: int, page: str, action: str, **fields: str) -> str:
    """The cookie header of a browser that has filled in the form that has these fields."""
    jar, base = CookieJar(), f"http://127.0.0.1:{port}"
    browser = build_opener(HTTPCookieProcessor(jar))
    with browser.open(base + page) as answer:
        filled_in = _hidden_of(answer.read().decode(), *fields) | fields
    browser.open(
        Request(base + action, urlencode(filled_in).encode(), {"Referer": base + page})
    ).close()
    return "; ".join(f"{one.name}={one.value}" for one in jar)


def _hidden_of(page: str, *names: str) -> dict[str, str]:
    for form in _FORM.findall(page):
        if all(f'name="{name}"' in form for name in names):
            inputs = _HIDDEN.findall(form)
            return {_NAME.search(one)[1]: _VALUE.search(one)[1] for one in inputs}
    raise load.UnexpectedAnswer("there is no form to sign in with")
