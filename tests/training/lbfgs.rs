//! L-BFGS ends at the optimum that plain descent finds from the formulas in f64, and that scikit-learn finds; the bits of a
//! run depend on nothing beside it.

use std::path::Path;

use onelayer::engine::{EngineKind, Isa, Machine, Team};
use onelayer::model::Parameters;
use onelayer::objective::Loss;
use onelayer::samples::{Rows, Samples};
use onelayer::train::record::Reason;
use onelayer::train::{
    self, Checkpoint, ClassWeights, Control, End, Fate, Optimizer, Run, Session, Settings, Which,
};
use proptest::prelude::*;

use super::support::real_images;
use super::{Splits, machine, metrics};

/// Costs that differ by no more than this part of them are equal in f32.
const ROUNDING: f64 = 1.2e-7;

fn lbfgs(lambda: f64, tol: f64) -> Settings {
    Settings { optimizer: Optimizer::Lbfgs, lambda, tol, ..Settings::default() }
}

/// The mean loss with its penalty, from the formulas, in f64.
struct Problem {
    /// `[N, D + 1]`: standardized, and a 1 for the bias.
    x: Vec<Vec<f64>>,
    labels: Vec<usize>,
    classes: usize,
    settings: Settings,
    weights: Vec<f64>,
}

impl Problem {
    fn new(features: &[f32], labels: &[u8], classes: usize, settings: &Settings) -> Self {
        let images = labels.len();
        let d = features.len() / images;
        let mut x: Vec<Vec<f64>> =
            features.chunks(d).map(|row| row.iter().map(|&v| f64::from(v)).chain([1.0]).collect()).collect();
        for feature in 0..d {
            let mean = x.iter().map(|row| row[feature]).sum::<f64>() / images as f64;
            let square = x.iter().map(|row| (row[feature] - mean).powi(2)).sum::<f64>() / images as f64;
            let std = if square == 0.0 { 1.0 } else { square.sqrt() };
            x.iter_mut().for_each(|row| row[feature] = (row[feature] - mean) / std);
        }
        let weights = match &settings.class_weights {
            ClassWeights::Listed(weights) => weights.iter().map(|&weight| f64::from(weight)).collect(),
            _ => vec![1.0; classes],
        };
        let labels = labels.iter().map(|&label| usize::from(label)).collect();
        Self { x, labels, classes, settings: settings.clone(), weights }
    }

