//! `onelayer reproduce --bonus`: the course's optional part, each improvement alone and all together.

use std::path::PathBuf;

use serde::Serialize;

use super::super::args::TrainingArgs;
use super::super::console::{self, Console};
use super::super::inputs::Inputs;
use super::super::many::{self, Tested, Trained};
use super::super::{model_file, text};
use crate::error::Result;
use crate::machine::MachineRecord;
use crate::model::Init;
use crate::objective::Loss;
use crate::report::bonus::{self, Contents, Improvement};
use crate::report::{Templates, TrueClassProbabilities};
use crate::train::record::DatasetRecord;
use crate::train::{Run, Schedule, Settings, evaluator};

/// Seeds of each improvement.
const SEEDS: u64 = 3;
/// Training images that are held out for validation.
const VALIDATION: usize = 1000;

/// An improvement that the course asks for: its settings, and the best figure that students have published with it, in
/// percent. Their setups differ.
struct Row {
    name: &'static str,
    settings: Settings,
    published: Option<f64>,
}

/// What is tried. The last one was chosen by its accuracy on 10,000 validation images, never on those of the test.
fn rows() -> Vec<Row> {
    let base = Settings { epochs: 20, evaluate_every: 20, shuffle: true, ..Settings::default() };
    let falling = Settings { schedule: Schedule::Linear, eta: 0.005, ..base.clone() };
    let moving = Settings { momentum: 0.9, eta: 0.001, ..falling.clone() };
    let mirror = Settings { mirror: true, ..falling.clone() };
    let all = Settings {
        mirror: true,
        shift: 1,
        batch: 400,
        eta: 0.01,
        lambda: 0.001,
        label_smoothing: 0.1,
        epochs: 30,
        evaluate_every: 30,
        init: Init::Zero,
        ..moving.clone()
    };
    let row = |name, settings: &Settings, published| Row { name, settings: settings.clone(), published };
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = base.clone();
        change(&mut settings);
        settings
    };
    vec![
        row("all data", &base, Some(41.0)),
        row(
            "decay",
            &with(&|s| (s.eta, s.schedule) = (0.003, Schedule::Step { every: 5, factor: 0.3 })),
            Some(39.7),
        ),
        row("flips", &with(&|s| s.flip = true), Some(41.2)),
        row("grid search", &with(&|s| (s.eta, s.lambda) = (0.0005, 0.003)), Some(40.9)),
        row("Xavier initialization", &with(&|s| s.init = Init::Xavier), None),
        row("label smoothing", &with(&|s| s.label_smoothing = 0.1), None),
        row("SVM loss", &with(&|s| (s.objective, s.eta, s.lambda) = (Loss::Hinge, 0.0001, 0.01)), Some(40.9)),
        row("K sigmoids", &with(&|s| (s.objective, s.eta) = (Loss::Sigmoid, 0.01)), Some(41.9)),
        row("linear decay", &falling, None),
        row("momentum", &moving, None),
        row("mirror", &mirror, None),
        row("mirror, shift", &Settings { shift: 1, ..mirror.clone() }, None),
        row("all together", &all, Some(42.3)),
    ]
}

/// What `--json` prints.
#[derive(Serialize)]
struct Record<'a> {
    rows: &'a [Improvement],
    seeds: u64,
    dataset: DatasetRecord,
    machine: String,
    seconds: f64,
    #[serde(serialize_with = "crate::files::path_text::path")]
    out: PathBuf,
}

