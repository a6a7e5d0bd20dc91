//! The conclusions of the lab report, tested on these runs. Every sentence is computed from their figures.
//!
//! Conclusions that compare runs need runs that can be compared: with the same lambda and different eta, or
//! the same eta and different lambda. What cannot be tested is left out.

use super::RunDetails;
use super::number::{count, fixed, list, percent};
use super::table::{LabResult, run_name};
use super::templates::roughness;
use crate::objective::Objective;
use crate::train::{EpochRecord, Optimizer};

/// Whether a conclusion holds for these runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold.
    Fails,
    /// The difference may be chance.
    Undecided,
}

impl Verdict {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds here",
            Self::Fails => "does not hold here",
            Self::Undecided => "too close to call",
        }
    }

    fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

/// A conclusion, tested on these runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The conclusion.
    pub claim: &'static str,
    /// Whether it holds here; none for what the lab report does not say.
    pub verdict: Option<Verdict>,
    /// The figures behind it, in sentences.
    pub evidence: String,
}

/// Every conclusion that can be tested on `runs`.
pub fn findings(runs: &[RunDetails]) -> Vec<Finding> {
    match runs {
        // What L-BFGS ends with is the optimum: more of it changes nothing.
        [run] if run.record.config.optimizer == Optimizer::Lbfgs => vec![result(run), overfitting(run)],
        [run] => vec![result(run), overfitting(run), still_learning(run)],
        _ => {
            let by_eta = same_but(runs, |run| run.record.config.lambda, |run| run.record.config.eta);
            let by_lambda = same_but(runs, |run| run.record.config.eta, |run| run.record.config.lambda);
            let found = [
                winner(runs),
                by_eta.and_then(|runs| jagged(&runs)),
                by_lambda.as_deref().map(sooner),
                by_lambda.as_deref().and_then(smoother),
                by_lambda.as_deref().map(narrower),
            ];
            found.into_iter().flatten().collect()
        }
    }
}

/// The largest group of runs that agree in `shared`, ordered by `varied`, each value of it once; none without
/// two such runs.
fn same_but<'a>(
    runs: &'a [RunDetails<'a>],
    shared: fn(&RunDetails) -> f64,
    varied: fn(&RunDetails) -> f64,
) -> Option<Vec<&'a RunDetails<'a>>> {
    let group = |one: &RunDetails| {
        let mut group: Vec<_> = runs.iter().filter(|run| shared(run) == shared(one)).collect();
        group.sort_by(|a, b| varied(a).total_cmp(&varied(b)));
        group.dedup_by_key(|run| varied(run).to_bits());
        group
    };
    let groups = runs.iter().map(group);
    groups
        .reduce(|best, group| if group.len() > best.len() { group } else { best })
        .filter(|group| group.len() > 1)
}

/// Which run has the best test accuracy, and whether that is more than chance.
fn winner(runs: &[RunDetails]) -> Option<Finding> {
    let accuracy = |index: &usize| runs[*index].record.test.accuracy;
    let mut ranking: Vec<usize> = (0..runs.len()).collect();
    ranking.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
    let (best, second) = (*ranking.first()?, *ranking.get(1)?);
    let said = runs.iter().position(|run| LabResult::of(run.record).is_some_and(|lab| lab.test == 2));
    let name = |index: usize| run_name(runs[index].record);

    let images = runs[best].record.dataset.test as f64;
    let chance = 2.0 * (accuracy(&best) * (1.0 - accuracy(&best)) / images).sqrt();
    // A tie is judged against the run that the report found best, where that is not the winner itself.
    let rival = said.filter(|&said| said != best).unwrap_or(second);
    let ahead = accuracy(&best) - accuracy(&rival);
    let verdict = match said {
        _ if ahead < chance => Some(Verdict::Undecided),
        Some(said) => Some(Verdict::of(said == best)),
        None => None,
    };
    let significance = if ahead < chance { "less than" } else { "more than" };
    let evidence = format!(
        "{} has the highest test accuracy, {}, and is {} points ahead of {}: {significance} the {} points (two \
         standard errors) that {} test images leave to chance.",
        name(best),
        percent(accuracy(&best), 2),
        fixed(100.0 * ahead, 2),
        name(rival),
        fixed(100.0 * chance, 2),
        count(images as u64),
    );
    let claim = if said.is_some() {
        "The best result on the test data is test2's: a small eta and no regularization."
    } else {
        "Which run is best on the test data."
    };
    Some(Finding { claim, verdict, evidence })
}

/// Whether a large eta makes the curves jagged.
fn jagged(runs: &[&RunDetails]) -> Option<Finding> {
    let (small, large) = (runs.first()?, runs.last()?);
    let roughness = |run: &RunDetails| bend(&run.record.history);
    let (smooth, rough) = (roughness(small)?, roughness(large)?);
    let describe = |with: &str, run: &RunDetails, bend: f64| {
        let history = &run.record.history;
        let rises = history.windows(2).filter(|pair| pair[1].train.loss > pair[0].train.loss).count();
        format!(
            "{with} eta {} the training loss rose in {rises} of {} steps from one evaluation to the next, and the \
             slope of the validation loss changed by {} nats a step",
            run.record.config.get("eta"),
            history.len() - 1,
            fixed(bend, 4),
        )
    };
    let evidence = format!("{}; {}.", describe("With", large, rough), describe("with", small, smooth));
    Some(Finding {
        claim: "A big eta makes the curves of loss and accuracy chaotic; a small one makes them smooth.",
        // An order of magnitude apart is what the eye calls smooth and jagged.
        verdict: Some(Verdict::of(rough > 10.0 * smooth)),
        evidence,
    })
}

