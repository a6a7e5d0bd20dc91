//! The models that a session has trained.

use super::Session;
use crate::model::{Model, Parameters};
use crate::train::phase::Earlier;
use crate::train::reached::Snapshot;
use crate::train::settings::Settings;

/// Which parameters of a run are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that training has reached; of a run that diverged, those of the last evaluation before.
    Last,
    /// Those of the evaluation with the smallest validation loss.
    Best,
    /// The best of each run whose setting `best` says so, the last of every other one.
    Wanted,
}

/// The settings that make the objective.
const OBJECTIVE: [&str; 3] = ["objective", "label_smoothing", "class_weights"];

impl Session<'_> {
    /// The models of the runs, each with its settings as metadata. None where a run has none that is finite: it diverged
    /// before its first evaluation.
    pub fn models(&mut self, which: Which) -> Vec<Option<Model>> {
        let reached = self.engine.parameters();
        let trained = reached.into_iter().enumerate().map(|(run, parameters)| {
            let fate = self.reached.fates[run];
            let best = match which {
                Which::Last => false,
                Which::Best => true,
                Which::Wanted => self.runs[run].settings.best,
            };
            if !best && !fate.is_diverged() && parameters.is_finite() {
                let epoch = fate.epoch().unwrap_or(self.reached.epoch);
                return Some(self.model(run, parameters, epoch));
            }
            let snapshots = if best { &self.best } else { &self.last };
            let snapshot = snapshots[run].clone()?;
            let parameters = self.parameters_of(run, &snapshot);
            parameters.is_finite().then(|| self.model(run, parameters, snapshot.epoch))
        });
        trained.collect()
    }

    /// The parameters of `run` at an earlier state.
    fn parameters_of(&mut self, run: usize, snapshot: &Snapshot) -> Parameters {
        let now = self.engine.state();
        let mut then = now.clone();
        then[run] = snapshot.state.clone();
        self.engine.restore(&then).expect("states of this engine");
        let parameters = self.engine.parameters().swap_remove(run);
        self.engine.restore(&now).expect("states of this engine");
        parameters
    }

    /// The model of `run` with these parameters, which are those after `epoch` epochs.
    fn model(&self, run: usize, parameters: Parameters, epoch: usize) -> Model {
        let settings = &self.runs[run].settings;
        let setting = |name: &'static str| (name, settings.get(name));
        // The model has its objective as a field.
        let names = Settings::TABLE.iter().map(|row| row.name);
        let metadata = names.filter(|name| !OBJECTIVE.contains(name)).map(setting);
        let facts = [
            ("engine", self.engine.info().name),
            (Model::ELEMENT, self.train.given().element().name().into()),
            ("epoch", epoch.to_string()),
        ];
        let (parameters, standardization) = match self.mirror {
            None => (parameters, self.standardization.clone()),
            Some(mirror) => {
                (mirror.unfold(&parameters), mirror.unfold_standardization(&self.standardization))
            }
        };
        let earlier = Earlier::of(&self.reached.phases, run);
        let earlier = (!earlier.is_empty())
            .then(|| ("earlier", serde_json::to_string(&earlier).expect("settings have string keys")));
        Model {
            parameters,
            standardization,
            objective: self.objective.clone(),
            classes: self.classes.to_vec(),
            metadata: metadata
                .chain(facts)
                .chain(earlier)
                .map(|(name, value)| (name.to_string(), value))
                .collect(),
        }
    }
}
