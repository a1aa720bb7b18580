"""Does what comes next in a run of a runbook. What it may have begun it never begins again.

A step is begun in three commits: that it begins (only if the job is still ours), then the step itself, then how it
ended, with the job. Whoever finds a step that began and has no end knows that it may have been done: it is *unknown*,
and what follows is the verification (docs/adr/0052).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from receiver.decide import Asked, Decider, Result
from receiver.engine.incident import Incident
from receiver.engine.policy import Step
from receiver.engine.run import End, Interrupted, Perform, Run, Start, Verify
from receiver.engine.run_events import Observed, RunStarted, RunStepBegan, RunStepEnded, RunVerified
from receiver.engine.running import ended, what_next
from receiver.engine.runs_planned import Action, Verification
from receiver.jobs.back_off import back_off
from receiver.proposing import Proposing, Reach
from receiver.remediate.readiness import against, why_not
from receiver.remediate.step import About, CannotBegin, Doer, Done, NotNow
from receiver.remediate.values import Unfit
from receiver.store.admission import Full, Stopped, refuse_if_stopped
from receiver.store.database import Lost
from receiver.store.endings import Ended, GivenBack
from receiver.store.jobs import CLAIM_LASTS, Act, Job, Jobs
from receiver.store.runs import Runs
from tocsin import duration
from tocsin.clock import Clock

log = structlog.get_logger("receiver.remediation")

MOST_LOOKS = 5  # at a far side that does not answer before a step
LOOK_SECONDS = 30.0
GRACE_SECONDS = 15.0  # beyond its own time limit, after which a doer is cut off
WATCH_SECONDS = 1.0
SAFE_SECONDS = CLAIM_LASTS.total_seconds() / 2  # a step may begin so long after its claim was known to be ours
DEAD = "whoever did it died, or lost its turn, before it could say how it ended"


class Acting:
    """Does jobs of the lane `remediation`. A process without doers never has one of these."""

    def __init__(
        self,
        *,
        proposing: Proposing,
        doers: Mapping[str, Doer],
        decider: Decider,
        jobs: Jobs,
        runs: Runs,
        reach: Reach,
        clock: Clock,
        worker: str,
        shared: bool,
    ) -> None:
        """`worker` names this process, for people; `shared`: others may take our claims over once they lapse."""
        self.doers = doers
        self._proposing = proposing
        self._decider = decider
        self._jobs = jobs
        self._runs = runs
        self._reach = reach
        self._clock = clock
        self._worker = worker
        self._shared = shared
        self._holds_since: dict[str, datetime] = {}  # runs whose verification holds

    async def __call__(self, job: Job, incident: Incident) -> Result:
        """What comes of a job, to be recorded with its end.

        Raises:
            StoreUnavailable: not now.
        """
        if not isinstance(job.payload, Act):
            found = await self._proposing.consider(incident)
            return Ended(job, "done", f"{len(found)} runs proposed")
        run = incident.run(job.payload.run)
        try:
            return Ended(job, "done", "there is no such run") if run is None else await self._next(job, incident, run)
        except Lost as error:
            log.warning("a run goes on elsewhere", run=job.payload.run, reason=str(error))
            return GivenBack(job, self._clock.now(), str(error))  # which does nothing: the job is not ours

    async def _next(self, job: Job, incident: Incident, run: Run, *, fresh: bool = False) -> Result:
        """`fresh`: it has begun just now, under guards that held a moment ago."""
        match what_next(incident, run):
            case Start():
                return await self._start(job, incident, run)
            case Perform() as perform:
                return await self._perform(job, incident, run, perform, fresh=fresh)
            case Interrupted() as found:
                return await self._interrupted(job, run, found)
            case Verify():
                return await self._verify(job, incident, run)
            case End(outcome=outcome, reason=reason):
                observed = await self._proposing.asking.observe(run.plan.guards)
                return Asked(job, replace(ended(run, outcome, reason), observed=observed))
            case None:
                return Ended(job, "done", f"the run is {run.outcome or run.state.value}")

    async def _start(self, job: Job, incident: Incident, run: Run) -> Result:
        now, plan = self._clock.now(), run.plan
        alerts = await self._proposing.alerts(incident)
        refusal = why_not(incident, plan, alerts, self._proposing.runbooks.get(plan.runbook), now)
        observed = await self._proposing.asking.observe(plan.guards)
        refusal = refusal or against(observed)
        if plan.dry_run:
            would = f"it would not have begun: {refusal}" if refusal else "it would have begun"
            return Asked(job, replace(ended(run, "dry_run", would), observed=observed))
        if refusal:
            return self._refused(job, run, refusal, observed)
        try:
            wish = await self._proposing.wish(incident, run.id, plan)
            admission = self._runs.admission(wish, now)
            await self._runs.refusal(admission)  # most of what is too much is told without waiting for its turn
            step = await self._decider.decide_during(job, RunStarted(run.id, observed), admission.take)
        except (Full, Stopped, Unfit) as error:
            return self._refused(job, run, str(error), observed)
        return await self._goes_on(job, step, run, step.reason)

    def _refused(self, job: Job, run: Run, reason: str, observed: Sequence[Observed]) -> Result:
        return Asked(job, replace(ended(run, "refused", reason), observed=tuple(observed)))

    async def _goes_on(self, job: Job, step: Step, run: Run, reason: str) -> Result:
        after = step.incident.run(run.id)
        if not step.events or after is None:
            return Ended(job, "done", reason)
        return await self._next(job, step.incident, after, fresh=True)

    async def _perform(
        self, job: Job, incident: Incident, run: Run, perform: Perform, *, fresh: bool = False
    ) -> Result:
        action = perform.action
        doer, about = self.doers.get(action.kind), await self._about(incident, run, perform)
        if action.kind not in ("wait", "notify") and doer is None:
            return self._not_begun(job, run, perform, f"this process has nothing that does {action.kind}")
        if not perform.undo and not fresh and (refusal := await self._no_longer(incident, run, perform)):
            return self._not_begun(job, run, perform, refusal)
        try:
            before = await self._look(doer, action, about)
        except CannotBegin as error:
            return self._not_begun(job, run, perform, str(error))
        except NotNow as error:
            if job.attempt >= MOST_LOOKS:
                return self._not_begun(job, run, perform, f"{error} ({job.attempt} times)")
            return GivenBack(job, self._clock.now() + back_off(job.attempt), str(error))
        claimed = time.monotonic()
        began = RunStepBegan(run.id, perform.step, perform.undo, self._worker, dict(before))
        try:
            step = await self._decider.decide_during(job, began, refuse_if_stopped)
        except Stopped as error:
            return Asked(job, ended(run, "stopped", f"step {perform.step + 1} was not begun: {error}"))
        if not step.events:
            return Ended(job, "done", step.reason)
        match action.kind:
            case "wait":
                return self._waits(job, action, self._clock.now())
            case "notify":
                return await self._notify(job, incident, run, perform)
        if time.monotonic() - claimed > SAFE_SECONDS:
            return self._result(job, run, perform, Done("failed", reason="this worker was paused; nothing was done"), 0)
        assert doer is not None  # asked above
        return await self._do(job, run, perform, doer.do(action, perform.before or before, about))

    async def _no_longer(self, incident: Incident, run: Run, perform: Perform) -> str:
        """Why a step is not begun that was wanted: guards hold no more or, before the first, it has waited too long."""
        refusal = against(await self._proposing.asking.observe(run.plan.guards))
        if refusal or perform.step:
            return refusal
        alerts, runbook = await self._proposing.alerts(incident), self._proposing.runbooks.get(run.plan.runbook)
        return why_not(incident, run.plan, alerts, runbook, self._clock.now())

    async def _look(self, doer: Doer | None, action: Action, about: About) -> Mapping[str, str]:
        if doer is None:
            return {}
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await doer.look(action, about)
        except TimeoutError as error:
            raise NotNow(f"looking before the step took longer than {LOOK_SECONDS:g} s") from error

    async def _do(self, job: Job, run: Run, perform: Perform, doing: Awaitable[Done]) -> Result:
        """Does a step, for as long as its time limit and our claim last."""
        began, limit = time.monotonic(), perform.action.timeout.total_seconds() + GRACE_SECONDS
        task = asyncio.ensure_future(doing)
        reason = ""
        try:
            while not task.done() and not reason:
                await asyncio.wait([task], timeout=min(WATCH_SECONDS, limit))
                now = time.monotonic()
                if now - began > limit:
                    reason = f"it took longer than {limit:g} s and was cut off"
                elif self._shared and now - max(began, self._jobs.renewed_at) > CLAIM_LASTS.total_seconds():
                    reason = (
                        "the store could not be reached: the claim on this run has lapsed, and the step was cut off"
                    )
        finally:
            if not task.done():
                task.cancel()
                with suppress(asyncio.CancelledError, TimeoutError, Exception):
                    await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), GRACE_SECONDS)
        seconds = time.monotonic() - began
        if reason:
            return self._result(job, run, perform, Done("unknown", reason=reason), seconds)
        try:
            return self._result(job, run, perform, task.result(), seconds)
        except Exception as error:
            log.exception("a step broke", run=run.id, step=perform.step + 1)
            return self._result(job, run, perform, Done("unknown", reason=f"{type(error).__name__}: {error}"), seconds)

    async def _about(self, incident: Incident, run: Run, perform: Perform) -> About:
        alert = await self._proposing.alert(incident, run.plan.alert)
        key = f"{run.id}/{perform.step}" + ("/undo" if perform.undo else "")
        return About(
            incident.id,
            incident.title,
            run.id,
            key,
            alert.labels if alert else {},
            alert.annotations if alert else {},
            incident.source,
        )

    def _waits(self, job: Job, action: Action, since: datetime) -> Result:
        until = since + timedelta(seconds=float(action.arguments["seconds"]))
        return GivenBack(job, until, "waits", tried=False)

    async def _notify(self, job: Job, incident: Incident, run: Run, perform: Perform) -> Result:
        """Whoever the step tells is told by the outbox: in the transaction that says so."""
        found = await self._reach(tuple(perform.action.arguments["to"]), incident.severity)
        if not found.contacts:
            return self._result(job, run, perform, Done("failed", reason="; ".join(found.missed)), 0)
        done = Done("succeeded", output=str(perform.action.arguments["text"]))
        result = self._result(job, run, perform, done, 0)
        assert isinstance(result.event, RunStepEnded)  # as made above
        return Asked(job, replace(result.event, contacts=found.contacts))

    async def _interrupted(self, job: Job, run: Run, found: Interrupted) -> Result:
        """A wait goes on; whatever else may have been done is not done again."""
        perform = Perform(found.step, found.action, found.undo)
        if found.action.kind != "wait":
            return self._result(job, run, perform, Done("unknown", reason=DEAD), 0)
        since, now = run.began_at or self._clock.now(), self._clock.now()
        waits = self._waits(job, found.action, since)
        assert isinstance(waits, GivenBack)  # as made above
        if now < waits.due_at:
            return waits
        return self._result(job, run, perform, Done("succeeded"), (now - since).total_seconds())

    def _not_begun(self, job: Job, run: Run, perform: Perform, reason: str) -> Result:
        return self._result(job, run, perform, Done("failed", reason=f"not begun: {reason}"), 0)

    def _result(self, job: Job, run: Run, perform: Perform, done: Done, seconds: float) -> Asked:
        event = RunStepEnded(
            run.id,
            perform.step,
            done.outcome,
            perform.undo,
            done.output,
            done.reason,
            round(seconds, 3),
            action=perform.action.name,
            runbook=run.plan.runbook,
        )
        return Asked(job, event)

    async def _verify(self, job: Job, incident: Incident, run: Run) -> Result:
        verification, unknown = run.plan.verification, [one for one in run.results if one.outcome == "unknown"]
        if verification is None:
            if unknown:
                why = f"step {unknown[0].step + 1}: {unknown[0].reason}; the runbook has no verification"
                return Asked(job, ended(run, "unknown", why))
            return Asked(job, RunVerified(run.id, helped=True, reason="done; the runbook verifies nothing"))
        asking, now = self._proposing.asking, self._clock.now()
        observed = await asking.observe(verification.conditions)
        if all(one.holds for one in observed):
            since = self._holds_since.setdefault(run.id, now)
            if now - since >= verification.lasting:
                self._holds_since.pop(run.id, None)
                after = await asking.observe(run.plan.guards)
                return Asked(job, RunVerified(run.id, helped=True, observed=(*observed, *after), reason="it helped"))
        else:
            self._holds_since.pop(run.id, None)
        if now < (run.verifying_at or now) + verification.within:
            return GivenBack(job, now + verification.every, _open(observed), tried=False)
        self._holds_since.pop(run.id, None)
        return self._in_vain(job, run, observed, verification)

    def _in_vain(self, job: Job, run: Run, observed: tuple[Observed, ...], verification: Verification) -> Result:
        """It did not help in time; where Prometheus says nothing, nobody knows, and nothing more is done."""
        if any(not one.answered for one in observed):
            reason = f"it cannot be told whether it helped: {_open(observed)}"
            return Asked(job, replace(ended(run, "unknown", reason), observed=observed))
        reason = f"it did not help within {duration.show(verification.within)}: {_open(observed)}"
        return Asked(job, RunVerified(run.id, helped=False, observed=observed, reason=reason))


def _open(observed: Sequence[Observed]) -> str:
    return "; ".join(f"{one.name}: {one.reason}" for one in observed if not one.holds) or "it does not hold long enough"
