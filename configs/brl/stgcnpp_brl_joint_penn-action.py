# BRL with ST-GCN++ on Penn Action, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='penn-action', stream='j', backbone='stgcnpp'
)
