//! What a sweep comes to, once all of its runs have ended: the test of the winner, the record, and what people read.

use std::time::SystemTime;

use super::super::args;
use super::super::console::{self, Console};
use super::super::inputs::Inputs;
use super::super::settings;
use super::common::CommonArgs;
use super::text;
use super::winner::Winner;
use crate::error::{Error, Result};
use crate::files::RunFolder;
use crate::machine::MachineRecord;
use crate::report::{SweepContents, write_sweep, write_sweep_csv};
use crate::sweep::record::{self, Row, SweepSeconds};
use crate::sweep::{Ending, Header, Outcome, Sweep, SweepRecord};
use crate::train::record::DatasetRecord;
use crate::train::{Run, RunRecord, Settings};

/// What is known but for the sweep itself.
pub(super) struct Conclusion<'a> {
    pub(super) args: &'a CommonArgs,
    pub(super) inputs: &'a Inputs,
    pub(super) folder: &'a RunFolder,
    /// Where the time went: see [`SweepSeconds`].
    pub(super) load: f64,
    pub(super) train: f64,
}

impl Conclusion<'_> {
    /// Tests the winner, unless `sweep` is a shard, writes everything into the folder, and says it.
    pub(super) fn draw(&self, sweep: &Sweep, console: Console) -> Result<()> {
        let Self { args, inputs, folder, .. } = self;
        let command = |words: Vec<String>| args::command(words, &args.data, &inputs.dataset, sweep.engine());
        let train = |runs: &[Run]| {
            let told = settings::options(&runs[0].settings, settings::told(&runs[0].settings));
            command(["onelayer".into(), "train".into()].into_iter().chain(told).collect())
        };
        let winner = Winner::of(sweep, inputs, args.refit)?;
        let write = |winner: Winner| winner.write(folder, inputs, sweep, (!args.no_report).then_some(train));
        let best = winner.map(write).transpose()?;
        let mut outcomes: Vec<&Outcome> = sweep.outcomes().collect();
        outcomes.sort_by(|one, other| one.compare(other));
        let record = self.record(sweep, &outcomes, best);
        write_sweep_csv(folder, &outcomes)?;
        if !args.no_report {
            let command = command(words(sweep.header()));
            write_sweep(folder, &SweepContents { record: &record, outcomes: &outcomes, command: &command })?;
        }
        folder.write(record::FILE, console::to_json(&record))?;
        console.say(&text::summary(&record))?;
        console.json(&record)?;
        match outcomes.first() {
            // The best of all.
            Some(Outcome { id, status: Ending::Diverged, epoch, config, .. }) => {
                let Settings { eta, lambda, .. } = *config;
                Err(Error::Diverged { run: id.clone(), epoch: *epoch, eta, lambda })
            }
            _ => Ok(()),
        }
    }

    fn record(&self, sweep: &Sweep, outcomes: &[&Outcome], best: Option<RunRecord>) -> SweepRecord {
        let Self { args, inputs, folder, load, train } = *self;
        let header = sweep.header();
        SweepRecord {
            runs: outcomes.iter().map(|outcome| Row::from(*outcome)).collect(),
            best,
            refit: args.refit,
            version: header.version.clone(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            machine: MachineRecord::here().name,
            dataset: DatasetRecord::new(&inputs.dataset),
            fingerprint: header.data.clone(),
            engine: sweep.engine().clone(),
            space: header.space.clone(),
            random: header.random,
            halving: header.halving,
            path: header.path,
            rungs: sweep.rungs().to_vec(),
            seconds: SweepSeconds { load, train, total: inputs.started.elapsed().as_secs_f64() },
            shard: header.shard,
            out: folder.path().to_path_buf(),
        }
    }
}

/// The words of the command that makes a sweep again, but for the data and the engine.
fn words(header: &Header) -> Vec<String> {
    let mut words = vec!["onelayer".to_string(), "sweep".to_string()];
    let default = Settings::default();
    for row in Settings::TABLE {
        let lists = header.space.get(row.name).map_or(&[][..], Vec::as_slice);
        let told = *lists != [default.get(row.name)];
        for list in lists.iter().filter(|_| told) {
            let option = format!("--{}", settings::option(row.name));
            match row.placeholder {
                "" => words.push(format!("{option}={list}")),
                _ => words.extend([option, args::quoted(list)]),
            }
        }
    }
    let others = [("random", header.random), ("halving", header.halving)];
    let others = others.into_iter().filter_map(|(name, value)| Some((name, value?)));
    words.extend(others.flat_map(|(name, value)| [format!("--{name}"), value.to_string()]));
    words.extend(header.path.then(|| "--path".to_string()));
    words.extend(header.shard.into_iter().flat_map(|shard| ["--shard".to_string(), shard.to_string()]));
    words
}
