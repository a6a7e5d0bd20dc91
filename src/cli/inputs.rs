//! What a training pass works with.

use std::collections::BTreeMap;
use std::time::Instant;

use super::args::{DataArgs, EngineArgs, TrainingArgs};
use super::provenance;
use super::signals::Signals;
use crate::data::Dataset;
use crate::engine::Machine;
use crate::error::Result;
use crate::train::Splits;

/// The data, the machine, and who may stop the work.
pub(super) struct Inputs {
    pub(super) started: Instant,
    pub(super) signals: Signals,
    pub(super) machine: Machine,
    pub(super) dataset: Dataset,
    /// What the metadata of models says of the data's files.
    pub(super) provenance: BTreeMap<String, String>,
}

impl Inputs {
    /// Opens the data, and watches for signals.
    pub(super) fn open(args: &TrainingArgs) -> Result<Self> {
        Self::of(&args.data, &args.engine)
    }

    /// The same, of a verb with other options.
    pub(super) fn of(data: &DataArgs, engine: &EngineArgs) -> Result<Self> {
        let (started, signals, mut machine) = (Instant::now(), Signals::watch()?, engine.machine()?);
        let open = || data.open().map(|dataset| (provenance::of(&dataset), dataset));
        let (provenance, dataset) = machine.team.install(open)??;
        Ok(Self { started, signals, machine, dataset, provenance })
    }

    /// The images of a session.
    pub(super) fn splits(&self) -> Splits<'_> {
        Splits::from(&self.dataset)
    }
}
