//! What a training pass keeps while it runs: checkpoints; and what it leaves, also when it ends early: the history, and
//! the last model that is finite.

use super::pass::Setting;
use super::signals::Signals;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files::RunFolder;
use crate::report::history_csv;
use crate::samples::Samples;
use crate::train::{Checkpoint, EpochRecord, Fingerprint, Finished, Progress, Trainer, checkpoint};

/// Where a pass begins, and how often it is saved.
#[derive(Default)]
pub(super) struct Resumption {
    /// Epochs between checkpoints; none without them.
    pub(super) every: Option<usize>,
    /// What it takes up.
    pub(super) from: Option<Checkpoint>,
}

impl Resumption {
    /// The fingerprint of the data, which is read for it only where checkpoints are asked for.
    pub(super) fn fingerprint(&self, dataset: &Dataset) -> Option<Fingerprint> {
        (self.every.is_some() || self.from.is_some()).then(|| Fingerprint::of(dataset))
    }
}

/// Trains a pass, and keeps what it reaches.
pub(super) struct Keeper<'a> {
    setting: &'a Setting,
    folders: &'a [RunFolder],
    /// None without checkpoints.
    every: Option<usize>,
    data: Option<Fingerprint>,
    signals: Signals,
}

impl<'a> Keeper<'a> {
    /// A keeper of the runs of `setting`, whose files go into `folders`. `data` is what [`Resumption::fingerprint`]
    /// gives.
    pub(super) fn new(
        setting: &'a Setting,
        folders: &'a [RunFolder],
        resumption: &Resumption,
        data: Option<Fingerprint>,
        signals: Signals,
    ) -> Result<Self> {
        let Resumption { every, from } = resumption;
        if let (Some(checkpoint), Some(data)) = (from, &data) {
            checkpoint.check_settings(&setting.config, &setting.engine.name)?;
            checkpoint.check_data(&setting.dataset, data)?;
        }
        let every = every.or(from.as_ref().map(|checkpoint| checkpoint.every));
        Ok(Self { setting, folders, every, data, signals })
    }

    /// Takes up a checkpoint, if there is one.
    pub(super) fn resume(&self, trainer: &mut Trainer, from: Option<Checkpoint>) -> Result<()> {
        let Some(Checkpoint { reached, state, .. }) = from else { return Ok(()) };
        let path = self.folders[0].path().join(checkpoint::FILE);
        if !reached.fits(&self.setting.config, self.setting.dataset.train.len()) {
            let expected = "a checkpoint that its own settings lead to";
            return Err(Error::format(&path, expected, format_args!("one of epoch {}", reached.epoch)));
        }
        let length = state.len();
        trainer.resume(reached, &state).map_err(|expected| {
            let found = format!("{length} bytes");
            Error::format(&path, format_args!("an engine's state of {expected} bytes"), found)
        })
    }

    /// Trains to the last epoch, or until a signal comes; `observe` sees the newest record of every run after each
    /// evaluation. Whatever ends it early, what was reached is written.
    pub(super) fn train(&self, trainer: &mut Trainer, mut observe: impl FnMut(&[EpochRecord])) -> Result<()> {
        let trained = self.advance(trainer, &mut observe);
        self.kept(trainer, trained)
    }

    /// Evaluates what was trained on the test split. Whatever ends it early, what was reached is written.
    pub(super) fn test(&self, trainer: &mut Trainer, test: &Samples) -> Result<Vec<Finished>> {
        let tested = loop {
            match trainer.finish_slice(test) {
                Ok(None) => {}
                Ok(Some(finished)) => break Ok(finished),
                Err(error) => break Err(error),
            }
            if let Some(signal) = self.signals.received() {
                break Err(self.stopped(signal, trainer.reached().epoch));
            }
        };
        self.kept(trainer, tested)
    }

    /// Writes the models and histories of what is trained and tested. A signal that comes later ends the process at
    /// once: there is nothing to lose any more.
    pub(super) fn finish(&self, trainer: &Trainer, finished: &[Finished]) -> Result<()> {
        let epoch = trainer.reached().epoch;
        let histories = self.folders.iter().zip(trainer.histories());
        for (run, ((folder, history), finished)) in histories.zip(finished).enumerate() {
            let Finished { parameters, metrics, .. } = finished;
            let model = self.setting.model(run, parameters.clone(), epoch, Some(metrics));
            folder.write("model.safetensors", model.to_bytes())?;
            folder.write("history.csv", history_csv(history))?;
        }
        self.signals.release().map_or(Ok(()), |signal| Err(self.stopped(signal, epoch)))
    }

    /// `result`; where it is an error, what was reached is written.
    fn kept<T>(&self, trainer: &mut Trainer, result: Result<T>) -> Result<T> {
        let error = match result {
            Err(error) => error,
            done => return done,
        };
        let left = self.leave(trainer, !matches!(error, Error::Panicked { .. }));
        match error {
            // These say that it was written.
            Error::Stopped { .. } | Error::Diverged { .. } => left.and(Err(error)),
            _ => Err(error),
        }
    }

    fn advance(&self, trainer: &mut Trainer, observe: &mut dyn FnMut(&[EpochRecord])) -> Result<()> {
        loop {
            let progress = trainer.advance()?;
            if let Progress::Evaluated(records) = &progress {
                observe(records);
            }
            let signal = self.signals.received();
            let epoch = trainer.reached().epoch;
            let due = |every: usize| {
                matches!(progress, Progress::Epoch | Progress::Evaluated(_))
                    && (epoch.is_multiple_of(every) || epoch == self.setting.config.epochs)
            };
            if self.every.is_some_and(|every| signal.is_some() || due(every)) {
                self.save(trainer)?;
            }
            if let Some(signal) = signal {
                return Err(self.stopped(signal, epoch));
            }
            if progress == Progress::Done {
                return Ok(());
            }
        }
    }

    /// What a run that `signal` stopped ends with.
    fn stopped(&self, signal: u8, epoch: usize) -> Error {
        let out = self.folders[0].path().to_path_buf();
        Error::Stopped { out, signal, epoch, resumable: self.every.is_some() }
    }

    /// Writes the checkpoint.
    fn save(&self, trainer: &Trainer) -> Result<()> {
        let (Some(every), Some(data)) = (self.every, &self.data) else { return Ok(()) };
        let checkpoint = Checkpoint {
            config: self.setting.config.clone(),
            every,
            engine: self.setting.engine.name.clone(),
            data: data.clone(),
            reached: trainer.reached().clone(),
            state: trainer.state(),
        };
        self.folders[0].write_durably(checkpoint::FILE, checkpoint.to_bytes())
    }

    /// Writes the histories, and the last finite model where the engine can still tell it.
    fn leave(&self, trainer: &mut Trainer, model: bool) -> Result<()> {
        for (folder, history) in self.folders.iter().zip(trainer.histories()) {
            folder.write("history.csv", history_csv(history))?;
        }
        let finite = if model { trainer.last_finite() } else { None };
        if let Some((parameters, epochs)) = finite {
            for (run, (folder, parameters)) in self.folders.iter().zip(parameters).enumerate() {
                let model = self.setting.model(run, parameters, epochs, None);
                folder.write("model.safetensors", model.to_bytes())?;
            }
        }
        Ok(())
    }
}
