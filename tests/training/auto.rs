//! `auto` trains by the fastest engine whose results are as good.

use onelayer::engine::{EngineInfo, EngineKind};
use onelayer::samples::{Rows, Samples};
use onelayer::train::{Optimizer, Run, Session, Settings, Splits};

use super::{Splits as All, machine, settings};

/// What trains where nobody chose.
fn chosen(splits: Splits, settings: Settings) -> EngineInfo {
    Session::new(splits, Run::single(settings), &machine(EngineKind::Auto)).unwrap().engine()
}

/// Labelled rows of bytes, whose features have a deviation of `spread(feature)` levels.
fn bytes(features: usize, spread: impl Fn(usize) -> f64) -> Vec<u8> {
    let value = |row: usize, feature: usize| {
        let of_feature = (row * 37 + feature * 11) % 101;
        (128.0 + spread(feature) * (of_feature as f64 / 50.0 - 1.0)) as u8
    };
    (0..200)
        .flat_map(|row| (0..features).map(move |feature| (row, feature)))
        .map(|(row, f)| value(row, f))
        .collect()
}

fn chosen_on(spread: impl Fn(usize) -> f64) -> EngineInfo {
    let (features, labels) = (100, [0, 1].repeat(100));
    let pixels = bytes(features, spread);
    let train = Samples::new(Rows::contiguous(&pixels, features), Rows::contiguous(&labels, 1));
    let classes = ["a", "b"].map(String::from);
    chosen(
        Splits { train: train.clone(), validation: train.slice(0..0), classes: &classes },
        settings(0.01, 0.0, 1),
    )
}

#[test]
fn bytes_are_trained_in_fixed_point_and_the_reason_is_a_number() {
    let engine = chosen(All::small(300).of_session(), settings(0.001, 0.0, 1));
    assert_eq!(engine.name, "fixed");
    let reason = engine.reason.unwrap();
    let number = reason.strip_prefix("rounding moves logits by some ").unwrap();
    let part: f64 = number.strip_suffix(" of their size").unwrap().parse().unwrap();
    assert!((2e-5..2e-4).contains(&part), "{reason}");
    assert_eq!(chosen_on(|feature| [50.0, 90.0][feature % 2]).name, "fixed");
}

#[test]
fn where_fixed_point_is_not_as_good_auto_takes_simd() {
    let simd = |engine: EngineInfo, why: &str| {
        assert_eq!(engine.name, "simd", "{why}");
        let reason = engine.reason.unwrap();
        assert!(reason.contains(why), "{reason}");
    };
    let all = Settings { batch: 300, ..settings(0.001, 0.0, 1) };
    simd(chosen(All::small(300).of_session(), all), "gradients of all samples");
    let lbfgs = Settings { optimizer: Optimizer::Lbfgs, lambda: 0.1, ..Settings::default() };
    simd(chosen(All::small(300).of_session(), lbfgs), "gradients of all samples");
    simd(
        chosen_on(|feature| [90.0, 8.0][usize::from(feature % 10 == 0)]),
        "rounding in fixed would move logits",
    );
    simd(
        chosen_on(|feature| [90.0, 2.0][usize::from(feature % 10 == 0)]),
        "fixed would multiply 10 features apart",
    );
}

#[test]
fn nobody_is_told_why_an_engine_trains_that_was_asked_for() {
    for kind in [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm] {
        let runs = Run::single(settings(0.001, 0.0, 1));
        let session = Session::new(All::small(300).of_session(), runs, &machine(kind)).unwrap();
        assert_eq!(session.engine().kind(), kind);
        assert_eq!(session.engine().reason, None);
    }
}

#[test]
fn floats_are_not_rounded_to_bytes_unasked() {
    let features: Vec<f32> = (0..400).map(|i| (i * i % 17) as f32).collect();
    let labels = [0, 1].repeat(100);
    let train = Samples::new(Rows::floats(&features, 2), Rows::contiguous(&labels, 1));
    let classes = ["a", "b"].map(String::from);
    let splits = Splits { train: train.clone(), validation: train.slice(0..0), classes: &classes };
    let engine = chosen(splits, settings(0.01, 0.0, 1));
    assert_eq!(
        (engine.name.as_str(), engine.reason.as_deref()),
        ("simd", Some("fixed would round features to bytes"))
    );
}
