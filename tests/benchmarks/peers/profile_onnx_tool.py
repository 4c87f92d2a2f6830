"""What onnx-tool counts of an ONNX file: python profile_onnx_tool.py FILE."""

import sys

import onnx_tool

onnx_tool.model_profile(sys.argv[1])
