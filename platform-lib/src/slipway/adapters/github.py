"""GitHub through its own program, ``gh``, which knows who the user is.

REST through ``gh api`` where ``gh``'s own command asks for more rights than the deed needs: ``gh pr edit`` also reads
projects. Of a token's rights GitHub only says at the deed which one is missing, so both are held against what it says.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import EnvironmentFault, SlipwayError, UsageError

BASE = "main"
_SECONDS = 120
_MOST = 200
_URL = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]+@)?(?P<host>[\w.-]+\.[a-z]+)(?::\d+)?[:/](?P<path>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
_NOT_THERE = 4  # what gh exits with when it has no token


class ForgeFault(SlipwayError):
    """The forge cannot be reached, or refuses."""

    exit_code = 3


@dataclass(frozen=True)
class PullRequest:
    """A pull request: its number, its page, the branch that it would merge, and what it says."""

    number: int
    url: str
    branch: str
    title: str
    body: str


def repository(url: str) -> str | None:
    """HOST/OWNER/NAME that a remote's URL names, as https://github.com/acme/slipway.git; None if it names none."""
    found = _URL.fullmatch(url)
    return f"{found['host'].lower()}/{found['path']}" if found else None


def named(found: str | None) -> str:
    """The repository that ``gh`` is asked about: GH_REPO, if it is set, as in gh itself, or ``found``.

    Raises:
        UsageError: when there is neither.
    """
    name = os.environ.get("GH_REPO") or found
    if name is None:
        raise UsageError(
            "The remote's URL names no repository of GitHub.", "Set GH_REPO to OWNER/NAME, or leave out --forge github."
        )
    return name


