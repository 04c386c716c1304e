"""Exercise boxes show what was released, and equations and exercises lead to one another."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from .conftest import ROOT, SITE

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "sphinx.ext.mathjax", "exercises", "equation_links"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
math_numfig = False
html_theme_options = {{"repository_url": "https://github.com/someone/course", "repository_branch": "next"}}
html_theme = "basic"
project = "test"
"""
PAGE = "# Page\n\n$$\na\n$$ (first)\n\n$$\nb\n$$ (second)\n\n$$\nc\n$$ (third)\n\n"
CHAPTER = SITE / "book" / "02-batchnorm" / "index.html"


class Tags(HTMLParser):
    """Every element: its name, its attributes and the text within."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "text": "", "parents": list(self._open), **{k: v or "" for k, v in attrs}}
        self.found.append(element)
        if tag not in ("img", "br", "meta", "link", "input", "hr"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()["tag"] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def links(self, within: str) -> list[dict[str, Any]]:
        """The links in elements of this class."""
        return [
            e
            for e in self.found
            if e["tag"] == "a" and any(within in p.get("class", "").split() for p in e["parents"])
        ]

    def by_id(self, name: str) -> dict[str, Any]:
        return next(e for e in self.found if e.get("id") == name)


def cell(id: str, kind: str, source: str, points: int = 0) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": id,
        "metadata": {"autograder": {"kind": kind, "name": id}, "nbgrader": {"points": points}},
        "source": source.splitlines(keepends=True),
    }


def notebook(cites: str) -> str:
    cells = [
        cell("text-00", "text", "# Tiny in NumPy\n\nText."),
        cell("text-01", "text", "## 1. Scale (●●○, 75 minutes)"),
        cell("scale", "solution", f"def scale(x):\n    # {cites}\n    raise NotImplementedError"),
        cell("check-scale", "check", "check(scale)", points=3),
    ]
    return json.dumps({"cells": cells})


Build = Callable[..., tuple[Tags, str, Path]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build a page with this text beside one small unit; its elements, the warnings and the folder."""

    def run(text: str, cites: str = "eq. (2).") -> tuple[Tags, str, Path]:
        checks = tmp_path / "exercises" / "77-tiny" / "checks"
        checks.mkdir(parents=True, exist_ok=True)
        (checks.parent / "tiny_numpy.ipynb").write_text(notebook(cites))
        for suffix in ("py", "json", "npz"):
            (checks / f"tiny_numpy.{suffix}").write_text(f"the {suffix} file")
        (tmp_path / "conf.py").write_text(CONF)
        (tmp_path / "index.md").write_text(PAGE + text)
        warnings, out = io.StringIO(), tmp_path / "out"
        with patch_docutils(), docutils_namespace():
            doctrees = tmp_path / "doctrees"
            Sphinx(tmp_path, tmp_path, out, doctrees, "html", status=None, warning=warnings).build()
        lines = re.sub(r"\x1b\[\d*m", "", warnings.getvalue()).splitlines()
        told = "\n".join(line for line in lines if "unsupported theme option" not in line)
        return Tags((out / "index.html").read_text()), told, out

    return run


BOX = "```{exercises} 77-tiny\n```\n"


def test_a_box_tells_title_effort_and_difficulty_of_what_was_released(build: Build) -> None:
    page, warnings, _ = build(BOX)
    entry = page.by_id("exercise-tiny-numpy-scale")
    assert warnings == ""
    assert "Scale" in entry["text"] and "75 min" in entry["text"] and "3 points" in entry["text"]
    dots = next(e for e in page.found if e.get("role") == "img")
    assert (dots["text"], dots["aria-label"]) == ("●●○", "difficulty 2 of 3")
    assert page.by_id("notebook-tiny-numpy")["text"] == "Tiny in NumPy"
    facts = next(e for e in page.found if e.get("class") == "exercise-facts")
    assert (
        facts["text"]
        == "1 exercise · 3 points · about 1\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}15\N{NO-BREAK SPACE}min"
    )


def test_a_notebook_opens_in_colab_and_in_the_jupyterlab_that_make_lab_starts(build: Build) -> None:
    page, _, _ = build(BOX)
    ways = {link["text"]: link["href"] for link in page.links("exercise-ways")}
    colab = (
        "https://colab.research.google.com/github/someone/course/blob/next/exercises/77-tiny/tiny_numpy.ipynb"
    )
    assert ways["Open in Colab"] == colab
    assert ways["Open in your JupyterLab"] == "http://localhost:8888/lab/tree/77-tiny/tiny_numpy.ipynb"


def test_a_download_is_the_released_notebook_and_the_archive_has_its_checks_too(build: Build) -> None:
    page, _, out = build(BOX)
    unit = out.parent / "exercises" / "77-tiny"
    ways = {link["text"]: out / link["href"] for link in page.links("exercise-ways")}
    assert ways["Download the notebook"].read_bytes() == (unit / "tiny_numpy.ipynb").read_bytes()
    with zipfile.ZipFile(ways["Download notebook and checks (zip)"]) as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    names = ["tiny_numpy.ipynb", *(f"checks/tiny_numpy.{e}" for e in ("json", "npz", "py"))]
    assert held == {f"77-tiny/{name}": (unit / name).read_bytes() for name in names}


