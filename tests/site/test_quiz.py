"""The quiz of a chapter, as a reader meets it: by mouse, by keyboard, without scripts, on paper."""

from collections.abc import Callable
from io import BytesIO

import pytest
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from .conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTER = "book/02-batchnorm/index.html"
BIAS, BY_HAND, BACKWARD, TEST_BY_SUM, IMAGES = 0, 1, 2, 3, 7  # the questions that the tests answer

OpenPage = Callable[..., Page]


@pytest.fixture
def chapter(open_page: OpenPage) -> Page:
    page = open_page(CHAPTER)
    page.locator(".quiz[data-live]").wait_for()
    return page


def question(page: Page, number: int) -> Locator:
    return page.locator(".quiz .question").nth(number)


def check(asked: Locator) -> None:
    asked.get_by_role("button", name="Check").click()


def feedback(asked: Locator) -> list[str]:
    """What stands beside the options, from the first to the last."""
    return [text for text in asked.locator(".feedback").all_inner_texts() if text]


def score(page: Page) -> str:
    return page.locator(".quiz .score [role=status]").inner_text()


def order(asked: Locator) -> list[str]:
    """The steps as they stand, by their code."""
    return [text.split(",")[0].split()[-1] for text in asked.locator(".option-text").all_inner_texts()]


def move(asked: Locator, step: str, way: str) -> None:
    row = asked.locator(".steps > li").filter(has_text=f"{step}, the gradient")
    row.get_by_role("button", name=way).press("Enter")


def test_a_wrong_option_shows_its_own_explanation_and_no_other(chapter: Page) -> None:
    asked = question(chapter, BIAS)
    asked.get_by_label("The same as without").check()
    check(asked)
    (said,) = feedback(asked)
    assert said == "Wrong. Without it a bias shifts the output. With it the shift is subtracted again."
    assert "The same as without" in asked.locator(".choice:has(.explanation)").inner_text()
    assert score(chapter) == "0 of 9 answered right, 0 at the first try."
    assert not chapter.problems


def test_a_right_option_counts_and_only_the_first_try_counts_as_first(chapter: Page) -> None:
    right_away, later = question(chapter, BIAS), question(chapter, IMAGES)
    right_away.get_by_label("Zero").check()
    check(right_away)
    later.locator("input").nth(1).check()
    check(later)
    later.locator("input").nth(0).check()
    check(later)
    assert "the bias cancels, so the loss does not depend on it." in feedback(right_away)[0]
    assert score(chapter) == "2 of 9 answered right, 1 at the first try."
    assert "right at the first try" in right_away.locator("legend").inner_text()
    assert "answered right" in later.locator("legend").inner_text()
    right_away.get_by_label("Undefined").check()
    check(right_away)
    assert score(chapter) == "2 of 9 answered right, 1 at the first try.", "what was right once stays so"


def test_a_changed_answer_takes_its_feedback_away(chapter: Page) -> None:
    asked = question(chapter, BIAS)
    asked.get_by_label("Undefined").check()
    check(asked)
    asked.get_by_label("Zero").check()
    assert not feedback(asked)


def test_no_answer_is_asked_for_and_is_no_try(chapter: Page) -> None:
    for number, sentence in (
        (BIAS, "Choose an option first."),
        (BY_HAND, "Write a number"),
        (BACKWARD, "Move a step"),
    ):
        asked = question(chapter, number)
        check(asked)
        expect(asked.locator(".check [role=status]")).to_contain_text(sentence)
    asked = question(chapter, BIAS)
    asked.get_by_label("Zero").check()
    check(asked)
    assert score(chapter) == "1 of 9 answered right, 1 at the first try."


NUMBERS = {  # what a reader types: what is said about it, and the mistake behind it
    "16": ("Right.", None),
    "15.999": ("Right.", None),
    "+16,00": ("Right.", None),
    "15,37": ("divided the sum of squares by", "BF2"),
    "1.3e1": ("divided by the variance", "BF4"),
    "23": ("scaled with", "BF8"),
    "36": ("Scale first, then shift", "BF9"),
    "6": ("You forgot", "BF14"),
    "32/2": ("Right.", None),
    "\u221216": ("Go step by step", None),
    "17": ("Go step by step", None),
}


def test_a_number_is_told_from_its_near_misses(chapter: Page) -> None:
    asked = question(chapter, BY_HAND)
    field, explanation = asked.get_by_label("Your number"), asked.locator(".feedback .explanation")
    for typed, (says, mistake) in NUMBERS.items():
        field.fill(typed)
        field.press("Enter")
        assert says in explanation.inner_text(), typed
        assert explanation.get_attribute("data-mistake") == mistake, typed


def test_what_is_no_number_is_said_to_be_none(chapter: Page) -> None:
    asked = question(chapter, BY_HAND)
    for typed in ("", "sixteen", "1/0", "1/2/3", "/2", "1,000.5", "Infinity"):
        asked.get_by_label("Your number").fill(typed)
        check(asked)
        assert not feedback(asked), typed
        assert "Write a number" in asked.locator(".check").inner_text(), typed


