"""`make run`: prepares a laptop once, then runs web, worker and beat together until Ctrl-C."""

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from honcho.manager import Manager

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = ROOT / ".env"
START_SECONDS = 60
# What Honcho reports after SIGINT and SIGTERM.
STOPPED_BY_HAND = {130, 143}


def main() -> int:
    os.chdir(ROOT)
    port = int(os.environ.get("PORT", "8000"))
    write_env_file()
    if port_is_taken(port):
        print(f"Port {port} is in use by another program. Stop that one, or run: PORT={port + 1} make run", flush=True)
        return 1
    os.environ.setdefault("SITE_URL", f"http://localhost:{port}")
    os.environ |= {"PORT": str(port), "HOST": os.environ.get("HOST", "127.0.0.1"), "PYTHONUNBUFFERED": "1"}
    os.environ["PATH"] = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    for command in (["migrate", "--verbosity", "0"], ["load_demo"]):
        done = subprocess.run([sys.executable, "manage.py", *command], check=False)
        if done.returncode:
            return done.returncode
    return run_processes(port)


def write_env_file() -> None:
    """Adds what a laptop needs and `.env` does not name yet; what stands there is left alone."""
    known = ENV_FILE.read_text() if ENV_FILE.exists() else ""
    names = {line.split("=", 1)[0].strip() for line in known.splitlines() if "=" in line}
    wanted = {
        "DEBUG": "true",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_urlsafe(32)}",
    }
    missing = [f"{name}={value}" for name, value in wanted.items() if name not in names]
    if missing:
        ENV_FILE.touch(mode=0o600)
        ENV_FILE.write_text("\n".join([*known.splitlines(), *missing]) + "\n")


def port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run_processes(port: int) -> int:
    """Runs the Procfile until somebody stops it; 0 after Ctrl-C, 1 where a process died by itself."""
    manager = Manager()
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, command = line.split(":", 1)
        manager.add_process(name, command.strip(), cwd=str(ROOT))
    threading.Thread(target=announce, args=[port], daemon=True).start()
    manager.loop()
    if manager.returncode in STOPPED_BY_HAND:
        print("Levqor has stopped.", flush=True)
        return 0
    print("A process ended by itself, so all were stopped; its last lines above say why.", flush=True)
    return 1


def announce(port: int) -> None:
    """Says where to go, as soon as the web process answers."""
    address = f"http://localhost:{port}"
    for _ in range(START_SECONDS * 5):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    else:
        return
    print(
        f"\n  Levqor runs at {address}\n  Back office: {address}/admin/\n  Mails: var/mail/\n  Stop with Ctrl-C.\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
