"""What nbgrader_config.py of a course says that the engine's own commands must honour too: the file in the
folder that `--course` names, by default the course's own.

The gradebook is the file gradebook.db in the course's folder, unless the settings name another place:

    c.CourseDirectory.db_url = "postgresql+psycopg://staff@db.example.org/course"

PostgreSQL needs `pip install "training-neural-networks[postgres]"` and an empty database, which the first
command fills. The password stands in ~/.pgpass or in $PGPASSWORD, not in the settings."""

from __future__ import annotations

from pathlib import Path

from jupyter_core.paths import jupyter_config_path
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from traitlets.config import Application, Config

NAME = "nbgrader_config"


class SettingsError(ValueError):
    """The settings of the course cannot be followed; the message says what to do."""


def settings(folder: Path) -> Config:
    """nbgrader's settings in `folder`, over those of the user and of the machine, as nbgrader merges them."""
    reader = Application()
    reader.raise_config_file_errors = True
    try:
        reader.load_config_file(NAME, path=[str(folder), *jupyter_config_path()])
    except Exception as error:  # the file is a program
        raise SettingsError(
            f"{NAME}.py of {folder} cannot be read ({type(error).__name__}: {error}): correct it."
        ) from error
    return reader.config


def gradebook_url(folder: Path) -> str:
    """Where the gradebook is: CourseDirectory.db_url, by default `gradebook.db` in the course's folder."""
    said = settings(folder).CourseDirectory.get("db_url", "")
    if not said:
        return f"sqlite:///{folder.resolve() / 'gradebook.db'}"
    try:
        url = make_url(said)
    except ArgumentError as error:
        raise SettingsError(
            "CourseDirectory.db_url in the settings is no address of a database: expected "
            "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE."
        ) from error
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(folder.resolve() / url.database))
    return url.render_as_string(hide_password=False)
