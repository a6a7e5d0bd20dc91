//! The trained weights are a function of data, configuration and seed alone: not of threads, of how training is
//! cut into calls, of a pause, or of the runs that train beside.

use crate::common::{Build, ENGINES, Problem, REFERENCE, Sizes, start};
use onelayer::engine::{Batches, Engine, Fused, Isa, RunState};
use onelayer::model::Parameters;

/// Large enough that every engine splits it in several pieces whichever way it splits, with odd ends.
const SIZES: Sizes = Sizes { features: 1061, classes: 10, runs: 3, images: 701, batch: 300 };

fn problem() -> Problem {
    Problem::new(SIZES, 0.05, 1)
}

fn all_engines() -> impl Iterator<Item = (&'static str, Build)> {
    ENGINES.into_iter().chain([REFERENCE])
}

fn train(engine: &mut dyn Engine, problem: &Problem) {
    engine.train(&problem.samples(), problem.batches()).unwrap();
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let problem = problem();
    for (name, build) in ENGINES {
        let results = [1, 2, 3, 5].map(|threads| {
            let mut engine = problem.engine(build, threads);
            assert_eq!(engine.info().threads, threads, "{name}");
            train(&mut *engine, &problem);
            let evaluations = engine.evaluate(&problem.samples()).unwrap();
            (engine.state(), evaluations, bits(&problem.logits(&mut *engine)))
        });
        for result in &results[1..] {
            assert!(*result == results[0], "{name}");
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let problem = problem();
    for create in [Fused::simd, Fused::fixed] {
        let results: Vec<_> = Isa::available()
            .map(|isa| {
                let mut engine = create(
                    isa,
                    &start(&problem.parameters, &problem.standardization),
                    crate::common::team(2),
                )
                .unwrap();
                assert_eq!(engine.info().isa, isa.name());
                train(&mut engine, &problem);
                let evaluations = engine.evaluate(&problem.samples()).unwrap();
                (isa, engine.state(), evaluations, bits(&problem.logits(&mut engine)))
            })
            .collect();
        let (oracle, others) = results.split_last().unwrap();
        assert_eq!(oracle.0, Isa::Portable);
        println!("held to portable: {:?}", others.iter().map(|other| other.0).collect::<Vec<_>>());
        for (isa, state, evaluations, logits) in others {
            assert!((state, evaluations, logits) == (&oracle.1, &oracle.2, &oracle.3), "{isa:?}");
        }
    }
}

#[test]
fn training_in_slices_is_training_in_one_call() {
    let problem = problem();
    for (name, build) in all_engines() {
        let mut whole = problem.engine(build, 2);
        train(&mut *whole, &problem);
        let mut sliced = problem.engine(build, 2);
        let (samples, runs) = (problem.samples(), SIZES.runs);
        for (order, steps) in problem.order.chunks(SIZES.batch).zip(problem.steps.chunks(runs)) {
            sliced.train(&samples, Batches { order, steps, ..problem.batches() }).unwrap();
        }
        assert!(sliced.state() == whole.state(), "{name}");
    }
}

#[test]
fn training_goes_on_from_a_state_as_if_it_had_never_stopped() {
    let problem = problem();
    for (name, build) in all_engines() {
        let mut first = problem.engine(build, 2);
        train(&mut *first, &problem);
        let state = first.state();

        let zeros = vec![Parameters::zeros(SIZES.classes, SIZES.features); SIZES.runs];
        let mut second = build(&zeros, &problem.standardization, crate::common::team(3));
        second.restore(&state).unwrap();
        assert!(second.state() == state, "{name}");
        assert_eq!(second.parameters(), first.parameters(), "{name}");
        train(&mut *first, &problem);
        train(&mut *second, &problem);
        assert!(second.state() == first.state(), "{name}");
        assert!(first.state() != state, "{name} trained");
    }
}

#[test]
fn the_state_of_a_run_goes_on_alone_to_the_bits_it_has_among_others() {
    let problem = problem();
    for (name, build) in all_engines() {
        let mut together = problem.engine(build, 2);
        train(&mut *together, &problem);
        let zeros = [Parameters::zeros(SIZES.classes, SIZES.features)];
        let mut alone = build(&zeros, &problem.standardization, crate::common::team(1));
        alone.restore(&together.state()[1..2]).unwrap();
        let steps: Vec<_> = problem.steps[1..].iter().copied().step_by(SIZES.runs).collect();
        alone.train(&problem.samples(), Batches { steps: &steps, ..problem.batches() }).unwrap();
        train(&mut *together, &problem);
        assert!(alone.state() == together.state()[1..2], "{name}");
        assert_eq!(alone.squared_norms(), together.squared_norms()[1..2], "{name}");
    }
}

#[test]
fn a_state_of_another_length_is_refused_and_changes_nothing() {
    let problem = problem();
    for (name, build) in all_engines() {
        let mut engine = problem.engine(build, 1);
        let state = engine.state();
        let bytes = state[0].weight.len() + state[0].bias.len();
        let changes: [fn(&mut RunState); 4] = [
            |run| run.weight.clear(),
            |run| run.bias.push(0),
            |run| run.weight.extend([0; 8]),
            |run| run.bias.truncate(8),
        ];
        for change in changes {
            let mut wrong = state.clone();
            change(&mut wrong[SIZES.runs - 1]);
            assert_eq!(engine.restore(&wrong), Err(bytes), "{name}");
        }
        assert!(engine.state() == state, "{name}");
    }
}

#[test]
fn a_run_among_others_has_the_bits_of_that_run_alone() {
    let problem = problem();
    for (name, build) in all_engines() {
        let mut together = problem.engine(build, 2);
        train(&mut *together, &problem);
        let (together, evaluations) = (together.parameters(), together.evaluate(&problem.samples()).unwrap());
        for run in 0..SIZES.runs {
            let mut alone =
                build(&problem.parameters[run..=run], &problem.standardization, crate::common::team(1));
            let steps: Vec<_> = problem.steps[run..].iter().copied().step_by(SIZES.runs).collect();
            alone.train(&problem.samples(), Batches { steps: &steps, ..problem.batches() }).unwrap();
            assert!(alone.parameters()[0] == together[run], "{name}, run {run}");
            assert_eq!(alone.evaluate(&problem.samples()).unwrap()[0], evaluations[run], "{name}, run {run}");
        }
    }
}

/// An engine may fold the standardization into its weights: then a weight comes back through one more quotient and
/// one more product, and a bias through a sum of D terms `weight mean/std`, each rounded.
#[test]
fn parameters_come_back_as_they_were_loaded() {
    let (problem, other) = (problem(), Problem::new(SIZES, 0.05, 2));
    let close = |a: &[f32], b: &[f32], atol: f32| {
        a.len() == b.len()
            && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= atol + 4.0 * f32::EPSILON * b.abs())
    };
    let standardization = &problem.standardization;
    let bias_atol = f32::EPSILON * SIZES.features as f32 * 0.05;
    for (name, build) in all_engines() {
        let mut engine = problem.engine(build, 1);
        for parameters in [&problem.parameters, &other.parameters, &problem.parameters] {
            engine.load(parameters);
            for (loaded, back) in parameters.iter().zip(engine.parameters()) {
                assert!(close(&back.weight, &loaded.weight, 0.0), "{name}: weight");
                assert!(close(&back.bias, &loaded.bias, bias_atol), "{name}: bias");
            }
            // Nothing of what was there before is left.
            let fresh = build(parameters, standardization, crate::common::team(1));
            assert!(engine.state() == fresh.state(), "{name}");
        }
    }
}
