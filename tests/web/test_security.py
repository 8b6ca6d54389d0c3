"""What is heard and what is said to browsers: T14, T20, T29-T33, ASVS 3 and 13."""

import pytest
from flask import abort
from sqlalchemy.exc import InterfaceError, OperationalError

from app import create_app, problems, schema
from app.extensions import db
from app.models import Base
from app.security import content_security_policy, is_own_origin
from tests.conftest import config_for

EVERYWHERE = ["/sign-in", "/nothing/here", "/static/vendor/icons.svg", "/static/none", "/healthz",
              "/settings", "/api/v1/nothing", "/line/webhook/unknown"]  # fmt: skip


@pytest.fixture
def https_app(tmp_path):
    folder = tmp_path / "https"
    folder.mkdir()
    url = f"sqlite:///{folder / 'mado.sqlite3'}"
    app = create_app(config_for(url, folder, public_url="https://help.example.com"))
    schema.bring_up_to_date(app)
    yield app
    with app.app_context():
        db.engine.dispose()


# ── Headers ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_response_carries_the_headers(client, path):
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert "Access-Control-Allow-Origin" not in headers
    assert "charset=utf-8" in headers["Content-Type"] or "json" in headers["Content-Type"] or "svg" in headers["Content-Type"]


def test_the_policy_allows_nothing_inline_and_no_other_host(app):
    policy = content_security_policy(app.extensions["mado"])
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert "unsafe" not in policy
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["connect-src"] == "'self' ws://127.0.0.1 ws://localhost"


def test_https_brings_hsts_secure_cookies_and_wss(https_app):
    client = https_app.test_client()
    answer = client.get("/sign-in", base_url="https://help.example.com")
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "wss://help.example.com" in answer.headers["Content-Security-Policy"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-mado=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_signed_in_pages_are_not_kept_by_anybody(client, alice, sign_in):
    sign_in(client, alice)
    assert client.get("/account").headers["Cache-Control"] == "no-store"
    assert client.get("/settings/agents").headers["Cache-Control"] == "no-store"


def test_an_answer_that_changed_nothing_leaves_the_cookie_alone(client, alice, sign_in):
    """Else a slow one would put back what the browser had before, and unsay a confirmation."""
    sign_in(client, alice)
    with client.session_transaction() as cookie:
        cookie.permanent = True  # as signing in does
    answer = client.get("/cases")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_files_are_kept_for_a_year_under_their_version(client):
    address = client.get("/sign-in").text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert client.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in client.get("/static/css/main.css").headers["Cache-Control"]


# ── Hosts and origins ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["evil.example", "localhost:1234", "localhost.evil.example", "",
                                  "localhost@evil", "localhost/x", "[::1", "local\xfehost"])  # fmt: skip
@pytest.mark.parametrize("path", ["/sign-in", "/static/css/main.css", "/line/webhook/x", "/api/v1/x"])
def test_an_unknown_host_gets_400(client, host, path):
    assert client.get(path, headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "localhost:80"])
def test_the_names_of_this_machine_are_one_host(client, host):
    assert client.get("/sign-in", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_asked_under_any_name(client, path):
    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:1234"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_sites_form_is_refused_even_with_a_good_token(client, alice, sign_in, headers):
    sign_in(client, alice)
    answer = client.post("/account/name", data={"name": "Mallory"}, headers=headers)
    assert answer.status_code == 403
    assert "Alice" in client.get("/account").text


OWN = [
    {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},  # our referrer policy makes browsers say so
    {"Origin": "null"},
    {"Sec-Fetch-Site": "none"},
    {},
]


@pytest.mark.parametrize("headers", OWN)
def test_our_own_form_is_heard(client, alice, sign_in, headers):
    sign_in(client, alice)
    answer = client.post("/account/name", data={"name": "Alicia"}, headers=headers)
    assert answer.status_code == 303


@pytest.mark.parametrize("token", [None, "", "x", "IjEi.ZZ.ZZ"])
def test_a_form_without_a_good_token_changes_nothing(client, alice, sign_in, token):
    sign_in(client, alice)
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    fields = {"name": "Mallory"} | ({} if token is None else {"csrf_token": token})
    answer = client.post("/account/name", data=fields)
    assert answer.status_code == 403
    assert answer.headers["X-Mado"] == "stale"
    assert "Mallory" not in client.get("/account").text


def test_a_body_of_another_type_brings_no_token(client, alice, sign_in):
    sign_in(client, alice)
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    answer = client.post("/account/name", data='{"name":"Mallory"}', content_type="text/plain")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        ("https://help.example.com", True),
        ("https://HELP.example.com:443", True),
        ("http://help.example.com", False),
        ("https://help.example.com:8443", False),
        ("https://help.example.com.evil.example", False),
        ("https://user@help.example.com", False),
        ("https://help.example.com/", False),
        ("null", False),
        ("", False),
        ("https://[", False),
        ("https://help.example.com:99999", False),
    ],
)
def test_which_origin_is_ours(tmp_path, origin, is_own):
    config = config_for("sqlite://", tmp_path, public_url="https://help.example.com")
    assert is_own_origin(origin, config) is is_own


