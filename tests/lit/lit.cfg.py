"""lit + FileCheck over the dialects and passes. Run by ctest; by hand: lit.py --param build=BUILD tests/lit."""
import os

import lit.formats

config.name = "Ingot"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(lit_config.params["build"], "tests", "lit")
tools = [os.path.join(lit_config.params["build"], "bin"), lit_config.params.get("llvm", "/usr/lib/llvm-19/bin")]
config.environment["PATH"] = os.pathsep.join(tools + [config.environment["PATH"]])
