//! What the page says, in words and tables: computed once, laid out as HTML and as Markdown.

use super::confusion::per_class;
use super::figures::Figures;
use super::findings::{Finding, findings};
use super::number::{count, fixed, percent};
use super::table::{LabResult, Table, pairs, run_name, table_1};
use super::{Contents, RunDetails};
use crate::data::synthetic;
use crate::gradient_check::Criterion;
use crate::model::Parameters;
use crate::objective::Loss;
use crate::train::{Earlier, Metrics, Optimizer, RunRecord, Settings};

/// The content of a report, ready to be laid out.
pub(super) struct Page<'a> {
    pub title: &'static str,
    /// The first line: what was run, on which data.
    pub lead: String,
    pub synthetic: bool,
    pub tiles: Vec<(String, String)>,
    pub findings: Vec<Finding>,
    pub table_1: Table,
    pub table_1_note: String,
    /// What each run reached on the three splits.
    pub splits: Table,
    /// The curves of several runs in one figure.
    pub together: Option<&'a str>,
    pub runs: Vec<RunPart<'a>>,
    pub per_class: Table,
    pub gradients: Option<Gradients>,
    pub time: Table,
    pub settings: Table,
    pub fingerprints: Table,
    pub command: &'a str,
    pub version: &'static str,
}

/// The gradient check.
pub(super) struct Gradients {
    pub table: Table,
    pub passed: bool,
    /// Which parameters were checked.
    pub scope: String,
}

/// The part of the page that is about one run.
pub(super) struct RunPart<'a> {
    pub number: usize,
    pub name: &'a str,
    pub settings: String,
    pub folder: &'a str,
    pub figures: &'a Figures,
}

