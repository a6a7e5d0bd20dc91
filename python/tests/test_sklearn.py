"""scikit-learn's own checks of estimators."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from onelayer import SoftmaxClassifier

EXPECTED: dict[str, str] = {}


@parametrize_with_checks(
    [SoftmaxClassifier()], expected_failed_checks=lambda _: EXPECTED, xfail_strict=True
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