# ── Proxies (T20) ───────────────────────────────────────────────────────────────────────────


def seen_by(tmp_path, hops: int) -> dict:
    app = create_app(config_for(f"sqlite:///{tmp_path / 'x'}", tmp_path, trusted_proxies=hops))
    seen = {}

    @app.get("/seen")
    def look() -> str:
        from flask import request

        seen.update(address=request.remote_addr, host=request.host, root=request.script_root, scheme=request.scheme)
        return ""

    forged = {
        "X-Forwarded-For": "1.1.1.1, 2.2.2.2",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "3.3.3.3",
    }
    app.test_client().get("/seen", headers=forged)
    return seen


def test_without_trusted_proxies_their_headers_are_ignored(tmp_path):
    assert seen_by(tmp_path, 0) == {"address": "127.0.0.1", "host": "localhost", "root": "", "scheme": "http"}


def test_with_one_only_the_last_hop_counts(tmp_path):
    assert seen_by(tmp_path, 1) == {"address": "2.2.2.2", "host": "localhost", "root": "", "scheme": "https"}


# ── Errors ──────────────────────────────────────────────────────────────────────────────────


def failing(tmp_path, raise_it):
    """A Mado with one page that fails, as in production."""
    app = create_app(config_for(f"sqlite:///{tmp_path / 'x'}", tmp_path, is_testing=False))
    app.add_url_rule("/fails", view_func=raise_it)
    app.add_url_rule("/api/v1/fails", "api_fails", view_func=raise_it)
    return app.test_client()


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 429, 500, 503])
def test_an_error_page_says_what_to_do(tmp_path, status):
    answer = failing(tmp_path, lambda: abort(status)).get("/fails")
    title, text = problems.WORDS[status]
    assert answer.status_code == status
    assert str(title) in answer.text.replace("&#39;", "'")
    assert str(text) in answer.text.replace("&#39;", "'")


def test_a_crash_tells_no_internals(tmp_path):
    def crash() -> str:
        raise ValueError("a secret in a traceback")

    client = failing(tmp_path, crash)
    for path in ("/fails", "/api/v1/fails"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text


def test_a_program_gets_a_problem_document(tmp_path):
    answer = failing(tmp_path, lambda: abort(404)).get("/api/v1/fails")
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 404
    assert answer.get_json()["title"] == "Not Found"


def test_a_fragment_gets_one_sentence(client):
    answer = client.get("/nothing", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("outage", [OperationalError, InterfaceError])
def test_a_database_that_is_locked_or_gone_is_503_and_come_again(tmp_path, outage):  # F7, F17
    def fail() -> str:
        raise outage("BEGIN", {}, Exception("the connection is lost"))

    answer = failing(tmp_path, fail).get("/fails")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"


def test_a_wrong_method_names_the_right_ones(client):
    answer = client.delete("/account", headers={"X-CSRFToken": "x"})
    assert answer.status_code in (403, 405)
    assert set(client.get("/sign-out").headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_form_of_3_mb_is_413(client, alice, sign_in):
    sign_in(client, alice)
    answer = client.post("/account/name", data={"name": "x" * 3_000_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/console", "/.git/config", "/debug", "/.env", "/static/../config.py", "/static/"])
def test_nothing_else_is_exposed(client, path):
    assert client.get(path).status_code == 404


def test_trace_is_refused(client):
    assert client.open("/sign-in", method="TRACE").status_code == 405


def everything_stored() -> dict[str, list]:
    return {
        table.name: db.session.execute(table.select()).all() for table in Base.metadata.sorted_tables
    }


def test_a_get_never_writes(client, app, alice, bob, sign_in):
    sign_in(client, alice)
    with app.app_context():
        before = everything_stored()
    pages = ("/account", "/settings", "/settings/agents", "/settings/groups", "/settings/general",
             "/settings/agents/1", "/settings/agents/new", "/settings/groups/1/deletion")  # fmt: skip
    assert {client.get(path).status_code for path in pages} == {200}
    with app.app_context():
        assert everything_stored() == before


@pytest.mark.parametrize("path", ["/sign-in", "/invitations/x", "/cases/new", "/account/password"])
def test_a_stranger_sends_no_large_form(client, path):  # T2
    answer = client.post(path, data="a=&" * 100_000, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert answer.headers["Connection"] == "close"


def test_who_is_signed_in_may_send_a_long_text(client, sign_in, alice):
    signed_in = sign_in(client, alice)
    assert signed_in.post("/cases/new", data={"text": "x" * 100_000}).status_code == 422
