//! A sweep trains every run as a session of its own would, however its runs are put together, stopped and taken up.

use std::collections::HashMap;

use onelayer::engine::{EngineKind, Machine, Team};
use onelayer::sweep::{Ending, Outcome, Plan, Space, Sweep};
use onelayer::train::record::weights_sha256;
use onelayer::train::{self, End, EpochRecord, EpochSeconds, Run, Session, Settings, Which};

use super::Splits;

/// Lists that take several groups: of batches, orders and seeds; and a learning rate that diverges.
const LISTS: [(&str, &str); 7] = [
    ("eta", "0.001,0.01,1e17"),
    ("lambda", "0,0.5,1"),
    ("batch", "30,100"),
    ("epochs", "5"),
    ("shuffle", "false,true"),
    ("seed", "3,4"),
    ("evaluate_every", "2"),
];

fn plan(lists: &[(&str, &str)], halving: Option<usize>) -> Plan {
    let lists: Vec<(&str, String)> = lists.iter().map(|(name, list)| (*name, list.to_string())).collect();
    Plan { space: Space::new(&Settings::default(), &lists, None).unwrap(), halving, shard: None }
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

#[test]
fn every_run_is_the_one_that_a_session_of_its_own_trains() {
    for engine in [EngineKind::Simd, EngineKind::Fixed, EngineKind::Gemm] {
        let machine = machine(engine, 3);
        let mut sweep = Sweep::new(splits(), &plan(&LISTS, None), &machine).unwrap();
        assert_eq!(sweep.run(&mut ()).unwrap(), End::Finished);
        let outcomes: Vec<&Outcome> = sweep.outcomes().collect();
        assert_eq!((outcomes.len(), sweep.runs().len()), (72, 72));
        for Outcome { status, config, weights_sha256: found, history, .. } in outcomes {
            let mut session = Session::new(splits(), Run::single(config.clone()), &machine).unwrap();
            session.run(&mut ()).unwrap();
            assert_eq!(
                format!("{:?}", bare(history)),
                format!("{:?}", bare(&session.histories()[0])),
                "{config:?}"
            );
            assert_eq!(*status == Ending::Diverged, config.eta == 1e17);
            if *status == Ending::Done {
                let model = session.models(Which::Last).remove(0).unwrap();
                assert_eq!(*found, weights_sha256(&model.parameters), "{config:?}");
            }
        }
    }
}
