"""scikit-learn's own checks of estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from onelayer import SoftmaxClassifier

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
# What is expected to fail, and why, by solver. scikit-learn expects the first of its own SGDClassifier too.
EXPECTED = {
    "sgd": {WEIGHTS: "a sample of weight 2 is one sample of a batch, and two samples are two, maybe of different batches"},
    "lbfgs": {WEIGHTS: "features are standardized by the mean and the deviation of samples, whatever their weights are"},
}


@parametrize_with_checks(
    [SoftmaxClassifier(), SoftmaxClassifier(solver="lbfgs")],
    expected_failed_checks=lambda estimator: EXPECTED[estimator.solver],
    xfail_strict=True,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
