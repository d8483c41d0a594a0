"""Each rule of promotion, broken in turn: it goes red by its own name, and is green where nothing is broken."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.adapters.git import GitFault, Remote
from slipway.adapters.registry import OCI_MANIFEST, RegistryFault, digest_of
from slipway.errors import EnvironmentFault, UsageError
from slipway.promotion import promote, rules
from slipway.promotion.check import Judged, Report, Verdict, check
from slipway.promotion.order import Promotion
from slipway.promotion.platform import Platform
from slipway.promotion.publish import Published, publish
from slipway.release import signing
from slipway.release.record import Record
from slipway.rendering import render
from tests import toy_platform
from tests.conftest import MODEL
from tests.registry_server import RegistryServer, installed
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform, git, means

pytestmark = installed
A, B, C = RELEASES
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
RECORD = f"gitops/envs/{{}}/{MODEL}/release.yaml"
DEPLOYMENT = f"gitops/rendered/{{}}/{MODEL}/seldondeployment.yaml"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("check") / "registry") as running:
        running.push_server_image()
        yield running


@pytest.fixture(scope="module")
def platform(server: RegistryServer) -> Platform:
    return Platform("registry.slipway.internal", server.url, "http://127.0.0.1:1/platform.git")


@pytest.fixture(scope="module")
def published(platform: Platform, release_folder: Path) -> Published:
    return publish(release_folder, MODEL, platform)


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path)


class Pull:
    """A pull request on a toy: the promotion of the real release to staging, where nothing runs, or what is told."""

    def __init__(self, toy: ToyPlatform, platform: Platform, published: Published) -> None:
        self.toy, self.platform, self.published = toy, platform, published
        self.environment, self.now = "staging", NOW
        self.remote = Remote(toy.top, "platform")
        self.head = "platform/main"

    def promote(self, environment: str, release: str, image: str, merge: bool = False) -> None:
        asked = Promotion(environment, MODEL, release)
        done = promote.promote(asked, means(self.remote, lambda: image), merge)
        self.environment, self.head = environment, done.commit
        git(self.toy.top, "fetch", "--quiet", "platform")

    def begin(self) -> None:
        self.promote("staging", self.published.release, self.published.image)

    def commit(self, changes: dict[str, str], on: str | None = None) -> None:
        """One more commit on the pull request, as a person would make it."""
        git(self.toy.top, "checkout", "--quiet", "--detach", on or self.head)
        for name, content in changes.items():
            (self.toy.top / name).parent.mkdir(parents=True, exist_ok=True)
            (self.toy.top / name).write_text(content)
        git(self.toy.top, "add", "--all")
        git(self.toy.top, "commit", "--quiet", "--message=by hand")
        self.head = git(self.toy.top, "rev-parse", "HEAD")

    def text(self, name: str) -> str:
        return git(self.toy.top, "show", f"{self.head}:{name}") + "\n"

    def edit(self, change: Callable[[Any], None]) -> None:
        """Change the SeldonDeployment that the pull request has rendered."""
        name = DEPLOYMENT.format(self.environment)
        manifest = yaml.safe_load(self.text(name))
        change(manifest)
        self.commit({name: yaml.safe_dump(manifest)})

    def rewrite(self, change: Callable[[Record], Record]) -> None:
        """Change release.yaml by hand, and render it as one should."""
        git(self.toy.top, "checkout", "--quiet", "--detach", self.head)
        file = self.toy.top / RECORD.format(self.environment)
        change(Record.read(file)).write(file)
        render.write(self.environment, MODEL, self.toy.top)
        self.commit({})

    def merge(self, base: str = "main") -> None:
        """Make what the pull request is the remote's main."""
        git(self.toy.top, "push", "--quiet", "platform", f"{self.head}:refs/heads/{base}")
        git(self.toy.top, "fetch", "--quiet", "platform")

    def check(self) -> Report:
        return check(self.remote, "platform/main", self.head, lambda: self.platform, self.now)

    def judged(self) -> Judged:
        (found,) = self.check().judged
        return found

    def reds(self) -> dict[str, str]:
        return {it.rule: f"{it.said} {it.remedy}" for it in self.judged().rulings if it.verdict is Verdict.RED}


