//! What a sweep is to do, and what tells one sweep from another.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::halving::{Rung, rungs};
use super::shard::Shard;
use super::space::{Lists, Space};
use crate::error::{Error, Result};
use crate::train::{Fingerprint, Optimizer, Run, Setting, Settings, Splits};

/// What a sweep is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The settings to try.
    pub space: Space,
    /// Successive halving: of how many runs one goes on at each rung.
    pub halving: Option<usize>,
    /// Whether runs of lbfgs that differ in lambda alone are trained one after the other, from the strongest penalty to the
    /// weakest, and each begins where the one before it ended.
    pub path: bool,
    /// The part of the runs to train; none for all.
    pub shard: Option<Shard>,
}

impl Plan {
    /// Checks the plan for the images of `splits`.
    ///
    /// # Errors
    /// A setting that cannot be used, or parts of the plan that do not go together.
    pub fn check(&self, splits: &Splits) -> Result<()> {
        let all = self.space.settings();
        all.iter().try_for_each(|settings| settings.check(&splits.train, splits.classes.len()))?;
        if self.path {
            if let Some(other) = all.iter().find(|settings| settings.optimizer != Optimizer::Lbfgs) {
                let expected = "optimizer lbfgs: a run of another one ends where its epochs do";
                return Err(Error::setting("path", expected, other.optimizer));
            }
            if let Some(shard) = self.shard {
                let expected = "no shard: each run begins where another one ended";
                return Err(Error::setting("path", expected, format_args!("shard {shard}")));
            }
        }
        let Some(factor) = self.halving else { return Ok(()) };
        if factor < 2 {
            return Err(Error::setting("halving", "at least 2: one run in so many goes on", factor));
        }
        if all.iter().any(|settings| settings.optimizer == Optimizer::Lbfgs) {
            let expected = "none with optimizer lbfgs, whose runs end on their own";
            return Err(Error::setting("halving", expected, factor));
        }
        // Runs are compared after the same epoch.
        for name in ["epochs", "evaluate_every"] {
            let values: HashSet<String> = all.iter().map(|settings| settings.get(name)).collect();
            if values.len() > 1 {
                let row = Settings::TABLE.iter().find(|row| row.name == name).expect("a setting");
                let found = format_args!("{} of them", values.len());
                return Err(Error::setting(
                    row.name,
                    "one value, as halving compares runs after the same epoch",
                    found,
                ));
            }
        }
        Ok(())
    }

    /// The runs, each with its id as its name: those of the shard.
    pub fn runs(&self) -> Vec<Run> {
        let run = |settings| Run { name: super::id(&settings), settings };
        let runs = self.space.settings().into_iter().map(run);
        runs.filter(|run| self.shard.is_none_or(|shard| shard.contains(&run.name))).collect()
    }

    /// The places in `runs` of those that differ in lambda alone, the strongest penalty first.
    pub(super) fn paths(runs: &[Run]) -> Vec<Vec<usize>> {
        let mut paths: Vec<Vec<usize>> = Vec::new();
        let without = |place: usize| Settings { lambda: 0.0, ..runs[place].settings.clone() };
        for place in 0..runs.len() {
            match paths.iter_mut().find(|path| without(path[0]) == without(place)) {
                Some(path) => path.push(place),
                None => paths.push(vec![place]),
            }
        }
        let lambda = |place: &usize| runs[*place].settings.lambda;
        paths.iter_mut().for_each(|path| path.sort_by(|one, other| lambda(other).total_cmp(&lambda(one))));
        paths
    }

    /// The rungs of all runs, of whatever shard; none without halving.
    pub fn rungs(&self) -> Vec<Rung> {
        let all = self.space.settings();
        match (self.halving, all.first()) {
            (Some(factor), Some(Settings { epochs, evaluate_every, .. })) => {
                rungs(factor, all.len(), *epochs, *evaluate_every)
            }
            _ => Vec::new(),
        }
    }
}

