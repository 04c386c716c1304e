"""What stands at an address that `redirects` in `_config.yml` sends elsewhere.

A reader is sent on, with the part after `#` where scripts run. A service that previews a link follows no
redirect: it reads the title and the card here.
"""

from html import escape
from pathlib import Path
from urllib.parse import urljoin

from sphinx.application import Sphinx
from sphinx.config import Config

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="robots" content="noindex" />
<title>{title}</title>
<meta property="og:title" content="{title}" />
<meta property="og:type" content="website" />
<meta property="og:image" content="{image}" />
<meta property="og:image:alt" content="{alt}" />
<meta name="twitter:card" content="summary_large_image" />
<link rel="canonical" href="${{to_uri}}" />
<script>location.replace("${{to_uri}}" + location.hash);</script>
<noscript><meta http-equiv="refresh" content="0; url=${{to_uri}}" /></noscript>
</head>
<body><main><p>This page is now <a href="${{to_uri}}">at another address</a>.</p></main></body>
</html>
"""


def write_template(app: Sphinx, config: Config) -> None:
    """sphinx-reredirects takes a file that knows the target and nothing else."""
    template = Path(app.srcdir, "_build", "redirect.html")
    template.parent.mkdir(exist_ok=True)
    template.write_text(
        PAGE.format(
            title=escape(config.html_title),
            image=urljoin(config.html_baseurl, config.ogp_image),
            alt=escape(config.ogp_image_alt),
        ),
        encoding="utf-8",
    )
    config.redirect_html_template_file = str(template.relative_to(app.srcdir))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", write_template)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