impl<'a> Page<'a> {
    /// The page about `contents`, at least one run, which have these `figures`, and one `together`.
    pub fn new(contents: &Contents<'a>, together: Option<&'a str>, figures: &'a [Figures]) -> Self {
        let Contents { runs, gradients, machine, command } = *contents;
        let records: Vec<&RunRecord> = runs.iter().map(|run| run.record).collect();
        let first = records[0];
        let confusions: Vec<_> = runs.iter().map(|run| (run_name(run.record), run.confusion())).collect();
        Self {
            title: title(&records),
            lead: lead(&records),
            synthetic: first.dataset.name == synthetic::NAME,
            tiles: tiles(&records),
            findings: findings(runs),
            table_1: table_1(&records),
            table_1_note: table_1_note(&records),
            splits: splits(&records),
            together,
            runs: runs.iter().zip(figures).enumerate().map(run_part).collect(),
            per_class: per_class(&confusions),
            gradients: (!gradients.is_empty()).then(|| Gradients::new(gradients, runs[0].parameters)),
            time: time(first, machine),
            settings: settings(first),
            fingerprints: fingerprints(&records),
            command,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn title(records: &[&RunRecord]) -> &'static str {
    match records.len() {
        1 => "A training run",
        _ if records[0].dataset.name == synthetic::NAME => "The lab report's runs, on synthetic images",
        _ => "The lab report, reproduced",
    }
}

fn lead(records: &[&RunRecord]) -> String {
    let dataset = &records[0].dataset;
    let [train, validation, test] =
        [dataset.train, dataset.validation, dataset.test].map(|images| count(images as u64));
    let objective = records[0].config.objective;
    let what = match records.len() {
        1 => "One run".to_string(),
        4 => "Four runs".to_string(),
        runs => format!("{runs} runs"),
    };
    let data = if dataset.name == synthetic::NAME {
        "built-in synthetic images. This is not CIFAR: figures and tables show that the program works, and \
         nothing about CIFAR"
            .to_string()
    } else {
        let place = dataset.path.as_ref().map(|path| format!(" ({})", path.display())).unwrap_or_default();
        format!("{} images{place}", dataset.name)
    };
    format!(
        "{what} of a one-layer network ({objective}) on {data}. {train} images train, {validation} validate and {test} \
         test."
    )
}

fn table_1_note(records: &[&RunRecord]) -> String {
    let loss = loss_name(records[0].config.objective);
    let mut note = format!("Loss is {loss}; cost adds lambda ‖W‖².");
    if records.iter().any(|record| LabResult::of(record).is_some()) {
        note += " \"report\" is the lab report's own Table 1, on the official files; its column \"loss\" is the cost.";
        if records[0].dataset.name == synthetic::NAME {
            note += " On synthetic images the differences mean nothing.";
        }
    }
    note
}

/// What each run reached on every split.
fn splits(records: &[&RunRecord]) -> Table {
    let names = ["training", "validation", "test"];
    let header = names.iter().flat_map(|name| ["loss", "accuracy"].map(|metric| format!("{name} {metric}")));
    let header = ["run".to_string()].into_iter().chain(header);
    let row = |record: &&RunRecord| {
        let last = record.history.last();
        let reached = last.map_or([Metrics::NONE; 2], |last| [last.train, last.validation]);
        let cells = reached.iter().chain([&record.test]).flat_map(|split| [split.loss, split.accuracy]);
        [run_name(record).to_string()].into_iter().chain(cells.map(|value| fixed(value, 4))).collect()
    };
    Table { rows: records.iter().map(row).collect(), ..Table::new(header) }
}

/// The few figures at the top. Of several runs they are about the one with the highest validation accuracy: to choose
/// by the test split would be to train on it.
fn tiles(records: &[&RunRecord]) -> Vec<(String, String)> {
    let first = records[0];
    let accuracy =
        |record: &RunRecord| record.history.last().map_or(f64::NAN, |last| last.validation.accuracy);
    // Of several equal ones the first, and never one that ended without a number.
    let better =
        |best: &RunRecord, next: &RunRecord| accuracy(next) > accuracy(best) || accuracy(best).is_nan();
    let best = records.iter().fold(first, |best, next| if better(best, next) { next } else { best });
    let (name, runs) = match records.len() {
        1 => (String::new(), String::new()),
        runs => (
            format!(", {}, the run with the highest validation accuracy", run_name(best)),
            format!(" all {runs} runs"),
        ),
    };
    vec![
        (percent(best.test.accuracy, 2), format!("test accuracy{name}")),
        (
            format!("{} s", fixed(first.seconds.train, 3)),
            format!("training{runs}, {} {}", trained(first), first.config.length_name()),
        ),
        (count(first.throughput.images_per_second as u64), "training images a second".to_string()),
        (format!("{} GFLOP/s", fixed(first.throughput.gflops, 0)), engine(first)),
    ]
}

/// The epochs, or the iterations that it took.
fn trained(record: &RunRecord) -> usize {
    let iterations = record.ended.filter(|_| record.config.optimizer == Optimizer::Lbfgs);
    iterations.map_or(record.config.length(), |ended| ended.epoch)
}

fn engine(record: &RunRecord) -> String {
    let engine = &record.engine;
    let threads = if engine.threads == 1 { "thread" } else { "threads" };
    format!("{} engine ({}), {} {threads}", engine.name, engine.isa, engine.threads)
}

fn run_part<'a>((index, (run, figures)): (usize, (&RunDetails<'a>, &'a Figures))) -> RunPart<'a> {
    let config = &run.record.config;
    RunPart {
        number: index + 1,
        name: run_name(run.record),
        settings: settings_text(config),
        folder: run.folder,
        figures,
    }
}

/// The settings as the lab report writes them, and those that it does not have.
fn settings_text(config: &Settings) -> String {
    let first: &[[&str; 2]] = match config.optimizer {
        Optimizer::Sgd => {
            &[["n_batch", "batch"], ["eta", "eta"], ["n_epochs", "epochs"], ["lambda", "lambda"]]
        }
        Optimizer::Lbfgs => &[["lambda", "lambda"], ["tol", "tol"], ["iterations", "iterations"]],
    };
    let default = Settings::default();
    let elsewhere = ["seed", "shuffle", "evaluate_every"];
    let told = |name| elsewhere.contains(&name) || first.iter().any(|[_, row]| *row == name);
    let other = Settings::TABLE.iter().filter(|row| !told(row.name));
    let other = other.filter(|row| config.get(row.name) != default.get(row.name));
    let other = other.map(|row| (row.name.replace('_', " "), row.name));
    let words = first.iter().map(|[name, row]| (name.to_string(), *row)).chain(other);
    words.map(|(name, row)| format!("{name} = {}", config.get(row))).collect::<Vec<_>>().join(", ")
}

/// What the loss is.
fn loss_name(objective: Loss) -> &'static str {
    match objective {
        Loss::Softmax => "the mean cross-entropy in nats",
        Loss::Hinge => "the mean hinge loss",
        Loss::Sigmoid => "the mean of K binary cross-entropies in nats",
    }
}

impl Gradients {
    fn new(criteria: &[Criterion], parameters: &Parameters) -> Self {
        let row = |criterion: &Criterion| {
            let result = if criterion.passed() { "passed" } else { "FAILED" };
            let [error, threshold] =
                [criterion.max_error(), criterion.threshold].map(|error| format!("{error:.1e}"));
            vec![criterion.name.clone(), count(criterion.checked), error, threshold, result.into()]
        };
        let header = ["criterion", "entries", "largest", "threshold", "result"];
        let table = Table { rows: criteria.iter().map(row).collect(), ..Table::new(header) };
        // The first criterion is applied to every parameter that was moved.
        let (moved, all) = (criteria[0].checked, parameters.weight.len() + parameters.bias.len());
        let scope = if moved < all {
            format!("{} of the {} parameters, drawn at random,", count(moved), count(all))
        } else {
            "every parameter".into()
        };
        Self { table, passed: criteria.iter().all(Criterion::passed), scope }
    }
}

fn time(record: &RunRecord, machine: &str) -> Table {
    let seconds = |seconds: f64| format!("{} s", fixed(seconds, 3));
    pairs(
        ["where the time went", ""],
        [
            ("loading and standardizing", seconds(record.seconds.load)),
            ("training", seconds(record.seconds.train)),
            ("evaluating", seconds(record.seconds.evaluate)),
            (
                "training throughput",
                format!("{} images/s", count(record.throughput.images_per_second as u64)),
            ),
            ("arithmetic", format!("{} GFLOP/s", fixed(record.throughput.gflops, 1))),
            ("engine", engine(record)),
            ("machine", machine.to_string()),
        ],
    )
}

/// What all runs have in common; eta and lambda stand in Table 1.
fn settings(record: &RunRecord) -> Table {
    let config = &record.config;
    let (of_optimizer, between) = match config.optimizer {
        Optimizer::Sgd => (of_descent(config), "epochs between evaluations"),
        Optimizer::Lbfgs => (of_lbfgs(record), "iterations between evaluations"),
    };
    let place = record.dataset.path.as_ref().map_or("built in".into(), |path| path.display().to_string());
    let earlier = Earlier::words(&record.earlier, config).into_iter().map(|words| ("before", words));
    let from = record.from.iter().map(|from| ("began with the model", from.model.display().to_string()));
    pairs(
        ["setting", "value"],
        from.chain(earlier).chain(of_optimizer).chain([
            (between, count(config.evaluate_every as u64)),
            ("data set", record.dataset.name.clone()),
            ("its folder", place),
        ]),
    )
}

fn of_descent(config: &Settings) -> Vec<(&'static str, String)> {
    let order = if config.shuffle { "shuffled anew each epoch" } else { "as on disk" };
    vec![
        ("images in a batch (n_batch)", count(config.batch as u64)),
        ("epochs (n_epochs)", count(config.epochs as u64)),
        ("order of the images", order.into()),
        ("seed", config.seed.to_string()),
    ]
}

fn of_lbfgs(record: &RunRecord) -> Vec<(&'static str, String)> {
    let config = &record.config;
    let ended = record.ended.and_then(|ended| ended.why(config.tol)).map(|why| ("ended", why));
    let settings = [("most iterations", count(config.iterations as u64)), ("tol", config.get("tol"))];
    settings.into_iter().chain(ended).collect()
}

fn fingerprints(records: &[&RunRecord]) -> Table {
    let row = |record: &&RunRecord| {
        let [eta, lambda] = ["eta", "lambda"].map(|name| record.config.get(name));
        vec![run_name(record).to_string(), eta, lambda, record.weights_sha256.clone()]
    };
    let header = ["run", "eta", "lambda", "SHA-256 of the trained weights"];
    Table { rows: records.iter().map(row).collect(), ..Table::new(header) }
}
