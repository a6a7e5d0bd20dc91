//! `onelayer gradcheck`: analytic against numerical gradients, by the lab report's two criteria.

mod record;

use std::path::PathBuf;
use std::time::Instant;

use self::record::{CriterionRecord, Place, Record, SweepRecord};
use super::args::{self, DataArgs, EngineArgs};
use super::console::{Console, OutputArgs};
use super::settings::{self, OfObjective, Selection, SettingArgs};
use super::text;
use crate::engine::{EngineKind, Machine, Problem, Team};
use crate::error::{Error, Result};
use crate::files::RunFolder;
use crate::gradient_check::{
    Criterion, Entry, Examination, Given, Options, Precision, Update, flat, step_sweep,
};
use crate::model::{Parameters, Standardization};
use crate::report::{self, Table, count};
use crate::train::Settings;

/// The momentum with which updates are examined beside those without.
const MOMENTUM: f32 = 0.9;
/// The parameters that the step sweep moves.
const SWEPT: usize = 1000;
/// Images in the batch, unless the command says how many.
const IMAGES: usize = 20;

const EXAMPLES: &str = "\
Examples:
  onelayer gradcheck
  onelayer gradcheck --engine fixed --images 5 --lambda 0,0.1
  onelayer gradcheck --objective hinge
  onelayer gradcheck --step-sweep --out runs/steps";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Images in the batch: the first N of the training images [default: 20, or all, where there are fewer]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    images: Option<usize>,
    /// Weights of the penalty lambda ||W||^2, separated by commas
    #[arg(long, value_name = "WEIGHT", num_args = 1.., value_delimiter = ',', default_values_t = [0.0, 0.1, 1.0],
        allow_negative_numbers = true)]
    lambda: Vec<f64>,
    /// Step h of the central differences: a parameter is moved by h up and down
    #[arg(long, value_name = "H", default_value_t = 3e-5, allow_negative_numbers = true)]
    step: f64,
    /// eps of the relative error (Eq. 1): where |g_a| + |g_n| is below eps, the error is relative to eps
    #[arg(long, value_name = "EPS", default_value_t = 1e-3, allow_negative_numbers = true)]
    eps: f64,
    /// Seed of the random weights at which the gradient is checked
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Show how the numerical error depends on h, from 1e-1 to 1e-12, as a table and a figure
    #[arg(long)]
    step_sweep: bool,
    /// Folder for the figure and the table of the step sweep [default: a new folder in runs/, named by date]
    #[arg(long, value_name = "DIR", requires = "step_sweep")]
    out: Option<PathBuf>,
    /// Replace the files that the folder already holds
    #[arg(long, requires = "step_sweep")]
    overwrite: bool,
    #[command(flatten)]
    settings: SettingArgs<OfObjective>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let started = Instant::now();
        let console = Console::new(self.output);
        let options = self.check()?;
        let mut team = self.engine.team()?;
        let dataset = team.install(|| self.data.open())??;
        let train = dataset.train.samples();
        let images = self.images.unwrap_or(IMAGES.min(train.len()));
        if images == 0 || images > train.len() {
            let expected = format!("1 to {}, the images of the training split", train.len());
            return Err(Error::setting("images", expected, images));
        }
        let mut settings = Settings { batch: images, ..Settings::default() };
        self.settings.apply(&mut settings)?;
        settings.check(&train, dataset.classes.len())?;
        let standardization = team.install(|| Standardization::measure(&train))?;
        let kind = self.engine.kind();
        let given = team.install(|| Given::new(train.slice(0..images), &standardization, kind))??;
        let examination = Examination {
            samples: &given.samples(),
            standardization: given.standardization(),
            parameters: &Parameters::random(dataset.classes.len(), train.features(), self.seed),
            objective: &settings.objective(&train, dataset.classes.len()),
            options,
            most: usize::MAX,
        };
        let folder = || args::folder(self.out.as_deref(), self.overwrite, "gradcheck");
        let folder = self.step_sweep.then(folder).transpose()?;
        let criteria = self.examine(&examination, &mut team)?;
        let entries = flat(examination.parameters).len();
        console.dataset(&dataset)?;
        console.remark(&self.heading(images, entries, &settings))?;
        console.say(&verdict(&criteria))?;
        console.say(&text::table(&table(&criteria)))?;
        let place = |index| Place::new(index, &dataset, train.features());
        let mut failures = criteria.iter().filter(|criterion| !criterion.passed());
        // The first becomes the error.
        let first = failures.next();
        failures.try_for_each(|failed| console.say(&format!("\n{}\n", failure(failed, place))))?;
        let sweep = folder.map(|folder| sweep(&examination, &mut team, &folder, &console)).transpose()?;
        console.json(&Record {
            passed: first.is_none(),
            criteria: criteria.iter().map(|criterion| CriterionRecord::new(criterion, place)).collect(),
            dataset: dataset.name,
            objective: settings.objective,
            label_smoothing: settings.label_smoothing,
            class_weights: settings.class_weights.clone(),
            images,
            parameters: entries,
            step: options.step,
            eps: options.epsilon,
            seed: self.seed,
            seconds: started.elapsed().as_secs_f64(),
            step_sweep: sweep,
        })?;
        match first {
            None => Ok(()),
            Some(failed) => Err(Error::Gradient { failure: failure(failed, place) }),
        }
    }

    /// What is about to be checked.
    fn heading(&self, images: usize, entries: usize, settings: &Settings) -> String {
        let (images, entries) = (count(images), count(entries));
        let Self { step, eps, .. } = self;
        let objective = Settings::TABLE.iter().filter(|row| OfObjective::takes(row.name));
        let told = settings::told(settings).filter(|row| OfObjective::takes(row.name)).count() > 0;
        let objective = match told {
            true => format!("settings  {}\n", settings::values(settings, objective)),
            false => String::new(),
        };
        format!("{objective}batch     {images} images, {entries} parameters, h = {step:e}, eps = {eps:e}\n\n")
    }

    /// The numbers that are not checked while the options are parsed.
    fn check(&self) -> Result<Options> {
        for (option, value) in [("step", self.step), ("eps", self.eps)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::setting(option, "a finite number above 0", value));
            }
        }
        for &lambda in &self.lambda {
            if !(lambda >= 0.0 && (lambda as f32).is_finite()) {
                return Err(Error::setting("lambda", "a finite number, 0 or more", lambda));
            }
        }
        Ok(Options { step: self.step, epsilon: self.eps, ..Options::default() })
    }

    /// Every criterion, at every lambda.
    fn examine(&self, examination: &Examination, team: &mut Team) -> Result<Vec<Criterion>> {
        let Examination { standardization, parameters, objective, samples, .. } = *examination;
        let element = samples.element();
        let mut criteria = Vec::new();
        for lambda in self.lambda.iter().map(|&lambda| lambda as f32) {
            criteria.extend(team.install(|| examination.reference(lambda))??);
            for kind in self.engine.kinds(element) {
                let (initial, precision) = (std::slice::from_ref(parameters), Precision::of(kind));
                let engine = |standardization: &Standardization| {
                    let machine = Machine { engine: kind, isa: self.engine.isa(), team: team.handle() };
                    machine.engine(&Problem { initial, standardization, objective, element })
                };
                let (mut engine, mut centred) =
                    (engine(standardization)?, engine(&Update::standardization(standardization))?);
                if kind != EngineKind::Reference {
                    criteria.push(examination.engine(&mut *engine, precision, lambda)?);
                    for momentum in [0.0, MOMENTUM] {
                        criteria.push(examination.update(&mut *centred, precision, lambda, momentum)?);
                    }
                }
            }
        }
        Ok(criteria)
    }
}

