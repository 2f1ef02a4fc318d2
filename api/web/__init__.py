"""The monitor's page: its document, scripts, styles and vendored libraries, as they are served.

It owns where they are; `api.routes.web_page` serves them, and what they show comes from the HTTP interface.
"""

from pathlib import Path

WEB = Path(__file__).parent
"""The folder of the page's files."""
