# Shap-Mix on the data file beside this one.
_base_ = __import__('mmshapmix').method(
    'shapmix/shapmix.py', data='{{fileDirname}}/data.py'
)