def test_the_near_misses_of_the_computation_by_hand_are_what_the_mistakes_give() -> None:
    """An independent computation of each, for x = 1, 1, 1, 1, 6; gamma = 3, beta = 10, eps = 0."""
    x, gamma, beta = [1.0, 1.0, 1.0, 1.0, 6.0], 3.0, 10.0
    mean = sum(x) / 5
    squares = sum((value - mean) ** 2 for value in x)
    std, last = (squares / 5) ** 0.5, x[-1] - mean
    expected = {
        "x": gamma * last / std + beta,
        "BF2": gamma * last / (squares / 4) ** 0.5 + beta,
        "BF4": gamma * last / std**2 + beta,
        "BF8": beta * last / std + gamma,
        "BF9": gamma * (last / std + beta),
        "BF10": gamma * last / (sum(value**2 for value in x) / 5) ** 0.5 + beta,
        "BF13": gamma * x[-1] / std + beta,
        "BF14": gamma * last / std,
    }
    text = (ROOT / "book" / "02-batchnorm" / "index.md").read_text(encoding="utf-8")
    asked = text[text.index("By hand: one feature, five examples") :].split("::::")[0]
    for box, value in expected.items():
        written = next(line for line in asked.splitlines() if line.startswith(f"[{box}] "))
        assert float(written.split()[-1]) == pytest.approx(value, abs=0.005)


def test_in_a_multiple_question_what_was_wrongly_left_is_explained_too(chapter: Page) -> None:
    asked = question(chapter, TEST_BY_SUM)
    asked.get_by_label("The programs are right").check()
    asked.get_by_label("For an upstream gradient of ones").check()
    check(asked)
    words = asked.locator(".feedback .verdict").all_inner_texts()
    assert [word.split()[-1] for word in words] == ["Wrong.", "Right.", "Missed."]
    asked.get_by_label("The programs are right").uncheck()
    asked.get_by_label("proportional to x_hat").check()
    check(asked)
    assert score(chapter) == "1 of 9 answered right, 0 at the first try."


def test_steps_are_put_in_order_with_the_keyboard(chapter: Page) -> None:
    asked = question(chapter, BACKWARD)
    move(asked, order(asked)[-1], "up")
    check(asked)
    (said,) = feedback(asked)
    assert "Not here." in said
    for step in ("dmu", "dvar", "dx_hat"):
        while order(asked)[0] != step:
            move(asked, step, "up")
            assert chapter.evaluate("document.activeElement.ariaLabel").endswith("up")
    assert order(asked) == ["dx_hat", "dvar", "dmu", "dx"]
    assert "is now step 1 of 4" in asked.locator(".check [role=status]").inner_text()
    check(asked)
    assert len(feedback(asked)) == 4
    assert score(chapter) == "1 of 9 answered right, 0 at the first try."
    move(asked, "dvar", "down")
    check(asked)
    assert len(feedback(asked)) == 4, "dvar and dmu may change places"
    move(asked, "dx", "down")
    assert order(asked)[-1] == "dx", "the last step cannot go further down"


def test_a_question_is_answered_with_the_keyboard_alone(chapter: Page) -> None:
    question(chapter, BIAS).locator("input").first.focus()
    for key in ("Space", "ArrowDown", "Tab", "Enter"):
        chapter.keyboard.press(key)
    assert "Right." in feedback(question(chapter, BIAS))[0]
    assert chapter.evaluate("document.activeElement.textContent") == "Check"


def test_feedback_is_announced_and_a_question_is_the_name_of_its_options(chapter: Page) -> None:
    places = chapter.locator(".quiz .feedback").all()
    assert {place.get_attribute("aria-live") for place in places} == {"polite"}
    assert chapter.get_by_role("group", name="A network has batch normalization").count() == 1


def test_the_score_outlives_a_reload_and_start_over_forgets_it(chapter: Page) -> None:
    asked = question(chapter, BIAS)
    asked.get_by_label("Zero").check()
    check(asked)
    chapter.reload()
    expect(chapter.locator(".quiz .score")).to_contain_text("1 of 9 answered right, 1 at the first try.")
    assert question(chapter, BIAS).get_by_label("Zero").is_checked()
    assert "the bias cancels" in feedback(question(chapter, BIAS))[0]
    mixed = order(question(chapter, BACKWARD))
    move(question(chapter, BACKWARD), mixed[0], "down")
    question(chapter, BIAS).get_by_label("Undefined").check()
    check(question(chapter, BIAS))
    chapter.get_by_role("button", name="Start over").click()
    assert score(chapter) == "0 of 9 answered right, 0 at the first try."
    assert not chapter.locator(".quiz .feedback .explanation").count()
    assert not chapter.locator(".quiz input:checked").count()
    assert order(question(chapter, BACKWARD)) == mixed
    chapter.reload()
    expect(chapter.locator(".quiz .score")).to_contain_text("0 of 9 answered right, 0 at the first try.")


