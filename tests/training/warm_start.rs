//! Training that begins with a model: as that model answers, whatever the new images are standardized by.

use std::num::NonZeroUsize;

use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::model::{Model, Standardization};
use onelayer::samples::{Rows, Samples};
use onelayer::train::{Metrics, Run, Session, Settings, Splits, Which, evaluate, evaluator};

const FEATURES: usize = 5;

/// Images of two classes, darker by `shift` levels.
fn pixels(shift: u8) -> Vec<u8> {
    (0..60 * FEATURES).map(|at| (at * at % 200 + at % 7) as u8 / (1 + shift / 50) + shift).collect()
}

fn splits<'a>(pixels: &'a [u8], labels: &'a [u8], classes: &'a [String]) -> Splits<'a> {
    let train = Samples::new(Rows::contiguous(pixels, FEATURES), Rows::contiguous(labels, 1));
    Splits { validation: train.clone(), train, classes }
}

fn machine() -> Machine {
    Machine { engine: EngineKind::Reference, isa: None, team: Team::new(NonZeroUsize::MIN).unwrap() }
}

fn still(eta: f64) -> Vec<Run> {
    Run::single(Settings { eta, batch: 20, epochs: 1, ..Settings::default() })
}

#[test]
fn a_warm_start_answers_as_its_model_does() {
    let labels: Vec<u8> = (0..60).map(|image| u8::from(image % 3 == 0)).collect();
    let classes = ["a", "b"].map(String::from);
    let (bright, dark) = (pixels(0), pixels(50));
    let mut first = Session::new(splits(&bright, &labels, &classes), still(0.1), &machine()).unwrap();
    first.run(&mut ()).unwrap();
    let model = first.models(Which::Last).swap_remove(0).unwrap();
    let standardization = |pixels: &[u8]| Standardization::measure(&splits(pixels, &labels, &classes).train);
    assert_ne!(standardization(&bright), standardization(&dark));

    for pixels in [&bright, &dark] {
        let splits = splits(pixels, &labels, &classes);
        let samples = splits.train.clone();
        // A learning rate of 0 leaves it as it begins.
        let mut session = Session::from_model(splits, still(0.0), &model, &machine()).unwrap();
        for _ in 0..2 {
            session.run(&mut ()).unwrap();
            let begun = session.models(Which::Last).swap_remove(0).unwrap();
            assert_eq!(begun.standardization, standardization(pixels));
            assert_eq!(
                begun.parameters == model.parameters,
                pixels == &bright,
                "the same bits on the same images"
            );
            let of = |model: &Model| {
                let mut engine =
                    evaluator(std::slice::from_ref(model), samples.element(), &machine()).unwrap();
                let found = evaluate(&mut *engine, &samples, &mut ()).unwrap().unwrap().swap_remove(0);
                Metrics::of_model(&found, model).loss
            };
            // Each parameter is rounded to f32 once.
            let (expected, found) = (of(&model), of(&begun));
            assert!((found - expected).abs() < 1e-5 * expected, "{found}, not {expected}");
            session.restart();
        }
    }
    let three = ["a", "b", "c"].map(String::from);
    let refused = Session::from_model(splits(&bright, &labels, &three), still(0.0), &model, &machine());
    let shape = |classes| format!("a model of 5 features and {classes} classes");
    let expected = format!("from: expected {}, as the data has, found {}", shape(3), shape(2));
    assert_eq!(refused.err().unwrap().to_string(), expected);
}
