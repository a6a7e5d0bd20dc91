//! Small trainings against `oracle.py`, which has the formulas alone, in NumPy: the proof does not begin with this
//! library's own reference.

use std::io::Write;
use std::process::{Command, Stdio};

use onelayer::engine::EngineKind;
use onelayer::model::Parameters;
use onelayer::samples::{Element, Rows, Samples};
use onelayer::train::{Metrics, Run, Session, Settings, Splits, When, Which, evaluator};
use serde_json::{Value, json};

use super::machine;
use super::support::has_numpy;

const FEATURES: usize = 70;
const CLASSES: usize = 5;

/// Images in which a pixel never varies, one hardly ever, and some follow the label.
fn images(count: usize, salt: usize) -> (Vec<u8>, Vec<u8>) {
    let noise =
        |n: usize, d: usize| ((n * 7919 + d * 104_729 + salt * 31).wrapping_mul(2_654_435_761) >> 13) as u8;
    let labels: Vec<u8> = (0..count).map(|n| noise(n, 500) % CLASSES as u8).collect();
    let pixel = |n: usize, d: usize| match d {
        0 => 17,
        1 => u8::from(n == 3),
        2..7 => noise(n, d) / 2 + if d - 2 == usize::from(labels[n]) { 90 } else { 0 },
        _ => noise(n, d),
    };
    let pixels = (0..count).flat_map(|n| (0..FEATURES).map(move |d| (n, d))).map(|(n, d)| pixel(n, d));
    (pixels.collect(), labels)
}

fn runs() -> Vec<Run> {
    let settings = [(0.01, 0.0), (0.01, 0.1), (0.03, 0.001)];
    let settings =
        settings.map(|(eta, lambda)| Settings { eta, lambda, batch: 12, epochs: 6, ..Settings::default() });
    settings.into_iter().flat_map(Run::single).collect()
}

/// What `oracle.py` makes of these runs.
fn oracle(splits: [&(Vec<u8>, Vec<u8>); 2]) -> Value {
    let [train, validation] = splits.map(
        |(pixels, labels)| json!({ "pixels": pixels.chunks(FEATURES).collect::<Vec<_>>(), "labels": labels }),
    );
    let run = |Run { settings, .. }: &Run| {
        let (step, initial) =
            (settings.step(When::START), Parameters::random(CLASSES, FEATURES, settings.seed));
        json!({
            "weight": initial.weight.chunks(FEATURES).collect::<Vec<_>>(), "bias": initial.bias,
            "eta": f64::from(step.eta), "lambda": f64::from(step.lambda),
            "batch": settings.batch, "epochs": settings.epochs,
        })
    };
    let job = json!({ "train": train, "validation": validation, "runs": runs().iter().map(run).collect::<Vec<_>>() });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/training/oracle.py");
    let mut command = Command::new("python3");
    let mut python = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// All numbers in `value`, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

#[track_caller]
fn assert_close(what: &str, found: impl IntoIterator<Item = f64>, expected: &[f64], tolerance: f64) {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= tolerance * (1.0 + expected.abs());
        assert!(close, "{what} {index}: {found}, by NumPy {expected}");
    }
}

#[test]
fn weights_histories_and_predictions_are_those_of_numpy() {
    if !has_numpy() {
        return;
    }
    let (train, validation) = (images(70, 1), images(40, 2));
    let expected = oracle([&train, &validation]);
    let classes: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
    let rows = Rows::contiguous(&validation.0, FEATURES);
    let [train, validation] = [&train, &validation].map(|(pixels, labels)| {
        Samples::new(Rows::contiguous(pixels, FEATURES), Rows::contiguous(labels, 1))
    });
    // f32 has 6e-8; the reference rounds mean, deviation and what it hands over to it. 16-bit numbers have 3e-5 of the
    // largest in their block, and one pixel hardly ever varies.
    for (engine, tolerance) in [
        (EngineKind::Reference, 1e-6),
        (EngineKind::Simd, 3e-6),
        (EngineKind::Gemm, 3e-6),
        (EngineKind::Fixed, 1e-3),
    ] {
        let splits = Splits { train: train.clone(), validation: validation.clone(), classes: &classes };
        let mut session = Session::new(splits, runs(), &machine(engine)).unwrap();
        session.run(&mut ()).unwrap();
        let models: Vec<_> = session.models(Which::Last).into_iter().map(Option::unwrap).collect();
        let mut logits = vec![f32::NAN; validation.len() * models.len() * CLASSES];
        evaluator(&models, Element::U8, &machine(engine)).unwrap().forward(&rows, &mut logits).unwrap();
        for (run, (model, expected)) in models.iter().zip(expected.as_array().unwrap()).enumerate() {
            let what = |part: &str| format!("{engine:?}, run {run}, {part}");
            let of = |name: &str| numbers(&expected[name]);
            let widened = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
            assert_close(&what("weight"), widened(&model.parameters.weight), &of("weight"), tolerance);
            assert_close(&what("bias"), widened(&model.parameters.bias), &of("bias"), tolerance);
            let logits = logits.chunks(CLASSES).skip(run).step_by(models.len()).flatten();
            assert_close(&what("logit"), logits.map(|&logit| logit.into()), &of("logits"), 10.0 * tolerance);
            for (record, epoch) in
                session.histories()[run].iter().zip(expected["history"].as_array().unwrap())
            {
                for (Metrics { loss, cost, accuracy }, expected) in
                    [record.train, record.validation].into_iter().zip(epoch.as_array().unwrap())
                {
                    let expected = ["loss", "cost", "accuracy"].map(|name| expected[name].as_f64().unwrap());
                    let name = format!("epoch {}", record.epoch);
                    assert_close(&what(&name), [loss, cost, accuracy], &expected, tolerance);
                }
            }
        }
    }
}
