"""Put pip into an empty virtual environment, as get-pip.py does, from Python's own copy instead of a download.

ansible-test runs this with get-pip.py's arguments: requirements, and switches that pip itself does not know.
"""

import subprocess
import sys

subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *arguments], check=True)