@dataclass(frozen=True)
class GitHub:
    """A repository on GitHub.

    Attributes:
        name: OWNER/NAME, or HOST/OWNER/NAME.
        top: of a clone of it.
    """

    name: str
    top: Path

    has_requests = True

    def check(self) -> None:
        """See that one may push to the repository and that pull requests can be read."""
        said = json.loads(self._gh("api", *self._host(), f"repos/{self._path}"))
        if not said.get("permissions", {}).get("push", False):
            raise ForgeFault(
                f"GitHub lets you read {self._path}, and not write to it.",
                "Ask for the right to push, or log in as somebody who has it: `gh auth login`.",
            )

    def requests(self, room: str) -> list[PullRequest]:
        """The open pull requests into main whose branches begin with ``room``."""
        fields = "number,url,headRefName,title,body,isCrossRepository"
        listed = self._gh(
            "pr", "list", "--repo", self.name, "--state", "open", "--base", BASE, "--limit", str(_MOST),
            "--json", fields,
        )  # fmt: skip
        return [
            PullRequest(each["number"], each["url"], each["headRefName"], each["title"], each["body"])
            for each in json.loads(listed)
            if each["headRefName"].startswith(room) and not each["isCrossRepository"]
        ]

    def propose(self, branch: str, title: str, body: str) -> PullRequest | None:
        """Open the pull request of a branch into main, or bring the open one up to date."""
        opened = self._open(branch)
        if opened is None:
            try:
                return self._create(branch, title, body)
            except ForgeFault:
                # Somebody who promotes the same may have been first.
                opened = self._open(branch)
                if opened is None:
                    raise
        # GitHub ends lines as browsers do, and drops the last one's end.
        if (opened.title, opened.body.replace("\r\n", "\n").strip()) != (title, body.strip()):
            change = json.dumps({"title": title, "body": body})
            place = f"repos/{self._path}/pulls/{opened.number}"
            self._gh("api", *self._host(), "--method", "PATCH", place, "--input", "-", said=change)
        return PullRequest(opened.number, opened.url, branch, title, body)

    def _open(self, branch: str) -> PullRequest | None:
        return next((it for it in self.requests(branch) if it.branch == branch), None)

    def _create(self, branch: str, title: str, body: str) -> PullRequest:
        url = self._gh(
            "pr", "create", "--repo", self.name, "--base", BASE, "--head", branch, "--title", title,
            "--body-file", "-", said=body,
        ).split()[-1]  # fmt: skip
        return PullRequest(int(url.rpartition("/")[2]), url, branch, title, body)

    def close(self, request: PullRequest, comment: str) -> None:
        """Close a pull request with a comment."""
        self._gh("pr", "close", str(request.number), "--repo", self.name, "--comment", comment)

    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, unless an open one has the title."""
        listed = self._gh(
            "issue", "list", "--repo", self.name, "--state", "open", "--limit", str(_MOST), "--json", "title,url"
        )
        for each in json.loads(listed):
            if each["title"] == title:
                return str(each["url"])
        made = self._gh("issue", "create", "--repo", self.name, "--title", title, "--body-file", "-", said=body)
        return made.split()[-1]

    def picture(self, commit: str, name: str) -> str | None:
        """Where pages of the repository find a picture, also if it is private."""
        return f"https://{self._hostname}/{self._path}/blob/{commit}/{name}?raw=true"

    @property
    def _path(self) -> str:
        return "/".join(self.name.split("/")[-2:])

    @property
    def _hostname(self) -> str:
        return self.name.split("/")[0] if self.name.count("/") == 2 else "github.com"

    def _host(self) -> list[str]:
        return ["--hostname", self._hostname]

    def _gh(self, *arguments: str, said: str | None = None) -> str:
        program = shutil.which("gh")
        if program is None:
            raise EnvironmentFault(
                "GitHub's program `gh` is not installed.",
                "Install it (https://cli.github.com), or push a branch alone with --forge git.",
            )
        env = {**os.environ, "GH_PROMPT_DISABLED": "1", "NO_COLOR": "1", "GH_NO_UPDATE_NOTIFIER": "1"}
        try:
            done = subprocess.run(
                [program, *arguments],
                cwd=self.top,
                env=env,
                input=said or "",
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise _offline(self.name, f"it did not answer within {_SECONDS} s") from error
        if done.returncode != 0:
            raise _fault(self.name, arguments, done)
        return done.stdout


def _fault(name: str, arguments: tuple[str, ...], done: subprocess.CompletedProcess[str]) -> ForgeFault:
    """What gh said, as an error with a remedy."""
    said, deed = " ".join(done.stderr.split()), f"gh {' '.join(arguments[:2])}"
    if done.returncode == _NOT_THERE or ("gh auth login" in said and "HTTP 401" not in said):
        return ForgeFault(f"gh is logged in nowhere that has {name}.", "Run `gh auth login`, or set GH_TOKEN.")
    if "HTTP 401" in said:
        return ForgeFault(
            f"GitHub does not accept the token for {name}: it is expired or revoked (HTTP 401).",
            "Run `gh auth login` or `gh auth refresh`, or set a new GH_TOKEN.",
        )
    if "error connecting to" in said or "dial tcp" in said:
        return _offline(name, said)
    if "not accessible by" in said or "required scopes" in said or "HTTP 403" in said:
        return ForgeFault(
            f"The token for {name} lacks a right: {_short(said)}",
            "Give it the scope `repo` (`gh auth refresh --scopes repo`); a fine-grained one needs contents and pull"
            " requests: write, and so does a workflow's `permissions`.",
        )
    if "HTTP 404" in said or "Could not resolve to a Repository" in said:
        return ForgeFault(
            f"GitHub has no repository {name} that the token may see.", "See whether --remote or GH_REPO names it."
        )
    return ForgeFault(f"{deed} cannot go on: {_short(said) or 'no reason given'}", "Mend that, and run it again.")


def _offline(name: str, said: str) -> ForgeFault:
    return ForgeFault(
        f"GitHub, which has {name}, cannot be reached: {_short(said)}",
        "See whether the network is there and https://githubstatus.com is green, and run the same command again.",
    )


def _short(said: str) -> str:
    return said if len(said) <= 300 else f"{said[:300]}…"
