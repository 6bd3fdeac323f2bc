# Clusters on frozen features, learnt without labels (the cluster probe of STEGO, Hamilton et al., ICLR 2022)
_base_ = 'frozen_r50.py'
custom_imports = dict(imports=['mmdepthcp.models', 'mmdepthcp.evaluation'])
model = dict(
    type='mmdepthcp.UnsupervisedSegmentor',
    clusters=dict(type='mmdepthcp.ClusterProbe', in_channels=3840, num_clusters=19, standardise=True))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=5e-3))
param_scheduler = []
