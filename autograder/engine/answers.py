"""What a child says about a submission, read as data: hostile until it has passed through here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from autograder.engine import wire
from autograder.running import Outcome

STATUSES = {"values", "raised", "not attempted", "refused"}
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
    png = "".join(_text(data.get("image/png"), cap=8 << 20).split())
    if png.startswith("iVBORw0KGgo") and set(png) <= BASE64:
        kept["image/png"] = png
    return kept


def _text(value: Any, joined: str = "", cap: int = 64 << 10) -> str:
    """Text without terminal codes and control characters, at most about `cap` of it."""
    if isinstance(value, list):
        value = joined.join(v for v in value if isinstance(v, str))
    if not isinstance(value, str):
        return ""
    return strip_control(value if len(value) <= cap + 100 else value[:cap] + "\n[output cut]\n")


def strip_control(text: str) -> str:
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?", "", text)
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
