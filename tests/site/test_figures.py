"""Figures answer to the reader: keyboard, summary for the ear, twin on paper and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page

from tests.site.conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
GALLERY = "book/figures.html"
CHAPTER = "book/02-batchnorm/index.html"
FIGURES = re.findall(
    r"^:::\{live-figure\} ([\w-]+)", (ROOT / "book" / "figures.md").read_text(), re.MULTILINE
)

# What the reader sees: the drawing, what canvases hold, and the summary.
SEEN = """figure => [...figure.querySelectorAll("svg, canvas, output")]
  .map(part => part.toDataURL ? part.toDataURL() : part.innerHTML).join()"""


# Parts outside the column or too small to be touched, all at one moment: a page that gets wider still moves.
FAULTS = """figure => {
  const column = figure.parentElement.getBoundingClientRect();
  const faulty = (parts, wrong) => [...figure.querySelectorAll(parts)]
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([, box]) => box.width && wrong(box)).map(([e]) => e.outerHTML);
  return [
    faulty("svg, canvas, label, input, select, button",
      ({ left, right }) => left < column.left - 1 || right > column.right + 1),
    faulty("label, button, select, input:not([type=file])", ({ height }) => height < 24),
    faulty("input[type=range]", ({ width }) => width < 120),
  ];
}"""


@pytest.fixture(scope="module")
def gallery(open_shared_page) -> Page:
    """The gallery, loaded once: each test leaves its figure as it was."""
    return open_shared_page(GALLERY)


@pytest.fixture(scope="module")
def gallery_without_scripts(open_shared_page) -> Page:
    return open_shared_page(GALLERY, java_script_enabled=False)


def element(name: str) -> str:
    """The name of a figure's element: HTML wants a hyphen in it."""
    return name if "-" in name else f"{name}-figure"


def live(page: Page, name: str) -> Locator:
    """The figure, once its script has drawn it."""
    figure = page.locator(element(name))
    figure.and_(page.locator("[data-live]")).wait_for(state="attached")
    return figure


def keys(control: Locator) -> tuple[str, str]:
    """The key that gives a control another value, and the key that gives it back the one that it has."""
    kind = control.evaluate("e => e.type")
    if kind == "checkbox":
        return "Space", "Space"
    upper = "(e.max - e.value) < (e.value - e.min)" if kind == "range" else "e.selectedIndex > 0"
    down, up = ("PageDown", "PageUp") if kind == "range" else ("ArrowUp", "ArrowDown")
    return (down, up) if control.evaluate(f"e => {upper}") else (up, down)


def test_the_gallery_shows_every_figure_once() -> None:
    modules = (ROOT / "book" / "_static" / "figures").glob("*.js")
    figures = [path.stem for path in modules if f'define("{path.stem}"' in path.read_text(encoding="utf-8")]
    assert sorted(FIGURES) == sorted(figures)


@pytest.mark.parametrize("name", FIGURES)
def test_every_control_of_a_figure_works_by_keyboard_and_changes_what_is_seen(
    gallery: Page, name: str
) -> None:
    figure = live(gallery, name)
    controls = figure.locator("input[type=range], input[type=checkbox], select")
    assert controls.count() > 0
    for control in controls.all():
        if control.is_disabled():
            continue
        label = control.evaluate("e => e.labels[0].textContent")
        before, value = figure.evaluate(SEEN), control.input_value()
        there, back = keys(control)
        control.press(there)
        assert figure.evaluate(SEEN) != before, f"{label!r} changes nothing"
        control.press(back)
        assert control.input_value() == value
    assert not gallery.problems
    assert not gallery.external


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_its_controls_says_their_values_and_announces_what_is_seen(
    gallery: Page, name: str
) -> None:
    figure = live(gallery, name)
    assert figure.locator("output").get_attribute("aria-live") == "polite"
    assert figure.locator("output").inner_text().rstrip().endswith(".")
    for picture in figure.locator("> * svg:not([aria-hidden]), > svg, canvas").all():
        assert picture.get_attribute("role") == "img"
        assert picture.get_attribute("aria-label")
    for control in figure.locator("input, select").all():
        assert control.evaluate("e => e.labels[0]?.innerText.trim() || e.ariaLabel")
    for slider in figure.locator("input[type=range]").all():
        assert slider.get_attribute("aria-valuetext") in slider.evaluate("e => e.labels[0].innerText")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_keeps_its_parts_in_its_column_and_can_be_touched(
    gallery: Page, name: str, width: int
) -> None:
    gallery.set_viewport_size({"width": width, "height": 844})
    figure = live(gallery, name)
    outside, low, narrow = figure.evaluate(FAULTS)
    assert not outside
    assert not low
    assert not narrow


