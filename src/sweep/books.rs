//! Where each run of a sweep is: at the beginning, at a state from which it goes on, or at its end.

use std::collections::HashMap;
use std::sync::Arc;

use super::halving::Rung;
use super::outcome::{Ending, Outcome, better, kept};
use super::store::{Journal, Store};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::train::record::weights_sha256;
use crate::train::{Checkpoint, EpochRecord, Run};

/// The books of a sweep, and what of them is kept on disk.
pub(super) struct Books {
    pub(super) runs: Vec<Run>,
    /// For each run.
    places: Vec<Place>,
    /// The best run that ended so far, and its model.
    best: Option<(usize, Model)>,
    /// The epochs of the rungs after which it was decided which runs go on.
    decided: Vec<usize>,
    store: Option<Store>,
}

/// How far a run is.
enum Place {
    Start,
    Paused(Paused),
    Ended(Box<Outcome>),
}

/// A run that goes on from a state.
struct Paused {
    moment: Moment,
    history: Vec<EpochRecord>,
    state: State,
}

/// The epochs that are finished, and the images of the next one that were trained.
pub(super) type Moment = (usize, usize);

/// Where the state of a run is.
#[derive(Clone)]
enum State {
    Memory(Arc<Checkpoint>),
    File(String),
}

impl Books {
    /// The books of `runs`, which all begin.
    pub(super) fn new(runs: Vec<Run>) -> Self {
        let places = runs.iter().map(|_| Place::Start).collect();
        Self { runs, places, best: None, decided: Vec::new(), store: None }
    }

    /// From now on everything is kept in `store`, which is new.
    pub(super) fn keep(&mut self, store: Store) {
        self.store = Some(store);
    }

    /// Takes up what `store` holds: its journal, and states of runs that go on.
    ///
    /// # Errors
    /// A file that is not of this sweep.
    pub(super) fn take_up(&mut self, mut store: Store, journal: Journal) -> Result<()> {
        let Journal { header, outcomes, decided, .. } = journal;
        self.decided = decided;
        let index: HashMap<String, usize> =
            self.runs.iter().enumerate().map(|(index, run)| (run.name.clone(), index)).collect();
        for outcome in outcomes {
            if let Some(&run) = index.get(&outcome.id) {
                self.places[run] = Place::Ended(outcome.into());
            }
        }
        for name in store.states()? {
            let checkpoint = store.load(&name)?;
            if (&checkpoint.engine, &checkpoint.data) != (&header.engine, &header.data) {
                let expected = "the states of runs of this sweep";
                return Err(Error::format(
                    &checkpoint.path,
                    expected,
                    "those of another engine or other images",
                ));
            }
            let moment = moment(&checkpoint);
            for (run, history) in checkpoint.runs.iter().zip(checkpoint.reached.histories) {
                let Some(&run) = index.get(&run.name) else { continue };
                let newer = match &self.places[run] {
                    Place::Start => true,
                    Place::Paused(paused) => paused.moment < moment,
                    Place::Ended(_) => false,
                };
                if newer {
                    self.places[run] =
                        Place::Paused(Paused { moment, history, state: State::File(name.clone()) });
                }
            }
        }
        for place in &self.places {
            if let Place::Paused(Paused { state: State::File(name), .. }) = place {
                store.hold(name);
            }
        }
        store.remove_unused()?;
        let model = store.best()?;
        self.store = Some(store);
        self.best = self.leader().zip(model).filter(|(run, model)| {
            self.outcome(*run)
                .is_some_and(|outcome| outcome.weights_sha256 == weights_sha256(&model.parameters))
        });
        Ok(())
    }

    /// Whether what is reached is kept on disk.
    pub(super) fn is_kept(&self) -> bool {
        self.store.is_some()
    }

    /// The runs that have not ended.
    pub(super) fn alive(&self) -> impl Iterator<Item = usize> {
        (0..self.places.len()).filter(|&run| !matches!(self.places[run], Place::Ended(_)))
    }

