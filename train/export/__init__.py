"""A trained classifier as one ONNX file, which needs neither aucue nor PyTorch."""
