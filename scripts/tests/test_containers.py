"""The containers run what the Procfile says, with every name that `.env.example` explains, from files that are there."""

import json
import re
import shlex

from scripts import ROOT

# Fixed inside the containers, or set by nobody in production.
NOT_PASSED_ON = {"DEBUG", "HOST", "PORT", "STATUS_DIR"}
COMPOSE = (ROOT / "compose.yaml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())


def names_of_the_app() -> set[str]:
    environment = COMPOSE.partition("  environment:\n")[2].partition("  # A worker ends")[0]
    return set(re.findall(r"^    ([A-Z_]+):", environment, re.MULTILINE))


def test_every_name_of_the_example_reaches_the_containers() -> None:
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert names_of_the_app() == example - NOT_PASSED_ON


def test_the_containers_run_the_lines_of_the_procfile() -> None:
    commands = [json.loads(found) for found in re.findall(r"command: (\[\"celery.*\])", COMPOSE)]
    web = re.search(r'^CMD \["sh", "-c", "exec (.*)"\]$', DOCKERFILE, re.MULTILINE)

    assert commands == [shlex.split(PROCFILE["worker"]), shlex.split(PROCFILE["beat"])]
    assert web
    assert web[1] == PROCFILE["web"]


def test_what_the_image_copies_is_there() -> None:
    copied = re.findall(r"^COPY (?:--\S+ )*(\S+) \S+$", DOCKERFILE, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert copied == ["requirements.txt", "."]
    assert all((ROOT / name).exists() and name not in ignored for name in copied)
    assert {".env", ".git", "var", ".venv"} <= set(ignored)
