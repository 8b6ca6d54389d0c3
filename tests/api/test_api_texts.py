"""Any text, on both engines: kept as it is where it can be, never a 500 (F23)."""

import pytest

from tests.api.conftest import Program


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return request.param


def send(api: Program, body: str):
    headers = {"Content-Type": "application/json"}
    return api.call("POST", "/cases", data=body.encode(), headers=headers)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("a\\u0000b", "a\ufffdb"), ("a\\ud800b", "a\ufffdb"), ("\\udc00\\ud83d", "\ufffd\ufffd"),
     ("\\ud83d\\ude00", "😀"), ("\u2028 \u202e👨‍👩‍👧", "\u2028 \u202e👨‍👩‍👧"),
     ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"), ("{{7*7}}", "{{7*7}}"),
     ("e" + "\u0301" * 500, "e" + "\u0301" * 500)],
)  # fmt: skip
def test_any_text_is_kept_as_text(api, sent, kept):
    made = send(api, f'{{"text": "{sent}", "contact": "{sent[:20]}"}}')
    assert made.status_code == 201
    assert api.items(f"/cases/{made.json['number']}/messages")[0]["text"] == kept


@pytest.mark.parametrize(
    "value", ["'", '")--', "1;select pg_sleep(3)", "order=(case when 1=1 then 1 end)", "\0", "%00",
              "\ud800", "* OR *", '"', "NEAR(a b)", "(((((", "-", "%", "_", "\\", "a" * 200]
)  # fmt: skip
def test_a_hostile_search_is_only_a_search(api, value):  # T13
    raw = value.encode("utf-8", "surrogatepass").hex()
    quoted = "".join(f"%{raw[at : at + 2]}" for at in range(0, len(raw), 2))
    assert api.call("GET", f"/cases?q={quoted}").status_code == 200


@pytest.mark.parametrize(("after", "status"), [(2**31 - 1, 200), (2**31, 422), (2**63 - 1, 422)])
@pytest.mark.parametrize("of", ["messages", "events"])
def test_a_list_may_be_asked_for_what_comes_after_any_id(api: Program, of, after, status):
    number = api.post("/cases", {"text": "letter", "contact": "Yuki"}).json["number"]
    assert api.get(f"/cases/{number}/{of}", after=after).status_code == status


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**30])
def test_any_number_may_be_asked_for(api: Program, number):
    assert api.get(f"/cases/{number}").status_code == 404


@pytest.mark.parametrize("cursor", ["0-0", f"0-{2**31}", f"253402300799000000-{2**63 - 1}"])
@pytest.mark.parametrize("q", ["", "letter", "9999999999999", str(2**63), "9" * 200])
def test_a_cursor_may_name_any_place(api: Program, cursor, q):
    api.post("/cases", {"text": "letter", "contact": "Yuki"})
    assert api.get("/cases", cursor=cursor, q=q).status_code == 200
