import signal
import sys

signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(0))
while True:
    signal.pause()