    /// The cost and its gradient at `at`, `[K, D + 1]`.
    fn at(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let Settings { objective, label_smoothing, lambda, .. } = self.settings;
        let (columns, k) = (self.x[0].len(), self.classes as f64);
        let (mut cost, mut gradient) = (0.0, vec![0.0; at.len()]);
        for (x, &label) in self.x.iter().zip(&self.labels) {
            let rows = at.chunks(columns);
            let logits: Vec<f64> = rows.map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum()).collect();
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = largest + logits.iter().map(|s| (s - largest).exp()).sum::<f64>().ln();
            let scale = self.weights[label] / self.x.len() as f64;
            for (class, logit) in logits.iter().enumerate() {
                let hot = f64::from(u8::from(class == label));
                let (loss, dlogit) = match objective {
                    Loss::Sigmoid => {
                        let softplus = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
                        ((softplus - hot * logit) / k, (1.0 / (1.0 + (-logit).exp()) - hot) / k)
                    }
                    _ => {
                        let target = (1.0 - label_smoothing) * hot + label_smoothing / k;
                        (target * (log_sum - logit), (logit - log_sum).exp() - target)
                    }
                };
                cost += scale * loss;
                let row = &mut gradient[class * columns..][..columns];
                row.iter_mut().zip(x).for_each(|(g, x)| *g += scale * dlogit * x);
            }
        }
        for (index, (w, g)) in at.iter().zip(&mut gradient).enumerate() {
            if (index + 1) % columns != 0 {
                cost += lambda * w * w;
                *g += 2.0 * lambda * w;
            }
        }
        (cost, gradient)
    }

    /// The lowest cost, by plain descent with momentum that begins anew wherever the cost rises.
    fn optimum(&self) -> f64 {
        let largest = self.weights.iter().copied().fold(0.0, f64::max);
        let square = |row: &Vec<f64>| row.iter().map(|x| x * x).sum::<f64>();
        let mean = self.x.iter().map(square).sum::<f64>() / self.x.len() as f64;
        let step = 1.0 / (largest * mean + 2.0 * self.settings.lambda);
        let mut now = vec![0.0; self.classes * self.x[0].len()];
        let (mut before, mut age, mut last) = (now.clone(), 0.0, f64::INFINITY);
        for _ in 0..200_000 {
            let momentum = age / (age + 3.0);
            let ahead: Vec<f64> = now.iter().zip(&before).map(|(a, b)| a + momentum * (a - b)).collect();
            let (cost, gradient) = self.at(&ahead);
            if gradient.iter().all(|g| g.abs() < 1e-9) {
                return cost;
            }
            age = if cost > last { 0.0 } else { age + 1.0 };
            before =
                std::mem::replace(&mut now, ahead.iter().zip(&gradient).map(|(w, g)| w - step * g).collect());
            last = cost;
        }
        panic!("plain descent came to no end: {:?}", self.settings);
    }

    fn flat(&self, parameters: &Parameters) -> Vec<f64> {
        let rows = parameters.weight.chunks(parameters.features).zip(&parameters.bias);
        rows.flat_map(|(row, bias)| row.iter().chain([bias])).map(|&value| f64::from(value)).collect()
    }
}

/// Features, some of which follow the label; and the labels.
fn features(images: usize, d: usize, classes: usize, seed: u64) -> (Vec<f32>, Vec<u8>) {
    let noise = |n: usize| {
        let n = (n as u64 + 1).wrapping_mul(seed.wrapping_mul(2) + 0x9E37_79B9_7F4A_7C15);
        let n = (n ^ (n >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((n ^ (n >> 29)) % 10_007) as f32 / 5_003.0 - 1.0
    };
    let labels: Vec<u8> = (0..images)
        .map(|n| ((noise(7 * n + 1) + 1.0) * 5_003.0) as usize % classes)
        .map(|k| k as u8)
        .collect();
    let value = |n: usize, j: usize| {
        let follows = if j % classes == usize::from(labels[n]) { 0.7 } else { 0.0 };
        (noise(n * 131 + j * 7919 + 3) + follows) * (1 + j % 3) as f32
    };
    ((0..images * d).map(|i| value(i / d, i % d)).collect(), labels)
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_ends_at_the_optimum_of_plain_descent_in_f64(
        images in 12..90usize, d in 1..9usize, classes in 2..6usize, seed in 0..10_000u64, exponent in -3..1i32,
        sigmoid in any::<bool>(), smooth in any::<bool>(), weighted in any::<bool>(), engine in 0..3usize,
    ) {
        let engine = [EngineKind::Simd, EngineKind::Gemm, EngineKind::Reference][engine];
        let (features, labels) = features(images, d, classes, seed);
        let mut settings = lbfgs(10f64.powi(exponent), 1e-5);
        settings.objective = if sigmoid { Loss::Sigmoid } else { Loss::Softmax };
        if smooth && !sigmoid {
            settings.label_smoothing = 0.1;
        }
        if weighted {
            settings.class_weights = ClassWeights::Listed((1..=classes).map(|k| k as f32 / 2.0).collect());
        }
        let samples = Samples::new(Rows::floats(&features, d), Rows::contiguous(&labels, 1));
        let names = names(classes);
        let splits = train::Splits { train: samples.clone(), validation: samples, classes: &names };
        let mut session = Session::new(splits, Run::single(settings.clone()), &machine(engine)).unwrap();
        prop_assert_eq!(session.run(&mut ()).unwrap(), End::Finished);

        let problem = Problem::new(&features, &labels, classes, &settings);
        let model = session.models(Which::Last).remove(0).unwrap();
        let (cost, gradient) = problem.at(&problem.flat(&model.parameters));
        let lowest = problem.optimum();
        prop_assert!(cost <= lowest + 1e-6 * lowest, "{} is not {}", cost, lowest);
        let ended = session.ended(0).unwrap();
        let steepness = gradient.iter().fold(0f64, |most, g| most.max(g.abs()));
        prop_assert!(ended.reason == Reason::Tol && steepness <= 1.3e-5, "{:?}: {}", ended, steepness);
        prop_assert!((ended.gradient.unwrap() - steepness).abs() < 3e-6, "{:?}: {}", ended, steepness);
        prop_assert!(ended.evaluations.unwrap() > ended.epoch);
        let costs: Vec<f64> = session.histories()[0].iter().map(|record| record.train.cost).collect();
        prop_assert_eq!(costs.len(), ended.epoch);
        prop_assert!(costs.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + ROUNDING)), "{:?}", costs);
    }
}

