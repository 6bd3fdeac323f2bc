# The stages on toy streets
_base_ = 'stages.py'
stage_values = dict(
    depth_config='configs/monodepth/monodepth_toy.py',
    images='data/toy/leftImg8bit/train',
    camera=['--camera-root', 'data/toy/camera/train'],
    regions=['max_regions=60', 'weights=0.2,15,4,-5'],
    labels=['data/toy/gtFine/train', '--suffixes', '_leftImg8bit', '_gtFine_labelTrainIds'],
    trunk_config='configs/depthcp_toy.py',
    stego_config='configs/depthg/stego_toy.py',
    student_config='configs/selection/depth_student_toy.py')
