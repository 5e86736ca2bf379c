"""The file `.env` of a laptop: read for what `make run` needs itself, and filled with what is missing in it."""

import re
import secrets

from scripts import ROOT, CannotStartError

ENV_FILE = ROOT / ".env"
LINE = re.compile(r"(?:export )?([A-Za-z_0-9]+)=(.*)")
LOCAL_ADDRESS = re.compile(r"http://localhost:\d+")


def read_lines() -> list[str]:
    try:
        return ENV_FILE.read_text(encoding="utf-8-sig").splitlines() if ENV_FILE.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStartError(f".env cannot be read: {error}") from error


def values_of(lines: list[str]) -> dict[str, str]:
    found = [match for line in lines if (match := LINE.fullmatch(line.strip()))]
    return {match[1]: match[2].strip().strip("'\"") for match in found}


def fill(port: int) -> None:
    """Fills in what a laptop needs and `.env` leaves out or empty. It holds secrets, so it is its owner's alone."""
    lines = read_lines()
    filled = filled_in(lines, port)
    # Before a secret is in it, and also where it was there already, with looser rights.
    ENV_FILE.touch(mode=0o600)
    ENV_FILE.chmod(0o600)
    if filled != lines:
        ENV_FILE.write_text("\n".join(filled) + "\n", encoding="utf-8")


def filled_in(lines: list[str], port: int) -> list[str]:
    """The lines of `.env` with what is missing; what stands there is left alone.

    But for the address: one on this machine follows the port, so that commands in a second terminal find the server.
    """
    wanted = {
        "DEBUG": "true",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_urlsafe(32)}",
        "SITE_URL": f"http://localhost:{port}",
    }
    kept = {name for name, value in values_of(lines).items() if value and not _follows_the_port(name, value)}
    missing = {name: value for name, value in wanted.items() if name not in kept}
    filled = []
    for line in lines:
        match = LINE.fullmatch(line.strip())
        name = match[1] if match else ""
        filled.append(f"{name}={missing.pop(name)}" if name in missing else line)
    return filled + [f"{name}={value}" for name, value in missing.items()]


def _follows_the_port(name: str, value: str) -> bool:
    return name == "SITE_URL" and LOCAL_ADDRESS.fullmatch(value) is not None