#[test]
fn on_real_images_it_ends_at_the_optimum_that_scikit_learn_finds() {
    let Some(data) = real_images() else { return };
    // LogisticRegression(C=0.01, tol=1e-8) of scikit-learn 1.9.1 on data_batch_1, in f64, standardized: lambda is 1 / (2 C N).
    const OBJECTIVE: f64 = 1.43339590730177;
    const ACCURACY: f64 = 0.3668;
    for engine in [EngineKind::Simd, EngineKind::Fixed] {
        let settings = Settings { evaluate_every: 1000, ..lbfgs(0.005, 1e-5) };
        let trained = Splits::of(&data).train_one(engine, &settings);
        let found = trained.history.last().unwrap().train.cost;
        assert!((found / OBJECTIVE - 1.0).abs() < 1e-6, "{engine:?}: {found}");
        assert!(
            (trained.metrics.accuracy - ACCURACY).abs() <= 0.002,
            "{engine:?}: {}",
            trained.metrics.accuracy
        );
    }
}

/// A session of small synthetic images with this many threads.
fn session(engine: EngineKind, isa: Option<Isa>, threads: usize, runs: &[Run]) -> Session<'static> {
    let Splits { train, validation, classes, .. } = Splits::small(300);
    let team = Team::new(threads.try_into().unwrap()).unwrap();
    let splits = train::Splits { train, validation, classes };
    Session::new(splits, runs.to_vec(), &Machine { engine, isa, team }).unwrap()
}

/// Runs that end at different iterations.
fn runs() -> Vec<Run> {
    let run = |lambda: f64| Run {
        name: format!("lambda {lambda}"),
        settings: Settings { iterations: 40, class_weights: ClassWeights::Balanced, ..lbfgs(lambda, 1e-4) },
    };
    [0.01, 1.0, 10.0].map(run).to_vec()
}

/// What it ended with, by run: parameters, history, fate.
fn ends(session: &mut Session) -> Vec<String> {
    let models = session.models(Which::Last);
    let of_run = |(run, model): (usize, Option<onelayer::model::Model>)| {
        let history = metrics(&session.histories()[run]);
        format!("{:?} {history:?} {:?}", model.map(|model| model.parameters), session.ended(run))
    };
    models.into_iter().enumerate().map(of_run).collect()
}

