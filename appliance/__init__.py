"""The appliance. Everything of ours passes through here before it imports a library, and so it is here that ONNX Runtime is told
to be silent: its published build (seen of 1.31.1) tells its maker what it is used for, unless this is set beforehand. Three of our
files import it, and onnx2pytorch does by itself."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
