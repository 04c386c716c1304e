"""What an instructor hands out: notebooks, public checks, the students' part of the package, a page."""
