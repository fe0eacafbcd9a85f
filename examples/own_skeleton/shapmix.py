# Shap-Mix on the data set that data.py, beside this file, describes.
_base_ = __import__('mmshapmix').method(
    'shapmix/shapmix.py', data='{{fileDirname}}/data.py'
)
