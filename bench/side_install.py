"""Throw-away environments for what is measured beside Levqor: dj-stripe wants an older Stripe SDK and cannot share ours."""

import subprocess
import sys
from pathlib import Path

from bench.databases import ROOT


class NotInstalledError(Exception):
    """It could not be installed here; the text says why."""


def install(folder: Path, requirements: Path) -> Path:
    """Makes the environment from the locked requirements and returns its Python; raises NotInstalledError."""
    python = folder / "bin/python"
    failures = []
    for commands in (_with_uv(folder, python, requirements), _with_pip(folder, python, requirements)):
        try:
            for command in commands:
                subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(_last_line(error))
        else:
            return python
    raise NotInstalledError("; ".join(failures))


def _with_uv(folder: Path, python: Path, requirements: Path) -> list[list[str]]:
    # The same way to uv as `make install` goes: the machine's own, or one in .venv-uv/.
    uv = ["sh", "-c", 'uv=$(sh scripts/uv.sh) && exec "$uv" "$@"', "uv"]
    return [
        [*uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [*uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(requirements)],
    ]


def _with_pip(folder: Path, python: Path, requirements: Path) -> list[list[str]]:
    return [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements)],
    ]


def _last_line(error: Exception) -> str:
    output = str(getattr(error, "stderr", None) or error).strip()
    return output.splitlines()[-1] if output else type(error).__name__
