# Runs the command given as arguments. Standard input is a pipe from the process that started this script. When the pipe
# closes, the whole process group is ended, including the command's children: a killed process cannot clean up, but the
# kernel closes its pipes.
import os
import signal
import subprocess
import sys
import threading
import time

GRACE_SECONDS = 5


def end_with_owner():
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


try:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
except OSError as error:
    sys.exit(f"cannot start {sys.argv[1]}: {error}")
# Signals are for the command; this script stays until it ends. Handlers are set after the start, because a child
# inherits ignored signals.
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)
threading.Thread(target=end_with_owner, daemon=True).start()
code = child.wait()
os._exit(code if code >= 0 else 128 - code)
