"""What is to be played to a rule: the rules that it needs, the tests that its pack gives, the cases found from it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from generator import version
from generator.inlining import recorded
from generator.proof.excerpt import Placed, Records, TooManyRulesError, excerpt
from generator.proof.given import Trial, given
from generator.proof.propose import propose
from generator.proof.verdict import Finding, blame
from generator.rule import Group, Pack, Rule
from generator.targets import rulefile
from generator.version import Version
from tocsin import duration
from tocsin.errors import MissingExtra

MOST_STEPS = 100_000  # evaluations of one trial


@dataclass(frozen=True, slots=True)
class Subject:
    """A rule, the rules that are evaluated for it every `interval`, and what is to be played to them.

    `text` is the rule file; empty where promtool cannot take it. `why` says why nothing was found from the rule.
    """

    rule: Rule
    pack: Pack
    group: Group
    rules: Pack
    text: str
    interval: timedelta
    trials: tuple[Trial, ...] = ()
    findings: tuple[Finding, ...] = ()
    why: str = ""

    @property
    def recorded(self) -> Mapping[str, Sequence[Rule]]:
        """The records among the rules, by name."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules.rules:
            if rule.kind == "record":
                found.setdefault(rule.name, []).append(rule)
        return found

    @property
    def key(self) -> Hashable:
        """Equal for rules that are equal in all that matters; one with tests of its own is like no other."""
        if self.trials or not self.text:
            return id(self.rule)
        return self.rule.kind, self.rule.name, self.text, self.interval

    def proposed(self) -> Subject:
        """The same with the cases that are found from the rule."""
        if self.rule.kind != "alert" or not self.text:
            return self
        try:
            records = recorded([self.rules], self.interval)
            proposal = propose(self.rule, self.group, records, self.interval)
        except MissingExtra as error:  # tests that people give need nothing of it
            return replace(self, why=str(error))
        found = tuple(Trial(case) for case in proposal.cases)
        return replace(_bounded(self, found), why=proposal.why)


def subject(target: Placed, records: Records, known: Version, interval: timedelta, *, given_too: bool) -> Subject:
    """The rule with what its pack gives; `known` is what promtool knows, `interval` that of groups without one."""
    rule, group = target.rule, target.group
    interval = group.interval or interval
    alone = replace(target.pack, groups=(replace(group, rules=(rule,)),))
    try:
        rules = excerpt(target, records)
    except TooManyRulesError as error:
        return Subject(rule, target.pack, group, alone, "", interval, why=str(error))
    for one in rules.rules:
        for what, since in version.too_young(one.expr, known):
            why = f"{what} needs promtool {version.show(since)}, and this is {version.show(known)}"
            return Subject(rule, target.pack, group, rules, "", interval, why=why)
    text = rulefile.render(rules, known).parts[0].text
    bare = Subject(rule, target.pack, group, rules, text, interval)
    return _bounded(bare, given(rule)) if given_too else bare


def _bounded(subject: Subject, trials: Sequence[Trial]) -> Subject:
    """With the trials too; those that would last for ever are findings."""
    steps = {id(trial): max(trial.times) // subject.interval for trial in trials}
    fitting = tuple(trial for trial in trials if steps[id(trial)] <= MOST_STEPS)
    findings = tuple(_too_long(subject, trial, steps[id(trial)]) for trial in trials if trial not in fitting)
    return replace(subject, trials=(*subject.trials, *fitting), findings=(*subject.findings, *findings))


def _too_long(subject: Subject, trial: Trial, steps: int) -> Finding:
    every = duration.show(subject.interval)
    why = f"{trial.case.name}: {steps:,} evaluations, one every {every}, are more than {MOST_STEPS:,}"
    hint = "ask for an earlier time, or give the group a longer interval"
    return Finding(blame(trial.case.author), why, trial.at or subject.rule.at_name(), hint)
