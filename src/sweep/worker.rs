//! One team at work: it trains a group of runs to a rung, or to their end, and enters what they reached in the books.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::books::{Books, Ended};
use super::images::Images;
use super::outcome::{Ending, Outcome};
use super::progress::{Progress, Watch};
use crate::engine::{EngineKind, Isa, Machine, Team};
use crate::error::Result;
use crate::train::record::weights_sha256;
use crate::train::{Control, End, EpochRecord, Fate, Fingerprint, Run, Session, Which};

/// What all teams share.
pub(super) struct Workshop<'s, 'a> {
    pub(super) images: &'s Images<'a>,
    pub(super) data: &'s Fingerprint,
    pub(super) engine: EngineKind,
    pub(super) isa: Option<Isa>,
    /// Whether the runs of a group are a path: see [`Plan::path`](super::plan::Plan::path).
    pub(super) path: bool,
    /// The epoch to which runs are trained; past their last one, to their end.
    pub(super) until: usize,
    /// Where states are kept on disk, the time from one to the next.
    pub(super) keep_every: Duration,
    pub(super) books: Mutex<&'s mut Books>,
    pub(super) audience: Mutex<Audience<'s>>,
}

/// Who is told of progress.
pub(super) struct Audience<'s> {
    pub(super) watch: &'s mut dyn Watch,
    pub(super) progress: Progress,
    /// Whether a team failed, so that the others stop too.
    pub(super) failed: bool,
    /// Whether somebody stopped the sweep.
    pub(super) stopped: bool,
}

impl Workshop<'_, '_> {
    /// Trains `group`, whose runs are at one moment of their training, or are a path.
    ///
    /// # Errors
    /// What the engine fails with, and a disk that is full or fails. What was reached before is kept.
    pub(super) fn train(&self, group: &[usize], team: &Team) -> Result<()> {
        let machine = Machine { engine: self.engine, isa: self.isa, team: team.handle() };
        let trained = match self.path {
            true => self.train_path(group, &machine),
            false => match self.trained(group, &machine) {
                Ok(Some(mut session)) => self.enter(group, &mut session),
                other => other.map(drop),
            },
        };
        trained.inspect_err(|_| lock(&self.audience).failed = true)
    }

    /// Trains the runs of `path` one after the other, each from where the one before it ended.
    fn train_path(&self, path: &[usize], machine: &Machine) -> Result<()> {
        for (place, &run) in path.iter().enumerate() {
            let Some(mut session) = self.trained(&[run], machine)? else { return Ok(()) };
            let model = session.models(Which::Last).swap_remove(0);
            // In this order: a run that ended has handed on its model.
            if let (Some(model), Some(&next)) = (model, path.get(place + 1)) {
                let runs = vec![lock(&self.books).runs[next].clone()];
                let images = self.images.of(&runs[0].settings);
                let begun = Session::from_model_on(images, runs, &model, machine)?;
                self.pause(&[next], &begun)?;
            }
            self.enter(&[run], &mut session)?;
        }
        Ok(())
    }

