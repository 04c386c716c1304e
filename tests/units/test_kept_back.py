"""What is looked for is found wherever it stands, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from tests.units.kept_back import Lookup

TEXTS = st.text(alphabet="ab=é\ud83d(", min_size=1, max_size=80)


@given(TEXTS, st.sets(TEXTS, max_size=8), st.data())
def test_the_lines_that_a_text_holds_are_found(text, lines, data):
    start = data.draw(st.integers(0, len(text) - 1))
    lines |= {text[start : data.draw(st.integers(start + 1, len(text)))]}
    assert set(Lookup(lines).held(text)) == {line for line in lines if line in text}
