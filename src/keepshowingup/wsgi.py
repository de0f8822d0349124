"""The web application, for granian or any other WSGI server."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from keepshowingup.ops.log_lines import be_a_part

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "keepshowingup.settings")
application = get_wsgi_application()
be_a_part("web")