#[test]
fn its_bits_depend_on_no_threads_no_instruction_set_and_no_run_beside_it() {
    for engine in [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm, EngineKind::Reference] {
        let end = |isa, threads, runs: &[Run]| {
            let mut session = session(engine, isa, threads, runs);
            session.run(&mut ()).unwrap();
            ends(&mut session)
        };
        let together = end(None, 1, &runs());
        assert!(together.iter().any(|end| end.contains("Tol")), "{engine:?}: runs that end on their own");
        assert_eq!(end(None, 3, &runs()), together, "{engine:?}");
        if matches!(engine, EngineKind::Simd | EngineKind::Fixed) {
            assert_eq!(end(Some(Isa::Portable), 2, &runs()), together, "{engine:?}");
        }
        for (run, together) in runs().into_iter().zip(&together) {
            assert_eq!(end(None, 2, &[run])[0], *together, "{engine:?}");
        }
    }
}

#[test]
fn without_validation_images_it_ends_at_the_same_model() {
    let Splits { train, validation, classes, .. } = Splits::small(300);
    let models = [validation.clone(), validation.slice(0..0)].map(|validation| {
        let splits = train::Splits { train: train.clone(), validation, classes };
        let mut session = Session::new(splits, runs(), &machine(EngineKind::Simd)).unwrap();
        session.run(&mut ()).unwrap();
        session.models(Which::Last).into_iter().map(|model| model.unwrap().parameters).collect::<Vec<_>>()
    });
    assert!(models[0] == models[1]);
}

/// Stops when it is asked for the last of so many times.
struct Patience(usize);

impl Control for Patience {
    fn stop(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 == 0
    }
}

#[test]
fn stopped_anywhere_and_resumed_from_a_file_it_has_the_bits_of_one_that_never_stopped() {
    let whole = {
        let mut session = session(EngineKind::Simd, None, 2, &runs());
        session.run(&mut ()).unwrap();
        ends(&mut session)
    };
    let file = Path::new("checkpoint");
    let Splits { train, validation, classes, .. } = Splits::small(300);
    let splits = || train::Splits { train: train.clone(), validation: validation.clone(), classes };
    for patience in [1, 2, 3, 7, 8, 20, 41, 42, 43] {
        let mut session = session(EngineKind::Simd, None, 1, &runs());
        let data = train::Fingerprint::of(&train, &validation, classes);
        let mut stops = 0;
        while session.run(&mut Patience(patience)).unwrap() == End::Stopped && stops < 12 {
            stops += 1;
            let bytes = session.checkpoint(1, &data).to_bytes();
            let checkpoint = Checkpoint::from_bytes(file, &bytes).unwrap();
            session = Session::resume(splits(), checkpoint, &machine(EngineKind::Simd)).unwrap();
        }
        assert!(stops > 0, "patience {patience}");
        session.run(&mut ()).unwrap();
        assert_eq!(ends(&mut session), whole, "patience {patience}");
    }
}

#[test]
fn a_descent_of_another_size_is_refused() {
    let Splits { train, validation, classes, .. } = Splits::small(300);
    let data = train::Fingerprint::of(&train, &validation, classes);
    let mut session = session(EngineKind::Simd, None, 1, &runs());
    session.run_to(3, &mut ()).unwrap();
    let good = session.checkpoint(1, &data);
    let refused = |change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint = good.clone();
        change(&mut checkpoint);
        let splits = train::Splits { train: train.clone(), validation: validation.clone(), classes };
        Session::resume(splits, checkpoint, &machine(EngineKind::Simd)).err().expect("a refusal").to_string()
    };
    for message in [refused(&|it| it.descents.truncate(1)), refused(&|it| it.descents.clear())] {
        assert!(message.contains("expected a descent of each run of lbfgs"), "{message}");
    }
}

