//! Schedules, early stopping and the best epoch.

use onelayer::data::Dataset;
use onelayer::engine::{Batches, EngineKind};
use onelayer::train::{Fate, Run, Schedule, Session, Settings, When, Which};

use super::{SYNTHETIC, Splits, settings};

/// The first images of the synthetic set, few enough to overfit.
fn splits() -> Splits<'static> {
    let _: &Dataset = &SYNTHETIC;
    Splits::small(200)
}

fn session(settings: &[Settings]) -> Session<'static> {
    let run = |settings: &Settings| Run::single(settings.clone()).remove(0);
    let mut session = splits().session(EngineKind::Simd, &settings.iter().map(run).collect::<Vec<_>>());
    session.run(&mut ()).unwrap();
    session
}

#[test]
fn a_run_that_stops_early_has_the_model_of_training_so_many_epochs() {
    let overfits = Settings { batch: 20, early_stop: 3, ..settings(0.01, 0.0, 60) };
    let goes_on = Settings { early_stop: 0, ..overfits.clone() };
    let mut together = session(&[overfits.clone(), goes_on.clone()]);
    let Fate::Early { epoch } = together.fates()[0] else { panic!("{:?}", together.fates()) };
    assert_eq!((together.histories()[0].len(), together.histories()[1].len()), (epoch, 60));
    let losses: Vec<f64> = together.histories()[0].iter().map(|record| record.validation.loss).collect();
    let best = (0..epoch).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!(epoch - 1 - best, 3, "three evaluations after the best one");

    let last = together.models(Which::Last).swap_remove(0).unwrap();
    let mut short = session(&[Settings { epochs: epoch, ..goes_on.clone() }]);
    assert_eq!(short.models(Which::Last)[0].as_ref().unwrap().parameters, last.parameters);
    // The run beside it does not see it stop.
    let alone = session(&[goes_on]).models(Which::Last).swap_remove(0);
    assert_eq!(together.models(Which::Last)[1], alone);
    // The best epoch's model is kept where that is asked for.
    let mut best_kept = session(&[Settings { best: true, ..overfits }]);
    let kept = best_kept.models(Which::Wanted).swap_remove(0).unwrap();
    assert_eq!(kept.metadata["epoch"], (best + 1).to_string());
    assert_eq!(
        Some(&kept.parameters),
        together.models(Which::Best)[0].as_ref().map(|model| &model.parameters)
    );
}

#[test]
fn every_step_has_the_rate_of_its_schedule() {
    for schedule in ["linear", "cosine", "step:1:0.5", "inverse:2", "cyclic:0.0001:1"] {
        let schedule: Schedule = schedule.parse().unwrap();
        let settings = Settings { schedule, batch: 30, ..settings(0.002, 0.01, 3) };
        let splits = splits();
        let mut engine = splits.engine(EngineKind::Simd, &settings);
        let order: Vec<u32> = (0..200).collect();
        for (step, order) in (0..3).flat_map(|_| order.chunks(30)).enumerate() {
            let steps = [settings.step(When { step, steps: 21, epoch: 7 })];
            engine.train(&splits.train, Batches { order, size: 30, steps: &steps }).unwrap();
        }
        let found = session(&[settings]).models(Which::Last).swap_remove(0).unwrap();
        assert_eq!(found.parameters, engine.parameters()[0], "{schedule}");
    }
}
