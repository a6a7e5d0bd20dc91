//! Averages of what several machines trained: how data is learned that no machine holds (Zinkevich, Weimer, Smola and Li
//! 2010, "Parallelized stochastic gradient descent"; here the average is what each goes on from).

use super::checkpoint::Checkpoint;
use crate::engine::{Planes, RunState};

impl Checkpoint {
    /// The checkpoint whose states, parameters and velocities, are the means of those of `parts`, each with its weight. Means
    /// are taken in f64, in this order; of one part it is that part. Everything else is that of the first.
    ///
    /// # Panics
    /// If there is no part, or they are of different moments of training, engines or shapes.
    pub fn average(parts: &[(&Self, f64)]) -> Self {
        let (first, _) = parts.first().expect("at least one part");
        for (part, _) in parts {
            let moment = |checkpoint: &Self| (checkpoint.reached.epoch, checkpoint.reached.images);
            assert_eq!(moment(part), moment(first), "checkpoints of one moment");
            assert_eq!(part.engine, first.engine, "checkpoints of one engine");
        }
        if let [_] = parts {
            return (*first).clone();
        }
        let state = |run: usize| {
            let states: Vec<(&RunState, f64)> =
                parts.iter().map(|(part, weight)| (&part.states[run], *weight)).collect();
            let of = |planes: fn(&RunState) -> Option<&Planes>| mean(&states, planes, &first.engine);
            RunState {
                parameters: of(|state| Some(&state.parameters)).expect("parameters"),
                velocity: of(|state| state.velocity.as_ref()),
            }
        };
        Self { states: (0..first.states.len()).map(state).collect(), ..(*first).clone() }
    }
}

/// The mean of planes; None where some state has none.
fn mean(
    states: &[(&RunState, f64)],
    planes: fn(&RunState) -> Option<&Planes>,
    engine: &str,
) -> Option<Planes> {
    let found: Option<Vec<_>> =
        states.iter().map(|(state, weight)| Some((planes(state)?, *weight))).collect();
    let found = found?;
    let of = |plane: fn(&Planes) -> &[u8]| {
        let parts: Vec<(&[u8], f64)> =
            found.iter().map(|(planes, weight)| (plane(planes), *weight)).collect();
        // `reference` holds f64, every other engine f32.
        if engine == "reference" {
            mean_of(&parts, f64::from_le_bytes, f64::to_le_bytes)
        } else {
            mean_of(&parts, |bytes| f32::from_le_bytes(bytes).into(), |mean| (mean as f32).to_le_bytes())
        }
    };
    Some(Planes { weight: of(|planes| &planes.weight), bias: of(|planes| &planes.bias) })
}

fn mean_of<const N: usize>(
    parts: &[(&[u8], f64)],
    read: fn([u8; N]) -> f64,
    write: fn(f64) -> [u8; N],
) -> Vec<u8> {
    let all: f64 = parts.iter().map(|(_, weight)| weight).sum();
    let mut sums = vec![0.0; parts[0].0.len() / N];
    for (plane, weight) in parts {
        let (values, _) = plane.as_chunks::<N>();
        assert_eq!(values.len(), sums.len(), "values of a plane");
        sums.iter_mut().zip(values).for_each(|(sum, &bytes)| *sum += weight * read(bytes));
    }
    sums.into_iter().flat_map(|sum| write(sum / all)).collect()
}
