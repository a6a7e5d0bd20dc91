"""scikit-learn's own checks of estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from onelayer import SoftmaxClassifier

# What scikit-learn expects to fail for its own SGDClassifier too.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a sample of weight 2 is one sample of a batch, and two samples are two, maybe of different batches"
    ),
}


@parametrize_with_checks(
    [SoftmaxClassifier()], expected_failed_checks=lambda _: EXPECTED, xfail_strict=True
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
