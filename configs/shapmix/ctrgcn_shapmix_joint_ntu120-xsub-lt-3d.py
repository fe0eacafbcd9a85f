# Shap-Mix with CTR-GCN on NTU120-LT X-sub, joint stream.
_base_ = __import__('mmshapmix').method(
    'shapmix/shapmix.py',
    data='ntu120-xsub-lt-3d',
    stream='j',
    backbone='ctrgcn',
)
