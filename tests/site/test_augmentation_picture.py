"""The reader's own picture in the figure of augmentation: opened here, sent nowhere, or refused."""

import io

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]
GALLERY = "book/figures.html"


def png(colour: tuple[int, int, int]) -> dict:
    """A picture of one colour, wider than high, as Playwright takes a file."""
    file = io.BytesIO()
    Image.new("RGB", (90, 60), colour).save(file, "PNG")
    return {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}


def colour_of(canvas) -> list[int]:
    return canvas.evaluate("c => [...c.getContext('2d').getImageData(80, 80, 1, 1).data]")


@pytest.fixture
def figure(open_page):
    page = open_page(GALLERY)
    page.asked = []
    figure = page.locator("augmentation-figure")
    figure.get_by_text("epoch 6", exact=True).wait_for()  # the photo is there
    page.on("request", lambda request: page.asked.append(request.url))
    return figure


def test_a_picture_is_shown_with_its_augmentation_and_nothing_is_sent(figure) -> None:
    figure.locator("input[type=file]").set_input_files(png((200, 100, 40)))
    figure.get_by_role("status").get_by_text("mine.png").wait_for()
    before, after = figure.locator(".pair canvas").all()
    assert colour_of(before) == colour_of(after) == [200, 100, 40, 255]
    figure.get_by_label("brightness").and_(figure.get_by_role("slider")).fill("0.5")
    assert colour_of(after) == [100, 50, 20, 255]
    assert "brightness 0.50" in figure.locator("output").inner_text()
    assert not figure.page.asked
    assert not figure.page.problems


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ({"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG and nothing"}, "could not be read"),
        ({"name": "a.txt", "mimeType": "text/plain", "buffer": b"text"}, "is not a picture"),
    ],
)
def test_a_file_that_cannot_be_shown_is_refused_and_the_picture_stays(figure, file: dict, says: str) -> None:
    before = figure.locator(".pair canvas").first
    shown = colour_of(before)
    figure.locator("input[type=file]").set_input_files(file)
    figure.get_by_role("status").get_by_text(says).wait_for()
    assert colour_of(before) == shown
    assert not figure.page.problems


def test_random_moves_the_sliders_and_the_third_is_the_third_of_the_strip(figure) -> None:
    rotation = figure.get_by_role("slider").first
    values = []
    for _ in range(3):
        figure.get_by_role("button", name="Random").click()
        values.append(rotation.input_value())
    assert len(set(values)) > 1
    pixels = "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    third, strip = figure.locator(".pair canvas").nth(1), figure.locator(".strip canvas").nth(2)
    np.testing.assert_array_equal(third.evaluate(pixels), strip.evaluate(pixels))
    assert (
        strip.get_attribute("aria-label").removeprefix("Epoch 3: ") in figure.locator("output").inner_text()
    )
    figure.get_by_role("button", name="Back to the original").click()
    assert rotation.input_value() == "0"
    assert figure.locator("output").inner_text() == "On: nothing."