    /// A session that has trained `group`, whose runs are at one moment of their training; none if it was stopped.
    fn trained(&self, group: &[usize], machine: &Machine) -> Result<Option<Session<'_>>> {
        let mut listener = Listener { audience: &self.audience, runs: group.len() as u64 };
        if listener.stop() {
            return Ok(None);
        }
        let (state, kept) = {
            let books = lock(&self.books);
            (books.state(group)?, books.is_kept())
        };
        let runs: Vec<Run> = group.iter().map(|&run| lock(&self.books).runs[run].clone()).collect();
        let images = self.images.of(&runs[0].settings);
        let mut session = match state {
            Some(checkpoint) => Session::resume_on(images, checkpoint, machine)?,
            None => Session::on(images, runs, machine)?,
        };
        let until = self.until.min(session.runs()[0].settings.length());
        let mut saved = Instant::now();
        while session.epoch() < until && session.fates().contains(&Fate::Running) {
            if session.run_to(session.epoch() + 1, &mut listener)? == End::Stopped {
                let paused = self.pause(group, &session);
                // Where another team failed, its error is the one to be told.
                return if lock(&self.audience).failed { Ok(None) } else { paused.map(|()| None) };
            }
            if kept && saved.elapsed() > self.keep_every {
                self.pause(group, &session)?;
                saved = Instant::now();
            }
        }
        listener.skip((until - session.epoch()) * images.images());
        Ok(Some(session))
    }

    /// Keeps the states of the runs of `group`, which `session` trains.
    fn pause(&self, group: &[usize], session: &Session) -> Result<()> {
        lock(&self.books).pause(group, session.checkpoint(1, self.data))
    }

    /// Ends the runs that have nothing left to train, and keeps the states of the others.
    fn enter(&self, group: &[usize], session: &mut Session) -> Result<()> {
        let places = || (0..group.len()).map(|place| (place, session.fates()[place], &session.runs()[place]));
        let ending = |fate, run: &Run| match fate {
            Fate::Running if session.epoch() < run.settings.length() => None,
            Fate::Running => Some((Ending::Done, session.epoch())),
            Fate::Converged { epoch } | Fate::Stuck { epoch } => Some((Ending::Done, epoch)),
            Fate::Diverged { epoch } => Some((Ending::Diverged, epoch)),
            Fate::Early { epoch } => Some((Ending::Stopped, epoch)),
        };
        let endings: Vec<_> = places().map(|(_, fate, run)| ending(fate, run)).collect();
        let on: Vec<usize> = (0..group.len()).filter(|&place| endings[place].is_none()).collect();
        if !on.is_empty() {
            let all = session.checkpoint(1, self.data);
            let checkpoint = all.select(&on);
            lock(&self.books).pause(&on.iter().map(|&place| group[place]).collect::<Vec<_>>(), checkpoint)?;
        }
        let models = if on.len() < group.len() { session.models(Which::Wanted) } else { Vec::new() };
        let mut ended = Vec::new();
        for ((place, model), ending) in models.into_iter().enumerate().zip(endings) {
            let Some((status, epoch)) = ending else { continue };
            let model = model.filter(|_| status != Ending::Diverged);
            let Run { name, settings } = session.runs()[place].clone();
            let outcome = Outcome {
                id: name,
                status,
                epoch,
                config: settings,
                weights_sha256: model
                    .as_ref()
                    .map_or(String::new(), |model| weights_sha256(&model.parameters)),
                history: session.histories()[place].clone(),
                ended: session.ended(place),
            };
            ended.push(Ended { run: group[place], outcome, model });
        }
        let count = ended.len();
        lock(&self.books).end(ended)?;
        let mut audience = lock(&self.audience);
        audience.progress.alive -= count;
        audience.progress.ended += count;
        let Audience { watch, progress, .. } = &mut *audience;
        watch.progress(progress);
        Ok(())
    }
}

/// Listens to one session, for the audience.
struct Listener<'s, 'w> {
    audience: &'s Mutex<Audience<'w>>,
    /// The runs of the session.
    runs: u64,
}

impl Listener<'_, '_> {
    /// Counts images that need not be trained.
    fn skip(&self, images: usize) {
        let Audience { watch, progress, .. } = &mut *lock(self.audience);
        progress.images += self.runs * images as u64;
        watch.progress(progress);
    }
}

impl Control for Listener<'_, '_> {
    fn trained(&mut self, images: usize) {
        self.skip(images);
    }

    fn evaluated(&mut self, records: &[EpochRecord]) {
        let Audience { watch, progress, .. } = &mut *lock(self.audience);
        records.iter().for_each(|record| progress.note(record));
        watch.progress(progress);
    }

    fn stop(&mut self) -> bool {
        let audience = &mut *lock(self.audience);
        audience.stopped |= audience.watch.stop();
        audience.stopped || audience.failed
    }
}

/// A panic of another team is an error of its own, and leaves no broken state here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
