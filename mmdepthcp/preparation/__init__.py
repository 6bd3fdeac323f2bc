"""What is made of whole sets of images for training: disparity, regions, neighbours."""
