"""Run a hostile model where it can harm nothing, and bring back numbers only.

This side is what a worker imports: it loads neither a model nor a library that could load one
(mlflow, shap, evidently, scikit-learn, xgboost, lightgbm). Those run in `sandbox.inside`, in a
process without network, home, environment or database.
"""
