"""The real programs that tests run against, started for the test session alone.

Each start_… function returns an object with `url` and `stop()`; where the program is not on the machine it
raises ServiceMissing, whose message says how to get it.
"""

from tests.services.chromium import find_chromium
from tests.services.missing import ServiceMissing
from tests.services.postgres import start_postgres
from tests.services.redis_server import start_redis

__all__ = ["ServiceMissing", "find_chromium", "start_postgres", "start_redis"]
