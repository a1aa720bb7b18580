"""`python -m demo.token FOLDER`: the secrets that the demo's servers share; what is there already is kept.

`receiver-token` proves Alertmanager to the receiver; `password` is that of `demo` in `web.yml`, by which receiver and
exporter know Prometheus, their health checks (`authorization`) and people. None of them is in the repository.
"""

from __future__ import annotations

import base64
import secrets
import sys
from pathlib import Path

import bcrypt

NAME = "demo"


def make(folder: Path) -> bool:
    """Writes new secrets, unless they are there; tells which."""
    if (folder / "web.yml").exists():  # written last
        return False
    folder.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(32)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(10)).decode()
    login = base64.b64encode(f"{NAME}:{password}".encode()).decode()
    (folder / "receiver-token").write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
    (folder / "password").write_text(password, encoding="ascii")
    (folder / "authorization").write_text(f"Basic {login}", encoding="ascii")
    (folder / "web.yml").write_text(f"basic_auth_users: {{{NAME}: '{hashed}'}}\n", encoding="ascii")
    return True


def main() -> None:
    folder = Path(sys.argv[1])
    print("the secrets are made" if make(folder) else "the secrets are there already")


if __name__ == "__main__":
    main()
