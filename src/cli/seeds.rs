//! `onelayer train --seeds`: the same settings from several seeds, and the mean of their models.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use super::args::TrainingArgs;
use super::console::{self, Console};
use super::inputs::Inputs;
use super::many::{self, Tested, Trained};
use super::{model_file, text};
use crate::engine::EngineInfo;
use crate::error::{Error, Result};
use crate::files::run_folder::MOST_SEEDS;
use crate::machine::MachineRecord;
use crate::report::{Table, history_csv};
use crate::train::record::{DatasetRecord, RunRecord, Seconds, Status, Throughput, weights_sha256};
use crate::train::{Metrics, Run, Settings};

/// What `--json` prints.
#[derive(Serialize)]
struct Record {
    runs: Vec<RunRecord>,
    /// The model whose weights are the means of those of all runs; null where one diverged.
    mean: Option<Mean>,
    seconds: f64,
    #[serde(serialize_with = "crate::files::path_text::path")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Mean {
    test: Metrics,
    weights_sha256: String,
}

/// The seeds that `text` names: so many from `first` on, or a list.
pub(super) fn parse(text: &str, first: u64) -> Result<Vec<u64>> {
    let expected = format!("how many, 2 to {MOST_SEEDS}, or as many different seeds, separated by commas");
    let refused = || Error::setting("seeds", &expected, text);
    let numbers: Vec<u64> = text
        .split(',')
        .map(|number| number.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| refused())?;
    let seeds: Vec<u64> = match numbers[..] {
        [count] => (0..count.min(1 << 16)).map(|n| first.wrapping_add(n)).collect(),
        _ => numbers,
    };
    let mut different = seeds.clone();
    different.sort_unstable();
    different.dedup();
    let fits = (2..=MOST_SEEDS).contains(&seeds.len()) && different.len() == seeds.len();
    if fits { Ok(seeds) } else { Err(refused()) }
}

/// Trains `settings` from each of `seeds`.
pub(super) fn run(args: &TrainingArgs, settings: &Settings, seeds: &[u64]) -> Result<()> {
    let console = Console::new(args.output);
    let inputs = Inputs::open(args)?;
    let run = |seed: &u64| Run {
        name: format!("seed {seed}"),
        settings: Settings { seed: *seed, ..settings.clone() },
    };
    let mut runs: Vec<Run> = seeds.iter().map(run).collect();
    console.dataset(&inputs.dataset)?;
    console.remark(&args.fit(&mut runs, inputs.dataset.train.len()))?;
    let folder = args.folder("train")?;
    inputs.signals.note();
    let all = runs.iter().map(|run| run.settings.length()).sum();
    let progress = console.progress(all, inputs.dataset.train.len(), 0);
    let (trained, engine) = many::train(&inputs, &runs, &progress)?;
    let mean = many::average(&trained).map(|model| many::test(&inputs, model)).transpose()?;
    drop(progress);
    let mut records = Vec::new();
    for (number, trained) in (1..).zip(&trained) {
        let inner = folder.inner(&format!("seed{number}"))?;
        if let Some(Tested { model, metrics }) = &trained.test {
            let mut model = model.clone();
            model_file::note_data(&mut model, &inputs);
            model_file::note_test(&mut model, metrics);
            inner.write(model_file::NAME, model.to_bytes())?;
        }
        inner.write("history.csv", history_csv(&trained.history))?;
        let record = record(trained, &inputs, &engine, inner.path().to_path_buf());
        inner.write("run.json", console::to_json(&record))?;
        records.push(record);
    }
    let mean = match mean {
        None => None,
        Some(Tested { mut model, metrics }) => {
            let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
            model.metadata.insert("seed".into(), format!("the mean of {}", seeds.join(", ")));
            model_file::note_data(&mut model, &inputs);
            model_file::note_test(&mut model, &metrics);
            folder.write(model_file::NAME, model.to_bytes())?;
            Some(Mean { test: metrics, weights_sha256: weights_sha256(&model.parameters) })
        }
    };
    let record = Record {
        seconds: inputs.started.elapsed().as_secs_f64(),
        out: folder.path().to_path_buf(),
        runs: records,
        mean,
    };
    folder.write("run.json", console::to_json(&record))?;
    console.say(&text::table(&table(&record)))?;
    console.say(&format!("\nseconds   {:.3}\nwritten   {}\n", record.seconds, folder.path().display()))?;
    console.json(&record)?;
    many::diverged(&trained)
}

/// What each seed reached, their mean and standard deviation, and the model that is their mean.
fn table(record: &Record) -> Table {
    let mut table = Table::new(["run", "validation loss", "validation", "test loss", "test"]);
    let figures = |run: &RunRecord| {
        let validation = run.history.last().map_or(Metrics::NONE, |last| last.validation);
        [validation.loss, 100.0 * validation.accuracy, run.test.loss, 100.0 * run.test.accuracy]
    };
    let cells = |name: &str, [loss, accuracy, test_loss, test]: [f64; 4]| {
        vec![
            name.to_string(),
            format!("{loss:.4}"),
            format!("{accuracy:.2} %"),
            format!("{test_loss:.4}"),
            format!("{test:.2} %"),
        ]
    };
    let all: Vec<[f64; 4]> = record.runs.iter().map(figures).collect();
    for (run, figures) in record.runs.iter().zip(&all) {
        table.rows.push(cells(run.name.as_deref().unwrap_or("run"), *figures));
    }
    let count = all.len() as f64;
    let mean: [f64; 4] = std::array::from_fn(|i| all.iter().map(|run| run[i]).sum::<f64>() / count);
    let square = |i: usize| all.iter().map(|run| (run[i] - mean[i]).powi(2)).sum::<f64>();
    table.rows.push(cells("mean", mean));
    table.rows.push(cells("deviation", std::array::from_fn(|i| (square(i) / (count - 1.0)).sqrt())));
    if let Some(Mean { test, .. }) = &record.mean {
        let mut row = cells("mean model", [f64::NAN, f64::NAN, test.loss, 100.0 * test.accuracy]);
        row[1..3].fill("–".into());
        table.rows.push(row);
    }
    table
}

fn record(trained: &Trained, inputs: &Inputs, engine: &EngineInfo, out: PathBuf) -> RunRecord {
    let dataset = DatasetRecord::new(&inputs.dataset);
    let (features, classes) = (inputs.dataset.train.samples().features(), dataset.classes.len());
    let epochs = trained.history.last().map_or(0, |last| last.epoch);
    let evaluate = trained.history.iter().map(|record| record.seconds.evaluate).sum();
    RunRecord {
        name: Some(trained.run.name.clone()),
        status: if trained.test.is_some() { Status::Done } else { Status::Diverged },
        version: env!("CARGO_PKG_VERSION").into(),
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        machine: MachineRecord::here().name,
        config: trained.run.settings.clone(),
        earlier: Vec::new(),
        from: None,
        throughput: Throughput::new(dataset.train * epochs, features, classes, trained.seconds),
        dataset,
        fingerprint: None,
        engine: engine.clone(),
        history: trained.history.clone(),
        ended: None,
        test: trained.test.as_ref().map_or(Metrics::NONE, |test| test.metrics),
        seconds: Seconds {
            train: trained.seconds,
            evaluate,
            total: inputs.started.elapsed().as_secs_f64(),
            ..Seconds::default()
        },
        weights_sha256: trained
            .test
            .as_ref()
            .map_or(String::new(), |test| weights_sha256(&test.model.parameters)),
        out,
    }
}
