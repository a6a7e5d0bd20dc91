//! The trained weights are a function of data, configuration and seed alone: not of threads, of how training is
//! cut into calls, of a pause, or of the runs that train beside.

use onelayer::engine::{Batches, Engine, Evaluation, Gradient, Problem, RunState, Step};
use onelayer::gradient_check::flat;
use onelayer::model::Parameters;

use crate::case::{Case, Recipe, Sizes};
use crate::checks::close;
use crate::contender::Contender;
use crate::parity::reading;

/// Large enough that every engine splits it in several pieces whichever way it splits, with odd ends.
const SIZES: Sizes = Sizes { features: 1061, classes: 10, runs: 3, images: 701, batch: 300 };

pub fn case() -> Case {
    Recipe { momentum: 0.9, ..Recipe::new(SIZES, 0.05, 1) }.case()
}

fn train(engine: &mut dyn Engine, case: &Case) {
    engine.train(&case.samples(), case.batches(&case.steps())).unwrap();
}

/// An engine of one run, at the beginning of run `run`, and the steps of that run.
fn alone(contender: Contender, case: &Case, run: usize) -> (Box<dyn Engine>, Vec<Step>) {
    let engine = contender.engine(&Problem { initial: &case.parameters[run..=run], ..case.problem() }, 1);
    (engine, case.steps()[run..].iter().copied().step_by(SIZES.runs).collect())
}

/// All that can be seen of an engine: its state, what it finds, its logits, and the gradients of where the runs began.
type Seen = (Vec<RunState>, Vec<Evaluation>, Vec<u32>, Option<Vec<Gradient>>);

/// What is seen of an engine after training.
pub fn seen(contender: Contender, case: &Case, threads: usize) -> Seen {
    let mut engine = contender.engine(&case.problem(), threads);
    assert_eq!(engine.info().threads, threads, "{contender:?}");
    train(&mut *engine, case);
    let evaluations = engine.evaluate(&case.samples()).unwrap();
    let logits = case.logits(&mut *engine).iter().map(|logit| logit.to_bits()).collect();
    let gradients = engine.gradient(&case.samples(), &case.parameters, &mut || false).unwrap();
    (engine.state(), evaluations, logits, gradients)
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let case = case();
    for contender in Contender::TEAMS {
        let one = seen(contender, &case, 1);
        for threads in [2, 3, 5] {
            assert!(seen(contender, &case, threads) == one, "{contender:?}, {threads} threads");
        }
    }
}

#[test]
fn a_gradient_of_many_slices_has_the_same_bits_on_any_number_of_threads() {
    let sizes = Sizes { features: 97, classes: 3, runs: 2, images: 6500, batch: 1 };
    let case = Recipe::new(sizes, 0.05, 3).case();
    for contender in Contender::TEAMS {
        let gradients = |threads: usize, stop: &mut dyn FnMut() -> bool| {
            let mut engine = contender.engine(&case.problem(), threads);
            engine.gradient(&case.samples(), &case.parameters, stop).unwrap()
        };
        let one = gradients(1, &mut || false);
        for threads in [2, 3, 5] {
            assert!(gradients(threads, &mut || false) == one, "{contender:?}, {threads} threads");
        }
        assert_eq!(gradients(2, &mut || true), None, "{contender:?}");
    }
}

#[test]
fn training_in_slices_is_training_in_one_call() {
    let case = case();
    for contender in Contender::ALL {
        let mut whole = contender.create(&case);
        train(&mut *whole, &case);
        let mut sliced = contender.create(&case);
        let (samples, runs) = (case.samples(), SIZES.runs);
        for (order, steps) in case.order.chunks(SIZES.batch).zip(case.steps().chunks(runs)) {
            sliced.train(&samples, Batches { order, size: SIZES.batch, steps }).unwrap();
        }
        assert!(sliced.state() == whole.state(), "{contender:?}");
    }
}