def test_the_same_files_give_the_same_archive_whenever_they_were_written(build: Build) -> None:
    digests = []
    for _ in range(2):
        page, _, out = build(BOX)
        for file in (out.parent / "exercises").rglob("*.*"):
            file.touch()
        address = page.links("exercise-ways")[-1]["href"]
        digests.append(sha256((out / address).read_bytes()).hexdigest())
        with zipfile.ZipFile(out / address) as packed:
            assert {info.date_time for info in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("cites", "equations"),
    [
        ("eq. (2).", ["second"]),
        ("eq. (3), eq. (1)", ["first", "third"]),
        ("eq. (1) to eq. (3)", ["first", "second", "third"]),
    ],
)
def test_an_exercise_links_to_its_equations_and_each_of_them_back(
    build: Build, cites: str, equations: list[str]
) -> None:
    page, warnings, _ = build(BOX, cites)
    assert warnings == ""
    assert [link["href"] for link in page.links("exercise-equations")] == [
        f"#equation-{e}" for e in equations
    ]
    back = page.links("equation-code")
    assert {link["href"] for link in back} == {"#exercise-tiny-numpy-scale"}
    assert [link["text"] for link in back] == ["NumPy\N{NO-BREAK SPACE}1, Scale"] * len(equations)


def test_the_link_to_the_code_stands_right_after_its_equation(build: Build) -> None:
    page, _, _ = build(BOX)
    tags = [e for e in page.found if e["tag"] in ("div", "p")]
    place = next(i for i, e in enumerate(tags) if e.get("id") == "equation-second")
    assert tags[place + 1]["class"] == "equation-code"


def test_an_equation_that_the_page_lacks_is_a_warning_of_the_strict_build(build: Build) -> None:
    _, warnings, _ = build(BOX, "eq. (4)")
    assert "NumPy exercise 1, Scale, cites equation (4), which this page does not have" in warnings


@pytest.mark.parametrize("text", ["```{exercises} 78-none\n```\n", "{exercise-time}`78-none`\n"])
def test_a_unit_that_was_not_released_is_one_clear_sentence(build: Build, text: str) -> None:
    _, warnings, _ = build(text)
    assert "exercises/78-none holds no notebook: run `autograder build 78-none`." in warnings


def test_the_time_of_a_unit_is_the_sum_over_its_exercises(build: Build) -> None:
    page, _, _ = build("Then {exercise-time}`77-tiny`.\n")
    text = next(e for e in page.found if e["tag"] == "p")["text"]
    assert text.replace("\N{NO-BREAK SPACE}", " ") == "Then 1 exercise in 1 notebook, about 1 h 15 min."


needs_site = pytest.mark.usefixtures("built_site")


def cited_labels(source: str) -> dict[str, set[str]]:
    """Labels that the author cites for each exercise, from the sources and not from the release."""
    found: dict[str, set[str]] = {}
    heading = ""
    for part in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        if re.search(r"^# ## \d+\. ", part, re.MULTILINE):
            heading = part
        if marked := re.match(r' solution="(\w+)"', part):
            public = re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", part, flags=re.DOTALL)
            found[marked[1]] = set(re.findall(r"\{eq\}`([\w-]+)`", heading + public))
    return found


@needs_site
@pytest.mark.parametrize("name", ["batchnorm_numpy", "batchnorm_torch"])
def test_in_the_chapter_every_exercise_leads_to_the_equations_that_its_author_cites(name: str) -> None:
    page = Tags(CHAPTER.read_text(encoding="utf-8"))
    source = (ROOT / "solutions" / "02-batchnorm" / f"{name}.py").read_text(encoding="utf-8")
    for exercise, labels in cited_labels(source).items():
        id = f"exercise-{name}-{exercise}".replace("_", "-").lower()
        assert page.by_id(id)
        targets = {
            link["href"]
            for link in page.links("exercise-equations")
            if any(p.get("id") == id for p in link["parents"])
        }
        assert {f"#equation-{label}" for label in labels} <= targets, exercise


@needs_site
def test_in_the_chapter_the_number_of_a_link_is_the_number_of_the_equation_it_leads_to() -> None:
    page = Tags(CHAPTER.read_text(encoding="utf-8"))
    links = page.links("exercise-equations")
    assert len(links) > 20
    for link in links:
        number = re.search(r"\(\d+\)", page.by_id(link["href"].removeprefix("#"))["text"])
        assert number and number[0] in link["text"]


@needs_site
def test_the_chapter_offers_the_released_notebooks_from_the_repository_of_the_course() -> None:
    page = Tags(CHAPTER.read_text(encoding="utf-8"))
    repository = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]
    owner = repository["url"].removeprefix("https://github.com/")
    for name in ("batchnorm_numpy", "batchnorm_torch"):
        path = f"exercises/02-batchnorm/{name}.ipynb"
        found = [link["href"] for link in page.links("exercise-ways") if name in link["href"]]
        assert f"https://colab.research.google.com/github/{owner}/blob/{repository['branch']}/{path}" in found
        downloads = [CHAPTER.parent / href for href in found if href.endswith(".ipynb") and ":" not in href]
        assert [d.read_bytes() for d in downloads] == [(ROOT / path).read_bytes()]
