"""Losses of self-supervised depth: photometric error, minimum reprojection with automasking, smoothness, common scale,
feature distance; and all but the last over the scales of a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mmdepthcp.geometry.view_synthesis import (
    MAX_DEPTH,
    MIN_DEPTH,
    parallax_terms,
    pixel_intrinsics,
    scale_disparity,
    source_coordinates,
    warp,
)
from mmdepthcp.models.ranks import gathered

_C1 = 0.01 ** 2
_C2 = 0.03 ** 2
_TIE_BREAKING_NOISE = 1e-5
TYPICAL_SIGMOID = 0.3
"""Where the mean of sigmoid disparity is held: far from both ends of the sigmoid."""


def box_mean(x: Tensor, adjoint: bool = False) -> Tensor:
    """Mean over 3x3 windows with reflected borders, or the adjoint of that linear map, on the last two
    dimensions.

    Sums of shifted maps, which on a CPU is ten times faster than average pooling.
    """
    for dim in (-1, -2):
        n = x.shape[dim]
        total = x.clone()
        total.narrow(dim, 1, n - 1).add_(x.narrow(dim, 0, n - 1))
        total.narrow(dim, 0, n - 1).add_(x.narrow(dim, 1, n - 1))
        for border, inner in ((0, 1), (n - 1, n - 2)):
            to, source = (inner, border) if adjoint else (border, inner)
            total.select(dim, to).add_(x.select(dim, source))
        x = total
    return x.mul_(1 / 9)


def window_moments(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of every channel over the 3x3 windows of SSIM, each of the image's shape."""
    mean = box_mean(image)
    return mean, box_mean(image * image) - mean * mean


class _PhotometricError(torch.autograd.Function):
    """Photometric error with its derivative in closed form: a third of the passes that autograd would
    take."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, target: Tensor, target_mean: Tensor, target_variance: Tensor,
                ssim_weight: float) -> Tensor:
        difference = image - target
        mean = box_mean(image)
        mean_product = mean * target_mean
        variance = box_mean(image * image).sub_(mean * mean)
        covariance = box_mean(image * target).sub_(mean_product)
        luminance = mean_product.mul_(2).add_(_C1)
        structure = covariance.mul_(2).add_(_C2)
        luminance_norm = (mean * mean).add_(target_mean * target_mean).add_(_C1)
        structure_norm = variance.add_(target_variance).add_(_C2)
        scale = (luminance_norm * structure_norm).reciprocal_()
        ssim = (luminance * structure).mul_(scale)
        error = ((1 - ssim) / 2).clamp_(0, 1).mean(-3).mul_(ssim_weight)
        error.add_(difference.abs().mean(-3), alpha=1 - ssim_weight)
        if ctx.needs_input_grad[0]:
            by_product = luminance.mul_(scale).mul_(2)
            by_square = ssim.div(structure_norm).neg_()
            by_mean = structure.mul_(scale).mul_(2).sub_(by_product).mul_(target_mean)
            by_mean.sub_(ssim.div_(luminance_norm).add_(by_square).mul_(mean), alpha=2)
            ctx.save_for_backward(image, target, difference, by_mean, by_square, by_product)
            ctx.ssim_weight = ssim_weight
        return error

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        image, target, difference, by_mean, by_square, by_product = ctx.saved_tensors
        grad = grad_outputs[0].unsqueeze(-3) / image.shape[-3]
        ssim_grad = grad * (-ctx.ssim_weight / 2)
        result = box_mean(ssim_grad * by_square, adjoint=True).mul_(2).mul_(image)
        result.addcmul_(box_mean(ssim_grad * by_product, adjoint=True), target)
        result.add_(box_mean(ssim_grad * by_mean, adjoint=True))
        result.addcmul_(difference.sign(), grad, value=1 - ctx.ssim_weight)
        return result, None, None, None, None


def photometric_error(image: Tensor, target: Tensor, ssim_weight: float = 0.85,
                      target_moments: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Weighted sum of structural dissimilarity and absolute difference (Godard et al., ICCV 2019, section
    3.1).

    The error is ``ssim_weight · mean_c((1 − SSIM) / 2) + (1 − ssim_weight) · mean_c |image − target|``, SSIM over
    3x3 windows with C1 = 0.01² and C2 = 0.03². Gradients flow to the image only.

    Args:
        image: float32 or float64 in 0..1, (..., C, H, W) with H, W ≥ 2.
        target: the same, of a shape that broadcasts to the image's.
        ssim_weight: 0 for the absolute difference alone.
        target_moments: :func:`window_moments` of the target, where they serve several images.

    Returns:
        (..., H, W).
    """
    if ssim_weight == 0:
        return (image - target).abs().mean(-3)
    mean, variance = target_moments or window_moments(target)
    return _PhotometricError.apply(image, target, mean, variance, ssim_weight)


