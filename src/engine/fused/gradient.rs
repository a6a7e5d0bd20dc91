//! The loss of many samples and its gradient, at any number of parameters: one pass over the samples.
//!
//! ```text
//! for each slice of 2,048 images, on every thread:
//!     for its part of the images, 128 at a time:          forward, loss and dlogits, of all features
//!     barrier: all dlogits of the slice are there
//!     for its part of the features, 256 images at a time: backward, added to the sums of the slice in f32
//!     add the sums of the slice to those of all images, in f64
//! ```
//!
//! The kernels are those of training. A step of -1 from weights of 0 is the gradient, and the next step adds to it. In
//! registers 256 products are added, in memory the sums of eight times as many, and in f64 those of the slices, which is
//! where rounding would otherwise grow with the number of samples: the mean of a gradient has an error of about 1e-8 of its
//! terms' size. Every sum goes over the images in their order, whatever the threads.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::arithmetic::{Arithmetic, Passes};
use super::engine::{Chosen, Fused, with_passes};
use super::evaluate::{CHUNK, Scoring, chunk_logits, tally};
use super::gathered::Gathered;
use super::isa::vector::{LANES, Lanes};
use super::kernels::backward::{Batch, Features};
use super::kernels::forward::AHEAD;
use super::kernels::objective::Partials;
use super::kernels::update::ColumnStep;
use super::layer::Layer;
use super::layout::{Place, row};
use super::lent::Lent;
use super::train::sum_images;
use crate::engine::counts::Counts;
use crate::engine::gradient::Gradient;
use crate::engine::problem::Shape;
use crate::engine::team::Member;
use crate::error::Result;
use crate::model::Parameters;
use crate::samples::{Sample, Samples};

/// The images whose sums are in f32, and whose dlogits are in memory.
const SLICE: usize = 2048;
/// The images of a call of the backward pass.
const BATCH: usize = 256;
/// Groups of features that one thread sums together: a line of fixed point, a cache line of bytes.
const UNIT: usize = 4;
/// About how long the threads work until they are asked to stop.
const REGION: Duration = Duration::from_millis(25);

/// Sixteen sums.
type Wide = [f64; LANES];

/// A part of the pass, for all members.
struct Region<'a> {
    scoring: Scoring<'a>,
    classes: usize,
    samples: &'a Samples<'a>,
    /// The images, from the beginning of a slice to the end of one.
    images: Range<usize>,
    /// `[groups of 16 images][C]`, of a slice: once for even and once for odd ones, so that a member may begin the next
    /// slice while others still read the dlogits of this one.
    dlogits: [Lent<'a, Lanes>; 2],
    /// `[groups of 16 images][R]`, of the region: the sums of their losses.
    losses: Lent<'a, f64>,
    /// `[groups][row(C)]`: the sums of all slices.
    weight: Lent<'a, Wide>,
}

/// What a member finds in a region.
struct Found {
    /// `[R]`: what was predicted of its images.
    counts: Vec<Counts>,
    /// `[slices][C]`: the sums of the dlogits of each batch, added up by slice; the same for every member.
    dbias: Vec<Vec<f64>>,
}

