"""`make run` fills `.env`, and leaves alone what somebody wrote there."""

from pathlib import Path

import pytest

from scripts import ROOT, CannotStartError, dotenv


@pytest.fixture(autouse=True)
def env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(dotenv, "ENV_FILE", tmp_path / ".env")
    return tmp_path / ".env"


def test_a_new_file_has_what_a_laptop_needs(env_file: Path) -> None:
    dotenv.fill(8001)

    values = dotenv.values_of(dotenv.read_lines())
    assert (values["DEBUG"], values["SITE_URL"]) == ("true", "http://localhost:8001")
    assert len(values["SECRET_KEY"]) > 50
    assert values["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_a_second_start_changes_nothing(env_file: Path) -> None:
    dotenv.fill(8000)
    first = env_file.read_text()

    dotenv.fill(8000)

    assert env_file.read_text() == first


def test_the_empty_lines_of_a_copied_example_are_filled_in_place(env_file: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    env_file.write_text(example)
    env_file.chmod(0o644)

    dotenv.fill(8002)

    values = dotenv.values_of(dotenv.read_lines())
    assert values["SECRET_KEY"]
    assert values["STRIPE_WEBHOOK_SECRET"]
    assert (values["DEBUG"], values["SITE_URL"]) == ("true", "http://localhost:8002")
    assert len(env_file.read_text().splitlines()) == len(example.splitlines())
    assert env_file.stat().st_mode & 0o777 == 0o600


def test_what_somebody_wrote_stays(env_file: Path) -> None:
    written = [
        "# mine",
        "export SECRET_KEY='mine'",
        "DEBUG=false",
        "SITE_URL=https://levqor.example",
        "FROM_EMAIL=a@b.c",
    ]
    env_file.write_text("\n".join(written))

    dotenv.fill(8000)

    assert dotenv.read_lines()[:5] == written


def test_the_local_address_follows_the_port() -> None:
    assert dotenv.filled_in(["SITE_URL=http://localhost:8000"], 9000)[0] == "SITE_URL=http://localhost:9000"


def test_the_mark_that_windows_puts_before_a_text_is_no_part_of_a_name(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfDEBUG=false\r\nSITE_URL=http://localhost:8000\r\n")

    dotenv.fill(8000)

    assert dotenv.values_of(dotenv.read_lines())["DEBUG"] == "false"
    assert env_file.read_text().count("DEBUG=") == 1


def test_a_file_that_is_no_text_is_named(env_file: Path) -> None:
    env_file.write_bytes(b"\xff\xfe")

    with pytest.raises(CannotStartError, match=r"\.env"):
        dotenv.read_lines()