def over_sources(errors: Tensor, average: bool = False) -> Tensor:
    """One error per pixel from those of S source images (Godard et al., ICCV 2019, section 3.2).

    Args:
        errors: (S, ...).
        average: the mean in place of the minimum.

    Returns:
        (...).
    """
    return errors.mean(0) if average else errors.amin(0)


def automask(reprojection: Tensor, identity: Tensor) -> tuple[Tensor, Tensor]:
    """The smaller of two errors, and where it is that of the warped image (Godard et al., ICCV 2019, section
    3.2).

    Args:
        reprojection: error of the warped source images, any shape.
        identity: error of the source images as they are, the same shape.

    Returns:
        The error and the boolean map of pixels kept, of the same shape. Ties are not kept.
    """
    return torch.minimum(identity, reprojection), reprojection < identity


class ReprojectionError:
    """Error of the target image predicted from the source images, as a function of disparity.

    What does not depend on disparity is worked out once, so that one object serves all scales of the decoder.

    Args:
        target: (B, 3, H, W), RGB in 0..1.
        sources: S images for each target, (S, B, 3, H, W).
        intrinsics: pixels of the sampling grid, (B, 3, 3).
        motions: from target to source camera coordinates, (S, B, 4, 4).
        ssim_weight: see :func:`photometric_error`.
        automasked: leave out pixels that the unmoved source images explain better.
        average: take the mean over the source images in place of the minimum.
        noise: standard deviation of the noise that breaks ties between the errors.
    """

    def __init__(self, target: Tensor, sources: Tensor, intrinsics: Tensor, motions: Tensor, *,
                 ssim_weight: float = 0.85, automasked: bool = True, average: bool = False,
                 noise: float = _TIE_BREAKING_NOISE) -> None:
        self.target = target
        self.sources = sources
        self.ssim_weight = ssim_weight
        self.average = average
        self.moments = window_moments(target) if ssim_weight else None
        self.at_infinity, self.epipole = parallax_terms(intrinsics, motions, *target.shape[-2:])
        self.identity = None
        if automasked:
            identity = self._photometric(sources)
            self.identity = over_sources(identity + noise * torch.randn_like(identity), average)

    def _photometric(self, images: Tensor) -> Tensor:
        return photometric_error(images, self.target, self.ssim_weight, self.moments)

    def __call__(self, disparity: Tensor) -> tuple[Tensor, Tensor]:
        """Error per pixel (Godard et al., ICCV 2019, section 3.2).

        Args:
            disparity: scaled disparity, (B, 1, H, W).

        Returns:
            error (B, H, W), and boolean (B, H, W): pixels that automasking keeps.
        """
        warped = warp(self.sources, source_coordinates(disparity, self.at_infinity, self.epipole))
        error = over_sources(self._photometric(warped), self.average)
        if self.identity is None:
            return error, torch.ones_like(error, dtype=torch.bool)
        return automask(error, self.identity)


def smoothness_loss(sigmoid: Tensor, image: Tensor) -> Tensor:
    """Edge-aware smoothness of mean-normalised disparity (Godard et al., ICCV 2019, section 3.1).

    Args:
        sigmoid: sigmoid disparity, (B, 1, H, W).
        image: RGB in 0..1, (B, 3, H, W).

    Returns:
        A scalar: the sum of the means over horizontal and vertical neighbours.

    Example:
        >>> sigmoid = torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]]])
        >>> smoothness_loss(sigmoid, torch.zeros(1, 3, 2, 2)).item()
        1.0
    """
    normalised = sigmoid / (sigmoid.mean((2, 3), keepdim=True) + 1e-7)
    loss = sigmoid.new_zeros(())
    for dim in (-1, -2):
        edges = image.diff(dim=dim).abs_().mean(1, keepdim=True).neg_().exp_()
        loss = loss + (normalised.diff(dim=dim).abs() * edges).mean()
    return loss


def scale_loss(sigmoid: Tensor) -> Tensor:
    """How far the mean of sigmoid disparity over a batch is from a usual one: log(mean / 0.3)².

    Images tell depth and motion up to one common factor. Where nothing holds it, it may drift until the sigmoid
    is 1 everywhere, where its gradient vanishes. The mean is that over the batches of all ranks.

    Args:
        sigmoid: sigmoid disparity, (B, 1, H, W), as many images on each rank.

    Returns:
        A scalar.

    Example:
        >>> round(scale_loss(torch.full((2, 1, 4, 4), 0.3 * 2.718282)).item(), 4)
        1.0
    """
    return (gathered(sigmoid.mean()[None]).mean() / TYPICAL_SIGMOID).log().square()


