"""A process of a benchmark on one database, told what to do line by line, which answers each with a line of JSON."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from bench.databases import PYTHON, ROOT, environment, run


class ToldProcess:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, command: str) -> None:
        """Tells the process what to do and does not wait for it."""
        print(command, file=self._process.stdin, flush=True)

    def result(self) -> dict[str, Any]:
        """What the command that was begun answers."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("A process of the benchmark ended; its error is above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def tell(self, command: str) -> dict[str, Any]:
        self.begin(command)
        return self.result()


def migrate(url: str) -> None:
    run([PYTHON, "manage.py", "migrate", "--verbosity", "0"], environment(url))


@contextmanager
def told_process(module: str, url: str, *arguments: str) -> Iterator[ToldProcess]:
    """A process of this module on this database, which lives as long as the block."""
    variables = environment(url, DJANGO_SETTINGS_MODULE="levqor.settings")
    process = subprocess.Popen(
        [PYTHON, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield ToldProcess(process)
    finally:
        process.communicate(timeout=60)


def dunning_process(url: str, folder: Path) -> AbstractContextManager[ToldProcess]:
    """A process for dunning passes; its mails go into the folder."""
    return told_process("bench.dunning_child", url, str(folder / "mail"))
