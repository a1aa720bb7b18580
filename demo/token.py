"""`python -m demo.token FILE`: a secret that Alertmanager and the receiver share; a file that exists is kept."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path


def make(file: Path) -> bool:
    """Writes a new token, unless there is a file already; tells which."""
    try:
        with file.open("x", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(32) + "\n")
    except FileExistsError:
        return False
    return True


def main() -> None:
    file = Path(sys.argv[1])
    print(f"{file.name} is made" if make(file) else f"{file.name} is there already")


if __name__ == "__main__":
    main()
