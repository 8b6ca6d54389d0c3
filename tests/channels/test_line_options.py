"""A LINE channel's own settings as they are kept."""

import pytest

from app.channels.line.options import Options
from app.models import Channel


def test_options_come_back_as_they_were_kept():
    channel = Channel(kind="line")
    chosen = Options(ask_member_names=True, friend_link="https://lin.ee/abc")

    chosen.keep(channel)

    assert Options.of(channel) == chosen


def test_a_fresh_channel_asks_for_no_members_names():  # S33
    assert Options.of(Channel(kind="line")) == Options()
    assert Options().ask_member_names is False


@pytest.mark.parametrize("kept", ["", "{}", "[]", "nonsense", '{"ask_member_names": "yes", "old": 1}'])
def test_what_cannot_be_read_counts_as_not_chosen(kept):
    assert Options.of(Channel(kind="line", options=kept)) == Options()