def feature_distance(features: Tensor, reference: Tensor, reduction: str = 'frobenius') -> Tensor:
    """Distance between the features of the trained encoder and of a frozen one (Hoyer et al., CVPR 2021).

    Args:
        features: any shape.
        reference: the same shape.
        reduction: 'frobenius' for one Euclidean norm over the whole batch, which grows with the square root
            of the batch and image size; 'mse' for the mean square, which does not.

    Returns:
        A scalar, with gradient zero where the features are equal.
    """
    difference = features.float() - reference.float()
    if reduction == 'frobenius':
        return torch.linalg.vector_norm(difference)
    return difference.square().mean()


class ViewSynthesisLoss:
    """How well depth and motion predict neighbouring frames, over the scales of a decoder (Godard et al., ICCV 2019).

    Args:
        min_depth: depth of sigmoid disparity 1.
        max_depth: depth of sigmoid disparity 0.
        smoothness_weight: weight of the smoothness at full size, halved with every scale.
        ssim_weight: see :func:`photometric_error`.
        automasked: leave out pixels that the unmoved source images explain better.
        average: mean over the source frames in place of the minimum.
        v1_multiscale: compare images at each scale's own size in place of the full size.
        scale_weight: weight of :func:`scale_loss`; 0, the publication's, leaves it out.
    """

    def __init__(self, min_depth: float = MIN_DEPTH, max_depth: float = MAX_DEPTH, smoothness_weight: float = 1e-3,
                 ssim_weight: float = 0.85, automasked: bool = True, average: bool = False,
                 v1_multiscale: bool = False, scale_weight: float = 0.) -> None:
        self.depth_range = min_depth, max_depth
        self.smoothness_weight = smoothness_weight
        self.scale_weight = scale_weight
        self.v1_multiscale = v1_multiscale
        self.options: dict[str, Any] = dict(ssim_weight=ssim_weight, automasked=automasked, average=average)

    def __call__(self, frames: Tensor, target_index: int, sigmoids: Sequence[Tensor], motions: Tensor,
                 intrinsics: Tensor) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            frames: (B, F, 3, H, W), RGB in 0..1.
            target_index: which of the F frames is predicted from the others.
            sigmoids: its sigmoid disparity at every scale s, (B, 1, H / 2^s, W / 2^s).
            motions: from the target to the other cameras, (F − 1, B, 4, 4).
            intrinsics: normalised, (B, 3, 3).

        Returns:
            ``loss_photometric``, ``loss_smoothness`` and, if it has a weight, ``loss_scale``, means over the scales,
            and ``automask``, the share of pixels kept.
        """
        targets = [frames[:, target_index]]
        sources = [torch.stack([frames[:, i] for i in range(frames.shape[1]) if i != target_index])]
        for _ in sigmoids[1:]:
            targets.append(F.avg_pool2d(targets[-1], 2))
            if self.v1_multiscale:
                sources.append(F.avg_pool2d(sources[-1].flatten(0, 1), 2).unflatten(0, motions.shape[:2]))
        error_at = [
            ReprojectionError(target, images, pixel_intrinsics(intrinsics, *target.shape[-2:]), motions, **self.options)
            for target, images in zip(targets, sources, strict=False)]

        photometric, smoothness, kept_shares = [], [], []
        for scale, (sigmoid, target) in enumerate(zip(sigmoids, targets, strict=True)):
            smoothness.append(smoothness_loss(sigmoid, target) / 2 ** scale)
            if not self.v1_multiscale:
                sigmoid = F.interpolate(sigmoid, targets[0].shape[-2:], mode='bilinear', align_corners=False)
            error_of = error_at[scale if self.v1_multiscale else 0]
            error, kept = error_of(scale_disparity(sigmoid, *self.depth_range))
            photometric.append(error.mean())
            kept_shares.append(kept.float().mean())
        losses = dict(
            loss_photometric=torch.stack(photometric).mean(),
            loss_smoothness=self.smoothness_weight * torch.stack(smoothness).mean(),
            automask=torch.stack(kept_shares).mean())
        if self.scale_weight:
            losses['loss_scale'] = self.scale_weight * torch.stack([scale_loss(sigmoid) for sigmoid in sigmoids]).mean()
        return losses