@pytest.mark.parametrize("broken", ["blocked", "garbage"])
def test_all_works_where_storage_does_not(chapter: Page, broken: str) -> None:
    chapter.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }});"
        if broken == "blocked"
        else "localStorage.setItem('quiz:/book/02-batchnorm/#bn-think', '{');"
    )
    chapter.reload()
    chapter.locator(".quiz[data-live]").wait_for()
    asked = question(chapter, BIAS)
    asked.get_by_label("Zero").check()
    check(asked)
    assert score(chapter) == "1 of 9 answered right, 1 at the first try."


def test_without_scripts_the_answers_are_there_to_unfold(open_page: OpenPage) -> None:
    page = open_page(CHAPTER, java_script_enabled=False)
    asked = question(page, BIAS)
    explanation = asked.get_by_text("With it the shift is subtracted again.")
    assert asked.get_by_text("The same as without").is_visible()
    assert not explanation.is_visible()
    assert not page.get_by_role("button", name="Check").count()
    assert not page.get_by_role("button", name="Start over").count()
    asked.locator("summary").click()
    assert explanation.is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_on_paper_the_questions_come_first_empty_and_the_answers_on_a_page_after_them(
    open_page: OpenPage, scripts: bool
) -> None:
    page = open_page(CHAPTER, java_script_enabled=scripts)
    if scripts:
        question(page, BIAS).get_by_label("Undefined").check()
        check(question(page, BIAS))
    sheets = [" ".join(sheet.extract_text().split()) for sheet in PdfReader(BytesIO(page.pdf())).pages]

    def sheet(text: str) -> int:
        (found,) = [number for number, words in enumerate(sheets) if text in words]
        return found

    asked = [sheet(f"Question {number} ") for number in range(1, 10)]
    answered = [sheet(f"Answers to question {number}") for number in range(1, 10)]
    assert asked == sorted(asked)
    assert answered == sorted(answered)
    assert asked[-1] < answered[0]
    assert sheet("With it the shift is subtracted again") == answered[0]
    assert not any("Start over" in words for words in sheets)


def test_a_page_without_a_quiz_does_not_load_it_and_the_script_is_light(open_page: OpenPage) -> None:
    page = open_page("book/notation.html")
    assert not page.locator("script[src*=quiz]").count()
    assert (ROOT / "book" / "_static" / "quiz" / "quiz.js").stat().st_size <= 9 * 1024


SELF_TEST = "book/00-numpy/index.html"


@pytest.fixture
def self_test(open_page: OpenPage) -> Page:
    page = open_page(SELF_TEST)
    page.locator("#np-skip[data-live]").wait_for()
    return page


def listed(page: Page) -> dict[str, list[str]]:
    """What the self-test says: {"You may skip": titles, "Read": titles}."""
    rows = page.locator("#np-skip .sections p")
    return {row.inner_text().split(":")[0]: row.locator("a").all_inner_texts() for row in rows.all()}


def test_a_self_test_names_what_may_be_skipped_and_what_to_read_with_links(self_test: Page) -> None:
    views, axes = (self_test.locator("#np-skip .question").nth(number) for number in (3, 4))
    assert listed(self_test) == {}, "nothing is said of what was not answered"
    views.locator("input").nth(1).check()
    check(views)
    axes.locator("input").nth(0).check()
    check(axes)
    assert listed(self_test) == {"You may skip": ["Views and copies"], "Read": ["Along one axis"]}
    axes.locator("input").nth(2).check()
    check(axes)
    assert listed(self_test)["Read"] == ["Along one axis"], "right at the second try is not right at once"
    self_test.locator("#np-skip .sections a", has_text="Along one axis").click()
    assert self_test.url.endswith("#np-axes")
    self_test.reload()
    expect(self_test.locator("#np-skip .sections")).to_contain_text("Views and copies")
    self_test.locator("#np-skip").get_by_role("button", name="Start over").click()
    assert listed(self_test) == {}
    assert not self_test.problems


def test_a_self_test_has_a_question_for_each_section_and_the_links_lead_there(self_test: Page) -> None:
    links = self_test.locator("#np-skip .about a")
    targets = [link.get_attribute("href") for link in links.all()]
    assert links.count() == self_test.locator("#np-skip .question").count() == len(set(targets)) >= 10
    for target in targets:
        assert self_test.locator(f"{target} :is(h2, h3), span{target}").count()


def test_without_scripts_the_section_stands_after_the_answers(open_page: OpenPage) -> None:
    page = open_page(SELF_TEST, java_script_enabled=False)
    asked = page.locator("#np-skip .question").nth(3)
    asked.locator("summary").click()
    assert asked.get_by_role("link", name="Views and copies").is_visible()


def test_on_paper_the_section_stands_after_the_answers_and_no_list_of_them(self_test: Page) -> None:
    views = self_test.locator("#np-skip .question").nth(3)
    views.locator("input").nth(1).check()
    check(views)
    self_test.emulate_media(media="print")
    assert not self_test.locator("#np-skip .sections").is_visible()
    assert views.locator(".about").is_visible()
