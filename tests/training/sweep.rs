//! A sweep trains every run as a session of its own would, however its runs are put together, stopped and taken up.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::files::{Existing, RunFolder};
use onelayer::sweep::{End, Ending, Outcome, Plan, Progress, Space, Sweep, Watch};
use onelayer::train::record::weights_sha256;
use onelayer::train::{self, EpochRecord, EpochSeconds, Run, Session, Settings, Which};

use super::Splits;

/// Lists that take several groups: of batches, orders and seeds; and a learning rate that diverges.
const GRID: &str = "eta 0.001,0.01,1e17; lambda 0,0.5,1; batch 30,100; epochs 5; shuffle false,true; seed 3,4; \
     evaluate_every 2";

/// Points that have every setting, as far as these go together.
const OTHERS: [&str; 3] = [
    "eta 0.001..0.1; lambda 1e-4..1; schedule constant,linear,cyclic:0.001:2; momentum 0,0.9; epochs 3,6; batch 40,200; \
     shuffle true,false; seed 1,2; init normal,xavier,zero; early_stop 0,1; best false,true; objective hinge,sigmoid; \
     class_weights equal,balanced",
    "eta 0.001..0.1; momentum 0,0.5; epochs 4; mirror false,true; shift 0,2; seed 1,2; label_smoothing 0,0.1; \
     evaluate_every 1,3",
    "eta 0.001..0.1; momentum 0,0.5; epochs 4; flip false,true; shift 0,1; seed 1,2; best true; early_stop 1",
];

/// Every combination of lists, each a setting and its values.
fn plan(lists: &str, halving: Option<usize>) -> Plan {
    Plan { space: space(lists, None), halving, path: false, shard: None }
}

fn space(lists: &str, random: Option<usize>) -> Space {
    let lists = lists.split("; ").filter_map(|list| list.split_once(' '));
    let lists: Vec<(&str, String)> = lists.map(|(name, list)| (name, list.to_string())).collect();
    Space::new(&Settings::default(), &lists, random).unwrap()
}

fn splits() -> train::Splits<'static> {
    let Splits { train, validation, classes, .. } = Splits::small(200);
    train::Splits { train, validation, classes }
}

fn machine(engine: EngineKind, threads: usize) -> Machine {
    Machine { engine, isa: None, team: Team::new(threads.try_into().unwrap()).unwrap() }
}

/// Without what it took.
fn bare(history: &[EpochRecord]) -> Vec<EpochRecord> {
    let seconds = EpochSeconds { train: 0.0, evaluate: 0.0 };
    history.iter().map(|record| EpochRecord { seconds, ..*record }).collect()
}

/// Every outcome, without what it took, by the run's id. Text, as what is not finite is not equal to itself.
fn results<'o>(outcomes: impl Iterator<Item = &'o Outcome>) -> HashMap<String, String> {
    let bare = |outcome: &Outcome| Outcome { history: bare(&outcome.history), ..outcome.clone() };
    outcomes.map(|outcome| (outcome.id.clone(), format!("{:?}", bare(outcome)))).collect()
}

/// Trains the runs of `plan` together, and each alone; the statuses that were met.
fn assert_same_as_alone(plan: &Plan, engine: EngineKind) -> Vec<Ending> {
    let machine = machine(engine, 3);
    let mut sweep = Sweep::new(splits(), plan, &machine).unwrap();
    assert_eq!(sweep.run(&mut ()).unwrap(), End::Finished);
    let outcomes: Vec<&Outcome> = sweep.outcomes().collect();
    assert_eq!(outcomes.len(), sweep.runs().len());
    for Outcome { status, config, weights_sha256: found, history, .. } in &outcomes {
        let mut session = Session::new(splits(), Run::single(config.clone()), &machine).unwrap();
        session.run(&mut ()).unwrap();
        let [found_history, expected] = [history, &session.histories()[0]].map(|history| bare(history));
        assert_eq!(format!("{found_history:?}"), format!("{expected:?}"), "{config:?}");
        assert_eq!(*status == Ending::Diverged, session.fates()[0].is_diverged(), "{config:?}");
        if *status != Ending::Diverged {
            let model = session.models(Which::Wanted).remove(0).unwrap();
            assert_eq!(*found, weights_sha256(&model.parameters), "{config:?}");
        }
    }
    outcomes.iter().map(|outcome| outcome.status).collect()
}