@pytest.fixture
def pull(toy: ToyPlatform, platform: Platform, published: Published) -> Pull:
    return Pull(toy, platform, published)


def test_a_promotion_breaks_no_rule(pull: Pull) -> None:
    pull.begin()
    found = pull.judged()
    assert [it.rule for it in found.rulings] == list(rules.RULES)
    assert {it.rule: it.said for it in found.rulings if it.verdict is not Verdict.GREEN} == {}
    assert found.promotes == (pull.published.release,)
    said = {it.rule: it.said for it in found.rulings}
    assert "13 green gates, the key ring is empty" in said["evidence"]
    assert said["completed"] == "staging is the first environment."
    assert said["signed"] == "Main has no gitops/keys/allowed_signers: no signature is asked for."


def test_a_change_without_a_promotion_is_fine(pull: Pull) -> None:
    pull.commit({"docs/page.md": "text\n", "params.yaml": "models: {}\n# more\n"}, on="platform/main")
    report = pull.check()
    assert (report.judged, report.changed, report.red) == ((), 2, [])


# What breaks each rule, and what the rule then says.


def nonsense(pull: Pull) -> None:
    pull.begin()
    pull.commit({RECORD.format("staging"): "champion: nonsense\n"})


def third_path(pull: Pull) -> None:
    pull.begin()
    pull.commit({"params.yaml": "models: {}\n# more\n"})


