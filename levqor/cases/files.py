"""Judging the files that customers send: by name, by size, and by what is really in them."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

MAX_FILES: Final = 5
MAX_BYTES: Final = 10 * 1024 * 1024
MAX_TOTAL_BYTES: Final = 25 * 1024 * 1024
# What file systems allow a name to have.
LONGEST_NAME: Final = 255
ACCEPT: Final = ".pdf,.png,.jpg,.jpeg,.txt,.csv,.eml"
KINDS_IN_WORDS: Final = "PDF, PNG, JPEG, TXT, CSV or EML"

# Ending → content type. What is text is served as plain text, whatever it says of itself.
TYPES: Final = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "eml": "message/rfc822",
}
MAGIC: Final = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
}
# What programs, archives and pages begin with: never in a file that calls itself text.
FOREIGN: Final = (b"MZ", b"\x7fELF", b"PK\x03\x04", b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"#!")
PAGE: Final = re.compile(rb"<\s*(!doctype|html|script|svg|iframe|body|\?xml|\?php)", re.IGNORECASE)
HEADER: Final = re.compile(rb"[!-9;-~]+:[ \t]?[^\r\n]*\r?\n")
# Endings that Windows hides or runs: `invoice.pdf.exe` and `invoice.exe.pdf` alike.
ACTIVE: Final = frozenset(
    {
        *(
            "exe",
            "com",
            "bat",
            "cmd",
            "scr",
            "pif",
            "msi",
            "msp",
            "cpl",
            "jar",
            "lnk",
            "reg",
            "dll",
            "iso",
            "img",
            "vhd",
        ),
        *("js", "jse", "vbs", "vbe", "wsf", "wsh", "ps1", "sh", "py", "pl", "php", "phtml"),
        *("html", "htm", "xhtml", "svg", "xml", "hta", "docm", "xlsm", "pptm", "dotm", "xlam"),
    }
)


@dataclass(frozen=True)
class JudgedFile:
    """A file that may be kept: its name made safe, and its bytes."""

    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def judge_all(uploads: "Sequence[UploadedFile[Any]]") -> list[JudgedFile]:
    """The files to keep, each once; ValidationError with one message for each fault."""
    if len(uploads) > MAX_FILES:
        raise ValidationError(f"Choose {MAX_FILES} files at most; these are {len(uploads)}.")
    judged: dict[tuple[str, str], JudgedFile] = {}
    faults: list[str] = []
    for upload in uploads:
        try:
            file = judge(upload)
        except ValidationError as error:
            faults += error.messages
        else:
            judged.setdefault((file.name, file.sha256), file)
    if sum(len(file.content) for file in judged.values()) > MAX_TOTAL_BYTES:
        faults.append("Together these files are larger than 25 MB. Send fewer, or send them with several messages.")
    if faults:
        raise ValidationError(faults)
    return list(judged.values())


def judge(upload: "UploadedFile[Any]") -> JudgedFile:
    """One file; ValidationError says what is wrong with it and what to do."""
    name = safe_name(upload.name or "")
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(f"“{name}” is larger than 10 MB. Make it smaller, or send the part that matters.")
    content = upload.read(MAX_BYTES + 1)
    if not content:
        raise ValidationError(f"“{name}” is empty.")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    parts = {part.lower() for part in name.split(".")[1:]}
    if ending not in TYPES or parts & ACTIVE:
        raise ValidationError(f"“{name}” cannot be sent here. Send it as {KINDS_IN_WORDS}.")
    if not _is_what_it_says(ending, content):
        raise ValidationError(f"What is in “{name}” is not what its name says. Send it as {KINDS_IN_WORDS}.")
    return JudgedFile(name, TYPES[ending], content)


def safe_name(name: str) -> str:
    """The last part of the name without anything that a file system, header or reader takes for more than a letter."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    # Control and format characters go: right-to-left overrides make `fdp.exe` look like `exe.pdf`.
    spaced = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in last)
    shown = "".join(letter for letter in spaced if unicodedata.category(letter)[0] != "C")
    tidy = re.sub(r'[<>:"|?*;%\s]+', " ", shown).strip(" .")
    return _shortened(tidy) or "file"


def _shortened(name: str) -> str:
    """A name that is too long loses its middle; a digest of the whole keeps two such names apart."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{name[:120]}…{digest}…{name[-100:]}"


def _is_what_it_says(ending: str, content: bytes) -> bool:
    if ending in MAGIC:
        return content.startswith(MAGIC[ending])
    if ending == "eml":
        return HEADER.match(content) is not None and b"\0" not in content
    return _is_text(content)


def _is_text(content: bytes) -> bool:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        # Excel's Unicode text: UTF-16 with a mark.
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            return False
        return "\0" not in text and not PAGE.search(text[:2048].encode("utf-8", "replace"))
    if content.startswith(FOREIGN) or b"\0" in content or PAGE.search(content[:2048]):
        return False
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Windows writes for text; it maps nearly every byte, so only what is no control character passes.
        return not any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in content)
    return True