@pytest.mark.parametrize("name", FIGURES)
def test_on_a_phone_the_picture_stays_in_view_while_the_last_control_is_moved(
    gallery: Page, name: str
) -> None:
    gallery.set_viewport_size({"width": 390, "height": 844})
    figure = live(gallery, name)
    control = figure.locator(".figure-controls :is(input, select)").last
    control.evaluate("e => e.scrollIntoView({block: 'end', behavior: 'instant'})")
    picture = figure.locator("> svg, .main-panel").bounding_box()
    assert picture["y"] >= 0
    assert picture["y"] + picture["height"] <= control.bounding_box()["y"]


@pytest.mark.parametrize("name", FIGURES)
def test_the_static_twin_stands_where_no_script_runs(gallery_without_scripts: Page, name: str) -> None:
    page = gallery_without_scripts
    twin = page.locator(f".live-figure:has({element(name)}) img.static-twin")
    assert twin.is_visible()
    assert len(twin.get_attribute("alt") or "") > 40
    assert not page.locator(element(name)).is_visible()
    assert "needs JavaScript" in page.locator(f"{element(name)} + .figure-needs").inner_text()


@pytest.mark.parametrize("name", FIGURES)
def test_the_static_twin_is_what_is_printed(gallery: Page, name: str) -> None:
    figure = live(gallery, name)
    needs = gallery.locator(f"{element(name)} + .figure-needs")
    assert not needs.is_visible()
    twin = gallery.locator(f".live-figure:has({element(name)}) img.static-twin")
    assert not twin.is_visible()
    gallery.emulate_media(media="print")
    seen = twin.is_visible(), figure.is_visible(), needs.is_visible()
    gallery.emulate_media(media="screen")
    assert seen == (True, False, False)


def test_the_standardized_data_begin_with_the_numbers_of_the_text(gallery: Page) -> None:
    figure = live(gallery, "standardize")
    assert figure.get_by_label("the best learning rate").is_checked()
    assert "needs 54 steps" in figure.locator("output").inner_text()


def test_a_slider_moves_the_figure_of_the_chapter(open_page) -> None:
    page = open_page(CHAPTER)
    figure = live(page, "bn-drift")
    before = figure.locator("output").inner_text()
    figure.get_by_label("mean of the others").press("End")
    assert figure.locator("output").inner_text() != before
    assert "mu = " in figure.locator("output").inner_text()
    assert not page.problems


def test_the_legend_shows_and_hides_each_optimizer(open_page) -> None:
    figure = live(open_page(GALLERY), "optimizers")
    for rule, label in {"nesterov": "Nesterov", "adam": "Adam", "sgd": "SGD"}.items():
        box = figure.get_by_label(label, exact=True)
        for _ in range(2):
            box.press("Space")
            shown = box.is_checked()
            assert figure.locator(f"g.run.{rule}").count() == shown
            assert (label in figure.locator("output").inner_text()) == shown


def test_optimizers_that_leave_for_good_are_named(open_page) -> None:
    figure = live(open_page(GALLERY), "optimizers")
    figure.get_by_label("rate of all").press("End")
    assert "Diverged: " in figure.locator("output").inner_text()
    assert "SGD" in figure.locator("output").inner_text().partition("Diverged: ")[2]


def test_with_its_best_rate_each_optimizer_says_the_rate_and_the_common_one_rests(open_page) -> None:
    figure = live(open_page(GALLERY), "optimizers")
    figure.get_by_label("learning rates").select_option("best")
    assert figure.get_by_label("rate of all").is_disabled()
    assert "SGD 0.097 (rate 0.075)" in figure.locator("output").inner_text()
    figure.get_by_label("learning rates").select_option("same")
    assert figure.get_by_label("rate of all").is_enabled()


def test_play_moves_the_steps_until_paused_and_is_silent_meanwhile(open_page) -> None:
    page = open_page(GALLERY)
    figure = live(page, "optimizers")
    steps, said = figure.get_by_role("slider", name="steps"), figure.locator("output")
    assert steps.input_value() == "40"  # nothing moves by itself
    figure.get_by_role("button", name="Play").press("Enter")
    page.wait_for_function("document.querySelector('optimizers-figure').values.steps > 45")
    assert said.get_attribute("aria-live") == "off"
    figure.get_by_role("button", name="Pause").press("Enter")
    paused = steps.input_value()
    assert said.get_attribute("aria-live") == "polite"
    assert f"after {paused} steps" in said.inner_text()
    assert figure.get_by_role("button", name="Play").is_visible()


def test_the_hand_of_the_reader_stops_the_play(open_page) -> None:
    page = open_page(GALLERY)
    figure = live(page, "optimizers")
    figure.get_by_role("button", name="Play").click()
    figure.get_by_role("slider", name="steps").press("Home")
    assert "after 0 steps" in figure.locator("output").inner_text()
    assert figure.get_by_role("button", name="Play").is_visible()