impl Fused {
    /// See [`Engine::gradient`](crate::engine::Engine::gradient).
    pub(super) fn gradients(
        &mut self,
        samples: &Samples,
        at: &[Parameters],
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Gradient>>> {
        let Shape { features, classes, runs } = Shape::of(at);
        let own = self.layer.shape;
        assert_eq!((features, classes), (own.features, own.classes), "parameters of the engine's shape");
        assert_eq!(samples.features(), features, "features of an image");
        let columns = runs * classes;
        let packed = self.packed(at);
        let bias: Vec<f32> = at.iter().flat_map(|parameters| &parameters.bias).copied().collect();
        let mut sums: Vec<Wide> = vec![[0.0; LANES]; packed.len()];
        let most = SLICE.min(samples.len()).div_ceil(LANES) * columns;
        let mut buffers = [vec![Lanes::ZERO; most], vec![Lanes::ZERO; most]];
        let mut found = vec![Gradient::empty(classes, features); runs];
        let (mut first, mut slices) = (0, 1);
        while first < samples.len() {
            if stop() {
                return Ok(None);
            }
            let start = Instant::now();
            let images = first..samples.len().min(first + slices * SLICE);
            let mut losses = vec![0.0; images.len().div_ceil(LANES) * runs];
            let [even, odd] = &mut buffers;
            let region = Region {
                scoring: Scoring { layer: &self.layer, weight: &packed, bias: &bias },
                classes,
                samples,
                images: images.clone(),
                dlogits: [Lent::new(even), Lent::new(odd)],
                losses: Lent::new(&mut losses),
                weight: Lent::new(&mut sums),
            };
            let members =
                self.team.run(|member| with_passes!(&self.passes, passes => region.pass(passes, &member)))?;
            for losses in losses.chunks(runs) {
                found.iter_mut().zip(losses).for_each(|(run, loss)| run.evaluation.loss_sum += loss);
            }
            for counts in members.iter().map(|member| &member.counts) {
                found.iter_mut().zip(counts).for_each(|(run, counts)| run.evaluation.counts.add(counts));
            }
            for dbias in &members[0].dbias {
                let all = found.iter_mut().flat_map(|run| &mut run.bias);
                all.zip(dbias).for_each(|(sum, dbias)| *sum += dbias);
            }
            let pace = slices as f64 / start.elapsed().as_secs_f64().max(1e-9);
            (first, slices) = (images.end, ((pace * REGION.as_secs_f64()) as usize).max(1));
        }
        let stride = row(columns);
        for (column, weight) in found.iter_mut().flat_map(|run| run.weight.chunks_mut(features)).enumerate() {
            for (feature, weight) in weight.iter_mut().enumerate() {
                let Place { group, lane } = (self.place)(feature);
                *weight = sums[group * stride + column][lane];
            }
        }
        Ok(Some(found))
    }
}

impl Region<'_> {
    /// The part of one member.
    fn pass<A: Arithmetic>(&self, passes: &dyn Passes<A>, member: &Member) -> Found {
        let columns = self.scoring.bias.len();
        let weights = self.scoring.pack(passes);
        let groups = self.scoring.layer.mean.len();
        let units = member.rank().portion(groups.div_ceil(UNIT));
        let features = (units.start * UNIT).min(groups)..(units.end * UNIT).min(groups);
        let mut backward = Backward::<A>::new(passes, &self.scoring, features.clone());
        let counts = vec![Counts::none(self.classes); columns / self.classes];
        let mut found = Found { counts, dbias: Vec::new() };
        let (mut logits, mut gathered) = (self.scoring.logits(), Gathered::new());

        for (number, first) in self.images.clone().step_by(SLICE).enumerate() {
            let slice = first..self.images.end.min(first + SLICE);
            let image_groups = member.rank().portion(slice.len().div_ceil(LANES));
            let end = slice.end.min(slice.start + image_groups.end * LANES);
            for first in (slice.start + image_groups.start * LANES..end).step_by(CHUNK) {
                let images = first..end.min(first + CHUNK);
                let ahead = end.min(images.end + AHEAD);
                let (gathered, labels) = gathered.fill(self.samples.select(images.start..ahead));
                chunk_logits(passes, &self.scoring, &weights, gathered, images.len(), &mut logits);
                let group = (first - slice.start) / LANES;
                let lanes = group * columns..(group + images.len().div_ceil(LANES)) * columns;
                // SAFETY: the portions of different members do not overlap, and nobody reads them before the barrier;
                // the slice before the last one, which had the same memory, was read before the barrier after it.
                let dlogits = unsafe { self.dlogits[number % 2].write(lanes) };
                self.score(&mut logits, &labels[..images.len()], first, dlogits, &mut found.counts);
            }
            member.wait();
            let all = slice.len().div_ceil(LANES) * columns;
            // SAFETY: after the barrier nobody writes them; the next slice has other memory.
            let dlogits = unsafe { self.dlogits[number % 2].read(0..all) };
            found.dbias.push(backward.slice(self.samples, slice, dlogits));
            let lanes = features.start * row(columns)..features.end * row(columns);
            // SAFETY: the features of different members do not overlap, and only their owner reads or writes them.
            let sums = unsafe { self.weight.write(lanes) };
            backward.take(sums);
        }
        found
    }

