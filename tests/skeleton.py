"""The questions that every loss and operation on tensors is asked; see test_losses_and_ops.py for their cases.

A new loss has its case there, in ``CASES``, under its name; else a test fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

Inputs = dict[str, Any]


@dataclass
class Case:
    """What an operation is asked.

    Attributes:
        call: the operation, from named inputs to one tensor.
        inputs: draws inputs in float64.
        learns: the inputs that get a gradient.
        shape: of the result.
        worked: inputs and the result to expect, worked out by hand.
        refused: changes of the inputs that raise an error; None, with the reason beside the case: all shapes fit.
        plain: the same with autograd's own gradients, where a part is held constant on purpose and finite differences
            would not see that; None: finite differences.
        keeps_double: whether float64 stays; what works in float32 gives that.
        half: how far the result in bfloat16 may be off; None: half precision is refused or never comes in.
    """

    call: Callable[..., Tensor]
    inputs: Callable[[], Inputs]
    learns: tuple[str, ...]
    shape: tuple[int, ...]
    worked: tuple[Inputs, Any]
    refused: Mapping[str, Inputs] | None
    plain: Callable[..., Tensor] | None = None
    keeps_double: bool = True
    half: float | None = 0.05


def as_type(inputs: Inputs, dtype: torch.dtype) -> Inputs:
    return {key: value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
            for key, value in inputs.items()}


def drawn(case: Case, dtype: torch.dtype) -> Inputs:
    torch.manual_seed(0)
    return as_type(case.inputs(), dtype)


def runs(case: Case) -> None:
    """It gives the shape that it says, of the type that came in, and finite numbers."""
    for dtype in (torch.float32, torch.float64):
        if dtype == torch.float32 or case.keeps_double:
            result = case.call(**drawn(case, dtype))
            assert tuple(result.shape) == case.shape and result.dtype == dtype and result.isfinite().all()


def refuses(case: Case) -> None:
    """Inputs that do not fit raise an error that says so; that a text has no method of tensors does not count."""
    assert case.refused
    for change in case.refused.values():
        with pytest.raises((RuntimeError, ValueError, IndexError)):
            case.call(**{**drawn(case, torch.float32), **as_type(change, torch.float32)})


def is_right_on_a_worked_example(case: Case) -> None:
    """What was worked out by hand comes out."""
    inputs, expected = case.worked
    result = case.call(**as_type(inputs, torch.float32))
    expected = torch.tensor(expected, dtype=torch.float32)
    torch.testing.assert_close(result.detach().float(), expected, atol=1e-5, rtol=1e-4)


def has_the_right_gradient(case: Case) -> None:
    """Finite differences in float64, or autograd of the plain version, give the same."""
    inputs = drawn(case, torch.float64 if case.keeps_double else torch.float32)
    learnt = [inputs[key].clone().requires_grad_() for key in case.learns]

    def call(*values: Tensor) -> Tensor:
        return case.call(**{**inputs, **dict(zip(case.learns, values, strict=True))})

    if case.keeps_double:
        assert torch.autograd.gradcheck(call, learnt)
        return
    gradients = torch.autograd.grad(call(*learnt), learnt)
    assert all(gradient.isfinite().all() and gradient.abs().sum() > 0 for gradient in gradients)
    if case.plain is not None:
        plain = torch.autograd.grad(case.plain(**{**inputs, **dict(zip(case.learns, learnt, strict=True))}), learnt)
        for ours, theirs in zip(gradients, plain, strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-3)


def works_in_half_precision(case: Case) -> None:
    """Inputs in bfloat16 give nearly what the same values give in float32."""
    assert case.half is not None
    inputs = drawn(case, torch.bfloat16)
    half, full = case.call(**inputs).detach().float(), case.call(**as_type(inputs, torch.float32)).detach().float()
    assert (half - full).abs().max() <= case.half * max(1., full.abs().max().item())


def questions_to(case: Case) -> list[Callable[[Case], None]]:
    """Those that make sense: of wrong inputs where there are some, of gradients where something learns, of half
    precision where that may come in.
    """
    return [runs, is_right_on_a_worked_example, *([refuses] if case.refused is not None else []),
            *([has_the_right_gradient] if case.learns else []),
            *([works_in_half_precision] if case.half is not None else [])]
