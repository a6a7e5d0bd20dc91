//! The one driver of sweeps, for the command, for programs and for tests.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use super::books::{Books, Ended, Moment};
use super::halving::Rung;
use super::images::Images;
use super::outcome::Outcome;
use super::plan::{Header, Plan};
use super::progress::{End, Progress, Watch};
use super::store::Store;
use super::worker::{Audience, Workshop};
use crate::engine::{Crew, EngineInfo, Machine};
use crate::error::{Error, Result};
use crate::files::RunFolder;
use crate::machine::Caches;
use crate::model::Model;
use crate::train::groups::{groups, share_out};
use crate::train::record::weights_sha256;
use crate::train::{
    self, Control, EpochRecord, Fingerprint, Optimizer, Prepared, Run, Session, Settings, Splits, Which,
};

/// Trains the runs of a plan on all threads of a machine.
pub struct Sweep<'a> {
    splits: Splits<'a>,
    images: Images<'a>,
    /// The settings that come first in the space.
    first: Settings,
    machine: &'a Machine,
    engine: EngineInfo,
    header: Header,
    rungs: Vec<Rung>,
    books: Books,
    keep_every: Duration,
}

/// Unless somebody wants it otherwise, a killed process loses no more than this much training of each run.
const KEEP_EVERY: Duration = Duration::from_secs(30);

impl<'a> Sweep<'a> {
    /// A sweep over `plan`, at its beginning.
    ///
    /// # Errors
    /// A setting that cannot be used with these images or on this machine, or parts of a plan that do not go together.
    ///
    /// # Panics
    /// If there is no image.
    pub fn new(splits: Splits<'a>, plan: &Plan, machine: &'a Machine) -> Result<Self> {
        plan.check(&splits)?;
        let data = Fingerprint::of(&splits.train, &splits.validation, splits.classes);
        let (runs, all) = (plan.runs(), plan.space.settings());
        let images = Images::new(&splits, all.iter(), machine)?;
        let engine = Session::on(images.of(&all[0]), Run::single(all[0].clone()), machine)?.engine();
        let header = Header::new(plan, &data, &engine.name);
        let (rungs, books) = (plan.rungs(), Books::new(runs));
        Ok(Self {
            splits,
            images,
            first: all[0].clone(),
            machine,
            engine,
            header,
            rungs,
            books,
            keep_every: KEEP_EVERY,
        })
    }

    /// Keeps the states of runs on disk, where results are, after every epoch that ends so long after the last time; 30
    /// seconds without it. Runs that end and rungs are kept in any case.
    pub fn keep_every(&mut self, time: Duration) {
        self.keep_every = time;
    }

    /// Keeps what the sweep reaches in `folder`, from the beginning.
    ///
    /// # Errors
    /// A file that cannot be written, or another process that is at work there.
    pub fn keep_in(&mut self, folder: RunFolder) -> Result<()> {
        self.books.keep(Store::begin(folder, &self.header)?);
        Ok(())
    }

    /// Goes on where another process, of whatever end, left the same sweep in `folder`.
    ///
    /// # Errors
    /// A file that cannot be read or is not of this sweep, or another process that is at work there.
    pub fn resume_in(&mut self, folder: RunFolder) -> Result<()> {
        let (store, journal) = Store::take_up(folder, &self.header)?;
        self.books.take_up(store, journal)
    }

    /// Takes over what other sweeps of these runs reached, all of which ended, and the model of the best one.
    ///
    /// # Errors
    /// A disk that is full or fails.
    ///
    /// # Panics
    /// If an outcome is of a run that is none of this sweep.
    pub fn adopt(&mut self, outcomes: Vec<Outcome>, best: Option<Model>) -> Result<()> {
        let runs = self.books.runs.iter().enumerate();
        let index: HashMap<&str, usize> = runs.map(|(index, run)| (run.name.as_str(), index)).collect();
        let sum = best.as_ref().map(|model| weights_sha256(&model.parameters));
        let ended = |outcome: Outcome| {
            let model = best.as_ref().filter(|_| sum.as_deref() == Some(&outcome.weights_sha256)).cloned();
            Ended { run: index[outcome.id.as_str()], outcome, model }
        };
        let ended = outcomes.into_iter().map(ended).collect();
        self.books.end(ended)
    }