#[test]
fn early_stopping_and_the_best_model_are_those_of_its_iterations() {
    let overfits = Settings { early_stop: 3, ..lbfgs(0.0, 0.0) };
    let mut session = session(EngineKind::Simd, None, 2, &Run::single(Settings { best: true, ..overfits }));
    session.run(&mut ()).unwrap();
    let Fate::Early { epoch } = session.fates()[0] else { panic!("{:?}", session.fates()) };
    assert_eq!(session.ended(0).unwrap().reason, Reason::EarlyStop);
    let history = session.histories()[0].clone();
    let best = history.iter().min_by(|a, b| a.validation.loss.total_cmp(&b.validation.loss)).unwrap();
    assert_eq!(epoch, best.epoch + 3);
    let kept = session.models(Which::Wanted).remove(0).unwrap();
    assert_eq!(kept.metadata["epoch"], best.epoch.to_string());
    let short = Settings { iterations: best.epoch, ..lbfgs(0.0, 0.0) };
    let short = Splits::small(300).train_one(EngineKind::Simd, &short);
    assert_eq!(short.model.parameters, kept.parameters);
}

#[test]
fn where_there_is_no_optimum_or_nothing_to_learn_it_ends_nevertheless() {
    let (wild, labels) = features(60, 4, 2, 1);
    let huge: Vec<f32> = wild.iter().enumerate().map(|(i, x)| x * [1e-20, 1.0, 1e10, 1e15][i % 4]).collect();
    let apart: Vec<f32> = labels.iter().flat_map(|&label| [f32::from(label); 4]).collect();
    let one = vec![0; 60];
    for (name, features, labels, no_standardize) in [
        ("features of very different sizes", &huge, &labels, true),
        ("separable", &apart, &labels, false),
        ("one class alone", &wild, &one, false),
        ("constant features", &vec![3.0; 240], &labels, false),
    ] {
        for engine in [EngineKind::Simd, EngineKind::Gemm, EngineKind::Reference] {
            let settings = Settings { no_standardize, iterations: 300, ..lbfgs(0.0, 1e-7) };
            let samples = Samples::new(Rows::floats(features, 4), Rows::contiguous(labels, 1));
            let names = names(2);
            let splits = train::Splits { train: samples.clone(), validation: samples, classes: &names };
            let mut session = Session::new(splits, Run::single(settings), &machine(engine)).unwrap();
            assert_eq!(session.run(&mut ()).unwrap(), End::Finished, "{name}");
            let costs: Vec<f64> = session.histories()[0].iter().map(|record| record.train.cost).collect();
            let rises = costs.windows(2).any(|pair| pair[1] > pair[0] * (1.0 + ROUNDING));
            assert!(!rises, "{engine:?}, {name}: {costs:?}");
            assert!(session.ended(0).is_some(), "{engine:?}, {name}: {:?}", session.fates());
        }
    }
}

#[test]
fn what_does_not_go_with_it_is_refused() {
    let Splits { train, classes, .. } = Splits::small(100);
    let refusal = |change: &dyn Fn(&mut Settings)| {
        let mut settings = lbfgs(0.1, 1e-4);
        change(&mut settings);
        settings.check(&train, classes.len()).unwrap_err().to_string()
    };
    let smooth =
        "objective: expected softmax or sigmoid with optimizer lbfgs, which needs a smooth loss, found hinge";
    assert_eq!(refusal(&|it| it.objective = Loss::Hinge), smooth);
    for (change, message) in [
        (
            &(|it: &mut Settings| it.eta = 0.5) as &dyn Fn(&mut Settings),
            "eta: expected optimizer sgd, found 0.5 with optimizer lbfgs",
        ),
        (&|it| it.shuffle = true, "shuffle: expected optimizer sgd, found true with optimizer lbfgs"),
        (&|it| it.seed = 3, "seed: expected optimizer sgd, found 3 with optimizer lbfgs"),
        (&|it| it.iterations = 0, "iterations: expected at least 1, found 0"),
        (&|it| it.tol = f64::NAN, "tol: expected a number from 0 to 3.4028235e38, found NaN"),
    ] {
        assert_eq!(refusal(change), message);
    }
    let of_sgd = Settings { tol: 0.5, ..Settings::default() };
    let message = of_sgd.check(&train, classes.len()).unwrap_err().to_string();
    assert_eq!(message, "tol: expected optimizer lbfgs, found 0.5 with optimizer sgd");
}