    /// The losses of some images, which begin with `first`, and their dlogits, `[groups of 16 images][C]`. Overwrites the
    /// logits.
    fn score(
        &self,
        logits: &mut [Lanes],
        labels: &[(u16, f32)],
        first: usize,
        dlogits: &mut [Lanes],
        counts: &mut [Counts],
    ) {
        let Layer { kernels, aim, .. } = self.scoring.layer;
        let (columns, classes, runs) = (self.scoring.bias.len(), self.classes, counts.len());
        assert!(labels.iter().all(|&(label, _)| usize::from(label) < classes), "a label that is no class");
        let place = (first - self.images.start) / LANES * runs;
        // SAFETY: these images are this member's alone, and the losses are read after the region.
        let losses = unsafe { self.losses.write(place..place + labels.len().div_ceil(LANES) * runs) };
        let none = vec![0.0; classes];
        let groups = logits.chunks_exact_mut(columns).zip(dlogits.chunks_exact_mut(columns));
        for (group, ((logits, dlogits), losses)) in groups.zip(losses.chunks_mut(runs)).enumerate() {
            let (count, labels) = (labels.len() - LANES * group, self.scoring.layer.labels(labels, group));
            let of_run = logits.chunks_exact_mut(classes).zip(dlogits.chunks_exact_mut(classes));
            for (run, (logits, dlogits)) in of_run.enumerate() {
                let partials = Partials { bias: &none, logits, stride: classes, in_pairs: false };
                kernels.gradient(*aim, partials, &labels, dlogits);
                if count < LANES {
                    dlogits.iter_mut().for_each(|dlogit| dlogit.0[count..].fill(0.0));
                }
                let score = kernels.score(*aim, logits, &labels.classes);
                losses[run] = tally(&score, &labels, count.min(LANES), &mut counts[run]);
            }
        }
    }
}

/// The backward pass of one member.
struct Backward<'a, A: Arithmetic> {
    passes: &'a dyn Passes<A>,
    layer: &'a Layer,
    /// Its groups of features.
    features: Range<usize>,
    /// `[groups][row(C)]`, of its features: the sums of a slice.
    sums: Vec<Lanes>,
    steps: Vec<ColumnStep>,
    dlogits: Vec<Lanes>,
    quantized: A::Dlogits,
    scratch: A::Scratch,
}

impl<'a, A: Arithmetic> Backward<'a, A> {
    fn new(passes: &'a dyn Passes<A>, scoring: &Scoring<'a>, features: Range<usize>) -> Self {
        let columns = scoring.bias.len();
        Self {
            passes,
            layer: scoring.layer,
            sums: vec![Lanes::ZERO; features.len() * row(columns)],
            features,
            steps: vec![ColumnStep::UPWARD; columns],
            dlogits: Vec::new(),
            quantized: A::Dlogits::default(),
            scratch: A::Scratch::default(),
        }
    }

    /// Adds the gradient of the images of a slice, whose `dlogits` are given. Returns the sum of these, `[C]`.
    fn slice(&mut self, samples: &Samples, slice: Range<usize>, dlogits: &[Lanes]) -> Vec<f64> {
        let columns = self.steps.len();
        let (mut dbias, mut all) = (vec![0.0; columns], vec![0.0; columns]);
        let mut gathered = Gathered::new();
        let batches = slice.clone().step_by(BATCH).zip(dlogits.chunks(BATCH / LANES * columns));
        for (first, dlogits) in batches {
            let unlabelled = |index| Sample { label: 0, weight: 1.0, ..samples.sample(index) };
            let (images, _) = gathered.fill((first..slice.end.min(first + BATCH)).map(unlabelled));
            self.dlogits.clear();
            self.dlogits.extend_from_slice(dlogits);
            self.passes.quantize(columns, &mut self.dlogits, &mut self.quantized);
            sum_images(&self.dlogits, &mut dbias);
            all.iter_mut().zip(&dbias).for_each(|(all, &dbias)| *all += f64::from(dbias));
            let [mean, scale, reciprocal] = [&self.layer.mean, &self.layer.scale, &self.layer.reciprocal]
                .map(|lanes| &lanes[self.features.clone()]);
            let features = Features {
                first: self.features.start,
                mean,
                scale,
                reciprocal,
                weight: &mut self.sums,
                velocity: &mut [],
            };
            let batch = Batch { images, dlogits: &self.dlogits, dbias: &dbias, steps: &self.steps };
            self.passes.backward(&self.quantized, &mut self.scratch, batch, features);
        }
        all
    }

    /// Adds the sums of the slices since the last time to `sums`.
    fn take(&mut self, sums: &mut [Wide]) {
        for (sums, lanes) in sums.iter_mut().zip(&mut self.sums) {
            sums.iter_mut().zip(&lanes.0).for_each(|(sum, &value)| *sum += f64::from(value));
            *lanes = Lanes::ZERO;
        }
    }
}