    /// Trains all runs to their ends, or until `watch` stops it; [`Sweep::run`] then goes on from there. A shard with halving
    /// comes to a rung, and goes on once it is decided for all shards which runs do.
    ///
    /// # Errors
    /// What the engine fails with, and a disk that is full or fails. What was reached before is kept.
    pub fn run(&mut self, watch: &mut dyn Watch) -> Result<End> {
        let mut progress = self.beginning();
        for rung in self.rungs.clone() {
            if self.train(rung.epoch, watch, &mut progress)? == End::Stopped {
                return Ok(End::Stopped);
            }
            match self.header.shard {
                None => self.books.drop_below(rung)?,
                Some(_) if self.books.is_decided(rung) => {}
                Some(_) => return Ok(End::Waiting(rung)),
            }
            let alive = self.books.alive().count();
            (progress.alive, progress.ended) = (alive, self.books.runs.len() - alive);
        }
        let end = self.train(usize::MAX, watch, &mut progress)?;
        if end == End::Finished {
            self.books.finish();
        }
        Ok(end)
    }

    /// Trains the runs that have not ended to the end of epoch `until`.
    fn train(&mut self, until: usize, watch: &mut dyn Watch, progress: &mut Progress) -> Result<End> {
        let threads = self.machine.team.threads();
        let groups = self.groups(until);
        let (Some(threads), Some(teams)) = (NonZeroUsize::new(threads), NonZeroUsize::new(groups.len()))
        else {
            return Ok(End::Finished);
        };
        let audience = Audience { watch, progress: std::mem::take(progress), failed: false, stopped: false };
        let workshop = Workshop {
            images: &self.images,
            data: &self.header.data,
            engine: self.machine.engine,
            isa: self.machine.isa,
            path: self.header.path,
            until,
            keep_every: self.keep_every,
            books: Mutex::new(&mut self.books),
            audience: Mutex::new(audience),
        };
        share_out(&Crew::new(threads, teams)?, groups, |group, team| workshop.train(&group, team))?;
        let audience = workshop.audience.into_inner().expect("no team panicked");
        *progress = audience.progress;
        Ok(if audience.stopped { End::Stopped } else { End::Finished })
    }

    /// The runs that have not come to the end of epoch `until`, in groups: in paths, where runs are trained along them.
    fn groups(&self, until: usize) -> Vec<Vec<usize>> {
        if self.header.path {
            let mut paths = Plan::paths(&self.books.runs);
            paths.iter_mut().for_each(|path| path.retain(|&run| self.books.outcome(run).is_none()));
            paths.retain(|path| !path.is_empty());
            return paths;
        }
        let mut alike: BTreeMap<Moment, Vec<usize>> = BTreeMap::new();
        for run in self.books.alive().filter(|&run| self.books.moment(run).0 < until) {
            alike.entry(self.books.moment(run)).or_default().push(run);
        }
        let (caches, threads) = (Caches::detect(), self.machine.team.threads());
        let mut found = Vec::new();
        for alive in alike.into_values() {
            let runs: Vec<Run> = alive.iter().map(|&run| self.books.runs[run].clone()).collect();
            let named = |group: Vec<usize>| group.into_iter().map(|place| alive[place]).collect();
            let most = |settings: &Settings| self.images.side_by_side(settings, &caches);
            found.extend(groups(&runs, most, threads).into_iter().map(named));
        }
        found
    }

    /// What is left to be trained.
    fn beginning(&self) -> Progress {
        let alive: Vec<usize> = self.books.alive().collect();
        let mut epochs: Vec<usize> = alive.iter().map(|&run| self.books.moment(run).0).collect();
        let (alive, mut all) = (epochs.len(), 0);
        for rung in &self.rungs {
            all += epochs.iter().map(|epoch| rung.epoch.saturating_sub(*epoch)).sum::<usize>();
            epochs.iter_mut().for_each(|epoch| *epoch = rung.epoch.max(*epoch));
            epochs.truncate(rung.keep);
        }
        let last = |place: usize| self.books.runs[place].settings.length();
        all += self.books.alive().zip(&epochs).map(|(run, epoch)| last(run) - epoch).sum::<usize>();
        let mut progress = Progress {
            all: (all * self.images().images()) as u64,
            alive,
            ended: self.books.runs.len() - alive,
            ..Progress::default()
        };
        let reached = (0..self.books.runs.len()).filter_map(|run| self.books.reached(run));
        reached.for_each(|record| progress.note(record));
        progress
    }

