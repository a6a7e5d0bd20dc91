//! What a sweep comes to, once all of its runs have ended: the test of the winner, the record, and what people read.

use std::time::SystemTime;

use super::super::console::{self, Console};
use super::super::inputs::Inputs;
use super::text;
use super::winner::Winner;
use crate::error::Result;
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::sweep::record::{self, Row, SweepSeconds};
use crate::sweep::{Sweep, SweepRecord};
use crate::train::RunRecord;
use crate::train::record::DatasetRecord;

/// What is known but for the sweep itself.
pub(super) struct Conclusion<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) folder: &'a RunFolder,
    /// Where the time went: see [`SweepSeconds`].
    pub(super) load: f64,
    pub(super) train: f64,
}

impl Conclusion<'_> {
    /// Tests the winner, unless `sweep` is a shard, writes everything into the folder, and says it.
    pub(super) fn draw(&self, sweep: &Sweep, console: Console) -> Result<()> {
        let Self { inputs, folder, .. } = self;
        let winner = Winner::of(sweep, inputs)?;
        let best = winner.map(|winner| winner.write(folder, inputs, sweep)).transpose()?;
        let record = self.record(sweep, best);
        folder.write(record::FILE, console::to_json(&record))?;
        console.say(&text::summary(&record))?;
        console.json(&record)
    }

    fn record(&self, sweep: &Sweep, best: Option<RunRecord>) -> SweepRecord {
        let Self { inputs, folder, load, train } = *self;
        let header = sweep.header();
        SweepRecord {
            runs: Row::sorted(sweep.outcomes()),
            best,
            refit: false,
            version: header.version.clone(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            machine: MachineRecord::here().name,
            dataset: DatasetRecord::new(&inputs.dataset),
            fingerprint: header.data.clone(),
            engine: sweep.engine().clone(),
            space: header.space.clone(),
            random: header.random,
            halving: header.halving,
            rungs: sweep.rungs().to_vec(),
            seconds: SweepSeconds { load, train, total: inputs.started.elapsed().as_secs_f64() },
            shard: header.shard,
            out: folder.path().to_path_buf(),
        }
    }
}