    /// How far a run is that has not ended.
    pub(super) fn moment(&self, run: usize) -> Moment {
        match &self.places[run] {
            Place::Paused(paused) => paused.moment,
            Place::Start | Place::Ended(_) => (0, 0),
        }
    }

    /// The last record of a run that goes on.
    pub(super) fn reached(&self, run: usize) -> Option<&EpochRecord> {
        match &self.places[run] {
            Place::Paused(paused) => kept(&self.runs[run].settings, &paused.history),
            Place::Ended(outcome) => outcome.kept(),
            Place::Start => None,
        }
    }

    /// Whether a run came to `rung` and was to be compared there, and what it had reached by then. None where it is yet to
    /// come.
    pub(super) fn at(&self, run: usize, rung: Rung) -> (Option<bool>, Vec<EpochRecord>) {
        let (came, history) = match &self.places[run] {
            Place::Start => (None, &[][..]),
            Place::Paused(paused) => ((paused.moment.0 >= rung.epoch).then_some(true), &paused.history[..]),
            Place::Ended(outcome) => {
                // One that was not dropped did not stop there.
                let dropped_there = outcome.status == Ending::Dropped && outcome.epoch == rung.epoch;
                (Some(outcome.epoch > rung.epoch || dropped_there), &outcome.history[..])
            }
        };
        (came, history.iter().filter(|record| record.epoch <= rung.epoch).copied().collect())
    }

    /// What became of a run that ended.
    pub(super) fn outcome(&self, run: usize) -> Option<&Outcome> {
        if let Place::Ended(outcome) = &self.places[run] { Some(outcome) } else { None }
    }