/// What tells one sweep from another: the first line of its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of onelayer that trains it.
    pub version: String,
    /// The engine's name. Another one would round otherwise.
    pub engine: String,
    /// The data.
    pub data: Fingerprint,
    /// The lists of values of each setting, as they were typed.
    pub space: Lists,
    /// The number of points that are drawn; null where every combination is tried.
    pub random: Option<usize>,
    /// See [`Plan::halving`].
    pub halving: Option<usize>,
    /// See [`Plan::path`].
    pub path: bool,
    /// See [`Plan::shard`].
    pub shard: Option<Shard>,
    /// The number of runs of all shards.
    pub runs: usize,
    /// SHA-256 of their ids, in order.
    pub ids: String,
}

impl Header {
    /// The plan of the whole sweep.
    ///
    /// # Errors
    /// Lists that this version of onelayer reads otherwise.
    pub fn plan(&self, path: &Path) -> Result<Plan> {
        let space = Space::of(&self.space, self.random)?;
        let plan = Plan { space, halving: self.halving, path: self.path, shard: None };
        let found = Self::new(&plan, &self.data, &self.engine);
        self.check_whole(&found, "the sweep that is merged", path)?;
        Ok(plan)
    }

    /// The header of `plan` on this data and engine.
    pub fn new(plan: &Plan, data: &Fingerprint, engine: &str) -> Self {
        let ids: Vec<String> = plan.space.settings().iter().map(super::id).collect();
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            engine: engine.into(),
            data: data.clone(),
            space: plan.space.lists(),
            random: plan.space.random(),
            halving: plan.halving,
            path: plan.path,
            shard: plan.shard,
            runs: ids.len(),
            ids: Sha256::digest(ids.concat()).iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// Checks that `found` is the same sweep, or the same part of it, as this one, which is called `what` and has its
    /// journal at `path`.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn check(&self, found: &Self, what: &str, path: &Path) -> Result<()> {
        self.check_whole(found, what, path)?;
        let text = |shard: &Option<Shard>| shard.map_or("none".into(), |shard| shard.to_string());
        if self.shard == found.shard {
            return Ok(());
        }
        Err(Error::setting("shard", format_args!("{}, as in {what}", text(&self.shard)), text(&found.shard)))
    }

    /// The same, but for the part of it.
    ///
    /// # Errors
    /// The first thing that differs.
    pub fn check_whole(&self, found: &Self, what: &str, path: &Path) -> Result<()> {
        let text = |value: &Option<usize>| value.map_or("none".into(), |value| value.to_string());
        let differs = |name, ours: &str, found: &str| {
            Err(Error::setting(name, format_args!("{ours}, as in {what}"), found))
        };
        if self.ids != found.ids {
            for Setting { name, .. } in Settings::TABLE {
                let list =
                    |header: &Self| header.space.get(*name).map_or(String::new(), |list| list.join(","));
                let [ours, found] = [self, found].map(list);
                if ours != found {
                    return differs(name, &ours, &found);
                }
            }
        }
        for (name, ours, found) in
            [("random", &self.random, &found.random), ("halving", &self.halving, &found.halving)]
        {
            if ours != found {
                return differs(name, &text(ours), &text(found));
            }
        }
        if self.path != found.path {
            return differs("path", &self.path.to_string(), &found.path.to_string());
        }
        if self.engine != found.engine {
            return differs("engine", &self.engine, &found.engine);
        }
        let images = |header: &Self| {
            let Fingerprint { train, validation, classes } = &header.data;
            format!("training images {train}, validation images {validation}, classes {}", classes.join(", "))
        };
        for (name, ours, found) in [
            ("version", self.version.clone(), found.version.clone()),
            ("images", images(self), images(found)),
            ("settings", self.ids.clone(), found.ids.clone()),
        ] {
            if ours != found {
                let expected = format_args!("the {name} {found}");
                return Err(Error::format(path, expected, format_args!("a sweep with {ours}")));
            }
        }
        Ok(())
    }
}
