# BRL with ST-GCN++ on SBU, joint stream.
_base_ = __import__('mmshapmix').method(
    'brl/brl.py', data='sbu', stream='j', backbone='stgcnpp'
)