pub(super) fn run(mut args: TrainingArgs) -> Result<()> {
    let console = Console::new(args.output);
    args.data.hold_out_of_all(VALIDATION);
    let inputs = Inputs::open(&args)?;
    let rows = rows();
    let mut runs = Vec::new();
    for (row, seed) in rows.iter().flat_map(|row| (0..SEEDS).map(move |seed| (row, seed))) {
        runs.push(Run {
            name: format!("{} {seed}", row.name),
            settings: Settings { seed, ..row.settings.clone() },
        });
    }
    args.apply(&mut runs)?;
    let images = inputs.dataset.train.len();
    console.dataset(&inputs.dataset)?;
    let all = runs.iter().map(|run| run.settings.epochs).sum();
    let folder = args.folder("bonus")?;
    inputs.signals.note();
    let progress = console.progress(all, images, 0);
    let (trained, engine) = many::train(&inputs, &runs, &progress)?;
    progress.stage("testing");
    let mut improvements = Vec::new();
    for (row, of_row) in rows.iter().zip(trained.chunks(SEEDS as usize)) {
        improvements.push(improvement(row, of_row));
    }
    // The logits of linear models average as their weights do.
    let last = trained.chunks(SEEDS as usize).next_back().unwrap_or_default();
    let mean = many::average(last).map(|model| many::test(&inputs, model)).transpose()?;
    if let Some(Tested { metrics, .. }) = &mean {
        let seconds = last.iter().map(|trained| trained.seconds).sum();
        improvements.push(Improvement {
            name: format!("all together, mean of {SEEDS} models"),
            settings: String::new(),
            accuracy: vec![metrics.accuracy],
            loss: metrics.loss,
            seconds,
            published: None,
        });
    }
    let histogram = |name: &str| -> Result<Option<TrueClassProbabilities>> {
        let tested = trained.iter().find(|trained| trained.run.name == format!("{name} 0"));
        let Some(Tested { model, .. }) = tested.and_then(|trained| trained.test.as_ref()) else {
            return Ok(None);
        };
        let samples = inputs.dataset.test.samples();
        let mut engine = evaluator(std::slice::from_ref(model), samples.element(), &inputs.machine)?;
        let shape = (1, model.classes.len());
        let counts = TrueClassProbabilities::of(&samples, shape, &model.objective, |rows, logits| {
            engine.forward(rows, logits)
        })?;
        Ok(counts.map(|mut counts| counts.swap_remove(0)))
    };
    let histograms = [histogram("all data")?, histogram("K sigmoids")?];
    if let Some(Tested { model, .. }) = &mean {
        folder.write(model_file::NAME, model.to_bytes())?;
    }
    let dataset = DatasetRecord::new(&inputs.dataset);
    let command = args.command("reproduce --bonus", &[], &inputs.dataset, &engine);
    let machine = MachineRecord::here().name;
    let contents = Contents {
        rows: &improvements,
        seeds: SEEDS,
        dataset: &dataset,
        machine: &machine,
        command: &command,
        histograms: &histograms,
        templates: mean.as_ref().and_then(|mean| Templates::new(&mean.model.parameters)),
    };
    bonus::write(&folder, &contents)?;
    drop(progress);
    let record = Record {
        rows: &improvements,
        seeds: SEEDS,
        machine: machine.clone(),
        seconds: inputs.started.elapsed().as_secs_f64(),
        out: folder.path().to_path_buf(),
        dataset: DatasetRecord::new(&inputs.dataset),
    };
    folder.write("run.json", console::to_json(&record))?;
    console.say(&text::table(&bonus::table(&improvements)))?;
    console.say(&format!("\nseconds   {:.1}\nwritten   {}\n", record.seconds, folder.path().display()))?;
    console.json(&record)
}

/// What a row reached, over its seeds.
fn improvement(row: &Row, trained: &[Trained]) -> Improvement {
    let tests: Vec<&Tested> = trained.iter().filter_map(|trained| trained.test.as_ref()).collect();
    let count = tests.len() as f64;
    let default = Settings::default();
    let shown = |name: &str| {
        let value = trained[0].run.settings.get(name);
        let hidden = matches!(name, "seed" | "evaluate_every");
        (!hidden && value != default.get(name)).then(|| format!("{} {value}", name.replace('_', " ")))
    };
    let settings: Vec<String> = Settings::TABLE.iter().filter_map(|row| shown(row.name)).collect();
    Improvement {
        name: row.name.into(),
        settings: settings.join(", "),
        accuracy: tests.iter().map(|test| test.metrics.accuracy).collect(),
        loss: tests.iter().map(|test| test.metrics.loss).sum::<f64>() / count,
        seconds: trained.iter().map(|trained| trained.seconds).sum::<f64>() / trained.len() as f64,
        published: row.published,
    }
}