#[test]
fn every_run_is_the_one_that_a_session_of_its_own_trains() {
    for engine in [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm] {
        let statuses = assert_same_as_alone(&plan(GRID, None), engine);
        assert_eq!((statuses.len(), statuses.iter().filter(|it| **it == Ending::Diverged).count()), (72, 24));
    }
}

#[test]
fn every_penalty_of_lbfgs_ends_where_it_ends_alone() {
    let lists = "optimizer lbfgs; lambda 1e-3..10:5; tol 1e-2,1e-4; iterations 30; mirror false,true; evaluate_every 1,3";
    for engine in [EngineKind::Simd, EngineKind::Fixed] {
        let statuses = assert_same_as_alone(&plan(lists, None), engine);
        assert_eq!(statuses, [Ending::Done; 40]);
    }
}

const PENALTIES: &str =
    "optimizer lbfgs; lambda 0.01..10:4; tol 1e-6; iterations 1000; mirror false,true; evaluate_every 500";

#[test]
fn a_path_ends_at_the_same_optima_after_fewer_evaluations() {
    let machine = machine(EngineKind::Simd, 3);
    let swept = |path| {
        let mut sweep = Sweep::new(splits(), &Plan { path, ..plan(PENALTIES, None) }, &machine).unwrap();
        assert_eq!(sweep.run(&mut ()).unwrap(), End::Finished);
        let (winner, model) = sweep.winner().unwrap().unwrap();
        assert_eq!(weights_sha256(&model.parameters), winner.weights_sha256);
        sweep.outcomes().cloned().collect::<Vec<_>>()
    };
    let evaluations = |outcomes: &[Outcome]| -> usize {
        outcomes.iter().map(|outcome| outcome.ended.unwrap().evaluations.unwrap()).sum()
    };
    let (alone, path) = (swept(false), swept(true));
    for (one, other) in alone.iter().zip(&path) {
        let cost = |outcome: &Outcome| outcome.history.last().unwrap().train.cost;
        assert_eq!(one.id, other.id);
        let (lambda, [cost, along]) = (one.config.lambda, [one, other].map(cost));
        // Where no entry of the gradient is above tol, a cost with this penalty is so near its optimum, but for rounding.
        let near = 10.0 * 3072.0 * one.config.tol.powi(2) / (4.0 * lambda) + 1e-7 * cost;
        assert!((along - cost).abs() < near, "lambda {lambda}: {along} and {cost}");
    }
    let [path, alone] = [path, alone].map(|outcomes| evaluations(&outcomes));
    assert!(path < alone, "{path} and {alone} evaluations");
}

