from .colour import ColourSettings, sample_colours
