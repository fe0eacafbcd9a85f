# Shap-Mix with CTR-GCN on NW-UCLA-LT, joint stream.
_base_ = __import__('mmshapmix').method(
    'shapmix/shapmix.py', data='nw-ucla-lt', stream='j', backbone='ctrgcn'
)
