"""The address of the published site, for canonical links, social cards, the sitemap and robots.txt.

It is the GitHub Pages address of `repository.url` in `_config.yml`; `html.baseurl` there, for another domain,
goes first.
"""

from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

ROBOTS = "User-agent: *\nAllow: /\n\nSitemap: {site}sitemap.xml\n"


def pages_address(repository: str) -> str:
    """https://github.com/owner/name is published at https://owner.github.io/name/."""
    parts = urlsplit(repository)
    names = parts.path.strip("/").removesuffix(".git").split("/")
    if parts.netloc != "github.com" or len(names) != 2:
        raise ConfigError(
            f"repository.url in _config.yml must be https://github.com/OWNER/NAME; it is {repository!r}. "
            "For a site elsewhere, say where it is published: html.baseurl."
        )
    owner, name = names
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def settle_address(_app: Sphinx, config: Config) -> None:
    """Before any extension reads the address, which must end with a slash."""
    address = config.html_baseurl or pages_address(config.html_theme_options["repository_url"])
    config.html_baseurl = config.ogp_site_url = address.rstrip("/") + "/"
    if "myst_substitutions" in config:  # pages may write {{ site }}
        config.myst_substitutions = config.myst_substitutions | {"site": config.html_baseurl}


def write_robots(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        Path(app.outdir, "robots.txt").write_text(ROBOTS.format(site=app.config.html_baseurl))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", settle_address, priority=100)
    app.connect("build-finished", write_robots)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
