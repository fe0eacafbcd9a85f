# BRL with ST-GCN++ on NTU60-LT X-view, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='ntu60-xview-lt-3d', stream='j', backbone='stgcnpp'
)
