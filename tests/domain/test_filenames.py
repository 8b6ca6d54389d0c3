"""Names of files, which strangers choose."""

import pytest

from app.domain import filenames


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("receipt.pdf", "receipt.pdf"),
        ("領収書 2026.pdf", "領収書 2026.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\plan.docx", "plan.docx"),
        ("a\0.png", "a.png"),
        ("x\r\nSet-Cookie: a", "xSet-Cookie_ a"),
        ("\u200b.htaccess", "htaccess"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ('say "hi".txt', "say _hi_.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("...", ""),
        ("", ""),
        ("\ud800x.png", "x.png"),
    ],
)
def test_name_is_made_safe(name: str, cleaned: str):  # T7
    assert filenames.clean(name) == cleaned


def test_long_name_is_cut_and_keeps_its_ending():  # T7
    assert filenames.clean("あ" * 300 + ".pdf") == "あ" * 116 + ".pdf"
    assert filenames.clean("あ" * 300) == "あ" * 120
