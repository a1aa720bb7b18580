"""A run whose steps are real programs, from the alert to its end."""

from __future__ import annotations

import shlex
from pathlib import Path

from receiver.remediate.steps.exec_doer import ExecDoer
from tests.receiver.bodies import alert, body
from tests.receiver.remediate.healing import healing, runbook
from tests.receiver.remediate.programs import Folder

ALERT = body(alert(service="player", note='$(reboot) "} or vector(1)'))


async def test_programs_do_a_run_and_take_it_back(tmp_path: Path) -> None:
    """The second step fails: the first one's rollback runs; each program knew of which run it is."""
    folder, did = Folder(tmp_path / "programs"), tmp_path / "did.txt"
    told = f'echo "$1 $TOCSIN_LABEL_note $TOCSIN_STEP_KEY" >>{shlex.quote(str(did))}'
    good, bad = folder.program(f"{told}; echo printed", "good"), folder.program(f"{told}; exit 3", "bad")
    steps = (
        {
            "exec": {"command": [str(good), "--service=$(service)"]},
            "rollback": {"exec": {"command": [str(good), "undo"]}},
        },
        {"exec": {"command": [str(bad), "second"]}},
    )
    edge = folder.edge()
    allowed = {"exec": {"allow": [str(folder.path)]}}
    async with healing(tmp_path / "receiver", runbook(*steps), remediation=allowed) as heals:
        acting = heals.harness.receiver.remediating.acting
        assert acting is not None
        acting.doers = {"exec": ExecDoer(edge)}
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, run.reason) == ("rolled_back", "step 2 failed: it ended with 3")
        note = '$(reboot) "} or vector(1)'
        assert did.read_text().splitlines() == [
            f"--service=player {note} {run.id}/0",
            f"second {note} {run.id}/1",
            f"undo {note} {run.id}/0/undo",
        ]
