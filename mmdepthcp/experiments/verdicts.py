"""Whether the stages of an experiment have done what they are for: judgements of numbers, and what to try where they
have not.
"""

from __future__ import annotations

from typing import NamedTuple

FEW_FRAMES = 300
"""Half a minute at 10 Hz."""
BETTER_THAN_FLAT = 0.99
"""Depth counts as better than a constant if the error is at most this share of the constant's."""
LEAST_HEADING = 0.5
"""Cosine below which the direction of motion counts as wrong."""
LEAST_SPREAD = 0.01
"""Of sigmoid disparity within an image, standard deviation; a constant has none."""
LEAST_RELATIVE_SPREAD = 0.1
"""The same for disparity of any scale, as a share of its mean."""
FEW_REGIONS, MANY_REGIONS = 5, 200
"""In an image."""
LARGE_REGION = 0.5
"""Share of an image that the median largest region should stay below."""
LEFT_LN_K = 0.95
"""Share of ln K that a loss of swapped prediction has to come below."""
FALLEN = 0.98
"""Share of its beginning that another loss has to come below."""
LEAST_USED = 0.1
"""Effective share of prototypes in use, the perplexity of their use over their number."""
MANY_LABELS = 0.01
"""Difference of two mIoU, in fractions, that luck alone does not make often with few labels."""


class Verdict(NamedTuple):
    """A judgement.

    Attributes:
        stage: what is judged.
        good: whether it is as it should be; None where that cannot be told.
        found: what was found, a sentence with numbers.
        advice: what to try where it is not good, one sentence; else empty.
    """

    stage: str
    good: bool | None
    found: str
    advice: str = ''


def _of(stage: str, good: bool, found: str, advice: str) -> Verdict:
    return Verdict(stage, good, found, '' if good else advice)


def judge_frames(frames: int, used: int) -> Verdict:
    """Whether there are enough frames.

    Args:
        frames: of all video.
        used: of these, pretrained on.

    Example:
        >>> judge_frames(90, 90).good
        False
    """
    of_all = '' if used == frames else f', {used} of them pretrained on'
    return _of('frames', frames >= FEW_FRAMES, f'{frames} frames{of_all}',
               'Give more video, best of other streets and hours: what a network learns from seconds of one road '
               'hardly carries over to others.')


def judge_depth(error: float, flat: float, still: float, spread: float, heading: float) -> Verdict:
    """Whether learnt depth is better than flat, by how well neighbours can be moved into a frame.

    Args:
        error: photometric error with learnt depth, on frames that were not learnt from.
        flat: with the best constant depth.
        still: with the neighbours as they are.
        spread: of the sigmoid disparity within an image.
        heading: cosine of the direction of motion with that in which the camera looks.

    Example:
        >>> judge_depth(0.08, 0.10, 0.12, 0.1, 0.98).good
        True
    """
    found = (f'photometric error {error:.4f} with learnt depth, {flat:.4f} with the best constant depth, {still:.4f} '
             f'with the neighbours as they are; disparity spreads by {spread:.3f} within an image; heading '
             f'{heading:.2f} (1: straight ahead)')
    if spread < LEAST_SPREAD:
        return Verdict('depth', False, found, 'The depth is constant: give more time, another --seed, or depth from '
                                              'elsewhere (--depth hf:NAME).')
    if min(error, flat) >= still:
        return Verdict('depth', False, found, 'Camera motion has not been learnt: give more time, or frames farther '
                                              'apart (--fps 5) where the car is slow.')
    if heading < LEAST_HEADING:
        return Verdict('depth', False, found, 'The camera is taken to move elsewhere than it looks, with depth that '
                                              'fits: give another --seed, or video of more drives.')
    return _of('depth', error <= BETTER_THAN_FLAT * flat, found,
               'Learnt depth explains the motion no better than a flat world: give more time or more video with near '
               'objects, say the camera (--fov), or take depth from elsewhere (--depth hf:NAME).')


def judge_disparity(spread: float) -> Verdict:
    """Whether disparity from elsewhere is more than a constant; whether it is right, its spread does not tell.

    Args:
        spread: mean over images of the standard deviation within an image, as a share of its mean.
    """
    found = f'disparity spreads by {spread:.0%} of its mean within an image'
    if spread >= LEAST_RELATIVE_SPREAD:
        return Verdict('depth', None, found, 'Whether it is better than flat was not measured, as it comes without the '
                                             'motion of the camera: look at the pictures.')
    return Verdict('depth', False, found, 'The disparity is almost the same everywhere: look at the pictures, and take '
                                          'another source of depth.')


def judge_regions(number: float, largest: float) -> Verdict:
    """Whether there is something to paste.

    Args:
        number: median number of regions in an image.
        largest: median share of the image that the largest one covers.

    Example:
        >>> judge_regions(40, 0.2).good
        True
    """
    found = f'{number:.0f} regions in an image (median), the largest covers {largest:.0%} of it'
    if number > MANY_REGIONS:
        return Verdict('regions', False, found, 'Regions are crumbs: lower max_regions in stage_values.regions of '
                                                'config.py.')
    return _of('regions', number >= FEW_REGIONS and largest <= LARGE_REGION, found,
               'Images are hardly cut up, mostly because depth is flat: mend depth first, then raise max_regions in '
               'stage_values.regions of config.py.')


def judge_loss_to_lnk(first: float, last: float) -> Verdict:
    """Whether a loss of swapped prediction leaves ln K, the loss of a network that predicts nothing.

    Args:
        first, last: loss over ln K at the beginning and at the end.
    """
    return _of('pretraining', last <= LEFT_LN_K and last < first,
               f'the loss goes from {first:.3f} to {last:.3f} of ln K, which a network reaches that predicts nothing',
               'Nothing is learnt: give more time, start from a network that knows something (--init), or halve '
               'num_prototypes in config.py.')


def judge_loss(first: float, last: float) -> Verdict:
    """Whether another loss falls.

    Args:
        first, last: at the beginning and at the end.
    """
    fallen = last - first <= -(1 - FALLEN) * abs(first)
    return _of('pretraining', fallen, f'the loss goes from {first:.3f} to {last:.3f}',
               'The loss does not fall: give more time, or a lower learning rate in config.py.')


def judge_prototypes(used: float) -> Verdict:
    """Whether prototypes are used.

    Args:
        used: effective share in use, 0..1.
    """
    return _of('prototypes', used >= LEAST_USED, f'{used:.0%} of the prototypes in effective use',
               'Features have collapsed onto few prototypes: lower the learning rate or num_prototypes in config.py.')


def judge_finetuning(pretrained: float, random: float | None) -> Verdict:
    """Whether fine-tuning gains from pretraining.

    Args:
        pretrained, random: mIoU in fractions, from the pretrained backbone and from random weights.
    """
    if random is None:
        return Verdict('fine-tuning', None, f'{pretrained:.1%} mIoU from the pretrained backbone; the time did not '
                       'suffice to fine-tune random weights beside', 'Give a larger --budget to know what pretraining '
                                                                     'was worth.')
    found = f'{pretrained:.1%} mIoU from the pretrained backbone, {random:.1%} from random weights (one seed)'
    if abs(pretrained - random) < MANY_LABELS:
        return Verdict('fine-tuning', None, found, 'No difference that luck could not make: give more labels, time or '
                                                   'another --seed before you conclude anything.')
    return _of('fine-tuning', pretrained > random, found,
               'Pretraining has not helped: mend the first stage above that is not good, and give more video and time.')