/// The mean absolute second difference of the validation loss, in nats; none for fewer than three records.
fn bend(history: &[EpochRecord]) -> Option<f64> {
    let loss: Vec<f64> = history.iter().map(|record| record.validation.loss).collect();
    let bends = loss.windows(3).map(|three| (three[2] - 2.0 * three[1] + three[0]).abs());
    (loss.len() > 2).then(|| bends.sum::<f64>() / (loss.len() - 2) as f64)
}

/// Whether the cost settles in fewer epochs as lambda grows.
fn sooner(runs: &[&RunDetails]) -> Finding {
    let epochs: Vec<usize> = runs.iter().map(|run| settled(&run.record.history)).collect();
    let evidence = format!(
        "The validation cost has made 99 % of its way down {}.",
        and(runs.iter().zip(&epochs).map(|(run, epoch)| {
            format!("by epoch {epoch} with lambda {}", run.record.config.get("lambda"))
        }))
    );
    Finding {
        claim: "With a big lambda the loss takes fewer epochs to decrease and soon finds its minimum (in the \
                report, after about 15 epochs with lambda 1).",
        verdict: Some(Verdict::of(epochs.last() < epochs.first())),
        evidence,
    }
}

/// The first epoch at which the validation cost has made 99 % of its way from the first record to the lowest.
fn settled(history: &[EpochRecord]) -> usize {
    let cost = |record: &EpochRecord| record.validation.cost;
    let lowest = history.iter().map(cost).fold(f64::INFINITY, f64::min);
    let first = history.first().map_or(f64::NAN, cost);
    let found = history.iter().find(|record| cost(record) <= lowest + 0.01 * (first - lowest));
    found.or(history.last()).map_or(0, |record| record.epoch)
}

/// Whether templates get smoother as lambda grows.
fn smoother(runs: &[&RunDetails]) -> Option<Finding> {
    let roughness: Vec<f64> = runs.iter().map(|run| roughness(run.parameters)).collect::<Option<_>>()?;
    let evidence = format!(
        "Neighbouring weights of a template differ by {} standard deviations of its weights (white noise: 1.13).",
        and(runs.iter().zip(&roughness).map(|(run, roughness)| {
            format!("{} (lambda {})", fixed(*roughness, 2), run.record.config.get("lambda"))
        }))
    );
    Some(Finding {
        claim: "The class templates become smoother as lambda increases.",
        verdict: Some(Verdict::of(roughness.is_sorted_by(|a, b| a > b))),
        evidence,
    })
}

/// Whether a larger lambda narrows the gap between training and validation.
fn narrower(runs: &[&RunDetails]) -> Finding {
    let gaps: Vec<f64> = runs.iter().map(|run| gap(run)).collect();
    let evidence = format!(
        "At the end the validation loss is {} nats above the training loss at lambda {}. The test accuracy is {}.",
        and(gaps.iter().map(|gap| fixed(*gap, 3))),
        and(runs.iter().map(|run| run.record.config.get("lambda"))),
        and(runs.iter().map(|run| percent(run.record.test.accuracy, 2))),
    );
    Finding {
        claim: "Regularization is supposed to counteract overfitting (the report found it strange that its \
                accuracies do not show it).",
        verdict: Some(Verdict::of(gaps.is_sorted_by(|a, b| a > b))),
        evidence,
    }
}

/// Validation loss minus training loss at the end, in nats.
fn gap(run: &RunDetails) -> f64 {
    run.record.history.last().map_or(f64::NAN, |last| last.validation.loss - last.train.loss)
}

fn result(run: &RunDetails) -> Finding {
    let test = run.record.test;
    let classes = run.record.dataset.classes.len();
    let guess = Objective::from(run.record.config.objective).guessing(classes);
    let evidence = format!(
        "The test accuracy is {}, {} times that of a guess among {classes} classes. The test loss is {}; a \
         guess has {}.",
        percent(test.accuracy, 2),
        fixed(test.accuracy * classes as f64, 1),
        fixed(test.loss, 4),
        fixed(guess, 4),
    );
    Finding { claim: "Result", verdict: None, evidence }
}

fn overfitting(run: &RunDetails) -> Finding {
    let evidence =
        format!("At the end the validation loss is {} nats above the training loss.", fixed(gap(run), 3));
    Finding { claim: "Overfitting", verdict: None, evidence }
}

fn still_learning(run: &RunDetails) -> Finding {
    let history = &run.record.history;
    let best = history.iter().min_by(|a, b| a.validation.loss.total_cmp(&b.validation.loss));
    let (best, last) = (best.map_or(0, |best| best.epoch), run.record.config.epochs);
    let evidence = if best == last {
        format!(
            "The validation loss is lowest after the last epoch, {last}: more epochs may lower it further."
        )
    } else {
        format!("The validation loss is lowest after epoch {best} of {last}: more epochs do not lower it.")
    };
    Finding { claim: "Epochs", verdict: None, evidence }
}

fn and(items: impl Iterator<Item = String>) -> String {
    list(items, "and")
}
