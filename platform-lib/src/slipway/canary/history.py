"""What Git says of roll-outs: the one that is under way, and what became of those before.

A roll-out's times stand in no file: they are when the commits that say so became main. Only main's own line of commits
counts (the first parents); a merge is one of them, however many commits it brought. What a commit does follows from
what release.yaml was and is; whoever commits for Slipway says so in trailers, too, and what was found that led to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from slipway.adapters.git import Commit, GitFault, Remote
from slipway.canary.comparison import Finding
from slipway.canary.observation import Rollout
from slipway.errors import UsageError
from slipway.release.record import Published, Record
from slipway.rendering.canary import Canary
from slipway.rendering.served import ENVS, RECORD_FILE, folder
from slipway.rendering.settings import Settings

ROLLOUT, ACTION, RELEASE, IMAGE = "Slipway-Rollout", "Slipway-Action", "Slipway-Release", "Slipway-Image"
WEIGHT, EVIDENCE = "Slipway-Weight", "Slipway-Evidence"
SETTINGS_FILE, SERVED_FILE = "canary.yaml", "settings.yaml"
# What people do without a trailer: the challenger is taken away, as by `git revert`, or something else is changed.
WITHDRAW, EDIT = "withdraw", "edit"
_OBJECT = 12
_PERCENT = re.compile("[0-9]{1,2}|100")
_decode_findings = msgspec.json.Decoder(list[Finding]).decode

_NOTHING = Record(champion=None, challenger=None)


@dataclass(frozen=True)
class Chosen:
    """Which models of which environments somebody asks for: ``model`` in ``environment``; None for all."""

    model: str | None = None
    environment: str | None = None

    def __contains__(self, place: tuple[str, str]) -> bool:
        environment, model = place
        return self.environment in (None, environment) and self.model in (None, model)

    def check(self, remote: Remote, there: Sequence[tuple[str, str]]) -> None:
        """Refuse to look at nothing because a name is wrong; ``there`` are environments and models of ``remote``.

        Raises:
            UsageError: naming what there is.
        """
        if any(place in self for place in there):
            return
        where = self.environment or "any environment"
        raise UsageError(
            f"main of {remote.name} has no model {self.model or 'at all'} in {where}.",
            f"It has {', '.join('/'.join(place) for place in there) or 'none'}.",
        )


@dataclass(frozen=True)
class Event:
    """One thing that happened to a release in an environment.

    Attributes:
        release, image: their digests; empty where a release.yaml says nothing that can be understood. ``image`` also is
            where the release was never published.
        action: "begin", "advance", "promote" or "roll back"; WITHDRAW or EDIT where people did otherwise.
        weight: percent of the traffic that the release had afterwards.
        at: when it became main's.
        commit: of main.
        who: the author's name.
        reason: in a sentence.
        evidence: the findings that led to it.
    """

    environment: str
    model: str
    release: str
    image: str
    action: str
    weight: int
    at: datetime
    commit: str
    who: str
    reason: str
    evidence: tuple[Finding, ...]

    @property
    def of(self) -> tuple[str, str]:
        """What it happened to: the release in its image."""
        return self.release, self.image


def rollout(remote: Remote, main: str, environment: str, model: str) -> Rollout | None:
    """The roll-out that is under way at ``main``, a commit that the clone has; None for none.

    Raises:
        UsageError: when release.yaml is not what it must be, or not there.
        GitFault: when Git cannot tell.
    """
    path = folder(environment, model) / RECORD_FILE
    record = read_record(remote, main, environment, model)
    if record.challenger is None:
        return None
    commits = remote.log(main, path)
    records = remote.contents([f"{commit.name}:{path}" for commit in commits])
    began = stepped = None
    stays, reverted = True, False
    for commit, content in zip(commits, records, strict=True):
        before = _record(content)
        earlier = before.challenger if before is not None else None
        if earlier is None or not record.challenger.is_same(earlier):
            reverted = before is not None and record.challenger.is_same(before.champion)
            break
        began = commit.at
        stays = stays and earlier.weight == record.challenger.weight
        stepped = commit.at if stays else stepped
    if began is None or stepped is None:
        raise GitFault(f"Git has no commit of {main} that touches {path}.", "See whether the clone is a shallow one.")
    return Rollout(environment, model, record, began, stepped, main, reverted)


def events(remote: Remote, main: str, environment: str, model: str, most: int = 100) -> tuple[Event, ...]:
    """What happened to one model in one environment, newest first, at most ``most`` things.

    A commit that writes the same in other words, or declares that nothing runs where nothing did, is none of them.

    Raises:
        GitFault: when Git cannot tell.
    """
    path = folder(environment, model) / RECORD_FILE
    commits = remote.log(main, path, most + 1)
    records = [_record(content) for content in remote.contents([f"{commit.name}:{path}" for commit in commits])]
    before = [*records[1:], None]
    return tuple(
        _event(environment, model, commit, (then, now))
        for commit, then, now in zip(commits[:most], before, records, strict=False)
        if now is None or now != (then or _NOTHING)
    )


def places(remote: Remote, main: str) -> list[tuple[str, str]]:
    """Environment and model of each release.yaml at ``main``."""
    found = (Path(file).relative_to(ENVS).parts for file in remote.files(main, ENVS))
    return sorted((parts[0], parts[1]) for parts in found if len(parts) == 3 and parts[2] == RECORD_FILE)


def read_record(remote: Remote, main: str, environment: str, model: str) -> Record:
    """What release.yaml holds at ``main``.

    Raises:
        UsageError: when it is not there or not what it must be.
    """
    return Record.parse(*_content(remote, main, folder(environment, model) / RECORD_FILE))


def read_settings(remote: Remote, main: str, environment: str, model: str) -> Canary:
    """What canary.yaml holds at ``main``.

    Raises:
        UsageError: when it is not there or not what it must be.
    """
    return Canary.parse(*_content(remote, main, folder(environment, model) / SETTINGS_FILE))


def read_served(remote: Remote, main: str, environment: str, model: str) -> Settings:
    """What settings.yaml holds at ``main``.

    Raises:
        UsageError: when it is not there or not what it must be.
    """
    return Settings.parse(*_content(remote, main, folder(environment, model) / SERVED_FILE))


def trailers(rollout: Rollout, action: str, weight: int, findings: Sequence[Finding]) -> list[str]:
    """The lines that end the message of a commit, and say what it does."""
    evidence = [asdict(finding) for finding in findings]
    return [
        f"{ROLLOUT}: {rollout.environment}/{rollout.model}",
        f"{ACTION}: {action}",
        f"{RELEASE}: {rollout.challenger.release}",
        f"{IMAGE}: {rollout.challenger.image}",
        f"{WEIGHT}: {weight}",
        f"{EVIDENCE}: {json.dumps(evidence, sort_keys=True, separators=(',', ':'))}",
    ]


def _content(remote: Remote, main: str, path: Path) -> tuple[bytes, str]:
    content = remote.contents([f"{main}:{path}"])[0]
    if content is None:
        raise UsageError(f"{path} is missing at {main[:_OBJECT]}.", "Commit it.")
    return content, f"{path} at {main[:_OBJECT]}"


def _record(content: bytes | None) -> Record | None:
    """What a commit's release.yaml holds; None where nobody can understand it."""
    try:
        return Record.parse(content, RECORD_FILE) if content is not None else None
    except UsageError:
        return None


