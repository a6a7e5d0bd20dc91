//! Every instruction set gives the bits of the portable kernels, on shapes of any size, with any number of
//! threads; and none reads a byte behind its images.

use onelayer::engine::{Batches, Isa, Step};
use onelayer::samples::{Rows, Samples};
use proptest::prelude::*;

use crate::case::{Case, Recipe, Sizes, aims, elements};
use crate::contender::Contender;
use crate::determinism::{case, seen};

/// Checks that every instruction set gives the bits of the portable kernels on one thread.
fn assert_portable_bits(case: &Case, threads: usize) -> Result<(), TestCaseError> {
    let of = |isa| Contender::fused(isa).into_iter().filter(|one| one.reads(case.rows().element()));
    let portable: Vec<_> = of(Isa::Portable).map(|contender| seen(contender, case, 1)).collect();
    for isa in Isa::available() {
        for (contender, portable) in of(isa).zip(&portable) {
            prop_assert!(seen(contender, case, threads) == *portable, "{:?}, {} threads", contender, threads);
        }
    }
    Ok(())
}

#[test]
fn every_instruction_set_gives_the_portable_bits() {
    assert_portable_bits(&case(), 2).unwrap();
}

/// Numbers of features around the bounds of groups, tiles and blocks.
fn features() -> impl Strategy<Value = usize> {
    let near = |bound: usize| bound.saturating_sub(2).max(1)..bound + 3;
    prop_oneof![1..100usize, near(16), near(32), near(64), near(768), near(1536), near(3072)]
}

fn sizes() -> impl Strategy<Value = Sizes> {
    (features(), 2..24usize, 1..4usize, 4..60usize, 1..60usize).prop_map(
        |(features, classes, runs, images, batch)| Sizes {
            features,
            classes,
            runs,
            images,
            batch: batch.min(images),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_instruction_set_gives_the_portable_bits_on_any_shape(
        sizes in sizes(), weight in prop_oneof![Just(0.0f32), Just(0.01), Just(1.0)], threads in 1..6usize,
        momentum in prop_oneof![Just(0.0f32), Just(0.9)], aim in aims(), element in elements(), seed: u64,
    ) {
        let recipe = Recipe { aim, momentum, element, ..Recipe::new(sizes, weight, seed) };
        assert_portable_bits(&recipe.case(), threads)?;
    }
}

/// A page of bytes, behind which lies one that cannot be read: the map is longer than its file.
#[cfg(target_os = "linux")]
fn page_before_an_abyss() -> memmap2::MmapMut {
    const PAGE: usize = 4096;
    let file = tempfile::tempfile().unwrap();
    file.set_len(PAGE as u64).unwrap();
    // SAFETY: nobody else has the file; its second page is mapped to make sure that nobody reads it.
    unsafe { memmap2::MmapOptions::new().len(2 * PAGE).map_mut(&file) }.unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn no_kernel_reads_behind_the_last_image() {
    const END: usize = 4096;
    for features in [1, 15, 16, 17, 31, 33, 47, 63, 64, 65, 100, 127] {
        let sizes = Sizes { features, classes: 3, runs: 1, images: 9, batch: 4 };
        let case = Recipe::new(sizes, 0.1, 7).case();
        let steps = case.steps();
        let mut page = page_before_an_abyss();
        let start = END - sizes.images * features;
        for image in 0..sizes.images {
            page[start + image * features..][..features].copy_from_slice(case.samples().image(image).bytes());
        }
        let rows = Rows::contiguous(&page[start..END], features);
        let samples = Samples::new(rows, Rows::contiguous(&case.labels, 1));

        for contender in Isa::available().flat_map(Contender::fused) {
            let mut at_the_edge = contender.create(&case);
            let mut elsewhere = contender.create(&case);
            for (engine, samples) in [(&mut at_the_edge, &samples), (&mut elsewhere, &case.samples())] {
                engine.train(samples, case.batches(&steps)).unwrap();
                engine.evaluate(samples).unwrap();
            }
            let mut logits = vec![f32::NAN; sizes.images * sizes.classes];
            at_the_edge.forward(&rows, &mut logits).unwrap();
            assert!(logits.iter().all(|logit| logit.is_finite()), "{contender:?}");
            assert_eq!(at_the_edge.state(), elsewhere.state(), "{contender:?}, {features} features");
        }
    }
}

#[test]
fn a_label_that_is_no_class_ends_training_with_an_error() {
    let sizes = Sizes { features: 20, classes: 3, runs: 1, images: 4, batch: 4 };
    let case = Recipe::new(sizes, 0.1, 7).case();
    let bytes = [0; 80];
    let samples = Samples::new(Rows::contiguous(&bytes, 20), Rows::contiguous(&[0, 1, 2, 3], 1));
    for contender in Contender::fused(Isa::fastest()) {
        let mut engine = contender.engine(&case.problem(), 3);
        let step = [Step { eta: 0.1, lambda: 0.0, momentum: 0.0 }];
        let error =
            engine.train(&samples, Batches { order: &[0, 1, 2, 3], size: 4, steps: &step }).unwrap_err();
        assert!(error.to_string().contains("a label that is no class"), "{error}");
    }
}
