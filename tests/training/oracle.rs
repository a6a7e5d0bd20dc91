//! Small trainings against `oracle.py`, which has the formulas alone, in NumPy: the proof does not begin with this
//! library's own reference.

use std::io::Write;
use std::process::{Command, Stdio};

use onelayer::engine::EngineKind;
use onelayer::model::Parameters;
use onelayer::objective::Loss;
use onelayer::samples::{Element, Rows, Samples};
use onelayer::train::{
    ClassWeights, Metrics, Run, Schedule, Session, Settings, Splits, When, Which, evaluator,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::machine;
use super::support::has_numpy;

/// Those of grey pictures of 28 x 28, so that they can be flipped.
const FEATURES: usize = 784;
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

/// Groups of runs that are trained side by side: the labs of many students.
fn groups() -> Vec<Vec<Run>> {
    let settings = |eta, lambda| Settings { eta, lambda, batch: 12, epochs: 3, ..Settings::default() };
    let plain = [settings(0.001, 0.0), settings(0.001, 0.1), settings(0.003, 0.001)];
    let momentum = Settings { schedule: Schedule::Linear, momentum: 0.9, ..settings(0.0005, 0.01) };
    let step = Settings { schedule: "step:2:0.1".parse().unwrap(), ..settings(0.002, 0.01) };
    let of = |objective, settings: &Settings| Settings { objective, ..settings.clone() };
    let hinge = Settings { schedule: Schedule::Cosine, ..of(Loss::Hinge, &plain[1]) };
    let class_weights = ClassWeights::Listed(vec![0.5, 1.0, 2.0, 1.0, 3.0]);
    let smooth = Settings { label_smoothing: 0.1, class_weights, ..momentum.clone() };
    let groups = [
        [&plain[..], &[momentum.clone(), step]].concat(),
        vec![of(Loss::Hinge, &plain[0]), hinge],
        vec![of(Loss::Sigmoid, &plain[2]), of(Loss::Sigmoid, &momentum)],
        vec![smooth],
        vec![Settings { flip: true, seed: 5, ..momentum }],
    ];
    groups.into_iter().map(|group| group.into_iter().flat_map(Run::single).collect()).collect()
}

/// What `oracle.py` makes of these runs on samples of these features and labels.
fn oracle<T: Serialize>(splits: [&(Vec<T>, Vec<u8>); 2], runs: &[Run]) -> Value {
    let images = splits[0].1.len();
    let [train, validation] = splits.map(|(features, labels)| {
        json!({ "features": features.chunks(FEATURES).collect::<Vec<_>>(), "labels": labels })
    });
    let standardize = !runs[0].settings.no_standardize;
    let run = |Run { settings, .. }: &Run| {
        let (step, initial) =
            (settings.step(When::START), Parameters::random(CLASSES, FEATURES, settings.seed));
        let class_weights = match &settings.class_weights {
            ClassWeights::Listed(weights) => weights.clone(),
            _ => vec![1.0; CLASSES],
        };
        let flips = settings.augmentation(FEATURES).unwrap().map(|augmentation| -> Vec<Vec<bool>> {
            let of_epoch = |epoch| (0..images).map(|image| augmentation.change(epoch, image).flip).collect();
            (1..=settings.epochs).map(of_epoch).collect()
        });
        json!({
            "objective": settings.objective, "smoothing": settings.label_smoothing, "class_weights": class_weights,
            "schedule": settings.schedule, "momentum": f64::from(step.momentum), "flips": flips, "width": 28,
            "weight": initial.weight.chunks(FEATURES).collect::<Vec<_>>(), "bias": initial.bias,
            "eta": settings.eta, "lambda": f64::from(step.lambda),
            "batch": settings.batch, "epochs": settings.epochs,
        })
    };
    let runs: Vec<Value> = runs.iter().map(run).collect();
    let job = json!({ "train": train, "validation": validation, "standardize": standardize, "runs": runs });
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
    let classes: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
    let rows = Rows::contiguous(&validation.0, FEATURES);
    let [of_train, of_validation] = [&train, &validation].map(|(pixels, labels)| {
        Samples::new(Rows::contiguous(pixels, FEATURES), Rows::contiguous(labels, 1))
    });
    // f32 has 6e-8; the reference rounds mean, deviation, rates and what it hands over to it. 16-bit numbers have 3e-5 of
    // the largest in their block, and one pixel hardly ever varies.
    let engines = [
        (EngineKind::Reference, 1e-6),
        (EngineKind::Simd, 3e-6),
        (EngineKind::Gemm, 3e-6),
        (EngineKind::Fixed, 1e-3),
    ];
    let oracles: Vec<Value> = groups().iter().map(|runs| oracle([&train, &validation], runs)).collect();
    for ((engine, tolerance), (group, expected)) in
        engines.into_iter().flat_map(|engine| oracles.iter().enumerate().map(move |oracle| (engine, oracle)))
    {
        let runs = groups().swap_remove(group);
        let splits = Splits { train: of_train.clone(), validation: of_validation.clone(), classes: &classes };
        let mut session = Session::new(splits, runs, &machine(engine)).unwrap();
        session.run(&mut ()).unwrap();
        let models: Vec<_> = session.models(Which::Last).into_iter().map(Option::unwrap).collect();
        let mut logits = vec![f32::NAN; rows.len() * models.len() * CLASSES];
        evaluator(&models, Element::U8, &machine(engine)).unwrap().forward(&rows, &mut logits).unwrap();
        for (run, (model, expected)) in models.iter().zip(expected.as_array().unwrap()).enumerate() {
            let what = |part: &str| format!("{engine:?}, group {group}, run {run}, {part}");
            let of = |name: &str| numbers(&expected[name]);
            let widened = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
            assert_close(&what("weight"), widened(&model.parameters.weight), &of("weight"), tolerance);
            assert_close(&what("bias"), widened(&model.parameters.bias), &of("bias"), tolerance);
            let logits = logits.chunks(CLASSES).skip(run).step_by(models.len()).flatten();
            assert_close(&what("logit"), logits.map(|&logit| logit.into()), &of("logits"), 10.0 * tolerance);
            for (record, epoch) in
                session.histories()[run].iter().zip(expected["history"].as_array().unwrap())
            {
                for (Metrics { loss, cost, accuracy, .. }, expected) in
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

/// f32 features, each of a size and a mean of its own, some of which follow the label.
fn floats(count: usize, salt: usize) -> (Vec<f32>, Vec<u8>) {
    let (bytes, labels) = images(count, salt);
    let float = |(i, &byte): (usize, &u8)| (f32::from(byte) / 100.0 - 1.3) * (1 + i % FEATURES % 7) as f32;
    (bytes.iter().enumerate().map(float).collect(), labels)
}

#[test]
fn weights_of_f32_features_standardized_or_not_or_in_bytes_are_those_of_numpy() {
    if !has_numpy() {
        return;
    }
    let (train, validation) = (floats(70, 1), floats(40, 2));
    let classes: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
    let [of_train, of_validation] = [&train, &validation].map(|(features, labels)| {
        Samples::new(Rows::floats(features, FEATURES), Rows::contiguous(labels, 1))
    });
    let settings = |no_standardize| Settings {
        no_standardize,
        eta: if no_standardize { 1e-4 } else { 1e-3 },
        lambda: 0.01,
        momentum: 0.9,
        schedule: Schedule::Linear,
        batch: 12,
        epochs: 3,
        ..Settings::default()
    };
    let engines = [
        (EngineKind::Reference, 1e-6),
        (EngineKind::Simd, 3e-6),
        (EngineKind::Gemm, 3e-6),
        // A feature is rounded to one of 256 levels.
        (EngineKind::Fixed, 3e-3),
    ];
    for no_standardize in [false, true] {
        let runs = Run::single(settings(no_standardize));
        let expected = oracle([&train, &validation], &runs);
        let [weight, logits] = ["weight", "logits"].map(|name| numbers(&expected[0][name]));
        for (engine, tolerance) in engines {
            let what = |part: &str| format!("{engine:?}, no_standardize {no_standardize}, {part}");
            let splits =
                Splits { train: of_train.clone(), validation: of_validation.clone(), classes: &classes };
            let mut session = Session::new(splits, runs.clone(), &machine(engine)).unwrap();
            session.run(&mut ()).unwrap();
            let model = session.models(Which::Last).swap_remove(0).unwrap();
            let found = model.parameters.weight.iter().map(|&weight| weight.into());
            assert_close(&what("weight"), found, &weight, tolerance);
            // Whatever trained it, the model is one of the features as they are.
            let mut found = vec![f32::NAN; validation.1.len() * CLASSES];
            let rows = Rows::floats(&validation.0, FEATURES);
            let mut evaluator = evaluator(&[model], Element::F32, &machine(EngineKind::Simd)).unwrap();
            evaluator.forward(&rows, &mut found).unwrap();
            assert_close(&what("logit"), found.into_iter().map(f64::from), &logits, 10.0 * tolerance);
            // How far off levels are is told: r deviations in 255 steps have an rms of r / (255 sqrt(12)) or less.
            let rounding = session.rounding().map(|rounding| rounding.rms);
            assert_eq!(rounding.is_some(), engine == EngineKind::Fixed);
            assert!(rounding.is_none_or(|rms| (1e-4..0.01).contains(&rms) != no_standardize), "{rounding:?}");
        }
    }
}
