from .loading import LoadDisparity, LoadImage, LoadLabels, LoadRegions, ResizeStreet
