"""What axe-core is asked, once its text is in the page (the fixture ``axe_source``).

Only for faults: to work out and hand over what is in order takes several times as long.
"""

from __future__ import annotations

import json


def faults_by(*tags: str) -> str:
    """An expression for ``page.evaluate``: the faults by the rules of these tags; without tags, by all rules."""
    only = {"resultTypes": ["violations"]} | ({"runOnly": tags} if tags else {})
    return f"axe.run({json.dumps(only)}).then(found => found.violations)"


FAULTS = faults_by()