#[test]
fn training_goes_on_from_a_state_as_if_it_had_never_stopped() {
    let case = case();
    for contender in Contender::ALL {
        let mut first = contender.create(&case);
        train(&mut *first, &case);
        let state = first.state();

        let zeros = vec![Parameters::zeros(SIZES.classes, SIZES.features); SIZES.runs];
        let mut second = contender.engine(&Problem { initial: &zeros, ..case.problem() }, 3);
        second.restore(&state).unwrap();
        assert!(second.state() == state, "{contender:?}");
        assert_eq!(second.parameters(), first.parameters(), "{contender:?}");
        train(&mut *first, &case);
        train(&mut *second, &case);
        assert!(second.state() == first.state(), "{contender:?}");
        assert!(first.state() != state, "{contender:?} trained");
    }
}

#[test]
fn the_state_of_a_run_goes_on_alone_to_the_bits_it_has_among_others() {
    let case = case();
    for contender in Contender::ALL {
        let mut together = contender.create(&case);
        train(&mut *together, &case);
        let (mut alone, steps) = alone(contender, &case, 1);
        alone.restore(&together.state()[1..2]).unwrap();
        alone.train(&case.samples(), case.batches(&steps)).unwrap();
        train(&mut *together, &case);
        assert!(alone.state() == together.state()[1..2], "{contender:?}");
        assert_eq!(alone.squared_norms(), together.squared_norms()[1..2], "{contender:?}");
    }
}

#[test]
fn a_state_of_another_length_is_refused_and_changes_nothing() {
    let case = case();
    for contender in Contender::ALL {
        let mut engine = contender.create(&case);
        train(&mut *engine, &case);
        let state = engine.state();
        let bytes = state[0].parameters.weight.len() + state[0].parameters.bias.len();
        let changes: [fn(&mut RunState); 5] = [
            |run| run.parameters.weight.clear(),
            |run| run.parameters.bias.push(0),
            |run| run.parameters.weight.extend([0; 8]),
            |run| run.parameters.bias.truncate(8),
            |run| run.velocity.as_mut().unwrap().bias.clear(),
        ];
        for change in changes {
            let mut wrong = state.clone();
            change(&mut wrong[SIZES.runs - 1]);
            assert_eq!(engine.restore(&wrong), Err(bytes), "{contender:?}");
        }
        assert!(engine.state() == state, "{contender:?}");
    }
}

#[test]
fn a_run_among_others_has_the_bits_of_that_run_alone() {
    let case = case();
    for contender in Contender::ALL {
        let mut together = contender.create(&case);
        train(&mut *together, &case);
        let (together, evaluations) = (together.parameters(), together.evaluate(&case.samples()).unwrap());
        for run in 0..SIZES.runs {
            let (mut alone, steps) = alone(contender, &case, run);
            alone.train(&case.samples(), case.batches(&steps)).unwrap();
            assert!(alone.parameters()[0] == together[run], "{contender:?}, run {run}");
            assert_eq!(
                alone.evaluate(&case.samples()).unwrap()[0],
                evaluations[run],
                "{contender:?}, run {run}"
            );
        }
    }
}

#[test]
fn parameters_come_back_as_they_were_loaded() {
    let (case, other) = (case(), Recipe::new(SIZES, 0.05, 2).case());
    for contender in Contender::ALL {
        let mut engine = contender.create(&case);
        for parameters in [&case.parameters, &other.parameters, &case.parameters] {
            engine.load(parameters);
            for (loaded, back) in parameters.iter().zip(engine.parameters()) {
                let tolerance = reading(loaded, &case.standardization);
                assert_eq!(close(&flat(&back), &flat(loaded), &tolerance), Ok(()), "{contender:?}");
            }
            // Nothing of what was there before is left.
            let fresh = contender.engine(&Problem { initial: parameters, ..case.problem() }, 1);
            assert!(engine.state() == fresh.state(), "{contender:?}");
        }
    }
}
