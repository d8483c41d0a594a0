"""What a pull request says of a promotion, as Markdown: all that a reviewer must know, from verified evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from slipway.canary import history
from slipway.promotion import difference
from slipway.promotion.change import Change, Described
from slipway.promotion.pictures import pictures, standalone
from slipway.promotion.proof import Proof
from slipway.rendering import served
from slipway.rendering.canary import Canary
from slipway.report.pictures import Picture


def describe(change: Change, proof: Proof, champion: Proof | None) -> Described:
    """Describe a change.

    Args:
        change: the change.
        proof: of the release that is promoted.
        champion: of the one beside which it is promoted; None if it is not to be had.
    """
    drawn = pictures(proof, champion)

    def body(place: Callable[[str], str | None]) -> str:
        return _render(change, proof, champion, {name: (picture, place(name)) for name, picture in drawn.items()})

    return Described(body, {name: standalone(picture) for name, picture in drawn.items()})


def _render(
    change: Change, proof: Proof, champion: Proof | None, drawn: Mapping[str, tuple[Picture, str | None]]
) -> str:
    moved = proof.moved(champion) if champion is not None else []
    figures: Mapping[str, Any] = proof.verdicts.get("drift", {}).get("figures", {})
    said = _template().render(
        change=change,
        proof=proof,
        champion=champion,
        replaced=change.replaced,
        rejections=change.before.record.rejections(change.asked.release),
        same=change.beside is not None and change.beside.release == change.asked.release,
        moved=moved,
        same_rows=all(each.rows[0] == each.rows[1] for each in moved),
        margin=proof.verdicts.get("slices", {}).get("thresholds", {}).get("margin", 0.0),
        weeks=figures.get("judged", {}),
        differences=difference.words(change.held, change.rendered) or ["Nothing."],
        rollout=rollout(change),
        back=back(change),
        command=revert(change),
        shown=defaultdict(str, _shown(drawn)),
        pictures=sorted(drawn),
        pictures_ref=change.asked.pictures if drawn and not any(url for _, url in drawn.values()) else None,
    )
    return str(said).strip() + "\n"


def _shown(drawn: Mapping[str, tuple[Picture, str | None]]) -> dict[str, str]:
    found = {name: (picture, url) for name, (picture, url) in drawn.items() if url is not None}
    return {name: f"![{picture.label}]({url})\n\n{picture.caption}" for name, (picture, url) in found.items()}


def _template() -> Any:
    made = Environment(
        loader=PackageLoader("slipway.promotion"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    made.filters |= {"cell": _cell, "text": _text}
    return made.get_template("request.md")


def _cell(value: object) -> str:
    """Text that stays within one cell of a table."""
    return " ".join(_text(value).replace("|", "\\|").split())


def _text(value: object) -> str:
    """Text of a file: no HTML of its own, and nobody is called by an @name in it."""
    return str(value).replace("<", "&lt;").replace("@", "@<!-- -->")


def rollout(change: Change) -> str:
    """How canary.yaml lets the release take over, in words."""
    if change.role == "champion":
        return f"Nothing runs in {change.asked.environment} yet: it gets all of the traffic as soon as it is ready."
    return "\n".join(f"- {line}" for line in _steps(change.after.canary))


def _steps(canary: Canary) -> list[str]:
    ready = canary.readiness
    lines = [
        f"0 % until all its replicas have been ready for {ready.stable_seconds} s without a break; without that within"
        f" {ready.limit_seconds} s, or with more than {ready.restarts} restarts, it is rolled back."
    ]
    if canary.shadow is not None:
        lines.append(
            f"Copies of {canary.shadow.percent} % of the requests first; {canary.shadow.pairs:,} pairs of answers are"
            f" compared, of which {canary.shadow.differing:.2%} may differ."
        )
    lines += [
        f"{step.weight} % for {step.requests:,} requests and {step.seconds} s at least; without them within"
        f" {step.limit_seconds} s it holds and raises an alert."
        for step in canary.steps
    ]
    return [
        *lines,
        "Then it is the champion.",
        f"It is rolled back by itself when more of its answers are errors, by {canary.errors.margin:.2%}, when it is"
        f" slower by a factor of {canary.latency.ratio:g} and than {canary.latency.floor_seconds * 1000:g} ms, or when"
        f" its scores lie elsewhere, by"
        f" {canary.scores.margin:.1%}. One as good as the champion is rolled back with a probability of at most"
        f" {canary.false_alarm:.0%}.",
    ]


def back(change: Change) -> str:
    """What rolling back means, in words."""
    record = change.before.record
    if record.champion is None or record.champion.image is None:
        return "Taking it back leaves nothing that is served, as before. The commits of the roll-out, taken back:"
    left = f"champion `{record.champion.release[:12]}` has all of the traffic again; it was never stopped"
    if change.role == "champion":
        left = f"champion `{record.champion.release[:12]}` is served as before"
    if (gone := change.replaced) is not None:
        left += f", and the roll-out of `{gone.release[:12]}` goes on at {gone.weight} %"
    return f"Once the commits of its roll-out are taken back, {left}. Argo CD applies it within seconds of the push:"


def revert(change: Change) -> str:
    """The command that takes all commits of a roll-out back, however far it is."""
    asked = change.asked
    return (
        f"git revert --no-edit $(git log --format=%H --all-match --grep '^{history.RELEASE}: {asked.release}'"
        f" --grep '^{history.IMAGE}: {change.published.image}' main -- {served.folder(asked.environment, asked.model)})"
    )
