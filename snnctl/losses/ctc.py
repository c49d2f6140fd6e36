"""Connectionist temporal classification: what is said, not when."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from snnctl.losses.loss import Loss, valid, within


class CTC(Loss):
    """Minus the log of the chance that the outputs, read step by step, spell the target.

        L_b = -log sum over all paths of length T_b that spell target_b of prod_t p_b[t, path_t],   p = softmax(out)

    A path spells what is left when repeats are merged and blanks dropped. With class targets it spells one class: the
    network may say it at any moment, once, and stay silent before and after.

    Args:
        blank: the output that means silence; None: one more output is added for it, which is always `silence`.
        silence: that output's value, unit of out.

    Source: Graves et al. 2006, doi 10.1145/1143844.1143891.
    """

    def __init__(self, blank: int | None = None, silence: float = 0.0):
        super().__init__()
        self.blank = None if blank is None else int(within("blank", blank, "index of an output"))
        self.silence = within("silence", silence, "unit of out", -math.inf)

    def scores(self, out: Tensor, length: Tensor) -> Tensor:
        """(T, B, C), (B,) -> (B, C), the highest log p over time; of the blank -inf."""
        peaks = torch.where(valid(out, length), self.log_chances(out, length), -torch.inf).amax(0)
        if self.blank is None:
            return peaks[:, :-1]
        return peaks.index_fill(1, torch.tensor(self.blank, device=out.device), -torch.inf)

    def log_chances(self, out: Tensor, length: Tensor) -> Tensor:
        """log p: (T, B, C) -> (T, B, C), or C + 1 with the blank last where one is added; 0 outputs in padded steps."""
        out = torch.where(valid(out, length), out.float(), 0.0)
        return (out if self.blank is not None else F.pad(out, (0, 1), value=self.silence)).log_softmax(2)

    def forward(self, out: Tensor, target: Tensor, length: Tensor, target_length: Tensor | None = None) -> Tensor:
        """The loss of a batch.

        Args:
            out: (T, B, C).
            target: (B,) class indices, or sequences of them (B, S), none of them the blank.
            length: (B,) valid steps.
            target_length: (B,) valid entries of each sequence; None: all.

        Returns:
            Mean over the samples, shape (). A sample too short for its target counts 0.

        Raises:
            UserError: a shape does not fit, or there is no such class.
        """
        rows = target[:, None] if target.dim() == 1 else target
        self.check_shapes(out, length)
        if rows.dim() != 2 or len(rows) != out.shape[1] or not rows.shape[1]:
            wanted = f"wanted         ({out.shape[1]},) classes, or ({out.shape[1]}, S) sequences of them"
            raise self.wrong(f"target of shape {tuple(target.shape)}", wanted)
        if target_length is None:
            target_length = torch.full_like(length, rows.shape[1])
        within_it = torch.arange(rows.shape[1], device=rows.device) < target_length.to(rows.device)[:, None]
        rows = torch.where(within_it, rows, rows[:, :1])  # what is padded may be any number
        for column in rows.unbind(1):
            self.check(out, column, length)
        if self.blank is not None and (self.blank >= out.shape[2] or (rows == self.blank).any()):
            raise self.wrong(f"blank is {self.blank}", f"wanted         an output of {out.shape[2]} that is no target")
        blank = out.shape[2] if self.blank is None else self.blank
        steps = length.clamp(min=1, max=out.shape[0])
        chances = self.log_chances(out, length)
        losses = F.ctc_loss(chances, rows, steps, target_length, blank, reduction="none", zero_infinity=True)
        return losses.mean()
