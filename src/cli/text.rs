//! Words and numbers as people read them.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::path::Path;

use super::settings;
use crate::data::{Dataset, Excerpt, Part, Rounding, synthetic};
use crate::engine::EngineInfo;
use crate::error::one_line;
use crate::model::{Model, Standardization};
use crate::report::table::LabResult;
use crate::report::{Table, count, fixed, sparkline};
use crate::samples::Element;
use crate::train::record::{DatasetRecord, Status};
use crate::train::{Earlier, EpochRecord, Metrics, Run, RunRecord, Setting, Settings};

/// The characters of a curve.
const CURVE: usize = 24;

/// Where the rms error of a feature is above so many standard deviations, the line on rounding says what to do.
const FAR: f64 = 0.02;

/// What every output on synthetic data says.
const SYNTHETIC_HINT: &str = "\
This is not CIFAR: synthetic images stand in for it. onelayer fetch downloads
CIFAR-10 to data/cifar-10-batches-bin; --data DIR names another folder.
";

/// The columns of the terminal on stdout, if it is one that knows them.
pub(super) fn width() -> Option<usize> {
    let stdout = io::stdout();
    let size = if stdout.is_terminal() { terminal_size::terminal_size_of(stdout) } else { None };
    size.map(|(width, _)| width.0.into()).filter(|&width| width > 0)
}

/// The table, as the terminal on stdout has room for it; in a pipe there is always room.
pub(super) fn table(table: &Table) -> String {
    table.text_within(width().unwrap_or(usize::MAX))
}

/// The data, and that it is synthetic where it is.
pub(super) fn dataset(dataset: &Dataset) -> String {
    let counts = [&dataset.train, &dataset.validation, &dataset.test].map(|split| count(split.len()));
    let [train, validation, test] = counts;
    let counts = format!("{train} training, {validation} validation, {test} test");
    data(dataset.name, dataset.path.as_deref(), &counts)
}

/// The same, of one split.
pub(super) fn excerpt(excerpt: &Excerpt) -> String {
    let kind = match excerpt.part {
        Part::Train => "training",
        part => part.name(),
    };
    data(excerpt.name, excerpt.path.as_deref(), &format!("{} {kind}", count(excerpt.split.len())))
}

fn data(name: &str, path: Option<&Path>, counts: &str) -> String {
    let place = path.map_or_else(|| "built in".into(), |path| one_line(path.display()));
    let hint = if name == synthetic::NAME { SYNTHETIC_HINT } else { "" };
    format!("data      {name} ({place}): {counts} images\n{hint}")
}

/// A warning where most pixels say nothing: images of floats from 0 to 1, as bytes, are black.
pub(super) fn constant_pixels(standardization: &Standardization) -> String {
    // A pixel that varies has a deviation of at most half its range.
    let constant = standardization.std.iter().filter(|&&std| std == 1.0).count();
    let all = standardization.std.len();
    match 2 * constant > all {
        true if constant == all => {
            "warning   all training images are the same: every pixel is constant\n".into()
        }
        true => {
            format!("warning   {} of {} pixels are constant in training\n", count(constant), count(all))
        }
        false => String::new(),
    }
}

/// What people should know of the features that runs with `settings` train on: that most are constant, and how they are
/// rounded.
pub(super) fn features(
    settings: &Settings,
    standardization: &Standardization,
    rounding: Option<Rounding>,
) -> String {
    let constant = match settings.no_standardize {
        true => String::new(),
        false => constant_pixels(standardization),
    };
    constant + &rounding.map(off).unwrap_or_default()
}

/// How large the error is that rounding features to levels makes.
fn off(Rounding { rms, worst: (feature, worst) }: Rounding) -> String {
    let far = if worst > FAR { "; outliers take most of its levels: --clip 0.001 cuts them off" } else { "" };
    format!(
        "rounding  each feature is rounded to 256 levels: the rms error is {rms:.5} standard deviations; the worst, feature \
         {feature}, {worst:.5}{far}\n"
    )
}

/// What came before the training of a run: a model, other settings.
pub(super) fn before(record: &RunRecord) -> String {
    let from = record.from.iter().map(|from| format!("from      {}\n", one_line(from.model.display())));
    let earlier = Earlier::words(&record.earlier, &record.config);
    from.chain(earlier.into_iter().map(|words| format!("earlier   {words}\n"))).collect()
}

/// What is about to be trained, and by what.
pub(super) fn heading(runs: &[Run], engine: &EngineInfo) -> String {
    let mut text = String::new();
    let of_run = |row: &&Setting| matches!(row.name, "eta" | "lambda") || settings::differs(runs, row);
    for Run { name, settings } in runs {
        let rows = Settings::TABLE.iter().filter(of_run).filter(|row| settings.uses(row.name));
        let _ = writeln!(text, "{name:<9} {}", settings::values(settings, rows));
    }
    let first = &runs[0].settings;
    let common = settings::told(first).filter(|row| !of_run(row));
    text += &line_of_settings(first, common);
    text + &line_of_engine(engine) + "\n"
}

/// What trains, and why.
pub(super) fn line_of_engine(engine: &EngineInfo) -> String {
    let EngineInfo { name, isa, threads, reason } = engine;
    let noun = if *threads == 1 { "thread" } else { "threads" };
    let line = format!("engine    {name} ({isa}), {threads} {noun}\n");
    line + &reason.as_ref().map(|reason| format!("          by auto: {reason}\n")).unwrap_or_default()
}

/// A line of settings by name and value.
pub(super) fn line_of_settings<'a>(
    settings: &Settings,
    rows: impl IntoIterator<Item = &'a Setting>,
) -> String {
    format!("settings  {}\n", settings::values(settings, rows))
}