def test_play_runs_to_the_end_and_then_from_the_start(open_page) -> None:
    page = open_page(GALLERY)
    figure = live(page, "optimizers")
    steps = figure.get_by_role("slider", name="steps")
    steps.press("End")
    steps.press("ArrowLeft")
    figure.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('optimizers-figure').values.steps === 100")
    figure.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('optimizers-figure').values.steps < 60")


def test_who_wants_no_motion_gets_no_play_button(open_page) -> None:
    figure = live(open_page(GALLERY, reduced_motion="reduce"), "optimizers")
    assert figure.get_by_role("button", name="Play").count() == 0
    figure.get_by_role("slider", name="steps").press("End")
    assert "after 100 steps" in figure.locator("output").inner_text()


def test_what_is_written_to_a_view_changes_the_array_and_to_a_copy_does_not(open_page) -> None:
    figure = live(open_page(GALLERY), "strides")
    figure.get_by_label("write 99 to it").check()
    assert "x has changed" in figure.locator("output").inner_text()
    assert figure.locator("svg text", has_text="99").count() == 3, "in the memory, in x and in the view"
    figure.locator("select").select_option("x[x > 6]")
    assert "x stays as it was" in figure.locator("output").inner_text()
    assert figure.locator("svg text", has_text="99").count() == 2, "in the copy and in its memory"
    assert figure.get_by_label("marked entry: j").is_disabled()


def test_shapes_that_do_not_fit_are_told_and_have_no_gradient(open_page) -> None:
    figure = live(open_page(GALLERY), "broadcasting")
    assert "a + b has (3, 4)" in figure.locator("output").inner_text()
    figure.get_by_label("shape of a").select_option("(3, 4)")
    figure.get_by_label("gradient of b").check()
    assert "db is the sum of dout over axis 0." in figure.locator("output").inner_text()
    figure.get_by_label("shape of b").select_option("(3,)")
    assert "4 meets 3, and neither is 1" in figure.locator("output").inner_text()
    assert figure.get_by_label("gradient of b").is_disabled()


def test_a_schedule_says_its_start_its_peak_and_its_end(open_page) -> None:
    figure = live(open_page(GALLERY), "schedules")
    figure.get_by_label("warm-up steps").press("Home")
    figure.get_by_label("first").select_option("constant")
    figure.get_by_label("second").select_option("exponential")
    lines = figure.locator("output").inner_text().splitlines()
    assert lines[0] == "Constant: start 0.1, peak 0.1 in step 0, end 0.1, mean 0.1."
    assert lines[1].startswith("Exponential decay: start 0.1, peak 0.1 in step 0, end 0.0019")


def test_random_trials_have_more_values_than_the_grid_until_both_axes_matter(open_page) -> None:
    figure = live(open_page(GALLERY), "search-projection")
    said = figure.locator("output")
    assert (
        said.inner_text().startswith("Grid: 3 values of each")
        and "Random: 9 values of each" in said.inner_text()
    )
    before = said.inner_text().partition("Over ")[0]
    figure.get_by_role("button", name="Other optimum").click()
    assert said.inner_text().partition("Over ")[0] != before
    figure.get_by_label("importance of the second").press("End")
    assert "1.00 times as important" in said.inner_text()


def test_a_gain_on_the_same_images_looks_worse_less_often_and_never_on_more_disagreement_than_there_is(
    open_page,
) -> None:
    figure = live(open_page(GALLERY), "how-sure")
    said = figure.locator("output")
    assert "other images 1.75, looks worse in 13 %; same images 1.00" in said.inner_text()
    figure.get_by_label("accuracy before").press("End")
    figure.get_by_label("true gain").press("End")
    figure.get_by_label("images they disagree on").press("End")
    assert "they can only disagree on 5.0 %" in said.inner_text()


def test_in_every_order_the_steps_add_up_to_the_same_whole(open_page) -> None:
    figure = live(open_page(GALLERY), "ladder-order")
    said = figure.locator("output")
    first = said.inner_text()
    figure.locator("select").first.select_option("3210")
    assert said.inner_text() != first
    assert said.inner_text().partition("Shapley")[2] == first.partition("Shapley")[2]
    figure.locator("select").last.select_option("1")
    assert said.inner_text().partition("Shapley")[2] != first.partition("Shapley")[2]


def test_a_rate_is_tried_by_a_button_and_by_a_click_and_all_is_forgotten_at_the_start(open_page) -> None:
    figure = live(open_page(GALLERY), "bayes-opt")
    said = figure.locator("output")
    assert said.inner_text().startswith("3 trials")
    figure.get_by_role("button", name="Try the greatest EI").click()
    figure.get_by_role("button", name="Try this rate").click()
    assert said.inner_text().startswith("5 trials")
    figure.locator("svg").click(position={"x": 200, "y": 60})
    assert said.inner_text().startswith("6 trials")
    figure.get_by_role("button", name="Start again").click()
    assert said.inner_text().startswith("3 trials")