def moved_main(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.begin()
    head = pull.head
    pull.promote("staging", B, IMAGES[1], merge=True)
    pull.head = head


def weight_at_the_beginning(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", pull.published.release, pull.published.image)
    pull.rewrite(lambda record: record.advanced(50))


def absent(pull: Pull) -> None:
    pull.promote("staging", pull.published.release, IMAGES[0])


def another_release_in_the_image(pull: Pull) -> None:
    pull.promote("staging", A, pull.published.image)


def unfinished(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("production", A, IMAGES[0], merge=True)
    pull.promote("staging", pull.published.release, pull.published.image, merge=True)
    pull.environment = "production"
    challenger = {"release": pull.published.release, "image": pull.published.image, "weight": 0}
    pull.rewrite(lambda record: Record.model_validate({**record.model_dump(), "challenger": challenger}))


def rejected(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", pull.published.release, pull.published.image, merge=True)
    pull.rewrite(lambda record: record.rolled_back("5.1 % of its answers were errors.", NOW))
    pull.merge()
    challenger = {"release": pull.published.release, "image": pull.published.image, "weight": 0}
    pull.rewrite(lambda record: Record.model_validate({**record.model_dump(), "challenger": challenger}))


def frozen(pull: Pull) -> None:
    pull.toy.change_main(
        "gitops/envs/staging/freeze.yaml",
        "freezes:\n- {from: 2026-11-30T00:00:00Z, to: 2026-12-01T08:00:00Z, reason: Nobody is there.}\n",
    )
    pull.begin()


def unsigned(pull: Pull) -> None:
    pull.toy.change_main("gitops/keys/allowed_signers", "somebody@example.org ssh-ed25519 AAAA\n")
    pull.begin()


def a_link(pull: Pull) -> None:
    """The rendered folder leads to one of the same content, which changes later without being judged."""
    pull.begin()
    pull.merge()
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    rendered = pull.toy.top / "gitops/rendered/staging" / MODEL
    rendered.rename(pull.toy.top / "gitops/elsewhere")
    rendered.symlink_to("../../elsewhere")
    git(pull.toy.top, "add", "--all")
    git(pull.toy.top, "commit", "--quiet", "--message=by hand")
    pull.head = git(pull.toy.top, "rev-parse", "HEAD")


def rendered_by_hand(pull: Pull) -> None:
    pull.begin()
    name = f"gitops/rendered/staging/{MODEL}/httproute.yaml"
    pull.commit({name: pull.text(name).replace("staging.localhost", "elsewhere.localhost")})


def weights(pull: Pull) -> None:
    pull.begin()
    pull.edit(lambda it: it["spec"]["predictors"][0].update(traffic=60))


def container(change: Callable[[Any], Any]) -> Callable[[Pull], None]:
    def broken(pull: Pull) -> None:
        pull.begin()
        pull.edit(lambda it: change(it["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0]))

    return broken


FAULTS: dict[str, list[tuple[Callable[[Pull], None], str]]] = {
    "record": [(nonsense, "champion is 'nonsense'")],
    "paths": [(third_path, "params.yaml would be changed too")],
    "current": [(moved_main, f"Main has changed {RECORD.format('staging')}")],
    "begin": [(weight_at_the_beginning, "would have 50 % of the traffic, and not 0")],
    "published": [(absent, f"The registry has no models/flight-delay@{IMAGES[0]}")],
    "evidence": [(another_release_in_the_image, "slipway publish|manifest.json")],
    "completed": [(unfinished, "staging has not completed the roll-out")],
    "rejected": [(rejected, "staging rejected release .* at 2026-11-30 12:00 UTC: 5.1 %")],
    "frozen": [(frozen, "staging is frozen until 2026-12-01 08:00 UTC: Nobody is there")],
    "signed": [(unsigned, "it has no SSH signature")],
    "plain": [(a_link, f"gitops/rendered/staging/{MODEL} would be a link")],
    "rendered": [(rendered_by_hand, r"httproute\.yaml is not what would be rendered")],
    "weights": [(weights, "the weights of SeldonDeployment flight-delay are 60")],
    "pinned": [
        (container(lambda it: it.update(image="registry.slipway.internal/models/flight-delay:latest")), "no digest"),
        (container(lambda it: it.update(image=it["image"].replace("@", ":v1@"))), "whose tag says nothing"),
    ],
    "requests": [(container(lambda it: it["resources"]["requests"].pop("memory")), "has no requests of memory")],
    "limits": [(container(lambda it: it["resources"].pop("limits")), "has no limits of cpu and memory")],
    "probes": [
        (container(lambda it: it.pop("readinessProbe")), "has no readinessProbe"),
        (container(lambda it: it.pop("livenessProbe")), "has no livenessProbe"),
    ],
    "non_root": [
        (container(lambda it: it["securityContext"].update(runAsNonRoot=False)), "does not say runAsNonRoot"),
        (container(lambda it: it["securityContext"].update(runAsUser=0)), "runs as user 0"),
        (container(lambda it: it["securityContext"].update(privileged=True)), "is privileged"),
        (container(lambda it: it["securityContext"].pop("capabilities")), "does not drop all capabilities"),
    ],
}


def test_every_rule_has_a_fault() -> None:
    assert set(FAULTS) == set(rules.RULES)


@pytest.mark.parametrize(
    ("rule", "fault", "said"),
    [
        pytest.param(rule, fault, said, id=f"{rule}-{place}")
        for rule, faults in FAULTS.items()
        for place, (fault, said) in enumerate(faults)
    ],
)
def test_fault(pull: Pull, rule: str, fault: Callable[[Pull], None], said: str) -> None:
    fault(pull)
    found = pull.reds()
    assert rule in found, found
    assert re.search(said, found[rule]), found[rule]
    # What is rendered by hand is not what would be rendered, either; else only the one rule is broken.
    assert set(found) - {rule} <= ({"rendered"} if rule in rules.RENDERED else set()), found


CHAMPION = f"champion: {{release: {A}, image: {IMAGES[0]}}}\n"


def challenger(release: str, weight: int = 0) -> str:
    return f"{{release: {release}, image: {IMAGES[1]}, weight: {weight}}}"


@pytest.mark.parametrize(
    "content",
    [
        f"{CHAMPION}challenger: {challenger(B)}\nchallenger: {challenger(C)}\n",
        f"{CHAMPION}challenger: [{challenger(B)}, {challenger(C)}]\n",
        f"champion: {{release: {A}, image: latest}}\nchallenger: null\n",
        f"{CHAMPION}challenger: {challenger(B, 150)}\n",
        CHAMPION,
        "<<<<<<< HEAD\n",
        "champion: [\n",
        "",
    ],
    ids=["two challengers", "a list of them", "a tag", "weight", "no challenger", "a conflict", "no YAML", "nothing"],
)
def test_a_release_yaml_that_somebody_broke(pull: Pull, content: str) -> None:
    pull.commit({RECORD.format("staging"): content}, on="platform/main")
    found = {it.rule: it for it in pull.judged().rulings}
    assert found["record"].verdict is Verdict.RED
    assert found["record"].said.startswith(f"{RECORD.format('staging')} is ")
    assert found["evidence"].verdict is found["published"].verdict is Verdict.NOT_JUDGED


def test_an_environment_that_there_is_none_of(pull: Pull) -> None:
    pull.commit({RECORD.format("qa"): "champion: null\nchallenger: null\n"}, on="platform/main")
    assert "There is no environment 'qa'" in pull.reds()["record"]


def test_a_model_that_leaves_an_environment(pull: Pull) -> None:
    git(pull.toy.top, "checkout", "--quiet", "--detach", "platform/main")
    shutil.rmtree(pull.toy.top / "gitops/envs/staging" / MODEL)
    pull.commit({})
    assert pull.check().judged == ()


def test_production_after_staging(pull: Pull) -> None:
    pull.begin()
    pull.merge()
    pull.promote("production", pull.published.release, pull.published.image)
    assert pull.reds() == {}
    said = {it.rule: it.said for it in pull.judged().rulings}
    assert "staging completed the roll-out" in said["completed"]


def test_two_promotions_in_one_pull_request(pull: Pull) -> None:
    pull.begin()
    pull.merge()
    pull.promote("production", pull.published.release, pull.published.image)
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    pull.environment = "staging"
    pull.rewrite(lambda record: record.model_copy(update={"champion": None}))
    report = pull.check()
    assert len(report.judged) == 2
    assert {it.rule for it in report.red} >= {"paths"}


def conclude(pull: Pull) -> None:
    """B is rolled out beside A in staging, and becomes the champion."""
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    for change in (lambda record: record.advanced(50), Record.concluded):
        pull.rewrite(change)
        pull.merge()


def test_what_goes_back_to_what_main_had(pull: Pull) -> None:
    """`git revert` of a roll-out that ended well: the earlier champion comes back at once, if the registry has it."""
    conclude(pull)
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    for place in range(3):
        git(pull.toy.top, "revert", "--no-edit", f"HEAD~{2 * place}")
    pull.head = git(pull.toy.top, "rev-parse", "HEAD")
    found = pull.judged()
    assert found.promotes == (A,)
    assert {it.rule for it in found.rulings if it.verdict is Verdict.RED} == {"published"}
    said = {it.rule: it.said for it in found.rulings}
    assert said["begin"] == "Champion and challenger are as main had them before."


def test_a_challenger_that_is_taken_away(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    pull.now = NOW + timedelta(days=400)
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    git(pull.toy.top, "revert", "--no-edit", "HEAD")
    pull.head = git(pull.toy.top, "rev-parse", "HEAD")
    found = pull.judged()
    assert found.promotes == ()
    assert pull.reds() == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record.advanced(100), "would have 100 % of the traffic, and not 0"),
        (Record.concluded, "would be replaced without a roll-out"),
    ],
    ids=["weight", "champion"],
)
def test_what_only_the_canary_loop_does(pull: Pull, change: Callable[[Record], Record], said: str) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    pull.rewrite(change)
    assert said in pull.reds()["begin"]


def test_manifests_are_judged_without_a_promotion(pull: Pull) -> None:
    pull.begin()
    pull.merge()
    pull.edit(lambda it: it["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"][0].pop("livenessProbe"))
    assert set(pull.reds()) == {"rendered", "probes"}
    assert [it.rule for it in pull.judged().rulings] == list(rules.RENDERED)


@pytest.mark.parametrize("content", ["a: [\n", "kind: SeldonDeployment\nspec: nonsense\n", "- 1\n"])
def test_manifests_that_are_none(pull: Pull, content: str) -> None:
    pull.begin()
    pull.commit({DEPLOYMENT.format("staging"): content})
    assert "rendered" in pull.reds()


class Signer:
    """An SSH key, and Git set up to sign with it."""

    def __init__(self, pull: Pull, folder: Path) -> None:
        self.key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        for name, value in {"gpg.format": "ssh", "user.signingKey": str(self.key), "commit.gpgSign": "true"}.items():
            git(pull.toy.top, "config", name, value)

    @property
    def line(self) -> str:
        return f"somebody@example.org {self.key.with_suffix('.pub').read_text()}"


def test_a_commit_that_an_allowed_signer_signed(pull: Pull, tmp_path: Path) -> None:
    signer = Signer(pull, tmp_path)
    pull.toy.change_main("gitops/keys/allowed_signers", signer.line)
    pull.begin()
    assert pull.reds() == {}
    assert "1 of 1 commits are signed" in {it.rule: it.said for it in pull.judged().rulings}["signed"]


def test_a_commit_that_a_stranger_signed(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "friend").mkdir()
    friend = Signer(pull, tmp_path / "friend")
    pull.toy.change_main("gitops/keys/allowed_signers", friend.line)
    Signer(pull, tmp_path)
    pull.begin()
    assert set(pull.reds()) == {"signed"}


def test_whoever_promotes_does_not_choose_who_is_trusted(pull: Pull, tmp_path: Path) -> None:
    (tmp_path / "friend").mkdir()
    friend = Signer(pull, tmp_path / "friend")
    pull.toy.change_main("gitops/keys/allowed_signers", friend.line)
    stranger = Signer(pull, tmp_path)
    pull.begin()
    pull.commit({"gitops/keys/allowed_signers": stranger.line})
    assert set(pull.reds()) == {"signed", "paths"}


def test_a_release_that_nobody_in_the_ring_signed(pull: Pull, tmp_path: Path) -> None:
    signing.new_keys(tmp_path / "mine.pem")
    git(pull.toy.top, "pull", "--quiet", "platform", "main")
    shutil.copy(tmp_path / "mine.pem.pub", pull.toy.top / "gitops/keys")
    (pull.toy.top / "gitops/keys/keys.yaml").write_text("keys: [{file: mine.pem.pub}]\n")
    git(pull.toy.top, "add", "--all")
    git(pull.toy.top, "commit", "--quiet", "--message=keys")
    git(pull.toy.top, "push", "--quiet", "platform", "HEAD:main")
    pull.begin()
    found = pull.reds()
    assert set(found) == {"evidence"}
    # The release of the monorepo may be signed: `slipway sign` is among the documents' commands, which are run.
    assert re.search("has no signature|was made with another key", found["evidence"])


def test_an_image_without_a_release(pull: Pull, server: RegistryServer) -> None:
    layer, config = b"no tar", b"{}"
    for blob in (layer, config):
        server.client.upload("models/flight-delay", digest_of(blob), io.BytesIO(blob), len(blob))
    content = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/json", "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "application/tar", "digest": digest_of(layer), "size": len(layer)}],
    }  # fmt: skip
    image = server.client.tag("models/flight-delay", "odd", OCI_MANIFEST, json.dumps(content).encode())
    pull.promote("staging", A, image)
    found = pull.reds()
    assert set(found) == {"evidence"}
    assert "is no image of a release" in found["evidence"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("freezes: [{from: 2026-12-02T00:00:00Z, to: 2026-12-01T00:00:00Z, reason: x}]", "to must be later than from"),
        ("freezes: [{from: 2026-12-01, to: 2026-12-02, reason: x}]", "freezes.0.from"),
        ("freezes: [{from: 2026-12-01T00:00:00Z, to: 2026-12-02T00:00:00Z}]", "freezes.0.reason is missing"),
        ("- {from: 2026-12-01T00:00:00Z}", "no mapping"),
    ],
)
def test_a_freeze_that_is_none(pull: Pull, content: str, said: str) -> None:
    pull.toy.change_main("gitops/envs/staging/freeze.yaml", content)
    pull.begin()
    assert said in pull.reds()["frozen"]


def test_a_freeze_that_is_over_or_elsewhere(pull: Pull) -> None:
    freeze = "freezes: [{from: 2026-11-29T00:00:00Z, to: 2026-11-30T12:00:00Z, reason: x}]\n"
    pull.toy.change_main("gitops/envs/staging/freeze.yaml", freeze)
    pull.toy.change_main("gitops/envs/production/freeze.yaml", freeze.replace("T12", "T13"))
    pull.begin()
    assert pull.reds() == {}


def test_what_keeps_it_from_being_judged_is_no_green(pull: Pull, tmp_path: Path) -> None:
    pull.begin()
    pull.platform = dataclasses.replace(pull.platform, push_url="http://127.0.0.1:1")
    with pytest.raises(RegistryFault, match="cannot be reached"):
        pull.check()

    def none() -> Platform:
        raise EnvironmentFault("There is no platform.")

    with pytest.raises(EnvironmentFault):
        check(pull.remote, "platform/main", pull.head, none, NOW)
    with pytest.raises(UsageError, match="has no commit 'nope'"):
        check(pull.remote, "nope", pull.head, none, NOW)
    (tmp_path / "others").mkdir()
    other = toy_platform.make(tmp_path / "others")
    git(pull.toy.top, "fetch", "--quiet", str(other.bare), "main:refs/heads/other")
    git(pull.toy.top, "checkout", "--quiet", "--orphan", "alone")
    git(pull.toy.top, "commit", "--quiet", "--message=alone")
    with pytest.raises(GitFault, match="no commit in common"):
        check(pull.remote, "platform/main", "alone", none, NOW)


def stranger(pull: Pull, name: str) -> None:
    pull.commit({name: "apiVersion: v1\nkind: Pod\nmetadata: {name: stranger}\nspec: {}\n"})


@pytest.mark.parametrize("name", ["pod.yaml", "pöd.yaml", 'p"od.yaml', "a/pod.yaml", ".pod.yaml", "p\nod.yaml"])
def test_a_manifest_that_nobody_rendered(pull: Pull, name: str) -> None:
    pull.begin()
    pull.merge()
    stranger(pull, f"gitops/rendered/staging/{MODEL}/{name}")
    assert set(pull.reds()) == {"rendered"}


def test_manifests_of_a_model_that_there_is_none_of(pull: Pull) -> None:
    pull.head = "platform/main"
    stranger(pull, "gitops/rendered/production/stranger/pod.yaml")
    assert set(pull.reds()) == {"rendered"}
    pull.commit({"gitops/envs/production/stranger/release.yaml": "champion: null\nchallenger: null\n"})
    assert set(pull.reds()) == {"rendered"}


def test_a_release_yaml_that_is_a_link(pull: Pull) -> None:
    pull.begin()
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    file = pull.toy.top / RECORD.format("staging")
    shutil.move(file, file.with_name("mine.yaml"))
    file.symlink_to("mine.yaml")
    git(pull.toy.top, "add", "--all")
    git(pull.toy.top, "commit", "--quiet", "--message=by hand")
    pull.head = git(pull.toy.top, "rev-parse", "HEAD")
    assert set(pull.reds()) == {"plain", "paths"}


def test_another_image_of_the_challenger_begins_anew(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    pull.rewrite(lambda record: record.advanced(50))
    pull.merge()
    swapped = {"release": B, "image": pull.published.image, "weight": 50}
    pull.rewrite(lambda record: Record.model_validate({**record.model_dump(), "challenger": swapped}))
    assert "would have 50 % of the traffic, and not 0" in pull.reds()["begin"]


def test_another_image_of_the_champion_takes_its_place_by_no_pull_request(pull: Pull) -> None:
    """Whoever may publish and merge would else have their code run on all of the traffic."""
    pull.promote("staging", A, IMAGES[0], merge=True)
    swapped = {"release": A, "image": pull.published.image}
    pull.rewrite(lambda record: Record.model_validate({**record.model_dump(), "champion": swapped}))
    assert "would be replaced without a roll-out" in pull.reds()["begin"]


def test_another_image_of_the_champion_begins_at_0(pull: Pull) -> None:
    release = pull.published.release
    pull.promote("staging", release, IMAGES[0], merge=True)
    pull.promote("staging", release, pull.published.image)
    assert pull.reds() == {}
    assert {it.rule: it.said for it in pull.judged().rulings}["begin"].endswith("has 0 % of the traffic.")
    pull.rewrite(lambda record: record.advanced(10))
    assert "would have 10 % of the traffic, and not 0" in pull.reds()["begin"]


def test_an_image_whose_name_would_be_the_champion_s(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    file = pull.toy.top / RECORD.format("staging")
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    alike = {"release": A, "image": f"{IMAGES[0][:20]}{'f' * 51}", "weight": 0}
    Record.model_validate({**Record.read(file).model_dump(), "challenger": alike}).write(file)
    pull.commit({})
    assert "would both be called" in pull.reds()["rendered"]


def test_a_release_whose_other_image_was_rejected_says_so(pull: Pull) -> None:
    release = pull.published.release
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", release, IMAGES[1], merge=True)
    pull.rewrite(lambda record: record.rolled_back("It was slow.", NOW))
    pull.merge()
    pull.promote("staging", release, pull.published.image)
    assert pull.reds() == {}
    said = {it.rule: it.said for it in pull.judged().rulings}["rejected"]
    assert said.startswith(f"staging rejected it in image {IMAGES[1]} at ")
    assert said.endswith("It was slow.")


def test_a_challenger_that_was_withdrawn_comes_back_at_0(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    for change in (lambda record: record.advanced(50), lambda record: record.model_copy(update={"challenger": None})):
        pull.rewrite(change)
        pull.merge()
    held = {"release": B, "image": IMAGES[1], "weight": 50}
    pull.rewrite(lambda record: Record.model_validate({**record.model_dump(), "challenger": held}))
    assert "would have 50 % of the traffic, and not 0" in pull.reds()["begin"]


def test_a_promotion_leaves_the_list_of_the_rejected_alone(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    pull.rewrite(lambda record: record.rolled_back("bad", NOW))
    pull.merge()
    pull.promote("staging", pull.published.release, pull.published.image)
    assert pull.reds() == {}
    pull.rewrite(lambda record: record.model_copy(update={"rejected": ()}))
    assert set(pull.reds()) == {"rejected"}


def test_taking_an_entry_off_the_list_of_the_rejected(pull: Pull) -> None:
    pull.promote("staging", A, IMAGES[0], merge=True)
    pull.promote("staging", B, IMAGES[1], merge=True)
    pull.rewrite(lambda record: record.rolled_back("bad", NOW))
    pull.merge()
    pull.rewrite(lambda record: record.model_copy(update={"rejected": ()}))
    assert pull.reds() == {}


def test_a_freeze_stops_no_way_back(pull: Pull) -> None:
    conclude(pull)
    git(pull.toy.top, "checkout", "--quiet", "--detach", pull.head)
    for place in range(3):
        git(pull.toy.top, "revert", "--no-edit", f"HEAD~{2 * place}")
    pull.head = git(pull.toy.top, "rev-parse", "HEAD")
    pull.toy.change_main(
        "gitops/envs/staging/freeze.yaml",
        "freezes:\n- {from: 2026-11-30T00:00:00Z, to: 2026-12-01T08:00:00Z, reason: Nobody is there.}\n",
    )
    git(pull.toy.top, "fetch", "--quiet", "platform")
    assert set(pull.reds()) == {"published"}