/// A warning, where a class of the model has another name in the data: they may be about other things.
pub(super) fn renamed(model: &[String], data: &[String]) -> String {
    match model.iter().zip(data).enumerate().find(|(_, (model, data))| model != data) {
        Some((class, (model, data))) => {
            let [model, data] = [model, data].map(one_line);
            format!("warning   class {class} is {model} to the model, and {data} in the data\n")
        }
        None => String::new(),
    }
}

/// A warning, where the features are stored as something else than those that the model was trained on: bytes are read over
/// 255, floats as they are.
pub(super) fn other_element(model: &Model, found: Element) -> String {
    match model.element() {
        Some(trained) if trained != found => {
            let [trained, found] = [trained, found].map(Element::name);
            format!(
                "warning   the model was trained on {trained} features, these are {found}: bytes are divided by 255, floats are not\n"
            )
        }
        _ => String::new(),
    }
}

/// A cell of a CSV file: in quotes where it must be, and never a formula, which a number is not.
pub(super) fn csv_cell(text: &str) -> String {
    let text = one_line(text);
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// What a run reached, on each split, where its time went and where it is kept.
pub(super) fn summary(record: &RunRecord) -> String {
    let mut text = format!("{:<12} {:>10} {:>10} {:>10}\n", "", "loss", "cost", "accuracy");
    let mut line = |name: &str, metrics: &Metrics| {
        let [loss, cost] = [metrics.loss, metrics.cost].map(|value| fixed(value, 4));
        let _ = writeln!(text, "{name:<12} {loss:>10} {cost:>10} {:>8.2} %", 100.0 * metrics.accuracy);
    };
    if let Some(last) = record.history.last() {
        line("training", &last.train);
        line("validation", &last.validation);
    }
    line("test", &record.test);
    text.push_str(&overflow(record));
    text.push('\n');
    text.push_str(&curve("training", &record.history, |record| record.train));
    text.push_str(&curve("validation", &record.history, |record| record.validation));
    text.push('\n');
    text.push_str(&ended(record));
    text.push_str(&timing(record));
    let _ = writeln!(text, "weights   sha256 {}", record.weights_sha256);
    let _ = writeln!(text, "written   {}", one_line(record.out.display()));
    text
}

/// A warning, where the loss of a run that is done is too large for a number on images that it was not trained on.
pub(super) fn overflow(record: &RunRecord) -> String {
    let last = record.history.last().map(|last| last.validation);
    let splits = [("validation", last), ("test", Some(record.test))];
    let overflows = |metrics: Metrics| record.status == Status::Done && !metrics.loss.is_finite();
    let names = splits.into_iter().filter(|(_, metrics)| metrics.is_some_and(overflows));
    names
        .map(|(name, _)| format!("warning   the {name} loss is not finite, although training is\n"))
        .collect()
}

/// What stands between these figures and the report's own, where Table 1 has both.
pub(super) fn differences(record: &RunRecord) -> String {
    if LabResult::of(record).is_none() {
        return String::new();
    }
    let DatasetRecord { name, path, .. } = &record.dataset;
    let images = match path {
        _ if name == synthetic::NAME => "synthetic images, to which the report's figures do not apply".into(),
        Some(path) => format!("{name} in {}", one_line(path.display())),
        None => name.clone(),
    };
    format!(
        "\n\"report\" is Table 1 of the report, whose column \"loss\" is the cost; it used the\n\
         official CIFAR-10 files and other initial weights.\n\
         Here: {images}, seed {}.\n\
         Another seed changes the accuracy of test2 to test4 by about 0.002, and that of\n\
         test1, whose learning rate is too large, by several hundredths.\n",
        record.config.seed
    )
}

/// The curves of several runs on the validation split, a line each.
pub(super) fn validation_curves(records: &[RunRecord]) -> String {
    let of_run = |record: &RunRecord| {
        let name = record.name.as_deref().unwrap_or("run");
        curve(name, &record.history, |record| record.validation)
    };
    records.iter().map(of_run).collect()
}

/// A line with the curves of loss and accuracy, each from its smallest to its largest value.
fn curve(name: &str, history: &[EpochRecord], split: impl Fn(&EpochRecord) -> Metrics) -> String {
    let line = |value: fn(&Metrics) -> f64| {
        let values: Vec<f64> = history.iter().map(|record| value(&split(record))).collect();
        sparkline(&values, CURVE)
    };
    let (loss, accuracy) = (line(|metrics| metrics.loss), line(|metrics| metrics.accuracy));
    format!("{name:<12} loss {loss}  accuracy {accuracy}\n")
}

/// Why L-BFGS ended, and how far from the optimum it is; a line, and another one where there is no optimum.
pub(super) fn ended(record: &RunRecord) -> String {
    let Some(why) = record.ended.and_then(|ended| ended.why(record.config.tol)) else { return String::new() };
    let separable =
        record.config.lambda == 0.0 && record.history.last().is_some_and(|last| last.train.accuracy == 1.0);
    let warning = match separable {
        true => {
            "warning   lambda is 0 and every training image is classified right: the weights can grow for ever\n"
        }
        false => "",
    };
    format!("ended     {why}\n{warning}")
}

/// Where the time went, and how fast training was.
pub(super) fn timing(record: &RunRecord) -> String {
    let seconds = &record.seconds;
    format!(
        "seconds   {:.3}: load {:.3}, train {:.3}, evaluate {:.3}, write {:.3}\n\
         training  {} images/s, {:.1} GFLOP/s\n",
        seconds.total,
        seconds.load,
        seconds.train,
        seconds.evaluate,
        seconds.write,
        count(record.throughput.images_per_second as usize),
        record.throughput.gflops
    )
}
