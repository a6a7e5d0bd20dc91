//! Shards that were trained in folders of their own become one sweep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::books::Books;
use super::halving::Rung;
use super::outcome::{Outcome, better, kept};
use super::plan::{Header, Plan};
use super::shard::Shard;
use super::store::{BEST_MODEL, Journal, Store};
use crate::error::{Error, Result};
use crate::files::{Existing, RunFolder};
use crate::model::Model;
use crate::train::{EpochRecord, Run};

/// All shards of a sweep.
#[derive(Debug)]
pub struct Shards {
    plan: Plan,
    /// In order.
    parts: Vec<Part>,
}

/// A shard.
#[derive(Debug)]
struct Part {
    folder: PathBuf,
    shard: Shard,
    journal: Journal,
    runs: Vec<Run>,
}

impl Shards {
    /// Reads the shards in `folders`, in any order.
    ///
    /// # Errors
    /// A folder without a sweep, or with a whole one; shards of different sweeps; a shard that is missing, or there twice.
    pub fn read(folders: &[PathBuf]) -> Result<Self> {
        let mut found: BTreeMap<Shard, (PathBuf, Journal)> = BTreeMap::new();
        for folder in folders {
            let journal = Journal::read(folder)?;
            let Some(shard) = journal.header.shard else {
                return Err(Error::format(folder, "a shard of a sweep", "a whole sweep"));
            };
            if let Some((first, (other, _))) =
                found.first_key_value().filter(|(first, _)| first.count() != shard.count())
            {
                let expected = format_args!("a shard of {}, as in {}", first.count(), other.display());
                return Err(Error::format(folder, expected, format_args!("shard {shard}")));
            }
            if let Some((other, _)) = found.insert(shard, (folder.clone(), journal)) {
                let expected = format_args!("each shard once, and {shard} is in {}", other.display());
                return Err(Error::format(folder, expected, "the same shard"));
            }
        }
        let Some((first, (folder, journal))) = found.first_key_value() else {
            return Err(Error::setting("shard", "the folder of each shard of a sweep", "none"));
        };
        let what = format!("shard {first} in {}", folder.display());
        for (other, found) in found.values().skip(1) {
            journal.header.check_whole(&found.header, &what, other).map_err(|error| foreign(error, other))?;
        }
        let missing: Vec<String> =
            first.all().filter(|shard| !found.contains_key(shard)).map(|shard| shard.to_string()).collect();
        if !missing.is_empty() {
            let expected = format_args!("every shard of this sweep of {} beside it", first.count());
            return Err(Error::format(
                folder,
                expected,
                format_args!("none with shard {}", missing.join(", ")),
            ));
        }
        let plan = journal.header.plan(folder)?;
        let part = |(shard, (folder, journal))| {
            let runs = Plan { shard: Some(shard), ..plan.clone() }.runs();
            Part { folder, shard, journal, runs }
        };
        let parts = found.into_iter().map(part).collect();
        Ok(Self { plan, parts })
    }

    /// The plan of the whole sweep.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the journal of the first shard says of all of them.
    pub fn header(&self) -> &Header {
        &self.parts[0].journal.header
    }

    /// The first rung after which it is yet to be decided which runs go on; none where all runs are trained to their ends.
    pub fn next_rung(&self) -> Option<Rung> {
        let undecided =
            |rung: &Rung| self.parts.iter().any(|part| !part.journal.decided.contains(&rung.epoch));
        self.plan.rungs().into_iter().find(undecided)
    }

    /// What became of every run.
    ///
    /// # Errors
    /// A shard whose runs have not all ended.
    pub fn outcomes(&self) -> Result<Vec<Outcome>> {
        for Part { folder, shard, journal, runs } in &self.parts {
            let ended =
                runs.iter().filter(|run| journal.outcomes.iter().any(|outcome| outcome.id == run.name));
            let (ended, all) = (ended.count(), runs.len());
            if ended < all {
                let expected = format_args!("the {all} runs of shard {shard} at their ends");
                let found =
                    format_args!("{ended} that are: run it again with the same options, to be resumed");
                return Err(Error::format(folder, expected, found));
            }
        }
        Ok(self.parts.iter().flat_map(|part| part.journal.outcomes.iter().cloned()).collect())
    }

    /// The model of the best run, from the folder of its shard; none where every run diverged, or it is not there any more.
    ///
    /// # Errors
    /// A file that cannot be read or is no model.
    pub fn best_model(&self) -> Result<Option<Model>> {
        let best = |part: &Part| {
            let with_model = part.journal.outcomes.iter().filter(|outcome| outcome.has_model());
            with_model.min_by(|one, other| one.compare(other)).cloned()
        };
        let bests = self.parts.iter().filter_map(|part| Some((part, best(part)?)));
        let Some((part, _)) = bests.min_by(|(_, one), (_, other)| one.compare(other)) else {
            return Ok(None);
        };
        let path = part.folder.join(BEST_MODEL);
        if path.is_file() { Model::load(&path).map(Some) } else { Ok(None) }
    }

    /// Decides which runs go on after `rung`, as a sweep without shards does, and notes it in the folder of each shard. How
    /// many there are.
    ///
    /// # Errors
    /// A shard that has not come to the rung, or that another process is at work on; a disk that is full or fails.
    pub fn decide(&self, rung: Rung) -> Result<usize> {
        let mut books: Vec<Books> = self.parts.iter().map(Part::open).collect::<Result<_>>()?;
        // Of every run that came to the rung, what it had reached there. Some shards may know already.
        let mut found: Vec<(Option<EpochRecord>, usize, usize)> = Vec::new();
        for (part, (Part { folder, shard, runs, .. }, books)) in self.parts.iter().zip(&books).enumerate() {
            for (run, Run { settings, .. }) in runs.iter().enumerate() {
                let (came, history) = books.at(run, rung);
                let record = kept(settings, &history).copied();
                match came {
                    Some(true) => found.push((record, part, run)),
                    Some(false) => {}
                    None => {
                        let expected = format_args!("the runs of shard {shard} at epoch {}", rung.epoch);
                        let found = "some that are not: run it again with the same options, to be resumed";
                        return Err(Error::format(folder, expected, found));
                    }
                }
            }
        }
        let id = |(_, part, run): &(_, usize, usize)| self.parts[*part].runs[*run].name.as_str();
        found.sort_by(|one, other| better((one.0.as_ref(), id(one)), (other.0.as_ref(), id(other))));
        let on = rung.keep.min(found.len());
        for (number, books) in books.iter_mut().enumerate().filter(|(_, books)| !books.is_decided(rung)) {
            let dropped = found[on..].iter().filter(|(_, part, _)| *part == number);
            books.decide(rung, dropped.map(|(_, _, run)| *run).collect())?;
        }
        Ok(on)
    }
}

impl Part {
    /// Its books, for nobody else to change meanwhile.
    fn open(&self) -> Result<Books> {
        let folder = RunFolder::create(&self.folder, Existing::Keep)?;
        let (store, journal) = Store::take_up(folder, &self.journal.header)?;
        let mut books = Books::new(self.runs.clone());
        books.take_up(store, journal)?;
        Ok(books)
    }
}

/// The error of a setting that differs, as one of the folder in which it does.
fn foreign(error: Error, folder: &Path) -> Error {
    match error {
        Error::Setting { name, expected, found } => {
            Error::format(folder, format_args!("{} {expected}", name.replace('_', " ")), found)
        }
        error => error,
    }
}