def _event(environment: str, model: str, commit: Commit, records: tuple[Record | None, Record | None]) -> Event:
    of, action, weight = _inferred(*records)
    release, image = (of.release, of.image or "") if of is not None else ("", "")
    reason = commit.body.split("\n\n")[0].replace("\n", " ") or commit.subject
    # Anybody can write trailers: they count where they say what release.yaml says.
    told = _told(f"{environment}/{model}", commit) == (release, image, action, weight)
    evidence = _findings(commit.trailers.get(EVIDENCE, "[]")) if told else ()
    place, who = (environment, model, release, image), (commit.at, commit.name, commit.who)
    return Event(*place, action, weight, *who, reason, evidence)


def _told(place: str, commit: Commit) -> tuple[str, str, str, int] | None:
    """Release, image, action and weight by the trailers, if they are about this place."""
    said = commit.trailers
    if said.get(ROLLOUT) != place or not _PERCENT.fullmatch(said.get(WEIGHT, "")) or ACTION not in said:
        return None
    return said.get(RELEASE, ""), said.get(IMAGE, ""), said[ACTION], int(said[WEIGHT])


def _inferred(before: Record | None, after: Record | None) -> tuple[Published | None, str, int]:
    """What it was about, action and weight by what release.yaml was and is."""
    if after is None:
        return None, EDIT, 0
    then = before.challenger if before is not None else None
    now, champion = after.challenger, after.champion
    if now is not None and not now.is_same(then):
        return now, "begin", now.weight
    if now is not None and then is not None and now.weight != then.weight:
        return now, "advance", now.weight
    if then is not None and now is None:
        if then.is_same(champion):
            return then, "promote", 100
        return then, "roll back" if after.rejection(then) else WITHDRAW, 0
    changed = before is None or before.champion != champion
    return champion, "begin" if changed and champion else EDIT, 100 if champion else 0


def _findings(said: str) -> tuple[Finding, ...]:
    """The findings of a trailer; none where it holds something else."""
    try:
        return tuple(_decode_findings(said))
    except msgspec.DecodeError:
        return ()