    /// What the runs of `group`, which are at one moment, go on from; none where they begin.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn state(&self, group: &[usize]) -> Result<Option<Checkpoint>> {
        let mut loaded: HashMap<&str, Arc<Checkpoint>> = HashMap::new();
        let mut picks = Vec::new();
        for &run in group {
            let Place::Paused(Paused { state, .. }) = &self.places[run] else { return Ok(None) };
            let checkpoint = match (state, &self.store) {
                (State::Memory(checkpoint), _) => Arc::clone(checkpoint),
                (State::File(name), Some(store)) => match loaded.get(name.as_str()) {
                    Some(checkpoint) => Arc::clone(checkpoint),
                    None => {
                        let checkpoint = Arc::new(store.load(name)?);
                        loaded.insert(name, Arc::clone(&checkpoint));
                        checkpoint
                    }
                },
                (State::File(_), None) => unreachable!("a file without a store"),
            };
            let place = checkpoint.runs.iter().position(|other| other.name == self.runs[run].name);
            let place = place.ok_or_else(|| {
                let expected = format_args!("the state of run {}", self.runs[run].name);
                Error::format(&checkpoint.path, expected, "a file that has changed")
            })?;
            picks.push((checkpoint, place));
        }
        let picks: Vec<(&Checkpoint, usize)> = picks.iter().map(|(from, place)| (&**from, *place)).collect();
        Ok(Some(Checkpoint::gather(&picks)))
    }

    /// Keeps the states of the runs of `group`, in this order.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn pause(&mut self, group: &[usize], checkpoint: Checkpoint) -> Result<()> {
        let moment = moment(&checkpoint);
        let histories = checkpoint.reached.histories.clone();
        let state = match &mut self.store {
            Some(store) => {
                let name = store.save(&checkpoint)?;
                group.iter().for_each(|_| store.hold(&name));
                State::File(name)
            }
            None => State::Memory(Arc::new(checkpoint)),
        };
        for (&run, history) in group.iter().zip(histories) {
            self.move_to(run, Place::Paused(Paused { moment, history, state: state.clone() }))?;
        }
        Ok(())
    }

    /// Ends runs.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn end(&mut self, ended: Vec<Ended>) -> Result<()> {
        self.end_after(None, ended)
    }

    fn end_after(&mut self, decided: Option<usize>, ended: Vec<Ended>) -> Result<()> {
        let with_model = ended.iter().filter(|ended| ended.model.is_some());
        let first = with_model.min_by(|one, other| one.outcome.compare(&other.outcome));
        let former = self.best.as_ref().and_then(|(run, _)| self.outcome(*run));
        let leader = first.filter(|first| former.is_none_or(|former| first.outcome.compare(former).is_lt()));
        let leader = leader.and_then(|leader| Some((leader.run, leader.model.clone()?)));
        if let Some(store) = &mut self.store {
            // In this order: without its line, a run is trained again.
            leader.iter().try_for_each(|(_, model)| store.keep_best(model))?;
            store.end(ended.iter().map(|ended| &ended.outcome), decided)?;
        }
        self.best = leader.or(self.best.take());
        ended
            .into_iter()
            .try_for_each(|Ended { run, outcome, .. }| self.move_to(run, Place::Ended(outcome.into())))
    }

    /// Drops all runs that go on but the best `rung.keep`. They have come to the rung.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn drop_below(&mut self, rung: Rung) -> Result<()> {
        let mut alive: Vec<usize> = self.alive().collect();
        alive.sort_by(|&one, &other| {
            let [one, other] = [one, other].map(|run| (self.reached(run), self.runs[run].name.as_str()));
            better(one, other)
        });
        self.drop_runs(alive.split_off(rung.keep.min(alive.len())), None)
    }

    /// Whether somebody who knows all shards decided which runs go on after `rung`.
    pub(super) fn is_decided(&self, rung: Rung) -> bool {
        self.decided.contains(&rung.epoch)
    }

    /// Drops `runs`, which go on otherwise: as was decided after this rung for all shards.
    ///
    /// # Errors
    /// A disk that is full or fails.
    pub(super) fn decide(&mut self, rung: Rung, runs: Vec<usize>) -> Result<()> {
        self.drop_runs(runs, Some(rung.epoch))?;
        self.decided.push(rung.epoch);
        Ok(())
    }

    fn drop_runs(&mut self, runs: Vec<usize>, decided: Option<usize>) -> Result<()> {
        let dropped = |run: usize| {
            let Place::Paused(Paused { moment: (epoch, _), history, .. }) = &self.places[run] else {
                unreachable!("a run at a rung has a state")
            };
            let Run { name, settings } = self.runs[run].clone();
            let (epoch, history) = (*epoch, history.clone());
            let (status, weights_sha256) = (Ending::Dropped, String::new());
            let ended = None;
            let outcome =
                Outcome { id: name, status, epoch, config: settings, weights_sha256, history, ended };
            Ended { run, outcome, model: None }
        };
        let dropped = runs.into_iter().map(dropped).collect();
        self.end_after(decided, dropped)
    }

    /// The best run that ended with a model.
    pub(super) fn leader(&self) -> Option<usize> {
        let outcomes = (0..self.runs.len()).filter_map(|run| Some((run, self.outcome(run)?)));
        let with_model = outcomes.filter(|(_, outcome)| outcome.has_model());
        with_model.min_by(|(_, one), (_, other)| one.compare(other)).map(|(run, _)| run)
    }

    /// The model of `run`, where that is the best one and the model was kept.
    pub(super) fn model(&self, run: usize) -> Option<&Model> {
        self.best.as_ref().filter(|(best, _)| *best == run).map(|(_, model)| model)
    }

    /// Once every run has ended: removes what is needed no more.
    pub(super) fn finish(&self) {
        self.store.iter().for_each(Store::finish);
    }

    /// Notes where a run is. Nobody needs its former state any more.
    fn move_to(&mut self, run: usize, place: Place) -> Result<()> {
        let former = std::mem::replace(&mut self.places[run], place);
        match (former, &mut self.store) {
            (Place::Paused(Paused { state: State::File(name), .. }), Some(store)) => store.release(&name),
            _ => Ok(()),
        }
    }
}

/// A run that ended.
pub(super) struct Ended {
    pub(super) run: usize,
    pub(super) outcome: Outcome,
    /// None where it has none.
    pub(super) model: Option<Model>,
}

fn moment(checkpoint: &Checkpoint) -> Moment {
    (checkpoint.reached.epoch, checkpoint.reached.images)
}
