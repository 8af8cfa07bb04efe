"""How good quantized weights are: errors by tensor, errors of outputs, and what to weigh them by."""
