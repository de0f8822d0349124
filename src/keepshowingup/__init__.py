"""keepshowingup: letters that come when they were promised, once, and only to those who want them."""

import zoneinfo

__version__ = "0.1.0"

# Every process comes through here before it reads a zone. From now on a zone by name is the package tzdata's, also for
# Django and Celery: two machines with different zone files would promise a reader two different mornings.
zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()
