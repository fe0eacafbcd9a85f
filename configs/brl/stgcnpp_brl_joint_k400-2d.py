# BRL with ST-GCN++ on Kinetics-400, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='k400-2d', stream='j', backbone='stgcnpp'
)
