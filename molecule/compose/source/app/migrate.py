"""Takes its time, then leaves what the others need; only once for each database."""

import pathlib
import time

time.sleep(1.5)
pathlib.Path("/data/migrated").write_text("yes\n", encoding="utf-8")
