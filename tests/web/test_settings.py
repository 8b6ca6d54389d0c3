"""The settings pages: S19, and that agents have no business there."""

import pytest

from app.domain import settings
from app.domain.agents import Refused

FILES = {"largest": "50"}


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def value(app, name: str) -> int:
    with app.app_context():
        return settings.get(name)


@pytest.mark.parametrize("minutes", ["1", "1440", " 25 "])
def test_minutes_from_1_to_1440_are_kept(admin, app, minutes):
    """S19"""
    answer = admin.post("/settings/general", data={"minutes": minutes, "put_back": "1"} | FILES)
    assert answer.status_code == 303
    assert value(app, "chats.inactivity_minutes") == int(minutes)


@pytest.mark.parametrize(
    "minutes", ["0", "1441", "-5", "1.5", "", " ", "ten", "9" * 5000, "1e2", "１０", "10\0", "²", "0x10"]
)
def test_anything_else_is_refused_with_a_message_and_kept(admin, app, minutes):
    """S19"""
    answer = admin.post("/settings/general", data={"minutes": minutes})
    assert answer.status_code == 422
    assert "Minutes must be a whole number from 1 to 1440." in answer.text
    assert value(app, "chats.inactivity_minutes") == 10
    assert value(app, "chats.put_back_abandoned") == 1


def test_largest_file_from_1_to_200_megabytes_is_kept(admin, app):
    """L2"""
    answer = admin.post("/settings/general", data={"minutes": "10", "largest": " 200 "})
    assert answer.status_code == 303
    assert value(app, "media.largest_mb") == 200


@pytest.mark.parametrize("largest", ["0", "201", "-5", "1.5", "", "ten", "9" * 5000, "５０"])
def test_any_other_size_is_refused_and_what_was_typed_is_kept(admin, app, largest):
    """L2"""
    answer = admin.post("/settings/general", data={"minutes": "7", "largest": largest})
    assert answer.status_code == 422
    assert "Megabytes must be a whole number from 1 to 200." in answer.text
    assert 'value="7"' in answer.text
    assert value(app, "media.largest_mb") == 50
    assert value(app, "chats.inactivity_minutes") == 10


def test_a_missing_field_is_refused_too(admin):
    assert admin.post("/settings/general", data={}).status_code == 422


def test_putting_back_is_switched_off_and_on(admin, app):
    admin.post("/settings/general", data={"minutes": "10"} | FILES)
    assert value(app, "chats.put_back_abandoned") == 0
    assert 'name="put_back" value="1" checked' not in admin.get("/settings/general").text
    admin.post("/settings/general", data={"minutes": "10", "put_back": "1"} | FILES)
    assert value(app, "chats.put_back_abandoned") == 1
    assert 'name="put_back" value="1" checked' in admin.get("/settings/general").text


def test_the_overview_leads_to_every_part(admin):
    page = admin.get("/settings").text
    for part in ("channels", "agents", "groups", "general"):
        assert f'href="/settings/{part}"' in page
        assert admin.get(f"/settings/{part}").status_code == 200, part


def test_an_agent_gets_403_and_no_link(app, bob, sign_in):
    bobs = sign_in(app.test_client(), bob)
    assert bobs.get("/settings").status_code == 403
    assert "/settings" not in bobs.get("/account").text


def test_an_unknown_setting_is_a_key_error_and_a_bad_value_is_refused(app):
    with app.app_context():
        with pytest.raises(KeyError):
            settings.put("chats.unknown", "1")
        with pytest.raises(Refused):
            settings.put("chats.inactivity_minutes", "0")