    /// What tells this sweep from others.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The rungs of halving; none without.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// What trains. Each of its groups has a thread of its own.
    pub fn engine(&self) -> &EngineInfo {
        &self.engine
    }

    /// The images, as those settings are trained on them that come first in the space.
    pub fn images(&self) -> &Prepared<'a> {
        self.images.of(&self.first)
    }

    /// The runs, in the order of the space.
    pub fn runs(&self) -> &[Run] {
        &self.books.runs
    }

    /// What became of each run that ended, in the order of the runs.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        (0..self.books.runs.len()).filter_map(|run| self.books.outcome(run))
    }

    /// The best of the runs that ended, and its model; none where every run diverged. The model is trained again where it
    /// was lost.
    ///
    /// # Errors
    /// What the engine fails with.
    pub fn winner(&self) -> Result<Option<(&Outcome, Model)>> {
        let Some(run) = self.books.leader() else { return Ok(None) };
        let outcome = self.books.outcome(run).expect("a run that ended");
        if let Some(model) = self.books.model(run) {
            return Ok(Some((outcome, model.clone())));
        }
        Ok(self.trained_again(run)?.map(|model| (outcome, model)))
    }

    /// The model of `run`, trained once more, after those that led to it on its path.
    fn trained_again(&self, run: usize) -> Result<Option<Model>> {
        let paths = if self.header.path { Plan::paths(&self.books.runs) } else { Vec::new() };
        let path = paths.into_iter().find(|path| path.contains(&run)).unwrap_or_else(|| vec![run]);
        let mut model: Option<Model> = None;
        for one in path {
            let runs = vec![self.books.runs[one].clone()];
            let images = self.images.of(&runs[0].settings);
            let mut session = match &model {
                Some(model) => Session::from_model_on(images, runs, model, self.machine)?,
                None => Session::on(images, runs, self.machine)?,
            };
            session.run(&mut ())?;
            if one == run {
                return Ok(session.models(Which::Wanted).swap_remove(0));
            }
            model = session.models(Which::Last).swap_remove(0);
        }
        unreachable!("a path that ends with the run")
    }

    /// Trains the run of `outcome` again, on the training and the validation images together, for as many epochs as its model
    /// was. The validation figures of what it returns are of images that it was trained on. None if `control` stopped it.
    ///
    /// # Errors
    /// What the engine fails with, and a run that diverges on these images.
    pub fn refit(
        &self,
        outcome: &Outcome,
        control: &mut dyn Control,
    ) -> Result<Option<(Vec<EpochRecord>, Model)>> {
        let Splits { train, validation, classes } = self.splits.clone();
        let splits = Splits { train: train.followed_by(&validation), validation, classes };
        // Its end is known, and nothing is left to choose an epoch by.
        let settings = Settings { early_stop: 0, best: false, ..outcome.config.clone() };
        let last = match settings.optimizer {
            Optimizer::Sgd => outcome.kept().map_or(settings.epochs, |record| record.epoch),
            // An optimum is reached when it is.
            Optimizer::Lbfgs => settings.iterations,
        };
        let mut session = Session::new(splits, Run::single(settings), self.machine)?;
        if session.run_to(last, control)? == train::End::Stopped {
            return Ok(None);
        }
        let model = session.models(Which::Last).swap_remove(0);
        let history = session.histories()[0].clone();
        match (session.fates()[0], model) {
            (fate, Some(model)) if !fate.is_diverged() => Ok(Some((history, model))),
            _ => {
                let Settings { eta, lambda, .. } = outcome.config;
                Err(Error::Diverged { run: outcome.id.clone(), epoch: session.epoch(), eta, lambda })
            }
        }
    }
}
