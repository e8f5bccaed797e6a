# Runs the command given as arguments. A pipe on standard input tells whether the process that started us still lives:
# when it closes, the whole process group ends, the command's own children included. A process that is killed cannot
# tidy up behind itself, but the kernel closes its pipes.
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
# Signals are for the command; we stay until it has ended. Handlers, set after the start: an ignored signal is inherited.
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: None)
threading.Thread(target=end_with_owner, daemon=True).start()
code = child.wait()
os._exit(code if code >= 0 else 128 - code)
