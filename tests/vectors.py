"""Comparing with the test vectors, in double precision."""

import torch


def double(values):
    return torch.tensor(values, dtype=torch.float64)


def tensors(vector):
    """Logits ``(N, K)``, labels and class counts of a vector."""
    inputs = vector['inputs']
    logits = double(inputs.get('logits', inputs.get('cosine_logits')))
    counts = double(inputs.get('class_counts', []))
    return logits, torch.tensor(inputs['labels']), counts


def assert_is(actual, expected):
    torch.testing.assert_close(actual, double(expected), rtol=0, atol=1e-9)