/// Sweeps the step, and writes figure and table.
fn sweep(
    examination: &Examination,
    team: &mut Team,
    folder: &RunFolder,
    console: &Console,
) -> Result<SweepRecord> {
    let (cost, point, exact) = (examination.cost(), flat(examination.parameters), examination.exact(0.0)?);
    let sweep = team.install(|| step_sweep(&cost, &point, &exact, SWEPT))?;
    let figure = report::step_sweep::figure(&sweep, examination.options.threshold);
    folder.write("step_sweep.svg", figure)?;
    folder.write("step_sweep.csv", report::step_sweep::csv(&sweep))?;
    let table = text::table(&report::step_sweep::table(&sweep));
    let path = folder.path().join("step_sweep.svg");
    let swept = count(sweep.parameters);
    console.say(&format!(
        "\nlargest error of {swept} entries, by step\n\n{table}\nwritten   {}\n",
        path.display()
    ))?;
    Ok(SweepRecord { sweep, figure: path })
}

/// Whether the gradient is right, in a line.
fn verdict(criteria: &[Criterion]) -> String {
    let (all, failed) = (criteria.len(), criteria.iter().filter(|criterion| !criterion.passed()).count());
    match failed {
        0 => format!("PASSED    all {all} criteria hold\n\n"),
        _ => format!("FAILED    {failed} of {all} criteria do not hold\n\n"),
    }
}

/// The criteria as people read them.
fn table(criteria: &[Criterion]) -> Table {
    let mut table = Table::new(["criterion", "entries", "failed", "threshold", "largest error", ""]);
    for criterion in criteria {
        let cells = [
            criterion.name.clone(),
            count(criterion.checked),
            count(criterion.failed),
            if criterion.threshold == 1.0 { "1".into() } else { format!("{:.0e}", criterion.threshold) },
            format!("{:.1e}", criterion.max_error()),
            if criterion.passed() { "passed" } else { "FAILED" }.into(),
        ];
        table.rows.push(cells.into());
    }
    table
}

/// One line on a criterion that failed, and on the entry that is furthest off.
fn failure(criterion: &Criterion, place: impl Fn(usize) -> Place) -> String {
    let Criterion { name, threshold, checked, failed, worst } = criterion;
    let worst = worst.map_or_else(String::new, |Entry { index, analytic, numerical, error }| {
        format!("; the largest, {error:.2e}, at {}: {analytic:e} against {numerical:e}", place(index).text())
    });
    format!("{name}: {failed} of {checked} entries above {threshold:.0e}{worst}")
}
