# The stages on CamVid, small networks
_base_ = 'stages.py'
stage_values = dict(
    depth_config='configs/monodepth/monodepth_r18_mixed_small.py',
    images='{{$MMDEPTHCP_DATA:data}}/camvid/images/train',
    camera=['--intrinsics', '1.1', '1.47', '0.5', '0.5'],
    regions=['max_regions=60', 'weights=0.2,15,4,-5'],
    labels=['{{$MMDEPTHCP_DATA:data}}/camvid/labels/train', '--num-classes', '11', '--ignore', '11'],
    trunk_config='configs/depthcp_camvid_small.py',
    stego_config='configs/depthg/stego_camvid_small.py')
