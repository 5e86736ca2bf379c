"""Every file that somebody may try to send, and what becomes of it."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from levqor.cases.files import MAX_BYTES, judge, judge_all, safe_name

PDF = b"%PDF-1.7\n..."
PNG = b"\x89PNG\r\n\x1a\n..."
JPEG = b"\xff\xd8\xff\xe0..."
MAIL = b"From: ada@fern.test\r\nSubject: It broke\r\n\r\nHello"


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("invoice.pdf", PDF, "application/pdf"),
        ("screen.PNG", PNG, "image/png"),
        ("photo.jpg", JPEG, "image/jpeg"),
        ("photo.jpeg", JPEG, "image/jpeg"),
        ("log.txt", "14:02 – timeout".encode(), "text/plain; charset=utf-8"),
        ("windows.txt", "14:02 – timeout".encode("cp1252"), "text/plain; charset=utf-8"),
        ("excel.csv", "job\tfailed\r\n".encode("utf-16"), "text/csv; charset=utf-8"),
        ("jobs.csv", b"job,failed\r\n1,yes\r\n", "text/csv; charset=utf-8"),
        ("mail.eml", MAIL, "message/rfc822"),
        ("report.2026.11.pdf", PDF, "application/pdf"),
        ("alert.shop.com.txt", b"down", "text/plain; charset=utf-8"),
        ("x.py.log.txt", b"down", "text/plain; charset=utf-8"),
        ("quoted.txt", b"10:05 <body of the answer was empty>", "text/plain; charset=utf-8"),
        ("mark.eml", b"\xef\xbb\xbf" + MAIL, "message/rfc822"),
        ("wide.eml", MAIL.decode().encode("utf-16"), "message/rfc822"),
        ("blank.eml", b"\r\n" + MAIL, "message/rfc822"),
        ("box.eml", b"From ada@fern.test Tue Nov 24\r\n" + MAIL, "message/rfc822"),
    ],
)
def test_what_we_ask_for_is_taken(name: str, content: bytes, content_type: str) -> None:
    assert judge(SimpleUploadedFile(name, content)).content_type == content_type


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("virus.exe", b"MZ..."),
        ("invoice.pdf.exe", b"MZ..."),
        ("invoice.exe.pdf", PDF),
        ("invoice.pdf", b"MZ..."),
        ("invoice.pdf", b"<html><script>alert(1)</script>"),
        ("page.html", b"<html>"),
        ("picture.svg", b"<svg onload=alert(1)>"),
        ("picture.png", b"GIF89a"),
        ("page.txt", b"  <!DOCTYPE html><script>"),
        ("archive.txt", b"PK\x03\x04"),
        ("binary.csv", b"a,b\n\x00\x01"),
        ("picture.eml", PNG),
        ("page.eml", b"<html>"),
        ("macro.docm", b"PK\x03\x04"),
        ("noending", PDF),
        (".pdf", PDF),
        ("empty.txt", b""),
        ("script.txt", b"#!/bin/sh\nrm -rf /"),
        ("shell.php.txt", b"hello"),
    ],
)
def test_everything_else_is_refused_with_a_reason(name: str, content: bytes) -> None:
    with pytest.raises(ValidationError) as refused:
        judge(SimpleUploadedFile(name, content))

    assert refused.value.messages[0]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ada\\log.txt", "log.txt"),
        ("in\u202efdp.txt", "infdp.txt"),
        ('a"b;c\r\nSet-Cookie: x.txt', "a b c Set-Cookie x.txt"),
        ("  .log.txt. ", "log.txt"),
        ("x" * 251 + ".txt", "x" * 251 + ".txt"),
        ("\0\0", "file"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_too_large_too_many_and_too_much_are_refused() -> None:
    large = SimpleUploadedFile("large.txt", b"x" * (MAX_BYTES + 1))
    many = [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(6)]
    much = [SimpleUploadedFile(f"{number}.txt", bytes([97 + number]) * 9_000_000) for number in range(3)]

    for uploads, words in ((([large]), "larger than 10 MB"), (many, "5 files at most"), (much, "larger than 25 MB")):
        with pytest.raises(ValidationError, match=words):
            judge_all(uploads)


def test_a_name_that_is_too_long_keeps_its_ending_and_stays_apart_from_others() -> None:
    names = {safe_name("x" * 150 + letter + "x" * 150 + ".pdf") for letter in "ab"}

    assert len(names) == 2
    assert all(len(name) <= 255 and name.endswith("xxx.pdf") for name in names)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("invoice.exe.pdf", PDF, "has “.exe” within its name"),
        ("page.txt", b"\n<html><body>503</body></html>", "begins like a web page"),
        ("commands.txt", b"#!/bin/sh we tried: curl the API", "begins like a web page or a script"),
        ("picture.gif", b"GIF89a", "Send it as PDF, PNG, JPEG, TXT, CSV or EML"),
    ],
)
def test_a_refusal_says_why(name: str, content: bytes, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        judge(SimpleUploadedFile(name, content))


def test_every_fault_is_told_and_the_same_file_is_kept_once() -> None:
    with pytest.raises(ValidationError) as refused:
        judge_all([SimpleUploadedFile("a.exe", b"MZ"), SimpleUploadedFile("b.pdf", b"MZ")])
    kept = judge_all([SimpleUploadedFile("a.txt", b"same"), SimpleUploadedFile("a.txt", b"same")])

    assert len(refused.value.messages) == 2
    assert [file.name for file in kept] == ["a.txt"]
