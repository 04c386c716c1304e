"""What a child says about a submission, read as data: hostile until it has passed through here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.engine import wire
from autograder.running import Outcome

STATUSES = {"values", "raised", "not attempted", "refused"}
PICTURES = {
    "image/png": "iVBORw0KGgo",
    "image/jpeg": "/9j/",
    "image/gif": "R0lGOD",
}  # how their base64 begins
MAX_PASTED = 4 << 20  # characters of base64 of all pictures pasted into one cell
BASE64 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def outcome(answer: dict[str, Any], arrays: wire.Arrays) -> Outcome:
    """The answer to a probe; BadFrame where it is none."""
    status = answer.get("status")
    if type(status) is not str or status not in STATUSES:
        raise wire.BadFrame("an answer without a status")
    error, line = (strip_control(str(answer.get(k, "")))[:600] for k in ("error", "line"))
    modified = answer.get("modified")
    names = tuple(str(m)[:80] for m in modified[:20]) if isinstance(modified, list) else ()
    return Outcome(status, arrays, error, line, names)


def cell_outputs(arrays: wire.Arrays) -> Any:
    """The outputs of a cell as the child gave them; BadFrame where there are none."""
    raw = arrays.get("outputs")
    if raw is None:
        raise wire.BadFrame("a cell without outputs")
    try:
        return json.loads(raw.tobytes())
    except (ValueError, RecursionError):
        raise wire.BadFrame("outputs that are not JSON") from None


def safe_outputs(outputs: Any) -> Iterator[dict[str, Any]]:
    """Of what a student's process or file calls outputs, the plain text and the PNG pictures."""
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            yield {"output_type": "stream", "name": name, "text": _text(output.get("text"))}
        elif output.get("output_type") == "error":
            yield {"output_type": "stream", "name": "stdout", "text": _text(output.get("traceback"), "\n")}
        else:
            data = _safe_data(output.get("data"))
            if data:
                yield {"output_type": "display_data", "metadata": {}, "data": data}


def _safe_data(data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    kept = {}
    if "text/plain" in data:
        kept["text/plain"] = _text(data["text/plain"])
    png = _picture("image/png", data.get("image/png"))
    if png:
        kept["image/png"] = png
    return kept


def safe_pictures(attachments: Any) -> tuple[list[tuple[str, str]], bool]:
    """The pictures pasted into a Markdown cell, as (type, base64), and whether any had to be left out."""
    bundles = attachments.values() if isinstance(attachments, dict) else []
    kept: list[tuple[str, str]] = []
    room, lost = MAX_PASTED, False
    for bundle in bundles:
        found = (
            [(kind, _picture(kind, bundle.get(kind))) for kind in PICTURES] if type(bundle) is dict else []
        )
        kind, picture = next((one for one in found if one[1]), ("", ""))
        if picture and len(picture) <= room:
            kept.append((kind, picture))
            room -= len(picture)
        else:
            lost = True
    return kept, lost


def _picture(kind: str, value: Any) -> str:
    """The base64 of a picture of this type; nothing where it is none."""
    text = "".join(_text(value, cap=8 << 20).split())
    return text if text.startswith(PICTURES[kind]) and set(text) <= BASE64 else ""


def _text(value: Any, joined: str = "", cap: int = 64 << 10) -> str:
    """Text without terminal codes and control characters, at most about `cap` of it."""
    if isinstance(value, list):
        value = joined.join(v for v in value if isinstance(v, str))
    if not isinstance(value, str):
        return ""
    return strip_control(value if len(value) <= cap + 100 else value[:cap] + "\n[output cut]\n")


def strip_control(text: str) -> str:
    if text.isprintable():
        return text
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?", "", text)
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