#[test]
fn a_path_that_is_stopped_goes_on_to_the_same_end_and_a_lost_winner_is_trained_again() {
    let plan = Plan { path: true, ..plan(PENALTIES, None) };
    let [one, machine] = [1, 2].map(|threads| machine(EngineKind::Simd, threads));
    let mut whole = Sweep::new(splits(), &plan, &one).unwrap();
    whole.run(&mut ()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kept = || RunFolder::create(folder.path(), Existing::Keep).unwrap();
    let mut sweep = Sweep::new(splits(), &plan, &machine).unwrap();
    sweep.keep_in(kept()).unwrap();
    let mut stops = 0;
    // Each time a process that knows nothing takes it up.
    while sweep.run(&mut StopAfter(60)).unwrap() == End::Stopped {
        stops += 1;
        drop(sweep);
        sweep = Sweep::new(splits(), &plan, &machine).unwrap();
        sweep.resume_in(kept()).unwrap();
    }
    assert!(stops > 5, "{stops} stops");
    assert!(results(sweep.outcomes()) == results(whole.outcomes()));

    drop(sweep);
    std::fs::remove_file(folder.path().join("best/model.safetensors")).unwrap();
    let mut sweep = Sweep::new(splits(), &plan, &machine).unwrap();
    sweep.resume_in(kept()).unwrap();
    let (winner, model) = sweep.winner().unwrap().unwrap();
    assert_eq!(weights_sha256(&model.parameters), winner.weights_sha256);
}

#[test]
fn a_path_is_of_lbfgs_and_has_no_shards() {
    let refused = |plan: Plan| {
        let machine = machine(EngineKind::Simd, 1);
        Sweep::new(splits(), &Plan { path: true, ..plan }, &machine).err().unwrap().to_string()
    };
    let expected = "path: expected optimizer lbfgs: a run of another one ends where its epochs do, found sgd";
    assert_eq!(refused(plan("lambda 0,1", None)), expected);
    let shard = Some("1/2".parse().unwrap());
    let expected = "path: expected no shard: each run begins where another one ended, found shard 1/2";
    assert_eq!(refused(Plan { shard, ..plan(PENALTIES, None) }), expected);
}

#[test]
fn every_setting_can_be_swept() {
    for lists in OTHERS {
        let plan = Plan { space: space(lists, Some(25)), halving: None, path: false, shard: None };
        let statuses = assert_same_as_alone(&plan, EngineKind::Simd);
        assert!(statuses.contains(&Ending::Stopped) || !lists.contains("early_stop"), "{statuses:?}");
    }
}

/// What the runs reached, with halving, in one go and on one thread.
fn whole(lists: &str, halving: Option<usize>) -> HashMap<String, String> {
    let machine = machine(EngineKind::Simd, 1);
    let mut sweep = Sweep::new(splits(), &plan(lists, halving), &machine).unwrap();
    assert_eq!(sweep.run(&mut ()).unwrap(), End::Finished);
    results(sweep.outcomes())
}

/// Eighteen runs, in two groups at least; with the penalty, the last two diverge in their first epoch.
const HALVED: &str = "eta 1e-4..0.1:7,1e17,1e18; lambda 0,1; epochs 12; shuffle true; batch 30";

#[test]
fn halving_drops_the_worse_runs_at_each_rung_and_the_others_go_on() {
    let machine = machine(EngineKind::Simd, 2);
    let mut sweep = Sweep::new(splits(), &plan(HALVED, Some(2)), &machine).unwrap();
    let rungs: Vec<(usize, usize)> = sweep.rungs().iter().map(|rung| (rung.epoch, rung.keep)).collect();
    assert_eq!(rungs, [(2, 9), (3, 5), (6, 3)]);
    sweep.run(&mut ()).unwrap();
    let outcomes: Vec<&Outcome> = sweep.outcomes().collect();
    assert_eq!(outcomes.len(), 18);
    let full = whole(HALVED, None);
    let ended = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    assert_eq!((ended(Ending::Diverged), ended(Ending::Done)), (2, 3));
    for rung in sweep.rungs() {
        let at_rung = |outcome: &&&Outcome| outcome.epoch == rung.epoch && outcome.status == Ending::Dropped;
        let dropped: Vec<&&Outcome> = outcomes.iter().filter(at_rung).collect();
        let on: Vec<&&Outcome> = outcomes.iter().filter(|outcome| outcome.epoch > rung.epoch).collect();
        let at = |outcome: &Outcome| outcome.history[rung.epoch - 1].validation.accuracy;
        let worst = on.iter().map(|run| at(run)).fold(f64::INFINITY, f64::min);
        let best = dropped.iter().map(|run| at(run)).fold(0.0, f64::max);
        assert!(on.len() <= rung.keep && best <= worst, "epoch {}", rung.epoch);
    }
    // Those that went on have the bits that they have without halving.
    let done = outcomes.iter().copied().filter(|outcome| outcome.status == Ending::Done);
    for (id, outcome) in results(done) {
        assert_eq!(outcome, full[&id]);
    }
}

#[test]
fn which_runs_go_on_depends_on_nothing_but_what_they_reached() {
    let expected = whole(HALVED, Some(3));
    for threads in [2, 3, 30] {
        let machine = machine(EngineKind::Simd, threads);
        let mut sweep = Sweep::new(splits(), &plan(HALVED, Some(3)), &machine).unwrap();
        sweep.run(&mut ()).unwrap();
        assert!(results(sweep.outcomes()) == expected, "{threads} threads");
    }
}

/// Stops once some images were trained.
struct StopAfter(u64);

impl Watch for StopAfter {
    fn progress(&mut self, progress: &Progress) {
        self.0 = self.0.saturating_sub(u64::from(progress.images > 0));
    }

    fn stop(&mut self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_sweep_that_is_stopped_at_any_moment_goes_on_to_the_same_end() {
    let expected = whole(HALVED, Some(2));
    let machine = machine(EngineKind::Simd, 2);
    let mut sweep = Sweep::new(splits(), &plan(HALVED, Some(2)), &machine).unwrap();
    let mut stops = 0;
    while sweep.run(&mut StopAfter(5)).unwrap() == End::Stopped {
        stops += 1;
    }
    assert!(stops > 5, "{stops} stops");
    assert!(results(sweep.outcomes()) == expected);
}

/// Looks for states on disk when the first runs have been trained for some epochs.
struct Look<'a> {
    folder: &'a Path,
    seen: bool,
}

impl Watch for Look<'_> {
    fn progress(&mut self, progress: &Progress) {
        self.seen |= progress.epoch >= 3 && self.folder.join("states").is_dir();
    }
}

#[test]
fn states_are_kept_on_disk_as_often_as_is_asked() {
    let machine = machine(EngineKind::Simd, 2);
    for (time, expected) in [(Duration::ZERO, true), (Duration::from_secs(3600), false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut sweep = Sweep::new(splits(), &plan(HALVED, None), &machine).unwrap();
        sweep.keep_every(time);
        sweep.keep_in(RunFolder::create(folder.path(), Existing::Refuse).unwrap()).unwrap();
        let mut look = Look { folder: folder.path(), seen: false };
        sweep.run(&mut look).unwrap();
        assert_eq!(look.seen, expected, "{time:?}");
        assert!(!folder.path().join("states").exists(), "nobody needs them at the end");
    }
}

#[test]
fn the_winner_is_the_best_run_and_has_its_model() {
    let machine = machine(EngineKind::Simd, 2);
    let mut sweep = Sweep::new(splits(), &plan(HALVED, None), &machine).unwrap();
    sweep.run(&mut ()).unwrap();
    let (winner, model) = sweep.winner().unwrap().unwrap();
    let accuracy = |outcome: &Outcome| outcome.validation().accuracy;
    let done = sweep.outcomes().filter(|outcome| outcome.status == Ending::Done);
    assert!(done.map(accuracy).all(|other| other <= accuracy(winner)));
    assert_eq!(weights_sha256(&model.parameters), winner.weights_sha256);

    let diverges = "eta 1e17,1e18; lambda 1; epochs 3";
    let mut sweep = Sweep::new(splits(), &plan(diverges, None), &machine).unwrap();
    sweep.run(&mut ()).unwrap();
    assert!(sweep.winner().unwrap().is_none() && sweep.outcomes().count() == 2);
}

#[test]
fn halving_refuses_what_it_cannot_compare() {
    for (lists, halving, line) in [
        (
            "epochs 5,6",
            2,
            "epochs: expected one value, as halving compares runs after the same epoch, found 2 of them",
        ),
        (
            "evaluate_every 1,2",
            2,
            "evaluate_every: expected one value, as halving compares runs after the same epoch, found 2 of them",
        ),
        ("", 1, "halving: expected at least 2: one run in so many goes on, found 1"),
    ] {
        let error =
            Sweep::new(splits(), &plan(lists, Some(halving)), &machine(EngineKind::Simd, 1)).err().unwrap();
        assert_eq!(error.to_string(), line);
    }
}
